package prelink_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/layer/prelink"
)

// kinds is a library with pointers to symbols of every kind that a compiler
// makes. All names are its own; only some of the symbols are plain addresses.
// Linkers may write down the protected and the absolute one themselves.
const kinds = `
int plain __asm__("_ZN10tensorflow5plainE") = 1;
__attribute__((weak)) int weak __asm__("_ZN10tensorflow4weakE") = 2;
__attribute__((visibility("protected"))) int guarded __asm__("_ZN10tensorflow7guardedE") = 3;
__thread int local __asm__("_ZN10tensorflow5localE") = 4;
int taken[2] __asm__("_ZN10tensorflow5takenE") = {5, 6}; // by code, so through the GOT

static int seven(void) { return 7; }
__attribute__((used)) static int (*resolve(void))(void) { return seven; }
int chosen(void) __asm__("_ZN10tensorflow6chosenE") __attribute__((ifunc("resolve")));

__asm__(
	".data\n.balign 4\n"
	".globl _ZN10tensorflow6uniqueE\n"
	".type _ZN10tensorflow6uniqueE, %gnu_unique_object\n"
	".size _ZN10tensorflow6uniqueE, 4\n"
	"_ZN10tensorflow6uniqueE: .long 8\n"
	".globl _ZN10tensorflow8absoluteE\n"
	".set _ZN10tensorflow8absoluteE, 9\n"
	".text\n");
extern int unique __asm__("_ZN10tensorflow6uniqueE");
extern char absolute __asm__("_ZN10tensorflow8absoluteE");

int *table[] = {&plain, &weak, &guarded, &unique};
int (*function)(void) = chosen;
char *number = &absolute;

int sum(void) {
	int s = local;
	for (int i = 0; i < 4; i++) s = 10 * s + *table[i];
	s = 10 * s + function();
	s = 10 * s + (int)(long)number;
	return 10 * s + *taken;
}
`

// What Bind leaves to the loader it must leave whole, and what it binds must be
// what the loader would have found.
func TestBindKnowsTheKindsOfSymbols(t *testing.T) {
	for _, c := range toolchains(t) {
		t.Run(c.name, func(t *testing.T) {
			run := c.compile(t, "run", program)
			path := c.compile(t, "kinds.so", kinds, "-shared", "-fPIC")
			want := c.sum(t, run, path)
			if want != "4123"+"8795" {
				t.Fatalf("the loader computes %s without us", want)
			}
			library := read(t, path)
			before := named(t, library)
			bound := boundNames(t, library)
			for name, want := range map[string]bool{"plain": true, "weak": true, "taken": true, "unique": false, "chosen": false} {
				if !before[name] {
					t.Errorf("nothing refers to %s by name: this test shows less than it says", name)
				}
				if slices.Contains(bound, name) != want {
					t.Errorf("bound %v; %s among them: %t, want %t", bound, name, !want, want)
				}
			}
			write(t, path, library)
			if got := c.sum(t, run, path); got != want {
				t.Errorf("the bound library computes %s, want %s", got, want)
			}
			checkCount(t, path)
		})
	}
}

// The psABI of x86-64 gives a GLOB_DAT relocation no addend and that of arm64
// does. Linkers write 0, so one is written here; the loader is the judge.
func TestBindTakesAddendsAsTheLoaderDoes(t *testing.T) {
	for _, c := range toolchains(t) {
		t.Run(c.name, func(t *testing.T) {
			run := c.compile(t, "run", program)
			path := c.compile(t, "kinds.so", kinds, "-shared", "-fPIC")
			library := read(t, path)
			changed := 0
			eachRelocation(t, library, func(name string, kind uint32, at []byte) {
				if name == "taken" && (kind == uint32(elf.R_X86_64_GLOB_DAT) || kind == uint32(elf.R_AARCH64_GLOB_DAT)) {
					binary.LittleEndian.PutUint64(at[16:], 4)
					changed++
				}
			})
			if changed != 1 {
				t.Fatalf("%d GLOB_DAT relocations of taken, want 1", changed)
			}
			write(t, path, library)
			want := c.sum(t, run, path)
			if got := boundNames(t, library); !slices.Contains(got, "taken") {
				t.Fatalf("bound %v, want taken among them", got)
			}
			write(t, path, library)
			if got := c.sum(t, run, path); got != want {
				t.Errorf("the bound library computes %s, want %s", got, want)
			}
		})
	}
}

