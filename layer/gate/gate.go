package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
	"github.com/tensorlambda/tensorlambda/layer/abi"
)

// Lambda allows 262,144,000 bytes for a function and its layers, unzipped. The project
// allows itself less, so that there is room for another layer.
const (
	functionBytes = 32_000_000
	layerBytes    = 140_000_000
)

var errRefused = errors.New("refused")

// function checks the folder of a function: a program called bootstrap.
func function(dir, arch string) (string, error) {
	size, err := folder(dir, functionBytes, func(path string, info fs.FileInfo) error {
		if path == "bootstrap" && info.Mode().Perm()&0o555 != 0o555 {
			return fmt.Errorf("bootstrap has the mode %v, and everybody must be able to execute it: %w", info.Mode().Perm(), errRefused)
		}
		return nil
	})
	return fmt.Sprintf("function: %d bytes of %d, for %s", size, int64(functionBytes), arch),
		errors.Join(err, program(filepath.Join(dir, "bootstrap"), arch))
}

// layer checks the folder of the layer: a packed library in lib, and nothing else.
func layer(dir, arch string) (string, error) {
	expected := map[string]bool{filepath.Join("lib", packed.ManifestName): true}
	lib, err := packed.Open(filepath.Join(dir, "lib"))
	if err != nil {
		return "", err
	}
	m := lib.Manifest()
	if err := lib.Close(); err != nil {
		return "", err
	}
	if m.Arch != arch {
		err = fmt.Errorf("the library is for %s, the template says %s: run make layer ARCH=%s: %w", m.Arch, arch, arch, errRefused)
	}
	for _, e := range m.Libraries {
		expected[filepath.Join("lib", e.PackName())] = true
	}
	size, folderErr := folder(dir, layerBytes, func(path string, _ fs.FileInfo) error {
		if !expected[path] {
			return fmt.Errorf("%s is no part of a packed library: %w", path, errRefused)
		}
		return nil
	})
	return fmt.Sprintf("layer: %d bytes of %d, TensorFlow %s for %s", size, int64(layerBytes), m.TensorFlow, arch), errors.Join(err, folderErr)
}

// folder sums the sizes of a folder's files and checks them. Links are refused: SAM
// packs what they lead to, each time anew.
func folder(dir string, most int64, check func(path string, info fs.FileInfo) error) (int64, error) {
	var size int64
	var faults []error
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		readable := fs.FileMode(0o444)
		if info.IsDir() {
			readable = 0o555
		}
		if info.Mode().Perm()&readable != readable {
			faults = append(faults, fmt.Errorf("%s has the mode %v, and Lambda's user must be able to read it: %w", name, info.Mode().Perm(), errRefused))
		}
		if info.IsDir() {
			return nil
		}
		if !info.Mode().IsRegular() {
			faults = append(faults, fmt.Errorf("%s is a link or no file: %w", name, errRefused))
			return nil
		}
		size += info.Size()
		if err := check(name, info); err != nil {
			faults = append(faults, err)
		}
		return nil
	})
	if size > most {
		faults = append(faults, fmt.Errorf("it has %d bytes, %d more than its %d: %w", size, size-most, most, errRefused))
	}
	return size, errors.Join(append(faults, err)...)
}

// program checks that a program runs on provided.al2023.
func program(path, arch string) error {
	f, err := elf.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("there is no bootstrap: %w", errRefused)
	}
	if err != nil {
		return fmt.Errorf("bootstrap is no program: %w: %w", errRefused, err)
	}
	defer f.Close()
	var faults []error
	if f.Machine != abi.Machines[arch] {
		faults = append(faults, fmt.Errorf("bootstrap is for %s, the template says %s: %w", f.Machine, arch, errRefused))
	}
	return errors.Join(append(faults, abi.Check(f, "bootstrap"))...)
}
