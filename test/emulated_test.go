package test

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
)

// emulator runs programs for arm64, as on Lambda's Graviton2.
var emulator = []string{"qemu-aarch64-static", "-cpu", "neoverse-n1", "-L", "/usr/aarch64-linux-gnu"}

// The function for arm64 starts with the layer for arm64 and answers an event: stubs, bound
// libraries, late and cold code, on the other processor. What it computes differs from
// what Python did on x86_64 by less than Python's answers allow.
//
// It has the machine to itself as far as that goes: emulated, a start takes ten times as
// long.
func TestTheFunctionForARM64Answers(t *testing.T) {
	if runtime.GOARCH == "arm64" {
		t.Skip("not run: on this machine all other tests are about arm64")
	}
	needEmulator(t)
	layer := absolute(t, "../build/layer-arm64/lib")
	if _, err := os.Stat(filepath.Join(layer, packed.ManifestName)); err != nil {
		t.Fatalf("%v: run `make layer ARCH=arm64`", err)
	}
	if err := makeBuild(absolute(t, ".."), "ARCH=arm64"); err != nil {
		t.Fatal(err)
	}

	f := startProgram(t, append(emulator, absolute(t, "../build/bootstrap-arm64")), "MODEL_URI="+uri(t, digitsInStore), "TENSORFLOW_LIB="+layer)
	f.awaitReady()
	r := f.report()
	sample(t).check(t, f.invoke(read(t, filepath.Join("../events", "apigateway-v2.json"))), 0, 1)
	if r.LibraryFrom != "memfd" || len(r.Warnings) > 0 {
		t.Errorf("the library is in %s, and the report warns: %q", r.LibraryFrom, r.Warnings)
	}
	t.Logf("ready after %.1f s", r.TotalMs/1000)
}

// needEmulator skips a test of what is for arm64 where that can neither be compiled nor
// run. test/arm64.sh installs what it takes where it can.
func needEmulator(t *testing.T) {
	t.Helper()
	_, noCompiler := exec.LookPath("aarch64-linux-gnu-gcc")
	_, noEmulator := exec.LookPath(emulator[0])
	_, noLibrary := os.Stat("/usr/aarch64-linux-gnu/lib/libstdc++.so.6")
	if err := cmp.Or(noCompiler, noEmulator, noLibrary); err != nil {
		t.Skipf("not run: %v", err)
	}
}
