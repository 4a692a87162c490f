package packed_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
)

const frame = 4096 // small, so that small libraries have many frames

var build = packed.Build{TensorFlow: "2.21.0", Arch: "amd64"}

// library makes bytes that compress about as well as machine code does.
func library(seed uint64, size int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, size)
	for i := range b {
		if i >= 64 && r.IntN(4) > 0 {
			b[i] = b[i-64]
		} else {
			b[i] = byte(r.IntN(256))
		}
	}
	return b
}

func source(name string, data []byte) packed.Source {
	return packed.Source{Name: name, Size: int64(len(data)), Reader: bytes.NewReader(data)}
}

// pack packs libraries of the given contents into a new folder.
func pack(t testing.TB, libs ...packed.Source) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := packed.Pack(t.Context(), dir, build, libs, packed.PackOptions{FrameSize: frame}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func open(t testing.TB, dir string) *packed.Library {
	t.Helper()
	lib, err := packed.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lib.Close(); err != nil {
			t.Error(err)
		}
	})
	return lib
}

// memory is a file of fixed size in memory, as a memfd is to the real caller.
type memory struct {
	mu   sync.Mutex
	data []byte
}

func newMemory(size int64) *memory { return &memory{data: make([]byte, size)} }

func (m *memory) WriteAt(b []byte, at int64) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if at < 0 || at+int64(len(b)) > int64(len(m.data)) {
		return 0, errors.New("write outside the file")
	}
	return copy(m.data[at:], b), nil
}

// inflate returns the libraries by name.
func inflate(ctx context.Context, lib *packed.Library, opts packed.InflateOptions) (map[string]*memory, error) {
	files := make(map[string]*memory)
	err := lib.Inflate(ctx, func(e packed.Entry) (io.WriterAt, error) {
		files[e.Name] = &memory{data: make([]byte, e.Size)}
		return files[e.Name], nil
	}, opts)
	return files, err
}

func TestRoundTrip(t *testing.T) {
	sizes := map[string]int{
		"empty":                    0,
		"one byte":                 1,
		"one frame":                frame,
		"one byte over a frame":    frame + 1,
		"many frames":              7 * frame,
		"not a multiple of frames": 5*frame + 123,
	}
	for name, size := range sizes {
		for _, workers := range []int{0, 1, 3} {
			t.Run(name, func(t *testing.T) {
				framework, cc := library(1, 2*frame), library(2, size)
				dir := pack(t, source(packed.Framework, framework), source(packed.CC, cc))
				lib := open(t, dir)
				got, err := inflate(t.Context(), lib, packed.InflateOptions{Workers: workers})
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got[packed.Framework].data, framework) || !bytes.Equal(got[packed.CC].data, cc) {
					t.Error("the libraries that came out are not those that went in")
				}
			})
		}
	}
}

func TestManifestSaysWhatWasPacked(t *testing.T) {
	data := library(1, 2*frame+100)
	dir := pack(t, source(packed.Framework, data), source(packed.CC, nil))
	m := open(t, dir).Manifest()

	if m.Build != build {
		t.Errorf("build = %+v, want %+v", m.Build, build)
	}
	e, ok := m.Library(packed.Framework)
	if !ok {
		t.Fatal("the framework library is not in the manifest")
	}
	sum := sha256.Sum256(data)
	if e.SHA256 != hex.EncodeToString(sum[:]) {
		t.Errorf("SHA256 = %s, want %x", e.SHA256, sum)
	}
	var sizes []int64
	for _, f := range e.Frames {
		sizes = append(sizes, f.Size)
	}
	if want := []int64{frame, frame, 100}; !slices.Equal(sizes, want) {
		t.Errorf("frames hold %v bytes, want %v", sizes, want)
	}
	if m.Size() != int64(len(data)) {
		t.Errorf("size = %d, want %d", m.Size(), len(data))
	}
	var onDisk int64
	for _, e := range m.Libraries {
		info, err := os.Stat(filepath.Join(dir, e.PackName()))
		if err != nil {
			t.Fatal(err)
		}
		onDisk += info.Size()
	}
	if m.PackedSize() != onDisk {
		t.Errorf("packed size = %d, the pack files have %d", m.PackedSize(), onDisk)
	}
}

func TestPackIsDeterministic(t *testing.T) {
	data := library(1, 40*frame+9)
	var first map[string]string
	for _, workers := range []int{1, 2, 5} {
		dir := t.TempDir()
		_, err := packed.Pack(t.Context(), dir, build, []packed.Source{source(packed.CC, data)},
			packed.PackOptions{Workers: workers, FrameSize: frame})
		if err != nil {
			t.Fatal(err)
		}
		got := contents(t, dir)
		if first == nil {
			first = got
		}
		for name := range got {
			if got[name] != first[name] {
				t.Errorf("%s differs between 1 and %d workers", name, workers)
			}
		}
	}
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(data)
	}
	return files
}

