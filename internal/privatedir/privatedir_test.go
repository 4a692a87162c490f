package privatedir_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/privatedir"
)

func TestOpenMakesTheFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "above", "folder")
	for _, when := range []string{"missing", "there"} {
		root, err := privatedir.Open(dir)
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		defer root.Close()
		info, err := os.Lstat(dir)
		if err != nil || info.Mode() != fs.ModeDir|0o700 || !privatedir.Owned(info) {
			t.Errorf("%s: it is %v (%v), want a folder of mode 0700 and ours", when, info.Mode(), err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		make func(dir string) error
		text string
	}{
		"a link to a folder":    {func(dir string) error { return os.Symlink(t.TempDir(), dir) }, "remove it"},
		"a link to nowhere":     {func(dir string) error { return os.Symlink("nowhere", dir) }, "remove it"},
		"a file":                {func(dir string) error { return os.WriteFile(dir, nil, 0o600) }, "not a folder"},
		"a folder of the group": {func(dir string) error { return errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, 0o720)) }, "mode 0700"},
		"a folder of everybody": {func(dir string) error { return errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, fs.ModeSticky|0o777)) }, "mode 0700"},
		"a folder others read":  {func(dir string) error { return errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, 0o744)) }, "mode 0700"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "folder")
			if err := tt.make(dir); err != nil {
				t.Fatal(err)
			}
			root, err := privatedir.Open(dir)
			if root != nil || !errors.Is(err, privatedir.ErrUnsafe) || !strings.Contains(err.Error(), tt.text) || !strings.Contains(err.Error(), dir) {
				t.Errorf("error is %v, want ErrUnsafe with %q and %s", err, tt.text, dir)
			}
		})
	}
}

func TestFree(t *testing.T) {
	free, err := privatedir.Free(t.TempDir())
	if err != nil || free <= 0 {
		t.Errorf("Free = %d, %v; want room", free, err)
	}
	if _, err := privatedir.Free("/nowhere/at/all"); !errors.Is(err, syscall.ENOENT) || !strings.Contains(err.Error(), "/nowhere/at/all") {
		t.Errorf("error is %v, want ENOENT and the folder", err)
	}
}
