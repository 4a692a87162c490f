package warmup

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/tensorlambda/tensorlambda/internal/privatedir"
)

// marker is a file with the name of the signature that is being run on zeros. Its
// process holds a lock on it (flock, which ends with the process, however that ends):
// a marker with a free lock is one of a process that is no more. The folder is the
// cache of models, where a file with a free lock goes when room is needed.
type marker struct {
	root *os.Root
	file *os.File // nil where another process warms the same model up, and marks that
	dead string   // what a process left that is no more
	keep bool     // close is to leave the file for later starts
}

// maxName is how much of a signature's name is shown.
const maxName = 256

// openMarker opens the marker of a model. Whoever opens it closes it.
func openMarker(dir, identity string) (*marker, error) {
	root, err := privatedir.Open(dir)
	if err != nil {
		return nil, err
	}
	m := &marker{root: root}
	if err := m.lock(fmt.Sprintf("warm-up-%x", sha256.Sum256([]byte(identity)))); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return m, nil
}

func (m *marker) lock(name string) error {
	file, err := m.root.OpenFile(name, os.O_RDWR|os.O_CREATE|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return err
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return file.Close()
	}
	content, readErr := io.ReadAll(io.LimitReader(file, maxName))
	if err = errors.Join(err, readErr); err != nil {
		return errors.Join(fmt.Errorf("lock %s: %w", name, err), file.Close())
	}
	m.file, m.dead, m.keep = file, string(content), len(content) > 0
	return nil
}

// left is the quoted name of the signature over which a process ended; empty where
// none did.
func (m *marker) left() string { return m.dead }

// path is where the file is.
func (m *marker) path() string { return filepath.Join(m.root.Name(), filepath.Base(m.file.Name())) }

// write marks that a signature is about to be run. No sync is needed: it is the
// process that may end, and not the machine.
func (m *marker) write(signature string) error {
	if m.file == nil {
		return nil
	}
	quoted := strconv.Quote(signature)
	if _, err := m.file.WriteAt([]byte(quoted), 0); err != nil {
		return err
	}
	return m.file.Truncate(int64(len(quoted))) // the one before may have a longer name
}

// close removes the marker, unless it is a dead process's.
func (m *marker) close() {
	if m.file != nil {
		if !m.keep {
			// A marker that stays costs the next start its warm-up, and its note
			// says where it is.
			_ = m.root.Remove(filepath.Base(m.file.Name()))
		}
		m.file.Close()
	}
	m.root.Close()
}
