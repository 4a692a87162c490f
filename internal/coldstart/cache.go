package coldstart

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tensorlambda/tensorlambda/internal/privatedir"
)

// unfinished begins the name of an entry that is being made.
const unfinished = ".tmp-"

// cache is a folder with an entry for each model. A Lambda environment that is
// reset keeps its /tmp, so what was downloaded before is there again.
//
// Who uses an entry holds a shared lock on its folder (flock: it ends with the
// process, however that ends); who removes one must have the lock alone. So no
// entry goes away under its user, and what a killed process left half-made is
// recognised by its name and its free lock, without process ids or ages.
type cache struct {
	dir  string
	root *os.Root
	// free is how many bytes this user may still write on the disk.
	free func() (int64, error)
}

// openCache opens the folder and makes it if missing. A folder that others could
// have written to is ErrCacheFolder.
func openCache(dir string) (*cache, error) {
	root, err := privatedir.Open(dir)
	if errors.Is(err, privatedir.ErrUnsafe) {
		return nil, fmt.Errorf("%w: %w", ErrCacheFolder, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open cache: %w", err)
	}
	return &cache{
		dir:  dir,
		root: root,
		free: func() (int64, error) { return privatedir.Free(dir) },
	}, nil
}

func (c *cache) close() error { return c.root.Close() }

// lookup finds a finished entry and holds it. It is nil where there is none or
// none that can be used; a damaged one is removed.
func (c *cache) lookup(name string) (*entry, error) {
	e, err := c.open(name)
	if e == nil || err != nil {
		return nil, err
	}
	if e.marker, err = readMarker(e.root); err != nil {
		return nil, errors.Join(e.release(), c.remove(name))
	}
	// The age decides which entry goes first when room is needed. Where it
	// cannot be written, on a disk that is read-only, nothing goes.
	now := time.Now()
	_ = c.root.Chtimes(name, now, now) // see above
	return e, nil
}

// open takes an entry's lock, shared; nil where it is missing or being removed.
func (c *cache) open(name string) (*entry, error) {
	info, err := c.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil || !info.IsDir() {
		return nil, errors.Join(err, c.root.RemoveAll(name))
	}
	lock, err := c.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if held, err := c.hold(name, lock, unix.LOCK_SH); !held {
		return nil, errors.Join(err, lock.Close())
	}
	root, err := c.root.OpenRoot(name)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &entry{cache: c, name: name, lock: lock, root: root}, nil
}

// hold takes a lock without waiting, since nobody should wait for another's
// download, and reports whether name is then still the folder that was locked:
// its remover may have been faster.
func (c *cache) hold(name string, lock *os.File, how int) (bool, error) {
	err := unix.Flock(int(lock.Fd()), how|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("lock %s: %w", c.path(name), err)
	}
	there, err := c.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	locked, err := lock.Stat()
	return err == nil && os.SameFile(there, locked), err
}

// remove deletes an entry that nobody uses; one in use stays.
func (c *cache) remove(name string) error {
	_, err := c.removeUnused(name)
	return err
}

func (c *cache) removeUnused(name string) (removed bool, err error) {
	lock, err := c.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer lock.Close()
	if held, err := c.hold(name, lock, unix.LOCK_EX); !held {
		return false, err
	}
	return true, c.root.RemoveAll(name)
}

// sweep removes what killed processes left half-made.
func (c *cache) sweep() error {
	names, err := c.names()
	for _, name := range names {
		if strings.HasPrefix(name, unfinished) {
			err = errors.Join(err, c.remove(name))
		}
	}
	return err
}

func (c *cache) names() ([]string, error) {
	dir, err := c.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return dir.Readdirnames(-1)
}

func (c *cache) path(parts ...string) string {
	return filepath.Join(append([]string{c.dir}, parts...)...)
}
