package packed_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
)

func TestOpenWithoutLibrary(t *testing.T) {
	dir := t.TempDir()
	for name, path := range map[string]string{"no folder": filepath.Join(dir, "missing"), "no manifest": dir} {
		t.Run(name, func(t *testing.T) {
			_, err := packed.Open(path)
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("err = %v, want %v", err, fs.ErrNotExist)
			}
			if err != nil && !strings.Contains(err.Error(), path) {
				t.Errorf("%q does not name %s", err, path)
			}
		})
	}
}

func TestOpenRefusesPackFilesThatDoNotFit(t *testing.T) {
	data := library(1, 4*frame)
	for name, test := range map[string]struct {
		damage func(path string) error
		want   error
	}{
		"missing":   {os.Remove, fs.ErrNotExist},
		"truncated": {func(p string) error { return os.Truncate(p, 100) }, packed.ErrManifest},
		"longer":    {func(p string) error { return os.Truncate(p, 1<<20) }, packed.ErrManifest},
		"a folder": {func(p string) error {
			return errors.Join(os.Remove(p), os.Mkdir(p, 0o755))
		}, packed.ErrManifest},
		"a link out of the folder": {func(p string) error {
			return errors.Join(os.Rename(p, p+".moved"), os.Symlink(filepath.Join(filepath.Dir(p), "..", "elsewhere"), p))
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			dir := pack(t, source(packed.CC, data))
			if err := test.damage(filepath.Join(dir, packed.CC+".zst")); err != nil {
				t.Fatal(err)
			}
			_, err := packed.Open(dir)
			if err == nil || test.want != nil && !errors.Is(err, test.want) {
				t.Fatalf("err = %v, want %v", err, test.want)
			}
			if !strings.Contains(err.Error(), packed.CC+".zst") {
				t.Errorf("%q does not name the pack file", err)
			}
		})
	}
}

func TestOpenRefusesManifestsThatLie(t *testing.T) {
	for name, change := range map[string]func(*packed.Manifest){
		"another format":             func(m *packed.Manifest) { m.Format = 1 },
		"no version":                 func(m *packed.Manifest) { m.TensorFlow = "" },
		"no architecture":            func(m *packed.Manifest) { m.Arch = "" },
		"no libraries":               func(m *packed.Manifest) { m.Libraries = nil },
		"library twice":              func(m *packed.Manifest) { m.Libraries = append(m.Libraries, m.Libraries[0]) },
		"too many libraries":         func(m *packed.Manifest) { m.Libraries = manyLibraries(m.Libraries[0], 9) },
		"name with a folder":         func(m *packed.Manifest) { m.Libraries[0].Name = "../" + packed.CC },
		"name of a folder":           func(m *packed.Manifest) { m.Libraries[0].Name = ".." },
		"empty name":                 func(m *packed.Manifest) { m.Libraries[0].Name = "" },
		"checksum of another length": func(m *packed.Manifest) { m.Libraries[0].SHA256 = "00" },
		"checksum not in hex":        func(m *packed.Manifest) { m.Libraries[0].SHA256 = strings.Repeat("x", 64) },
		"size larger than frames":    func(m *packed.Manifest) { m.Libraries[0].Size++ },
		"negative size":              func(m *packed.Manifest) { m.Libraries[0].Size = -1 },
		"size over the limit":        func(m *packed.Manifest) { m.Libraries[0].Size = 1 << 40 },
		"frame left out":             func(m *packed.Manifest) { m.Libraries[0].Frames = m.Libraries[0].Frames[1:] },
		"empty frame":                func(m *packed.Manifest) { m.Libraries[0].Frames[0].Size = 0 },
		"negative frame":             func(m *packed.Manifest) { m.Libraries[0].Frames[0].Size = -frame },
		"frame over the limit":       func(m *packed.Manifest) { m.Libraries[0].Frames[0].Size = 1 << 30 },
		"frame without packed bytes": func(m *packed.Manifest) { m.Libraries[0].Frames[0].Packed = 0 },
		"packed frame over the limit": func(m *packed.Manifest) {
			m.Libraries[0].Frames[0].Packed = 1 << 40
		},
		"late region of half a page": func(m *packed.Manifest) {
			m.Libraries[0].Late = []packed.Region{{Offset: frame, Size: frame / 2, Address: frame}}
		},
		"late region at half a page": func(m *packed.Manifest) {
			m.Libraries[0].Late = []packed.Region{{Offset: frame, Size: frame, Address: frame / 2}}
		},
		"late region behind the end": func(m *packed.Manifest) {
			m.Libraries[0].Late = []packed.Region{{Offset: frame, Size: 4 * frame, Address: frame}}
		},
		"late region before the start": func(m *packed.Manifest) {
			m.Libraries[0].Late = []packed.Region{{Offset: -frame, Size: frame, Address: frame}}
		},
		"late region at no address": func(m *packed.Manifest) {
			m.Libraries[0].Late = []packed.Region{{Offset: frame, Size: frame, Address: -frame}}
		},
		"late regions that overlap": func(m *packed.Manifest) {
			m.Libraries[0].Late = []packed.Region{{Offset: 0, Size: 2 * frame}, {Offset: frame, Size: frame}}
		},
		"too many late regions": func(m *packed.Manifest) {
			m.Libraries[0].Late = make([]packed.Region, 17)
		},
		"frame over an end of a late region": func(m *packed.Manifest) {
			e := &m.Libraries[0]
			e.Late = []packed.Region{{Offset: frame, Size: frame, Address: frame}}
			e.Frames[0].Size, e.Frames[1].Size = frame+1, frame-1
		},
		"too many frames": func(m *packed.Manifest) {
			m.Libraries[0].Frames = make([]packed.Frame, 20000)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := pack(t, source(packed.CC, library(1, 4*frame)))
			edit(t, dir, change)
			_, err := packed.Open(dir)
			if !errors.Is(err, packed.ErrManifest) {
				t.Fatalf("err = %v, want %v", err, packed.ErrManifest)
			}
			if !strings.Contains(err.Error(), packed.ManifestName) {
				t.Errorf("%q does not name the manifest", err)
			}
		})
	}
}

