package prelink_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/tensorlambda/tensorlambda/layer/prelink"
)

// calling is a library that calls its own functions: through the table for calls, which
// the loader fills by name, and one that another library has too.
const calling = `
__attribute__((noinline)) int ours(void) __asm__("_ZN10tensorflow4callEv");
__attribute__((noinline)) int both(void) __asm__("_ZN10tensorflow4bothEv");
int theirs(void) __asm__("_ZN10tensorflow6theirsEv");
int ours(void) { return 1; }
int both(void) { return 2; }
int sum(void) { return 100 * ours() + 10 * both() + theirs(); }
`

const called = `
int both(void) __asm__("_ZN10tensorflow4bothEv");
int theirs(void) __asm__("_ZN10tensorflow6theirsEv");
int both(void) { return 3; }
int theirs(void) { return 4; }
`

func TestHiddenNamesAreNotNeeded(t *testing.T) {
	for _, c := range toolchains(t) {
		t.Run(c.name, func(t *testing.T) {
			run := c.compile(t, "run", program)
			before := c.compile(t, "first.so", called, "-shared", "-fPIC")
			path := c.compile(t, "library.so", calling, "-shared", "-fPIC", "-Wl,-z,lazy")
			const want = "134"
			if got := c.sum(t, run, before, path); got != want {
				t.Fatalf("the loader computes %s without us, want %s", got, want)
			}
			names, err := prelink.Names(read(t, before))
			if err != nil {
				t.Fatal(err)
			}
			library := read(t, path)
			if err := prelink.Hide(library, func(name string) bool { return prelink.Mangled(name) && !names[name] }); err != nil {
				t.Fatal(err)
			}
			write(t, path, library)
			left, err := prelink.Names(library)
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string]bool{
				"_ZN10tensorflow4callEv": false, "_ZN10tensorflow4bothEv": true, "_ZN10tensorflow6theirsEv": true, "sum": true,
			} {
				if left[name] != want {
					t.Errorf("%s is there: %t", name, left[name])
				}
			}
			if got := c.sum(t, run, before, path); got != want {
				t.Errorf("with hidden names it computes %s, want %s", got, want)
			}
			if c.name == "native" {
				t.Setenv("LD_BIND_NOW", "1") // then the loader binds calls itself
				if got := c.sum(t, run, before, path); got != want {
					t.Errorf("bound at once it computes %s, want %s", got, want)
				}
			}
		})
	}
}

func TestNothingToHideChangesNothing(t *testing.T) {
	c := toolchains(t)[0]
	library := read(t, c.compile(t, "library.so", calling, "-shared", "-fPIC"))
	before := bytes.Clone(library)
	if err := prelink.Hide(library, func(string) bool { return false }); err != nil || !bytes.Equal(library, before) {
		t.Errorf("changed: %v", err)
	}
}

// large is a library with a constructor and so many constants and so much code that
// whole pages are of nothing else.
const large = `
const char constants[1 << 20] = {1};
static int made = 1;
int *table[] = {&made};
__attribute__((constructor)) static void make(void) { made = constants[0] + 4; }
__asm__(".text\n.zero 1048576\n");
int sum(void) { return made; }
`

// opener opens a library and runs nothing of it.
const opener = `
#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv) {
	puts(dlopen(argv[1], RTLD_LAZY | RTLD_GLOBAL) ? "opened" : dlerror());
	return 0;
}`

// TestLoaderDoesNotReadQuietParts damages them all: a library without constructors must
// still be opened as if nothing were amiss.
func TestLoaderDoesNotReadQuietParts(t *testing.T) {
	for _, c := range toolchains(t) {
		t.Run(c.name, func(t *testing.T) {
			run := c.compile(t, "run", opener)
			path := c.compile(t, "library.so", large, "-shared", "-fPIC", "-nostartfiles", "-Dconstructor=used")
			library := read(t, path)
			regions, err := prelink.Quiet(library)
			if err != nil {
				t.Fatal(err)
			}
			var size int64
			code := false
			for _, r := range regions {
				for i := range r.Size {
					library[r.Offset+i] = 0xcc
				}
				size += r.Size
				code = code || r.Executable
			}
			if size < 3<<19 || !code {
				t.Errorf("regions %+v, want most of two megabytes, code among them", regions)
			}
			write(t, path, library)
			if got := c.sum(t, run, path); got != "opened\n" {
				t.Errorf("without its quiet parts: %s", got)
			}
		})
	}
}

func TestLibraryThatIsAskedForAddressesIsNeverQuiet(t *testing.T) {
	const indirect = `
static int one(void) { return 1; }
static void *choose(void) { return one; }
int sum(void) __attribute__((ifunc("choose")));
int (*table[])(void) = {sum};
const char constants[1 << 20] = {1};
`
	c := toolchains(t)[0]
	regions, err := prelink.Quiet(read(t, c.compile(t, "library.so", indirect, "-shared", "-fPIC")))
	if err != nil || len(regions) > 0 {
		t.Errorf("regions %+v: %v", regions, err)
	}
}

func TestQuietRefusesWhatIsNoSharedLibrary(t *testing.T) {
	content, err := os.ReadFile("hide.go")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := prelink.Quiet(content); err == nil {
		t.Error("text has quiet parts")
	}
	if err := prelink.Hide(content, prelink.Mangled); err == nil {
		t.Error("text has names to hide")
	}
}
