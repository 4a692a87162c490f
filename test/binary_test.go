package test

import (
	"debug/elf"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel/optable"
)

// The program is linked to nothing that a Lambda environment lacks: the TensorFlow
// library is opened at run time.
func TestTheProgramNeedsOnlyTheCLibrary(t *testing.T) {
	f, err := elf.Open(bootstrap)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	needed, err := f.ImportedLibraries()
	if err != nil {
		t.Fatal(err)
	}
	family := []string{"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libresolv.so.2"}
	for _, name := range needed {
		if !slices.Contains(family, name) && !strings.HasPrefix(name, "ld-linux") {
			t.Errorf("the program needs %s", name)
		}
	}
	for _, tag := range []elf.DynTag{elf.DT_RPATH, elf.DT_RUNPATH} {
		if paths, err := f.DynString(tag); err != nil || len(paths) > 0 {
			t.Errorf("%v is %q (%v): it would look for libraries elsewhere", tag, paths, err)
		}
	}
}

// The table of operations that models are judged by is that of the library they
// run on.
func TestTheOperationTableIsTheLibrarys(t *testing.T) {
	if _, err := libtensorflow.Open(t.Context(), libtensorflow.Options{Dir: rawLibrary(t)}); err != nil {
		t.Fatal(err)
	}
	ops, err := optable.ReadList(libtensorflow.OpList())
	if err != nil {
		t.Fatal(err)
	}
	if len(ops) < 1000 {
		t.Errorf("the library has only %d operations", len(ops))
	}
	for _, op := range ops {
		got, ok := optable.Lookup(op.Name)
		if !ok || got.String() != op.String() {
			t.Errorf("table has %q (found: %v), the library says %q", got.String(), ok, op.String())
		}
	}
}
