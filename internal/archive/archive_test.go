package archive_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/archive"
)

func TestFormatOf(t *testing.T) {
	for _, tt := range []struct {
		name string
		want archive.Format
		base string
	}{
		{"digits.tar.gz", archive.TarGzip, "digits"},
		{"digits.tgz", archive.TarGzip, "digits"},
		{"digits.v2.tar", archive.Tar, "digits.v2"},
		{"digits.tar.zst", archive.TarZstd, "digits"},
		{"Digits.ZIP", archive.Zip, "Digits"},
		{"digits.gz", "", "digits.gz"},
		{"digits.pb", "", "digits.pb"},
		{"tar", "", "tar"},
	} {
		if got, base := archive.FormatOf(tt.name); got != tt.want || base != tt.base {
			t.Errorf("FormatOf(%q) = %q, %q; want %q, %q", tt.name, got, base, tt.want, tt.base)
		}
	}
}

// model is what all good archives of these tests unpack to.
var model = map[string]string{
	"saved_model.pb":                          "graph",
	"variables/variables.index":               "index",
	"variables/variables.data-00000-of-00001": strings.Repeat("weights ", 1000),
	"assets/" + strings.Repeat("long", 30) + "/" + strings.Repeat("name", 30): "vocabulary",
	"assets/empty": "",
}

