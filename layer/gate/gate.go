package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
	"github.com/tensorlambda/tensorlambda/layer/abi"
)

// Lambda allows 262,144,000 bytes for a function and its layers, unzipped. The project
// allows itself less, so that there is room for another layer. An image may have 10 GiB,
// with what it is built on and with a model.
const (
	functionBytes = 32_000_000
	layerBytes    = 140_000_000
	imageBytes    = 5 << 30
)

var errRefused = errors.New("refused")

// function checks the folder of a function: a program called bootstrap.
func function(dir, arch string) (string, error) {
	size, err := folder(dir, functionBytes, executable)
	return fmt.Sprintf("function: %d bytes of %d, for %s", size, int64(functionBytes), arch),
		errors.Join(err, program(filepath.Join(dir, "bootstrap"), arch))
}

// executable checks the mode of bootstrap, where path is that.
func executable(path string, info fs.FileInfo) error {
	if path == "bootstrap" && info.Mode().Perm()&0o555 != 0o555 {
		return fmt.Errorf("bootstrap has the mode %v, and everybody must be able to execute it: %w", info.Mode().Perm(), errRefused)
	}
	return nil
}

// image checks what the Dockerfile takes: a program called bootstrap and the unpacked
// libraries in lib. What they need of others was checked when they were cut, which takes
// away the tables that say so.
func image(dir, arch string) (string, error) {
	libraries := []string{filepath.Join("lib", packed.Framework), filepath.Join("lib", packed.CC)}
	expected := append([]string{"bootstrap", filepath.Join("lib", "SHA256SUMS")}, libraries...)
	size, err := folder(dir, imageBytes, func(path string, info fs.FileInfo) error {
		if !slices.Contains(expected, path) {
			return fmt.Errorf("%s is no part of the image: %w", path, errRefused)
		}
		return executable(path, info)
	})
	faults := []error{err, program(filepath.Join(dir, "bootstrap"), arch)}
	for _, path := range libraries {
		faults = append(faults, machine(filepath.Join(dir, path), arch))
	}
	return fmt.Sprintf("image: %d bytes, for %s", size, arch), errors.Join(faults...)
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
	if err := machine(path, arch); err != nil {
		return err
	}
	f, err := elf.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return abi.Check(f, filepath.Base(path))
}

// machine checks for which processor a program or library is.
func machine(path, arch string) error {
	name := filepath.Base(path)
	f, err := elf.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("there is no %s: %w", name, errRefused)
	}
	if err != nil {
		return fmt.Errorf("%s is no program or library: %w: %w", name, errRefused, err)
	}
	defer f.Close()
	if f.Machine != abi.Machines[arch] {
		return fmt.Errorf("%s is for %s, and is to be deployed for %s: %w", name, f.Machine, arch, errRefused)
	}
	return nil
}
