// Package abi knows what programs and libraries find on provided.al2023.
package abi

import (
	"debug/elf"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ErrMissing is something that provided.al2023 does not have.
var ErrMissing = errors.New("provided.al2023 does not have it")

// Machines are the processors of Lambda, by Go's names of architectures.
var Machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// The versions of the C and C++ libraries of provided.al2023, and which libraries there
// are without installing any. AL2023 keeps its glibc for life; of its libstdc++ newer ones
// are in some images and not in the run-time environment.
var (
	versions = map[string]string{"GLIBC": "2.34", "GLIBCXX": "3.4.29", "CXXABI": "1.3.13"}
	present  = []string{
		"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libresolv.so.2",
		"libstdc++.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1",
	}
)

// Check looks at what a program or library takes from others. shipped are the names of
// those that travel with it. The error has all that is missing, each ErrMissing.
func Check(f *elf.File, name string, shipped ...string) error {
	libraries, err := f.ImportedLibraries()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	var faults []error
	for _, library := range libraries {
		if !slices.Contains(present, library) && !slices.Contains(shipped, library) {
			faults = append(faults, fmt.Errorf("%s needs %s: %w", name, library, ErrMissing))
		}
	}
	if f.SectionByType(elf.SHT_GNU_VERNEED) == nil {
		return errors.Join(faults...) // it asks for no versions
	}
	needs, err := f.DynamicVersionNeeds()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for _, need := range needs {
		for _, v := range need.Needs {
			kind, version, _ := strings.Cut(v.Dep, "_")
			if most := versions[kind]; most != "" && newer(version, most) {
				faults = append(faults, fmt.Errorf("%s needs %s, there is %s_%s; build it on an older system: %w", name, v.Dep, kind, most, ErrMissing))
			}
		}
	}
	return errors.Join(faults...)
}

// newer reports whether a version of numbers and dots is above another.
func newer(version, than string) bool {
	a, b := strings.Split(version, "."), strings.Split(than, ".")
	for i := range max(len(a), len(b)) {
		x, y := 0, 0
		if i < len(a) {
			x, _ = strconv.Atoi(a[i])
		}
		if i < len(b) {
			y, _ = strconv.Atoi(b[i])
		}
		if x != y {
			return x > y
		}
	}
	return false
}