// Relocations of pointers to symbols that linkers refuse to make, or that
// compilers make rarely.
func TestBindLeavesSymbolsThatAreNoPlainAddress(t *testing.T) {
	for _, c := range toolchains(t) {
		path := c.compile(t, "kinds.so", kinds, "-shared", "-fPIC")
		for name, test := range map[string]struct {
			info  byte
			index elf.SectionIndex // 0 for the one it has
			bound bool
		}{
			"an object":               {elf.ST_INFO(elf.STB_GLOBAL, elf.STT_OBJECT), 0, true},
			"a weak function":         {elf.ST_INFO(elf.STB_WEAK, elf.STT_FUNC), 0, true},
			"without a type":          {elf.ST_INFO(elf.STB_GLOBAL, elf.STT_NOTYPE), 0, true},
			"thread-local":            {elf.ST_INFO(elf.STB_GLOBAL, elf.STT_TLS), 0, false},
			"weak and thread-local":   {elf.ST_INFO(elf.STB_WEAK, elf.STT_TLS), 0, false},
			"indirect":                {elf.ST_INFO(elf.STB_GLOBAL, elf.STT_GNU_IFUNC), 0, false},
			"unique":                  {elf.ST_INFO(elf.STB_LOOS, elf.STT_OBJECT), 0, false},
			"local":                   {elf.ST_INFO(elf.STB_LOCAL, elf.STT_OBJECT), 0, false},
			"absolute":                {elf.ST_INFO(elf.STB_GLOBAL, elf.STT_OBJECT), elf.SHN_ABS, false},
			"common":                  {elf.ST_INFO(elf.STB_GLOBAL, elf.STT_OBJECT), elf.SHN_COMMON, false},
			"in a section far behind": {elf.ST_INFO(elf.STB_GLOBAL, elf.STT_OBJECT), elf.SHN_XINDEX, false},
		} {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				library := read(t, path)
				at := symbolEntry(t, library, "plain")
				at[4] = test.info
				if test.index != 0 {
					binary.LittleEndian.PutUint16(at[6:], uint16(test.index))
				}
				if bound := slices.Contains(boundNames(t, library), "plain"); bound != test.bound {
					t.Errorf("bound: %t", bound)
				}
			})
		}
	}
}

// boundNames binds the library to its mangled names and returns those that
// nothing refers to by name any more.
func boundNames(t *testing.T, library []byte) []string {
	t.Helper()
	before := named(t, library)
	if _, err := prelink.Bind(library, prelink.Mangled); err != nil {
		t.Fatal(err)
	}
	after := named(t, library)
	maps.DeleteFunc(before, func(name string, _ bool) bool { return after[name] })
	return slices.Sorted(maps.Keys(before))
}

// named is the symbols, without their mangling, that relocations outside the
// procedure linkage table name.
func named(t *testing.T, library []byte) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	eachRelocation(t, library, func(name string, _ uint32, _ []byte) { names[name] = true })
	return names
}

// eachRelocation yields the relocations that name a symbol, and where they are.
func eachRelocation(t *testing.T, library []byte, yield func(name string, kind uint32, at []byte)) {
	t.Helper()
	f, symbols := dynamicSymbols(t, library)
	section := f.Section(".rela.dyn")
	for at := section.Offset; at < section.Offset+section.Size; at += 24 {
		info := binary.LittleEndian.Uint64(library[at+8:])
		if i := info >> 32; i > 0 {
			yield(unmangled(symbols[i-1].Name), uint32(info), library[at:at+24])
		}
	}
}

// symbolEntry is where a symbol stands in the dynamic symbol table.
func symbolEntry(t *testing.T, library []byte, name string) []byte {
	t.Helper()
	f, symbols := dynamicSymbols(t, library)
	i := slices.IndexFunc(symbols, func(s elf.Symbol) bool { return unmangled(s.Name) == name })
	if i < 0 {
		t.Fatalf("no symbol %s", name)
	}
	return library[f.Section(".dynsym").Offset+24*uint64(i+1):]
}

func dynamicSymbols(t *testing.T, library []byte) (*elf.File, []elf.Symbol) {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(library))
	if err != nil {
		t.Fatal(err)
	}
	symbols, err := f.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	return f, symbols
}

// unmangled is "ours" of "_ZN10tensorflow4oursE".
func unmangled(name string) string {
	if rest, ok := strings.CutPrefix(name, "_ZN10tensorflow"); ok {
		return strings.TrimSuffix(strings.TrimLeft(rest, "0123456789"), "E")
	}
	return name
}
