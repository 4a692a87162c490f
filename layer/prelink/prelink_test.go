package prelink_test

import (
	"debug/elf"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/layer/prelink"
)

// source is a library with tables of pointers to its own variables, as C++
// makes them: an ordinary one, one that another library has too, one of the
// run-time library's, a C name, a thread-local and a weak one.
const source = `
int ours   __asm__("_ZN10tensorflow4oursE")   = 1;
int shared __asm__("_ZN10tensorflow6sharedE") = 2;
int runtime __asm__("_ZNSt4thisE") = 3;
int plain_c = 4;
__thread int local __asm__("_ZN10tensorflow5localE") = 5;
__attribute__((weak)) int weak __asm__("_ZN10tensorflow4weakE") = 6;
extern int elsewhere __asm__("_ZN10tensorflow9elsewhereE");

int *table[] = {&ours, &shared, &runtime, &plain_c, &weak, &elsewhere};
int sum(void) { int s = local; for (int i = 0; i < 6; i++) s = 10 * s + *table[i]; return s; }
`

// first is a library that is loaded before and has three of the names.
const first = `
int shared __asm__("_ZN10tensorflow6sharedE") = 7;
int plain_c = 8;
int elsewhere __asm__("_ZN10tensorflow9elsewhereE") = 9;
`

// program loads two libraries as the real ones are, and prints what the second
// computes.
const program = `
#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv) {
	void *library = NULL;
	for (int i = 1; i < argc; i++)
		if (!(library = dlopen(argv[i], RTLD_LAZY | RTLD_GLOBAL))) { puts(dlerror()); return 1; }
	printf("%d", ((int (*)(void))dlsym(library, "sum"))());
	return 0;
}`

func TestBoundLibraryComputesTheSame(t *testing.T) {
	for _, c := range toolchains(t) {
		t.Run(c.name, func(t *testing.T) {
			run := c.compile(t, "run", program)
			before := c.compile(t, "first.so", first, "-shared", "-fPIC")
			path := c.compile(t, "library.so", source, "-shared", "-fPIC")
			want := c.sum(t, run, before, path)
			if want != "5173869" { // the first library's shared, plain_c and elsewhere
				t.Fatalf("the loader computes %s without us", want)
			}
			names, err := prelink.Exports(read(t, before))
			if err != nil {
				t.Fatal(err)
			}
			own := func(name string) bool { return !names[name] && prelink.Mangled(name) }

			library := read(t, path)
			stats, err := prelink.Bind(library, own)
			if err != nil {
				t.Fatal(err)
			}
			// By name were at least the six of the table; ours and weak can be bound.
			if stats.Bound != 2 || stats.ByName < 6 {
				t.Errorf("bound %d of %d", stats.Bound, stats.ByName)
			}
			write(t, path, library)
			if got := c.sum(t, run, before, path); got != want {
				t.Errorf("the bound library computes %s, want %s", got, want)
			}
			checkCount(t, path)

			again, err := prelink.Bind(library, own)
			if err != nil || again.Bound != 0 {
				t.Errorf("bound twice: %+v, %v", again, err)
			}
		})
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o755); err != nil {
		t.Fatal(err)
	}
}

// checkCount makes sure that the loader's count of relative relocations is that
// of the ones at the front: it takes them blindly.
func checkCount(t *testing.T, path string) {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	counts, err := f.DynValue(elf.DT_RELACOUNT)
	if err != nil || len(counts) != 1 {
		t.Fatalf("DT_RELACOUNT %v, %v", counts, err)
	}
	data, err := f.Section(".rela.dyn").Data()
	if err != nil {
		t.Fatal(err)
	}
	relative := map[elf.Machine]uint32{elf.EM_X86_64: uint32(elf.R_X86_64_RELATIVE), elf.EM_AARCH64: uint32(elf.R_AARCH64_RELATIVE)}[f.Machine]
	for i := 0; i < len(data)/24; i++ {
		kind := f.ByteOrder.Uint32(data[24*i+8:])
		if want := uint64(i) < counts[0]; (kind == relative) != want {
			t.Errorf("relocation %d of %d relative ones has type %d", i, counts[0], kind)
		}
	}
}

func TestMangled(t *testing.T) {
	for name, want := range map[string]bool{
		"_ZN10tensorflow4oursE":                 true,
		"_ZTVN10tensorflow8OpKernelE":           true,
		"_ZNK4mlir5Value7getTypeEv":             true,
		"_ZThn16_N10tensorflow6DeviceD1Ev":      true,
		"_ZTv0_n24_N10tensorflow6StreamD0Ev":    true,
		"_ZGVZN4absl4nameEvE4once":              true,
		"_ZTIZN10tensorflow3runEvEUlvE_":        true,
		"_Z3runv":                               true,
		"_ZNSt6vectorIiSaIiEE9push_backEOi":     false,
		"_ZNSs6appendEPKc":                      false,
		"_ZSt4cout":                             false,
		"_ZTISt9exception":                      false,
		"_ZTVN10__cxxabiv117__class_type_infoE": false,
		"_ZN9__gnu_cxx18stdio_filebufE":         false,
		"_ZTIPKc":                               false,
		"_Znwm":                                 false,
		"_ZdlPv":                                false,
		"malloc":                                false,
		"TF_Version":                            false,
		"":                                      false,
	} {
		if got := prelink.Mangled(name); got != want {
			t.Errorf("Mangled(%q) = %t", name, got)
		}
	}
}

func TestBindRefusesWhatIsNoSharedLibrary(t *testing.T) {
	object := read(t, toolchain{cc: "cc"}.compile(t, "object.o", source, "-c", "-fPIC"))
	for name, content := range map[string][]byte{"empty": nil, "text": []byte("nonsense"), "object file": object} {
		if _, err := prelink.Bind(content, prelink.Mangled); !errors.Is(err, prelink.ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzBind(f *testing.F) {
	dir := f.TempDir()
	path := filepath.Join(dir, "library.so")
	cmd := exec.CommandContext(f.Context(), "cc", "-shared", "-fPIC", "-nostdlib", "-x", "c", "-", "-o", path)
	cmd.Stdin = strings.NewReader(source)
	if out, err := cmd.CombinedOutput(); err != nil {
		f.Fatalf("cc: %v: %s", err, out)
	}
	library, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(library)
	f.Add(library[:len(library)/2])
	f.Fuzz(func(_ *testing.T, library []byte) {
		prelink.Exports(library)
		prelink.Bind(library, prelink.Mangled)
	})
}
