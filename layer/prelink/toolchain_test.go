package prelink_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// toolchain compiles for one architecture and runs what it compiled.
type toolchain struct {
	name string
	cc   string
	run  []string // what goes before the program's name
}

// toolchains are this machine's own and, where a cross compiler and an emulator
// are installed, one for arm64.
func toolchains(t *testing.T) []toolchain {
	t.Helper()
	native := toolchain{name: "native", cc: "cc"}
	arm64 := toolchain{"arm64", "aarch64-linux-gnu-gcc", []string{"qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu"}}
	for _, program := range []string{arm64.cc, arm64.run[0]} {
		if _, err := exec.LookPath(program); err != nil {
			t.Logf("not run for arm64: %s is not installed", program)
			return []toolchain{native}
		}
	}
	return []toolchain{native, arm64}
}

func (c toolchain) compile(t *testing.T, name, source string, flags ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	cmd := exec.CommandContext(t.Context(), c.cc, append(flags, "-x", "c", "-", "-o", path, "-ldl")...)
	cmd.Stdin = strings.NewReader(source)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", c.cc, err, out)
	}
	return path
}

// sum is what the last of the libraries computes, with the others loaded before.
func (c toolchain) sum(t *testing.T, program string, libraries ...string) string {
	t.Helper()
	command := append(append([]string(nil), c.run...), append([]string{program}, libraries...)...)
	out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}
