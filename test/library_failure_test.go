package test

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
)

// A library that is missing, foreign or damaged is an error that names the file.
func TestALibraryThatCannotBeOpenedSaysWhy(t *testing.T) {
	t.Parallel()
	for _, b := range []broken{
		{"a folder that is not there", fixed("TENSORFLOW_LIB=/nowhere"), "Library.Missing", 1, []string{"/nowhere", "make layer", "TENSORFLOW_LIB"}},
		{"an empty folder", withLibrary(func(*testing.T, string) {}), "Library.Missing", 1, []string{"make layer"}},
		{"another architecture", withLibrary(foreign), "Library.Unusable", 1, []string{packed.ManifestName, "s390x"}},
		{"a manifest that is none", withLibrary(func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, packed.ManifestName), []byte("{}"))
		}), "Library.Damaged", 1, []string{packed.ManifestName}},
		{"a pack file that was cut off", withLibrary(cutOff), "Library.Damaged", 1, []string{packed.Framework, "13 bytes"}},
		{"one wrong byte in a frame", withLibrary(wrongByte), "Library.Damaged", 1, []string{packed.CC, "frame"}},
		{"no library inside", withLibrary(func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, packed.Framework), []byte("#!/bin/sh\n"))
			write(t, filepath.Join(dir, packed.CC), []byte("#!/bin/sh\n"))
		}), "Library.Unusable", 1, []string{packed.Framework}},
		{"a library without TensorFlow's functions", withLibrary(hollow), "Library.Unusable", 1, []string{packed.CC, "no symbol TF"}},
	} {
		b.settings = both(b.settings, func(t *testing.T) []string { return []string{"MODEL_URI=" + absolute(t, digitsFolder+"/digits.pb")} })
		t.Run(b.name, b.check)
	}
}

func both(first, second func(*testing.T) []string) func(*testing.T) []string {
	return func(t *testing.T) []string { return append(second(t), first(t)...) }
}

// withLibrary points the program to a folder that fill has filled.
func withLibrary(fill func(t *testing.T, dir string)) func(*testing.T) []string {
	return func(t *testing.T) []string {
		dir := t.TempDir()
		fill(t, dir)
		return []string{"TENSORFLOW_LIB=" + dir}
	}
}

func manifest(t *testing.T) packed.Manifest {
	t.Helper()
	m, err := packed.ParseManifest(read(t, filepath.Join(library, packed.ManifestName)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// foreign is a library for a processor that this program never runs on. Its pack
// files have the right sizes and nothing in them.
func foreign(t *testing.T, dir string) {
	m := manifest(t)
	m.Arch = "s390x"
	encoded, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, packed.ManifestName), encoded)
	for _, e := range m.Libraries {
		write(t, filepath.Join(dir, e.PackName()), nil)
		if err := os.Truncate(filepath.Join(dir, e.PackName()), e.PackedSize()); err != nil {
			t.Fatal(err)
		}
	}
}

func cutOff(t *testing.T, dir string) {
	write(t, filepath.Join(dir, packed.ManifestName), read(t, filepath.Join(library, packed.ManifestName)))
	for _, e := range manifest(t).Libraries {
		write(t, filepath.Join(dir, e.PackName()), []byte("the beginning"))
	}
}

// wrongByte is the real library with one bit of its last frame turned over.
func wrongByte(t *testing.T, dir string) {
	write(t, filepath.Join(dir, packed.ManifestName), read(t, filepath.Join(library, packed.ManifestName)))
	for _, e := range manifest(t).Libraries {
		copyFile(t, filepath.Join(dir, e.PackName()), filepath.Join(library, e.PackName()))
	}
	cc, ok := manifest(t).Library(packed.CC)
	if !ok {
		t.Fatal("the library has no " + packed.CC)
	}
	f, err := os.OpenFile(filepath.Join(dir, cc.PackName()), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	at := cc.PackedSize() - cc.Frames[len(cc.Frames)-1].Packed/2
	if _, err := f.ReadAt(b, at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0x10
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

// hollow is two libraries without a single function.
func hollow(t *testing.T, dir string) {
	source := filepath.Join(dir, "empty.c")
	write(t, source, nil)
	for _, name := range []string{packed.Framework, packed.CC} {
		out, err := exec.CommandContext(t.Context(), "cc", "-shared", "-o", filepath.Join(dir, name), source).CombinedOutput()
		if err != nil {
			t.Fatalf("cc: %v\n%s", err, out)
		}
	}
}

func write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func copyFile(t *testing.T, to, from string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}