func manyLibraries(e packed.Entry, n int) []packed.Entry {
	var all []packed.Entry
	for i := range n {
		e.Name = fmt.Sprintf("lib%d.so", i)
		all = append(all, e)
	}
	return all
}

// TestInflateFindsDamage damages one frame, the third of five, in ways that
// keep the sizes of all files.
func TestInflateFindsDamage(t *testing.T) {
	data := library(1, 5*frame)
	for name, damage := range map[string]func(t *testing.T, dir string, third int64, f *packed.Frame){
		"bit flip in its header": func(t *testing.T, dir string, third int64, _ *packed.Frame) { flip(t, dir, third) },
		"bit flip in its middle": func(t *testing.T, dir string, third int64, f *packed.Frame) { flip(t, dir, third+f.Packed/2) },
		"bit flip at its end":    func(t *testing.T, dir string, third int64, f *packed.Frame) { flip(t, dir, third+f.Packed-1) },
		"another checksum":       func(_ *testing.T, _ string, _ int64, f *packed.Frame) { f.CRC32C++ },
		"zeros":                  zeroFrame,
	} {
		t.Run(name, func(t *testing.T) {
			dir := pack(t, source(packed.CC, data))
			var third int64
			edit(t, dir, func(m *packed.Manifest) {
				frames := m.Libraries[0].Frames
				third = frames[0].Packed + frames[1].Packed
				damage(t, dir, third, &frames[2])
			})
			files, err := inflate(t.Context(), open(t, dir), packed.InflateOptions{Workers: 1})
			if !errors.Is(err, packed.ErrDamaged) {
				t.Fatalf("err = %v, want %v", err, packed.ErrDamaged)
			}
			for _, part := range []string{dir, packed.CC + ".zst", "frame 2", fmt.Sprintf("offset %d", third)} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			got := files[packed.CC].data
			if !bytes.Equal(got[:2*frame], data[:2*frame]) || !bytes.Equal(got[2*frame:3*frame], make([]byte, frame)) {
				t.Error("bytes of the damaged frame were written")
			}
		})
	}
}

