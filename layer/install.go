package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
)

// installPacked replaces dir by a copy of the packed library in from, unless it
// holds just that. A copy, not links: who edits the layer must not edit the
// cache.
func installPacked(from, staging, dir string, m packed.Manifest) error {
	if packedCurrent(dir, m) {
		return nil
	}
	staged, err := os.MkdirTemp(staging, "lib-")
	if err != nil {
		return err
	}
	for _, name := range packedFiles(m) {
		if err := copyFile(filepath.Join(from, name), filepath.Join(staged, name)); err != nil {
			return err
		}
	}
	return publish(staged, dir, packed.ManifestName)
}

// packedCurrent reports whether dir holds the library of m and nothing else:
// whatever lies there goes into the layer.
func packedCurrent(dir string, m packed.Manifest) bool {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(packedFiles(m)) {
		return false
	}
	got, ok := readPacked(dir)
	return ok && reflect.DeepEqual(got, m)
}

// readPacked reads the manifest of a packed library whose files have the right
// sizes.
func readPacked(dir string) (packed.Manifest, bool) {
	lib, err := packed.Open(dir)
	if err != nil {
		return packed.Manifest{}, false
	}
	return lib.Manifest(), lib.Close() == nil
}

func packedFiles(m packed.Manifest) []string {
	names := []string{packed.ManifestName}
	for _, e := range m.Libraries {
		names = append(names, e.PackName())
	}
	return names
}

func copyFile(from, to string) (err error) {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	_, err = io.Copy(dst, src)
	return err
}
