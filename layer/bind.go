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

// bindLibraries binds the two libraries in dir to themselves, so that opening
// them takes half the time. Framework is the first of the two that the loader
// looks into, so its own names are its own; cc's are where framework has not got
// them too. The names of the C and C++ run-time libraries are left to the loader
// in both.
func bindLibraries(dir string) error {
	var framework map[string]bool
	err := inPlace(filepath.Join(dir, packed.Framework), func(library []byte) (err error) {
		if framework, err = prelink.Exports(library); err != nil {
			return err
		}
		_, err = prelink.Bind(library, prelink.Mangled)
		return err
	})
	if err != nil {
		return err
	}
	return inPlace(filepath.Join(dir, packed.CC), func(library []byte) error {
		_, err := prelink.Bind(library, func(name string) bool { return !framework[name] && prelink.Mangled(name) })
		return err
	})
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