// A library is opened while the next is still being inflated.
func TestOneWorkerFinishesLibrariesInOrder(t *testing.T) {
	framework, cc := library(1, 3*frame), library(2, 3*frame)
	lib := open(t, pack(t, source(packed.Framework, framework), source(packed.CC, cc), source("empty.so", nil)))
	want := map[string][]byte{packed.Framework: framework, packed.CC: cc, "empty.so": {}}
	files := make(map[string]*memory)
	var whole []string
	err := lib.Inflate(t.Context(), func(e packed.Entry) (io.WriterAt, error) {
		files[e.Name] = &memory{data: make([]byte, e.Size)}
		return files[e.Name], nil
	}, packed.InflateOptions{
		Workers: 1,
		Place:   func(context.Context, packed.Entry, int, int64, int64) ([]byte, error) { return nil, nil },
		Early: func(_ context.Context, e packed.Entry) error {
			if whole = append(whole, e.Name); !bytes.Equal(files[e.Name].data, want[e.Name]) {
				t.Errorf("%s was reported before it was whole", e.Name)
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if names := []string{packed.Framework, packed.CC, "empty.so"}; !slices.Equal(whole, names) {
		t.Errorf("whole are %v, want %v", whole, names)
	}
}

func TestProgressAddsUp(t *testing.T) {
	data := library(1, 10*frame+1)
	dir := t.TempDir()
	var last int64
	m, err := packed.Pack(t.Context(), dir, build, []packed.Source{source(packed.CC, data)}, packed.PackOptions{
		FrameSize: frame,
		Progress: func(done, total int64) {
			if done <= last || total != int64(len(data)) {
				t.Errorf("progress %d of %d after %d", done, total, last)
			}
			last = done
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if last != m.Size() {
		t.Errorf("packing ended at %d of %d bytes", last, m.Size())
	}
	var mu sync.Mutex
	var inflated int64
	_, err = inflate(t.Context(), open(t, dir), packed.InflateOptions{Progress: func(n int64) {
		mu.Lock()
		defer mu.Unlock()
		inflated += n
	}})
	if err != nil {
		t.Fatal(err)
	}
	if inflated != m.Size() {
		t.Errorf("inflating ended at %d of %d bytes", inflated, m.Size())
	}
}

func TestCallersErrorsEndInflate(t *testing.T) {
	lib := open(t, pack(t, source(packed.Framework, library(1, 3*frame)), source(packed.CC, library(2, 30*frame))))
	full := errors.New("no room")

	t.Run("dst", func(t *testing.T) {
		err := lib.Inflate(t.Context(), func(packed.Entry) (io.WriterAt, error) { return nil, full }, packed.InflateOptions{})
		if !errors.Is(err, full) {
			t.Errorf("err = %v, want %v", err, full)
		}
	})
	t.Run("write", func(t *testing.T) {
		err := lib.Inflate(t.Context(), func(packed.Entry) (io.WriterAt, error) { return failing{full}, nil }, packed.InflateOptions{})
		if !errors.Is(err, full) {
			t.Errorf("err = %v, want %v", err, full)
		}
	})
	t.Run("early", func(t *testing.T) {
		_, err := inflate(t.Context(), lib, packed.InflateOptions{
			Place: func(context.Context, packed.Entry, int, int64, int64) ([]byte, error) { return nil, nil },
			Early: func(context.Context, packed.Entry) error { return full },
		})
		if !errors.Is(err, full) {
			t.Errorf("err = %v, want %v", err, full)
		}
	})
}

type failing struct{ err error }

func (f failing) WriteAt([]byte, int64) (int, error) { return 0, f.err }

func TestInflateStopsWithItsContext(t *testing.T) {
	lib := open(t, pack(t, source(packed.CC, library(1, 50*frame))))
	ctx, cancel := context.WithCancel(t.Context())
	var frames int // one worker: no lock
	_, err := inflate(ctx, lib, packed.InflateOptions{Workers: 1, Progress: func(int64) {
		if frames++; frames == 3 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want %v", err, context.Canceled)
	}
	if frames != 3 {
		t.Errorf("%d frames were written, want 3: none after the end of the context", frames)
	}
}

func TestFailedPackLeavesNothing(t *testing.T) {
	data := library(1, 50*frame)
	short := packed.Source{Name: packed.CC, Size: int64(len(data)) + 1, Reader: bytes.NewReader(data)}
	cancelled, cancel := context.WithCancel(t.Context())
	for name, test := range map[string]struct {
		ctx      context.Context
		source   packed.Source
		frame    int
		progress func(done, total int64)
		want     error // nil for any
	}{
		"cancelled":             {ctx: cancelled, source: source(packed.CC, data), frame: frame, progress: func(int64, int64) { cancel() }, want: context.Canceled},
		"source ends early":     {ctx: t.Context(), source: short, frame: frame, want: io.ErrUnexpectedEOF},
		"same name twice":       {ctx: t.Context(), source: source(packed.Framework, data), frame: frame, want: packed.ErrManifest},
		"name outside of dir":   {ctx: t.Context(), source: source("../x", data), frame: frame},
		"frame over the limit":  {ctx: t.Context(), source: source(packed.CC, data), frame: 33 << 20},
		"negative frame length": {ctx: t.Context(), source: source(packed.CC, data), frame: -1},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			sources := []packed.Source{source(packed.Framework, library(2, frame)), test.source}
			_, err := packed.Pack(test.ctx, dir, build, sources, packed.PackOptions{FrameSize: test.frame, Progress: test.progress})
			if err == nil || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("err = %v, want %v", err, test.want)
			}
			if left := contents(t, dir); len(left) > 0 {
				t.Errorf("%d files are left", len(left))
			}
		})
	}
}

func TestPackDoesNotReplaceALibrary(t *testing.T) {
	dir := pack(t, source(packed.CC, library(1, frame)))
	before := contents(t, dir)
	_, err := packed.Pack(t.Context(), dir, build, []packed.Source{source(packed.CC, library(2, frame))}, packed.PackOptions{})
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("err = %v, want %v", err, fs.ErrExist)
	}
	for name, data := range contents(t, dir) {
		if data != before[name] {
			t.Errorf("%s changed", name)
		}
	}
}

// edit rewrites the manifest of a folder.
func edit(t *testing.T, dir string, change func(*packed.Manifest)) {
	t.Helper()
	path := filepath.Join(dir, packed.ManifestName)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := packed.ParseManifest(data)
	if err != nil {
		t.Fatal(err)
	}
	change(&m)
	if data, err = json.Marshal(m); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}
