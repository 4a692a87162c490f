package test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// member is a file or folder of an archive.
type member struct {
	name    string
	content []byte
	folder  bool
	header  func(*tar.Header) // changes what a tar says about it; may be nil
}

// digitsMembers are the files of the demo model's archive: version folder "1".
var digitsMembers = sync.OnceValues(func() ([]member, error) {
	f, err := os.Open(filepath.Join(digitsFolder, "digits.tar.gz"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	var members []member
	for r := tar.NewReader(unzipped); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return members, nil
		}
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		members = append(members, member{name: h.Name, content: content, folder: h.Typeflag == tar.TypeDir})
	}
})

func model(t *testing.T) []member {
	t.Helper()
	members, err := digitsMembers()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clip(members) // parallel tests append to it
}

// moved are members under other names; those that rename makes empty are left
// out.
func moved(members []member, rename func(string) string) []member {
	var others []member
	for _, m := range members {
		if m.name = rename(m.name); m.name != "" {
			others = append(others, m)
		}
	}
	return others
}

// under puts members into a folder.
func under(dir string, members []member) []member {
	return moved(members, func(name string) string { return dir + name })
}

// version is the demo model as another version.
func version(number string, members []member) []member {
	return moved(members, func(name string) string { return number + strings.TrimPrefix(name, "1") })
}

// without leaves a file out.
func without(base string, members []member) []member {
	return moved(members, func(name string) string {
		if path.Base(name) == base {
			return ""
		}
		return name
	})
}

// only are the members without folders' own entries.
func only(members []member) []member {
	var files []member
	for _, m := range members {
		if !m.folder {
			files = append(files, m)
		}
	}
	return files
}

func tarOf(t *testing.T, members []member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, m := range members {
		h := &tar.Header{Name: m.name, Mode: 0o644, Size: int64(len(m.content)), Typeflag: tar.TypeReg}
		if m.folder {
			h.Typeflag, h.Mode = tar.TypeDir, 0o755
		}
		if m.header != nil {
			m.header(h)
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(m.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t *testing.T, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(content)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstandard(t *testing.T, content []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(content, nil)
}

func zipOf(t *testing.T, members []member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, m := range members {
		f, err := w.Create(m.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(m.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// unpacked writes members as files into a folder of that name.
func unpacked(t *testing.T, name string, members []member) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	for _, m := range only(members) {
		file := filepath.Join(dir, m.name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, m.content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