func TestExtract(t *testing.T) {
	for name, dir := range map[string]string{"plain": "", "leading dot": "./", "wrapped": "wrapper/00000123/"} {
		for format, pack := range map[archive.Format]func(*testing.T, string) []byte{
			archive.Tar:     func(t *testing.T, dir string) []byte { return modelTar(t, dir, tar.FormatUnknown) },
			archive.TarGzip: func(t *testing.T, dir string) []byte { return gzipped(t, modelTar(t, dir, tar.FormatPAX)) },
			archive.TarZstd: func(t *testing.T, dir string) []byte { return zstandard(t, modelTar(t, dir, tar.FormatGNU)) },
			archive.Zip:     modelZip,
		} {
			t.Run(name+string(format), func(t *testing.T) {
				into := t.TempDir()
				sum, err := extract(t, format, pack(t, dir), into, archive.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				got := files(t, into)
				for name, want := range model {
					if got[filepath.Join(dir, name)] != want {
						t.Errorf("%s holds %d bytes, want %d", name, len(got[filepath.Join(dir, name)]), len(want))
					}
				}
				if len(got) != len(model) || sum.Files != len(model) {
					t.Errorf("unpacked %d files and counted %d, want %d", len(got), sum.Files, len(model))
				}
			})
		}
	}
}

func TestExtractedFilesAreTheOwnersOnly(t *testing.T) {
	into := t.TempDir()
	data := tarOf(t, entry{name: "d/", kind: tar.TypeDir, mode: 0o777}, entry{name: "d/f", body: "x", mode: 0o4777})
	if _, err := extract(t, archive.Tar, data, into, archive.Limits{}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{"d": fs.ModeDir | 0o700, "d/f": 0o600} {
		info, err := os.Stat(filepath.Join(into, name))
		if err != nil || info.Mode() != want {
			t.Errorf("mode of %s is %v (%v), want %v", name, info.Mode(), err, want)
		}
	}
}

func TestLimitsAdmitWhatTheyName(t *testing.T) {
	for name, tt := range map[string]struct {
		data    []byte
		entries int
	}{
		"a file in the deepest folder":        {tarOf(t, entry{name: "./" + strings.Repeat("n/", 32) + "f"}), 33},
		"files that share folders":            {tarOf(t, entry{name: "a/b/f"}, entry{name: "a/b/g"}, entry{name: "a/h"}), 5},
		"a folder's own entry after a file's": {tarOf(t, entry{name: "a/f"}, entry{name: "a/", kind: tar.TypeDir}), 3},
		"a global header":                     {tarOf(t, entry{kind: tar.TypeXGlobalHeader}, entry{name: "f"}), 2},
	} {
		if _, err := extract(t, archive.Tar, tt.data, t.TempDir(), archive.Limits{Entries: tt.entries}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := extract(t, archive.Tar, tt.data, t.TempDir(), archive.Limits{Entries: tt.entries - 1}); !errors.Is(err, archive.ErrTooLarge) {
			t.Errorf("%s: one entry fewer is allowed, but the error is %v", name, err)
		}
	}
}

func TestExtractReadsToTheEnd(t *testing.T) {
	data := gzipped(t, tarOf(t, entry{name: "a", body: "1"}))
	for name, data := range map[string][]byte{
		"two gzip members": append(gzipped(t, tarOf(t, entry{name: "a", body: "1"})[:512]), gzipped(t, tarOf(t, entry{name: "a", body: "1"})[512:])...),
		"zeros behind":     gzipped(t, append(tarOf(t, entry{name: "a", body: "1"}), make([]byte, 10240)...)),
		"as it is":         data,
	} {
		r := bytes.NewReader(data)
		root := openRoot(t, t.TempDir())
		if _, err := archive.Extract(archive.TarGzip, r, root, archive.Limits{}); err != nil || r.Len() != 0 {
			t.Errorf("%s: error %v, %d bytes unread", name, err, r.Len())
		}
	}
}

// TestBadArchives are archives that must be refused, with what the error names,
// and without anything beside the folder.
func TestBadArchives(t *testing.T) {
	good := tarOf(t, entry{name: "saved_model.pb", body: strings.Repeat("graph", 500)})
	for _, tt := range []struct {
		name   string
		format archive.Format
		data   []byte
		limits archive.Limits
		want   error
		text   string
	}{
		{name: "dot dot", data: tarOf(t, entry{name: "../evil"}), want: archive.ErrUnsafe, text: `"../evil"`},
		{name: "dot dot inside", data: tarOf(t, entry{name: "a/../../evil"}), want: archive.ErrUnsafe, text: "a/../../evil"},
		{name: "dot dot that stays inside", data: tarOf(t, entry{name: "a/../b"}), want: archive.ErrUnsafe, text: "a/../b"},
		{name: "absolute", data: tarOf(t, entry{name: "/etc/evil"}), want: archive.ErrUnsafe, text: "absolute"},
		{name: "backslash", data: tarOf(t, entry{name: `..\evil`}), want: archive.ErrUnsafe, text: "backslash"},
		{name: "symbolic link", data: tarOf(t, entry{name: "a", kind: tar.TypeSymlink, link: "/etc"}), want: archive.ErrUnsafe, text: "symbolic link"},
		{name: "hard link", data: tarOf(t, entry{name: "a", kind: tar.TypeLink, link: "/etc/passwd"}), want: archive.ErrUnsafe, text: "hard link"},
		{name: "device", data: tarOf(t, entry{name: "a", kind: tar.TypeChar}), want: archive.ErrUnsafe, text: "device"},
		{name: "fifo", data: tarOf(t, entry{name: "a", kind: tar.TypeFifo}), want: archive.ErrUnsafe, text: "fifo"},
		{name: "old sparse file", data: tarOf(t, entry{name: "a", kind: tar.TypeGNUSparse}), want: archive.ErrUnsafe, text: "sparse"},
		{name: "sparse file by PAX header", data: sparseTar(t), want: archive.ErrUnsafe, text: "sparse"},
		{name: "the same file twice", data: tarOf(t, entry{name: "a"}, entry{name: "./a"}), want: archive.ErrUnsafe, text: "twice"},
		{name: "a folder over a file", data: tarOf(t, entry{name: "a"}, entry{name: "a/", kind: tar.TypeDir}), want: archive.ErrUnsafe, text: "both a file and a folder"},
		{name: "a file over a folder", data: tarOf(t, entry{name: "a/b"}, entry{name: "a"}), want: archive.ErrUnsafe, text: "both a file and a folder"},
		{name: "a file below a file", data: tarOf(t, entry{name: "a"}, entry{name: "a/b/c"}), want: archive.ErrUnsafe, text: `"a" is both`},
		{name: "a file named as the root", data: tarOf(t, entry{name: "."}), want: archive.ErrUnsafe, text: "both a file and a folder"},
		{name: "a folder in too many others", data: tarOf(t, entry{name: strings.Repeat("n/", 33) + "f"}), want: archive.ErrUnsafe, text: "33 folders deep"},
		{name: "a long name", data: tarOf(t, entry{name: strings.Repeat("n/", 600) + "f"}), want: archive.ErrUnsafe, text: "1201 bytes"},

		{name: "too many bytes", data: tarOf(t, entry{name: "a", body: "12345"}, entry{name: "b", body: "12345"}), limits: archive.Limits{Bytes: 9}, want: archive.ErrTooLarge, text: "limit of 9 bytes"},
		{name: "too many entries", data: tarOf(t, entry{name: "a"}, entry{name: "b"}, entry{name: "c"}), limits: archive.Limits{Entries: 2}, want: archive.ErrTooLarge, text: "limit of 2 entries"},
		{name: "too many folders that names imply", data: tarOf(t, entry{name: "a/b/f"}, entry{name: "c/d/f"}), limits: archive.Limits{Entries: 5}, want: archive.ErrTooLarge, text: "limit of 5 entries"},
		{name: "too many entries for the top folder", data: tarOf(t, slices.Repeat([]entry{{name: "./", kind: tar.TypeDir}}, 3)...), limits: archive.Limits{Entries: 2}, want: archive.ErrTooLarge, text: "limit of 2 entries"},
		{name: "too many global headers", data: tarOf(t, slices.Repeat([]entry{{kind: tar.TypeXGlobalHeader}}, 3)...), limits: archive.Limits{Entries: 2}, want: archive.ErrTooLarge, text: "limit of 2 entries"},
		{name: "too many headers before an entry", data: manyHeaders(t, 2000), limits: archive.Limits{Entries: 2}, want: archive.ErrTooLarge, text: "headers go beyond the limit of 2 entries"},
		{name: "zip of too many folders that names imply", format: archive.Zip, data: zipOf(t, entry{name: "a/b/f"}), limits: archive.Limits{Entries: 2}, want: archive.ErrTooLarge, text: "limit of 2 entries"},
		{name: "gzip bomb", format: archive.TarGzip, data: gzipped(t, bomb(t)), limits: archive.Limits{Ratio: 100}, want: archive.ErrTooLarge, text: "100 for each"},
		{name: "zstd bomb", format: archive.TarZstd, data: zstandard(t, bomb(t)), want: archive.ErrTooLarge, text: "1000 for each"},
		{name: "zip bomb", format: archive.Zip, data: zipOf(t, entry{name: "a", body: strings.Repeat("\x00", 4<<20)}), limits: archive.Limits{Ratio: 100}, want: archive.ErrTooLarge, text: "100 for each"},
		{name: "zeros without end behind the tar", format: archive.TarZstd, data: zstandard(t, append(tarOf(t), make([]byte, 17<<20)...)), want: archive.ErrTooLarge, text: "zeros"},
		{name: "zip of too many entries", format: archive.Zip, data: zipOf(t, entry{name: "a"}, entry{name: "b"}), limits: archive.Limits{Entries: 1}, want: archive.ErrTooLarge, text: "2 entries"},
		{name: "zip of too many bytes", format: archive.Zip, data: zipOf(t, entry{name: "a", body: "123"}), limits: archive.Limits{Bytes: 2}, want: archive.ErrTooLarge, text: "limit of 2 bytes"},

		{name: "empty", data: nil, want: archive.ErrCorrupt, text: "after 0 bytes"},
		{name: "empty gzip", format: archive.TarGzip, data: nil, want: archive.ErrCorrupt, text: "byte 0"},
		{name: "a web page", data: []byte(strings.Repeat("<html>", 200)), want: archive.ErrCorrupt},
		{name: "a web page named gzip", format: archive.TarGzip, data: []byte("<html></html>"), want: archive.ErrCorrupt},
		{name: "a web page named zstd", format: archive.TarZstd, data: []byte("<html></html>"), want: archive.ErrCorrupt},
		{name: "a web page named zip", format: archive.Zip, data: []byte("<html></html>"), want: archive.ErrCorrupt},
		{name: "tar cut within a file", data: good[:1000], want: archive.ErrCorrupt, text: "breaks off"},
		{name: "tar cut between entries", data: good[:512+2560], want: archive.ErrCorrupt, text: "without an end marker"},
		{name: "gzip cut off", format: archive.TarGzip, data: cutHalf(gzipped(t, good)), want: archive.ErrCorrupt, text: "breaks off"},
		{name: "gzip without its checksum", format: archive.TarGzip, data: cutLast(gzipped(t, good)), want: archive.ErrCorrupt, text: "breaks off"},
		{name: "gzip with a wrong checksum", format: archive.TarGzip, data: flip(gzipped(t, good), -6), want: archive.ErrCorrupt},
		{name: "garbage behind gzip", format: archive.TarGzip, data: append(gzipped(t, good), "garbage"...), want: archive.ErrCorrupt},
		{name: "zstd cut off", format: archive.TarZstd, data: cutHalf(zstandard(t, good)), want: archive.ErrCorrupt},
		{name: "data behind the tar's end", data: append(bytes.Clone(good), good...), want: archive.ErrCorrupt, text: "behind its end"},
		{name: "zip cut off", format: archive.Zip, data: cutHalf(zipOf(t, entry{name: "a", body: "x"})), want: archive.ErrCorrupt},
		{name: "zip with wrong content", format: archive.Zip, data: flip(zipOf(t, entry{name: "a", body: "content", store: true}), 33), want: archive.ErrCorrupt, text: `"a"`},
		{name: "zip with a symbolic link", format: archive.Zip, data: zipOf(t, entry{name: "a", body: "/etc", mode: fs.ModeSymlink | 0o777}), want: archive.ErrUnsafe, text: "symbolic link"},
		{name: "zip with dot dot", format: archive.Zip, data: zipOf(t, entry{name: "../evil"}), want: archive.ErrUnsafe, text: "../evil"},
		{name: "encrypted zip", format: archive.Zip, data: zipOf(t, entry{name: "a", flags: 1}), want: archive.ErrUnsupported, text: "encrypted"},
		{name: "bzip2 in a zip", format: archive.Zip, data: zipOf(t, entry{name: "a", method: 12}), want: archive.ErrUnsupported, text: "method 12"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			outer := t.TempDir()
			into := filepath.Join(outer, "in")
			if err := os.Mkdir(into, 0o700); err != nil {
				t.Fatal(err)
			}
			if tt.format == "" {
				tt.format = archive.Tar
			}
			_, err := extract(t, tt.format, tt.data, into, tt.limits)
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error is %v, want %v with %q", err, tt.want, tt.text)
			}
			if entries, err := os.ReadDir(outer); err != nil || len(entries) != 1 {
				t.Errorf("something was written beside the folder: %v %v", entries, err)
			}
		})
	}
}

func TestErrorsOfTheStreamAreNotCorruption(t *testing.T) {
	broken := errors.New("connection lost")
	for _, format := range []archive.Format{archive.Tar, archive.TarGzip, archive.TarZstd} {
		data := tarOf(t, entry{name: "a", body: strings.Repeat("abc", 5000)})
		switch format {
		case archive.TarGzip:
			data = gzipped(t, data)
		case archive.TarZstd:
			data = zstandard(t, data)
		}
		r := &failing{data: cutHalf(data), err: broken}
		_, err := archive.Extract(format, r, openRoot(t, t.TempDir()), archive.Limits{})
		if !errors.Is(err, broken) || errors.Is(err, archive.ErrCorrupt) {
			t.Errorf("%s: error is %v, want the stream's own", format, err)
		}
	}
}

func TestErrorsOfTheDiskAreNotCorruption(t *testing.T) {
	into := t.TempDir()
	if err := os.WriteFile(filepath.Join(into, "a"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := extract(t, archive.Tar, tarOf(t, entry{name: "a", body: "x"}), into, archive.Limits{})
	if !errors.Is(err, fs.ErrExist) || errors.Is(err, archive.ErrCorrupt) {
		t.Errorf("error is %v, want that of the file system", err)
	}
}

func TestExtractDoesNotFollowLinksInTheFolder(t *testing.T) {
	outer, into := t.TempDir(), t.TempDir()
	if err := os.Symlink(outer, filepath.Join(into, "d")); err != nil {
		t.Fatal(err)
	}
	if _, err := extract(t, archive.Tar, tarOf(t, entry{name: "d/evil", body: "x"}), into, archive.Limits{}); err == nil {
		t.Error("wrote through a link")
	}
	if got := files(t, outer); len(got) != 0 {
		t.Errorf("files beside the folder: %v", got)
	}
}

func FuzzExtract(f *testing.F) {
	good := tarOf(f, entry{name: "d/", kind: tar.TypeDir}, entry{name: "./d/a", body: "x"})
	f.Add(byte(0), good)
	f.Add(byte(1), gzipped(f, good))
	f.Add(byte(2), zstandard(f, good))
	f.Add(byte(3), zipOf(f, entry{name: "d/"}, entry{name: "d/a", body: "x"}))
	f.Add(byte(0), sparseTar(f))
	f.Add(byte(0), tarOf(f, entry{name: strings.Repeat("n/", 30) + "f"}))
	f.Add(byte(3), zipOf(f, entry{name: strings.Repeat("n/", 30) + "f"}))
	f.Add(byte(0), tarOf(f, entry{name: "a", kind: tar.TypeSymlink, link: ".."}, entry{name: "a/b"}))
	formats := []archive.Format{archive.Tar, archive.TarGzip, archive.TarZstd, archive.Zip}
	limits := archive.Limits{Bytes: 1 << 20, Entries: 20}
	f.Fuzz(func(t *testing.T, kind byte, data []byte) {
		outer := t.TempDir()
		into := filepath.Join(outer, "in")
		if err := os.Mkdir(into, 0o700); err != nil {
			t.Fatal(err)
		}
		sum, err := extract(t, formats[int(kind)%len(formats)], data, into, limits)
		if entries, err := os.ReadDir(outer); err != nil || len(entries) != 1 {
			t.Fatalf("something was written beside the folder: %v %v", entries, err)
		}
		var total int64
		for _, content := range files(t, into) {
			total += int64(len(content))
		}
		if n := countBelow(t, into); total > limits.Bytes || n > limits.Entries {
			t.Fatalf("%d bytes in %d files and folders are over the limits", total, n)
		}
		if err == nil && total != sum.Bytes {
			t.Fatalf("%d bytes unpacked, %d counted", total, sum.Bytes)
		}
	})
}

func extract(tb testing.TB, f archive.Format, data []byte, into string, l archive.Limits) (archive.Summary, error) {
	tb.Helper()
	root := openRoot(tb, into)
	defer root.Close()
	if f == archive.Zip {
		return archive.ExtractZip(bytes.NewReader(data), int64(len(data)), root, l)
	}
	return archive.Extract(f, bytes.NewReader(data), root, l)
}

func openRoot(tb testing.TB, dir string) *os.Root {
	tb.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { root.Close() })
	return root
}

// files is the content of all regular files below dir; anything but files and
// folders fails the test.
func files(tb testing.TB, dir string) map[string]string {
	tb.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if d.Type() == fs.ModeSymlink && strings.HasSuffix(tb.Name(), "Folder") {
			return nil
		}
		if !d.Type().IsRegular() {
			tb.Errorf("%s is %v", path, d.Type())
			return nil
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		found[name] = string(data)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return found
}

// countBelow is how many files and folders there are below dir.
func countBelow(tb testing.TB, dir string) (n int) {
	tb.Helper()
	err := filepath.WalkDir(dir, func(string, fs.DirEntry, error) error { n++; return nil })
	if err != nil {
		tb.Fatal(err)
	}
	return n - 1
}

type failing struct {
	data []byte
	err  error
}

func (r *failing) Read(p []byte) (int, error) {
	if len(r.data) == 0 {
		return 0, r.err
	}
	n := copy(p, r.data)
	r.data = r.data[n:]
	return n, nil
}
