package coldstart

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"

	"github.com/tensorlambda/tensorlambda/internal/savedmodel"
)

const (
	markerFile = "complete.json"
	modelDir   = "model"
	maxMarker  = 64 << 20
	// maxTries ends what could only go on while other processes keep removing
	// what this one makes.
	maxTries = 10
)

// marker is written last into an entry and so says that all of it is there. It
// holds the pins, which a later start may set, and what the files looked like.
type marker struct {
	URI           string       `json:"uri"`
	ObjectVersion string       `json:"objectVersion,omitempty"`
	SHA256        string       `json:"sha256,omitempty"`
	Fetched       int64        `json:"fetched"` // bytes
	Files         []markedFile `json:"files"`
}

type markedFile struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
}

func (m *marker) names() []string {
	names := make([]string, len(m.Files))
	for i, f := range m.Files {
		names[i] = f.Name
	}
	return names
}

func (m *marker) bytes() (n int64) {
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

// entry is a folder of the cache, held by a shared lock until release.
type entry struct {
	cache  *cache
	name   string
	lock   *os.File
	root   *os.Root
	marker *marker // of a finished entry
}

// path is the place of the model's file or folder.
func (e *entry) path(name string) string { return e.cache.path(e.name, modelDir, name) }

// head is how a file of the model begins.
func (e *entry) head(name string) ([]byte, error) {
	file, err := e.root.Open(path.Join(modelDir, name))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, savedmodel.SniffBytes))
}

// release lets others remove the entry.
func (e *entry) release() error { return errors.Join(e.root.Close(), e.lock.Close()) }

// discard removes an entry that is not to be finished.
func (e *entry) discard() error {
	return errors.Join(e.release(), e.cache.remove(e.name))
}

// create makes an unfinished entry with an empty folder for the model.
func (c *cache) create() (*entry, error) {
	for range maxTries {
		name := unfinished + rand.Text()
		if err := c.root.Mkdir(name, 0o700); err != nil {
			return nil, fmt.Errorf("make entry of the cache: %w", err)
		}
		e, err := c.open(name)
		if err != nil {
			return nil, fmt.Errorf("make entry of the cache: %w", err)
		}
		if e == nil {
			continue // another process swept it before it was locked
		}
		if err := e.root.Mkdir(modelDir, 0o700); err != nil {
			return nil, errors.Join(fmt.Errorf("make entry of the cache: %w", err), e.discard())
		}
		return e, nil
	}
	return nil, errors.New("make entry of the cache: other processes keep removing it")
}

// finish makes e visible as name and returns the entry to use: e, or the one of
// another process that was faster, and then e is gone.
func (e *entry) finish(name string, m *marker) (*entry, error) {
	err := writeMarker(e.root, m)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("finish entry of the cache: %w", err), e.discard())
	}
	e.marker = m
	for range maxTries {
		err = e.cache.root.Rename(e.name, name)
		if err == nil {
			e.name = name
			return e, nil
		}
		if !errors.Is(err, fs.ErrExist) && !errors.Is(err, syscall.ENOTEMPTY) {
			break
		}
		// lookup removes what is there if it is damaged; then try again.
		if other, lookErr := e.cache.lookup(name); other != nil || lookErr != nil {
			return other, errors.Join(lookErr, e.discard())
		}
	}
	return nil, errors.Join(fmt.Errorf("finish entry of the cache: %w", err), e.discard())
}

// list is the files of the model.
func (e *entry) list() (files []markedFile, err error) {
	err = fs.WalkDir(e.root.FS(), modelDir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		files = append(files, markedFile{name[len(modelDir)+1:], info.Size()})
		return nil
	})
	return files, err
}

func writeMarker(root *os.Root, m *marker) error {
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return root.WriteFile(markerFile, data, 0o600)
}

// readMarker reads an entry's marker and compares it with the files: there is no
// sync before it is written, so a machine that crashed may have it and not them.
func readMarker(root *os.Root) (*marker, error) {
	f, err := root.Open(markerFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m := new(marker)
	if err := json.NewDecoder(io.LimitReader(f, maxMarker)).Decode(m); err != nil {
		return nil, err
	}
	for _, file := range m.Files {
		info, err := root.Lstat(path.Join(modelDir, file.Name))
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() || info.Size() != file.Size {
			return nil, fmt.Errorf("%s is not what it was", file.Name)
		}
	}
	return m, nil
}
