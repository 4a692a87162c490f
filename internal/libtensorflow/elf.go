package libtensorflow

import (
	"debug/elf"
	"fmt"
	"os"
	"runtime"
)

var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// checkELF refuses a raw library that the loader would refuse too, with a
// reason that says more than the loader's. It returns the file's size.
func checkELF(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, fmt.Errorf("raw library: %w: %w", err, ErrMissing)
	}
	f, err := elf.Open(path)
	if err != nil {
		return 0, fmt.Errorf("%s is not a shared library: %w: %w", path, err, ErrUnusable)
	}
	defer f.Close()
	if f.Machine != machines[runtime.GOARCH] {
		return 0, fmt.Errorf("%s is for %s, this program is %s: %w", path, f.Machine, runtime.GOARCH, ErrUnusable)
	}
	return info.Size(), nil
}
