package blob_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/blob"
)

var files = blob.Stores{Files: &blob.Files{}}

func fileURI(path string) blob.URI { return blob.URI{Scheme: blob.FileScheme, Key: path} }

func writeFile(t *testing.T, path, data string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestFileUploadFollowsLinks(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "real"), filepath.Join(dir, "links", "link")
	writeFile(t, file, "old")
	if err := errors.Join(os.Mkdir(filepath.Dir(link), 0o755), os.Symlink("../real", link)); err != nil {
		t.Fatal(err)
	}
	up := create(t, files, fileURI(link), blob.CreateOptions{Replaces: stat(t, files, fileURI(link)).ETag})
	if _, err := writeAndCommit(t, up, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(file); err != nil || string(data) != "new" {
		t.Errorf("the file behind the link reads %q, %v", data, err)
	}
	if to, err := os.Readlink(link); err != nil || to != "../real" {
		t.Errorf("the link leads to %q, %v", to, err)
	}
}

func TestFileUploadHasTheUsualMode(t *testing.T) {
	dir := t.TempDir()
	usual := filepath.Join(dir, "usual")
	writeFile(t, usual, "")
	up := create(t, files, fileURI(filepath.Join(dir, "object")), blob.CreateOptions{})
	if _, err := up.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	want, err := os.Stat(usual)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.Stat(filepath.Join(dir, "object")); err != nil || got.Mode() != want.Mode() {
		t.Errorf("mode %v, %v; want %v", got.Mode(), err, want.Mode())
	}
}

func TestFileUploadTakesTheLongestNames(t *testing.T) {
	u := fileURI(filepath.Join(t.TempDir(), strings.Repeat("x", 255)))
	up := create(t, files, u, blob.CreateOptions{Absent: true})
	if _, err := writeAndCommit(t, up, []byte("data")); err != nil {
		t.Fatal(err)
	}
	if got := readOrNothing(t, files, u); got != "data" {
		t.Errorf("read %q", got)
	}
}

func TestFileUploadToARelativePath(t *testing.T) {
	t.Chdir(t.TempDir())
	up := create(t, files, fileURI("object"), blob.CreateOptions{})
	if _, err := writeAndCommit(t, up, []byte("data")); err != nil {
		t.Fatal(err)
	}
	if got := readOrNothing(t, files, fileURI("object")); got != "data" {
		t.Errorf("read %q", got)
	}
}

func TestFileUploadRefusals(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "file"), "")
	fifo := filepath.Join(dir, "fifo")
	locked := filepath.Join(dir, "locked")
	err := errors.Join(syscall.Mkfifo(fifo, 0o600), os.Mkdir(locked, 0o555),
		os.Chmod(dir, 0o755), os.Chmod(filepath.Dir(dir), 0o755)) // whatever the umask
	if err != nil {
		t.Fatal(err)
	}
	loseRights(t)
	for path, want := range map[string]struct {
		kind error
		text string
	}{
		locked:                             {nil, "regular file"},
		fifo:                               {nil, "regular file"},
		filepath.Join(dir, "file", "x"):    {nil, "not a directory"},
		filepath.Join(locked, "object"):    {blob.ErrAccessDenied, "user"},
		filepath.Join(locked, "new", "x"):  {blob.ErrAccessDenied, "user"},
		filepath.Join(dir, "x\x00y", "no"): {nil, "invalid argument"},
	} {
		up, err := files.Create(t.Context(), fileURI(path), blob.CreateOptions{})
		if err == nil {
			up.Abort()
			t.Errorf("%s was created", path)
			continue
		}
		if want.kind != nil && !errors.Is(err, want.kind) || !strings.Contains(err.Error(), want.text) || !strings.HasPrefix(err.Error(), "create ") {
			t.Errorf("%s: %v, want an error that says %q", path, err, want.text)
		}
	}
	wantNoTemporaries(t, dir)
}

// loseRights keeps the rest of the test, which must not start goroutines that use files,
// from passing permissions by as root does.
func loseRights(t *testing.T) {
	if os.Geteuid() != 0 {
		return
	}
	const nobody = 65534
	runtime.LockOSThread()
	if err := syscall.Setfsuid(nobody); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Setfsuid(0); err != nil {
			t.Error(err)
		}
		runtime.UnlockOSThread()
	})
}

func TestFileDeleteTakesNoFolders(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "folder")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "file"), "")
	err := files.Delete(t.Context(), []blob.URI{fileURI(folder), fileURI(filepath.Join(dir, "file"))})
	if err == nil || !strings.Contains(err.Error(), folder) {
		t.Errorf("delete of a folder: %v", err)
	}
	if _, err := os.Stat(folder); err != nil {
		t.Errorf("the folder: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "file")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file behind it in the list: %v", err)
	}
}

// Two files of one size that follow each other within a tick of the clock differ.
func TestFileETagTellsReplacementsApart(t *testing.T) {
	u := fileURI(filepath.Join(t.TempDir(), "object"))
	before := ""
	for _, data := range []string{"one", "two", "six"} {
		up := create(t, files, u, blob.CreateOptions{})
		o, err := writeAndCommit(t, up, []byte(data))
		if err != nil {
			t.Fatal(err)
		}
		if o.ETag == before {
			t.Errorf("%q has the ETag of what it replaced", data)
		}
		before = o.ETag
	}
}

func TestFileThatShrinksWhileItIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "object")
	writeFile(t, path, strings.Repeat("x", 100))
	r, err := files.OpenRange(t.Context(), stat(t, files, fileURI(path)), 10, 90)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := os.Truncate(path, 50); err != nil {
		t.Fatal(err)
	}
	if data, err := io.ReadAll(r); !errors.Is(err, blob.ErrChanged) || len(data) != 40 {
		t.Errorf("read %d bytes, %v; want 40 and ErrChanged", len(data), err)
	}
}

func BenchmarkFileUpload(b *testing.B) {
	u := fileURI(filepath.Join(b.TempDir(), "object"))
	block := pattern(1 << 20)
	b.SetBytes(100 << 20)
	for b.Loop() {
		up := create(b, files, u, blob.CreateOptions{})
		for range 100 {
			if _, err := up.Write(block); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := up.Commit(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
