package packed

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Library is an open folder of packed libraries. Its files stay open, so it
// goes on being readable when the folder is replaced. It is safe for
// concurrent use until Close.
type Library struct {
	manifest Manifest
	dir      string
	packs    []*os.File // by index of manifest.Libraries
}

// Open reads and checks the manifest of a folder and opens the pack files,
// whose sizes must be those of the manifest. It reads no frames. The caller
// closes the Library.
//
// The error is fs.ErrNotExist where the folder, the manifest or a pack file is
// missing, and ErrManifest where they do not fit.
func Open(dir string) (*Library, error) {
	l, err := open(dir)
	if err != nil {
		return nil, fmt.Errorf("open packed library in %s: %w", dir, err)
	}
	return l, nil
}

func open(dir string) (*Library, error) {
	// The root pins the folder: a swap under our feet cannot pair the manifest
	// of one packing with the frames of another.
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	m, err := readManifest(root)
	if err != nil {
		return nil, err
	}
	l := &Library{manifest: m, dir: dir}
	for _, e := range m.Libraries {
		f, err := openPack(root, e)
		if err != nil {
			return nil, errors.Join(err, l.Close())
		}
		l.packs = append(l.packs, f)
	}
	return l, nil
}

func readManifest(root *os.Root) (Manifest, error) {
	f, err := root.Open(ManifestName)
	if errors.Is(err, fs.ErrNotExist) {
		return Manifest{}, fmt.Errorf("no %s in it: %w", ManifestName, fs.ErrNotExist)
	}
	if err != nil {
		return Manifest{}, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil {
		return Manifest{}, err
	}
	m, err := ParseManifest(data)
	if err != nil {
		return Manifest{}, fmt.Errorf("%s: %w", ManifestName, err)
	}
	return m, nil
}

func openPack(root *os.Root, e Entry) (*os.File, error) {
	f, err := root.Open(e.PackName())
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%w: %s is not a regular file", ErrManifest, e.PackName())
	}
	if err == nil && info.Size() != e.PackedSize() {
		err = fmt.Errorf("%w: %s has %d bytes, the manifest says %d", ErrManifest, e.PackName(), info.Size(), e.PackedSize())
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Manifest says what the folder holds. The caller must not change its slices.
func (l *Library) Manifest() Manifest { return l.manifest }

// Close closes the pack files. Inflate must have returned.
func (l *Library) Close() error {
	var errs []error
	for _, f := range l.packs {
		errs = append(errs, f.Close())
	}
	l.packs = nil
	return errors.Join(errs...)
}
