// Package privatedir opens folders that only this user can write to, in places
// like /tmp that are everybody's, and tells how much room they have.
package privatedir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrUnsafe is a folder that others could have written to, or none.
var ErrUnsafe = errors.New("unsafe folder")

// Open opens a folder and makes it, and those above it, if missing. It is
// ErrUnsafe where it is a link, belongs to another user, or is open to others:
// whoever can change a library or a model there runs code in this process. What
// is below is then as safe, unless the folder was open once; Owned tells.
func Open(dir string) (*os.Root, error) {
	if err := mkdir(dir); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	named, err := os.Lstat(dir)
	if err != nil {
		return nil, fmt.Errorf("open folder: %w", err)
	}
	if err := check(dir, named); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open folder: %w", err)
	}
	opened, err := root.Stat(".")
	if err == nil && !os.SameFile(named, opened) {
		err = fmt.Errorf("%w: %s was replaced while it was opened", ErrUnsafe, dir)
	}
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return root, nil
}

func mkdir(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func check(dir string, info fs.FileInfo) error {
	switch {
	case !info.IsDir():
		return fmt.Errorf("%w: %s is not a folder but %v: remove it", ErrUnsafe, dir, info.Mode().Type())
	case !Owned(info):
		return fmt.Errorf("%w: %s belongs to another user", ErrUnsafe, dir)
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("%w: %s has mode %#o and must have mode 0700: it may hold what others put there, so remove it", ErrUnsafe, dir, info.Mode().Perm())
	}
	return nil
}

// Owned reports whether a file or folder belongs to this process's user.
func Owned(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}

// Free is how many bytes this user may still write where dir is.
func Free(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", dir, err)
	}
	return int64(min(s.Bavail, 1<<50)) * s.Bsize, nil // network disks report near 2⁶⁴ blocks
}
