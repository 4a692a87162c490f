package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
	"github.com/tensorlambda/tensorlambda/layer/prelink"
)

// bindLibraries binds the two libraries in dir to themselves, so that opening them
// takes half the time, and their calls of themselves need no names.
// Framework is the first of the two that the loader looks into, so its own names are
// its own; cc's are where framework has not got them too. The names of the C and C++
// run-time libraries are left to the loader in both, and so are names that both have.
func bindLibraries(dir string) error {
	paths := []string{filepath.Join(dir, packed.Framework), filepath.Join(dir, packed.CC)}
	var defined map[string]bool // by framework
	names := make([]map[string]bool, len(paths))
	for i, path := range paths {
		err := inPlace(path, func(library []byte) (err error) {
			if names[i], err = prelink.Names(library); err == nil && i == 0 {
				defined, err = prelink.Exports(library)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	for i, path := range paths {
		own := prelink.Mangled
		if i > 0 {
			own = func(name string) bool { return !defined[name] && prelink.Mangled(name) }
		}
		other := names[1-i]
		err := inPlace(path, func(library []byte) error {
			if _, err := prelink.Bind(library, own); err != nil {
				return err
			}
			return prelink.Hide(library, func(name string) bool { return !other[name] && own(name) })
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// lateRegions are the parts of a bound library that can be inflated last.
func lateRegions(f *os.File, size int64, known warmth) (late []packed.Region, err error) {
	content, err := unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map: %w", err)
	}
	defer func() { err = errors.Join(err, unix.Munmap(content)) }()
	quiet, err := prelink.Quiet(content)
	if err != nil {
		return nil, err
	}
	for _, r := range quiet {
		late = append(late, divide(r, func(b int64) bool { return known.hot(b, r.Executable) })...)
	}
	return late, nil
}

// inPlace changes a file through memory.
func inPlace(path string, change func([]byte) error) (err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	content, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("map %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, unix.Munmap(content)) }()
	if err := change(content); err != nil {
		return fmt.Errorf("bind %s: %w", path, err)
	}
	return nil
}
