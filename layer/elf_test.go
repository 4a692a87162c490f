package main

import (
	"bytes"
	"debug/elf"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

func object(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lib.so")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCutKeepsWhatIsMapped(t *testing.T) {
	whole := compile(t)
	path := object(t, whole)
	if err := cut(path, runtime.GOARCH); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) >= len(whole) {
		t.Errorf("%d bytes are left of %d", len(left), len(whole))
	}

	before, after := parseELF(t, whole), parseELF(t, left)
	if len(after.Sections) > 0 {
		t.Errorf("%d sections are left", len(after.Sections))
	}
	if len(before.Progs) != len(after.Progs) {
		t.Fatalf("%d program headers, there were %d", len(after.Progs), len(before.Progs))
	}
	for i, p := range before.Progs {
		if p.ProgHeader != after.Progs[i].ProgHeader {
			t.Errorf("program header %d = %+v, was %+v", i, after.Progs[i].ProgHeader, p.ProgHeader)
		}
		if p.Type != elf.PT_LOAD {
			continue
		}
		was, is := segment(t, p), segment(t, after.Progs[i])
		if p.Off == 0 { // the ELF header, which loses its section fields, is mapped too
			was, is = was[elfHeader:], is[elfHeader:]
		}
		if !bytes.Equal(was, is) {
			t.Errorf("the bytes of segment %d changed", i)
		}
	}
}

const elfHeader = 64

func parseELF(t *testing.T, data []byte) *elf.File {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func segment(t *testing.T, p *elf.Prog) []byte {
	t.Helper()
	data, err := io.ReadAll(p.Open())
	if err != nil {
		t.Fatal(err)
	}
	if uint64(len(data)) != p.Filesz {
		t.Fatalf("segment at %d has %d of %d bytes", p.Off, len(data), p.Filesz)
	}
	return data
}

// The loader is the judge: a program opens the cut library and calls it.
func TestCutLibraryLoads(t *testing.T) {
	path := object(t, compile(t))
	if err := cut(path, runtime.GOARCH); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	source, program := filepath.Join(dir, "main.c"), filepath.Join(dir, "main")
	const text = `#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv) {
	void *lib = dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL);
	int (*answer)(void) = lib ? (int (*)(void))dlsym(lib, "answer") : 0;
	if (!answer) { puts(dlerror()); return 1; }
	printf("%d", answer());
	return 0;
}
`
	if err := os.WriteFile(source, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "cc", "-o", program, source, "-ldl").CombinedOutput(); err != nil {
		t.Fatalf("cc: %v: %s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), program, path).CombinedOutput()
	if err != nil || string(out) != "42" {
		t.Errorf("the program says %q (%v), want 42", out, err)
	}
}

func TestCutRefuses(t *testing.T) {
	whole := compile(t)
	edited := func(at int, b byte) []byte {
		data := bytes.Clone(whole)
		data[at] = b
		return data
	}
	other := map[string]string{"amd64": "arm64", "arm64": "amd64"}[runtime.GOARCH]
	for name, test := range map[string]struct {
		data []byte
		arch string
	}{
		"another architecture":   {whole, other},
		"no ELF file":            {[]byte("version https://git-lfs.github.com/spec/v1\n"), runtime.GOARCH},
		"an empty file":          {nil, runtime.GOARCH},
		"32 bits":                {edited(elf.EI_CLASS, byte(elf.ELFCLASS32)), runtime.GOARCH},
		"an object file":         {edited(16, byte(elf.ET_REL)), runtime.GOARCH},
		"a library cut too much": {whole[:4096], runtime.GOARCH},
	} {
		t.Run(name, func(t *testing.T) {
			path := object(t, test.data)
			if err := cut(path, test.arch); !errors.Is(err, errELF) {
				t.Errorf("err = %v, want %v", err, errELF)
			}
			if left, err := os.ReadFile(path); err != nil || !bytes.Equal(left, test.data) {
				t.Errorf("the file was changed (%v)", err)
			}
		})
	}
}

func TestExceptionTablesAreFound(t *testing.T) {
	source, library := filepath.Join(t.TempDir(), "throw.cc"), filepath.Join(t.TempDir(), "throw.so")
	const code = "void maybe(); struct A { ~A(); }; int f() { try { A a; maybe(); } catch (int i) { return i; } return 0; }"
	if err := os.WriteFile(source, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("g++", "-shared", "-fPIC", "-o", library, source).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	tables, err := inspect(library)
	if err != nil {
		t.Fatal(err)
	}
	f, err := elf.Open(library)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, name := range []string{".gcc_except_table", ".eh_frame_hdr", ".eh_frame"} {
		s := f.Section(name)
		if !slices.ContainsFunc(tables, func(e extent) bool { return e.from <= int64(s.Offset) && e.to >= int64(s.Offset+s.FileSize) }) {
			t.Errorf("%s from %d on, %d bytes, is in none of %v", name, s.Offset, s.FileSize, tables)
		}
	}
	if text := f.Section(".text"); slices.ContainsFunc(tables, func(e extent) bool { return e.to > int64(text.Offset) && e.from < int64(text.Offset+text.FileSize) }) {
		t.Errorf("%v reaches into code", tables)
	}
	if _, err := inspect(source); !errors.Is(err, errELF) {
		t.Errorf("of a text: %v", err)
	}
}