func flip(t *testing.T, dir string, at int64) {
	t.Helper()
	path := filepath.Join(dir, packed.CC+".zst")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[at] ^= 0x10
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func zeroFrame(t *testing.T, dir string, at int64, f *packed.Frame) {
	t.Helper()
	file, err := os.OpenFile(filepath.Join(dir, packed.CC+".zst"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteAt(make([]byte, f.Packed), at)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
}

// A frame may hold more than the manifest says: nothing beyond that is inflated.
func TestInflateIsBoundedByTheManifest(t *testing.T) {
	bomb := zstdFrame(t, make([]byte, 64<<20))
	dir := fakeLibrary(t, bomb, packed.Frame{Packed: int64(len(bomb)), Size: int64(len(bomb)), CRC32C: 1})
	if _, err := inflate(t.Context(), open(t, dir), packed.InflateOptions{}); !errors.Is(err, packed.ErrDamaged) {
		t.Errorf("err = %v, want %v", err, packed.ErrDamaged)
	}
}

// A frame may hold less than the manifest says: the rest would stay zero.
func TestInflateNoticesAShortFrame(t *testing.T) {
	plain := library(1, frame)
	short := zstdFrame(t, plain)
	sum := crc32.Checksum(plain, crc32.MakeTable(crc32.Castagnoli))
	dir := fakeLibrary(t, short, packed.Frame{Packed: int64(len(short)), Size: frame + 1, CRC32C: sum})
	if _, err := inflate(t.Context(), open(t, dir), packed.InflateOptions{}); !errors.Is(err, packed.ErrDamaged) {
		t.Errorf("err = %v, want %v", err, packed.ErrDamaged)
	}
}

func zstdFrame(t *testing.T, plain []byte) []byte {
	t.Helper()
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return enc.EncodeAll(plain, nil)
}

// fakeLibrary makes a folder whose manifest states f of a pack file.
func fakeLibrary(t *testing.T, pack []byte, f packed.Frame) string {
	t.Helper()
	dir := t.TempDir()
	frame := binary.LittleEndian.AppendUint32(nil, uint32(f.Packed))
	frame = binary.LittleEndian.AppendUint32(frame, uint32(f.Size))
	frame = binary.LittleEndian.AppendUint32(frame, f.CRC32C)
	frame = binary.LittleEndian.AppendUint32(frame, 0)
	manifest := fmt.Sprintf(`{"format": 3, "tensorflow": "2.21.0", "arch": "amd64", "libraries": [
		{"name": "lib.so", "size": %d, "sha256": %q, "frames": %q}]}`,
		f.Size, hex.EncodeToString(make([]byte, 32)), base64.StdEncoding.EncodeToString(frame))
	err := errors.Join(
		os.WriteFile(filepath.Join(dir, "lib.so.zst"), pack, 0o644),
		os.WriteFile(filepath.Join(dir, packed.ManifestName), []byte(manifest), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// The pack file shrinks after Open looked at its size.
func TestInflateNoticesATruncatedPackFile(t *testing.T) {
	dir := pack(t, source(packed.CC, library(1, 5*frame)))
	lib := open(t, dir)
	size := lib.Manifest().PackedSize()
	if err := os.Truncate(filepath.Join(dir, packed.CC+".zst"), size-1); err != nil {
		t.Fatal(err)
	}
	_, err := inflate(t.Context(), lib, packed.InflateOptions{})
	if !errors.Is(err, packed.ErrDamaged) {
		t.Fatalf("err = %v, want %v", err, packed.ErrDamaged)
	}
	if !strings.Contains(err.Error(), "frame 4") {
		t.Errorf("%q does not name the frame", err)
	}
}

// A folder replaced while it is open keeps its manifest and frames together.
func TestOpenLibrarySurvivesReplacement(t *testing.T) {
	data := library(1, 5*frame)
	dir := pack(t, source(packed.CC, data))
	lib := open(t, dir)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	got, err := inflate(t.Context(), lib, packed.InflateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got[packed.CC].data, data) {
		t.Error("the library that came out is not the one that was opened")
	}
}

func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(`{"format":2,"tensorflow":"2.21.0","arch":"amd64","libraries":[{"name":"a.so","size":3,"sha256":"` +
		strings.Repeat("00", 32) + `","frames":[{"packed":9,"size":3,"crc32c":7}]}]}`))
	f.Add([]byte(`{"format":2,"tensorflow":"2.21.0","arch":"amd64","libraries":[{"name":"../a","size":9223372036854775807,"frames":[{"size":-1}]}]}`))
	f.Add([]byte(`{"format":2} {"format":2}`))
	f.Add([]byte(`{"format":2,"surprise":true}`))
	f.Add([]byte(`[]`))
	f.Add([]byte(``))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := packed.ParseManifest(data)
		if err != nil {
			if !errors.Is(err, packed.ErrManifest) {
				t.Errorf("err = %v, want %v", err, packed.ErrManifest)
			}
			return
		}
		for _, e := range m.Libraries {
			checkEntry(t, e)
		}
	})
}

// checkEntry states what the inflater relies on.
func checkEntry(t *testing.T, e packed.Entry) {
	t.Helper()
	if filepath.Base(e.Name) != e.Name || e.Name == ".." {
		t.Errorf("name %q leads out of the folder", e.Name)
	}
	var sum int64
	for _, f := range e.Frames {
		if f.Size <= 0 || f.Size > 32<<20 || f.Packed <= 0 || f.Packed > 33<<20 {
			t.Errorf("frame %+v would be allocated", f)
		}
		sum += f.Size
	}
	if sum != e.Size {
		t.Errorf("frames hold %d bytes of %d", sum, e.Size)
	}
}
