package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
	"github.com/tensorlambda/tensorlambda/layer/abi"
)

// compiled is a folder with a program in C called bootstrap, linked with flags.
func compiled(t *testing.T, source string, flags ...string) string {
	t.Helper()
	dir := folderOf(t)
	path := filepath.Join(t.TempDir(), "program.c")
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-o", filepath.Join(dir, "bootstrap"), path}, flags...)
	if out, err := exec.CommandContext(t.Context(), "cc", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

// folderOf is a folder that Lambda's user may read.
func folderOf(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

const trivial = "int main(void) { return 0; }"

func TestFunctionsThatRunPass(t *testing.T) {
	summary, err := function(compiled(t, trivial), runtime.GOARCH)
	if err != nil || !strings.Contains(summary, "of 32000000") {
		t.Errorf("%q, %v", summary, err)
	}
}

func TestFunctionsThatLambdaCannotRun(t *testing.T) {
	other := map[string]string{"amd64": "arm64", "arm64": "amd64"}[runtime.GOARCH]
	for name, c := range map[string]struct {
		arch   string
		change func(dir string) error
		says   string
	}{
		"nothing is there":         {runtime.GOARCH, func(dir string) error { return os.Remove(filepath.Join(dir, "bootstrap")) }, "there is no bootstrap"},
		"for another architecture": {other, func(string) error { return nil }, "is to be deployed for " + other},
		"not to be executed":       {runtime.GOARCH, func(dir string) error { return os.Chmod(filepath.Join(dir, "bootstrap"), 0o644) }, "must be able to execute it"},
		"not to be read":           {runtime.GOARCH, func(dir string) error { return os.WriteFile(filepath.Join(dir, "x"), nil, 0o600) }, "x has the mode -rw-------"},
		"a link":                   {runtime.GOARCH, func(dir string) error { return os.Symlink("bootstrap", filepath.Join(dir, "x")) }, "x is a link"},
		"a script": {runtime.GOARCH, func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "bootstrap"), []byte("#!/bin/sh"), 0o755)
		}, "is no program"},
		"too large": {runtime.GOARCH, func(dir string) error {
			return errors.Join(os.WriteFile(filepath.Join(dir, "x"), nil, 0o644), os.Truncate(filepath.Join(dir, "x"), functionBytes))
		}, "more than its 32000000"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := compiled(t, trivial)
			if err := c.change(dir); err != nil {
				t.Fatal(err)
			}
			if _, err := function(dir, c.arch); !errors.Is(err, errRefused) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
}

func TestFunctionsThatNeedWhatIsNotThereAreRefused(t *testing.T) {
	source, library := filepath.Join(t.TempDir(), "called.c"), filepath.Join(t.TempDir(), "libcalled.so.1")
	if err := os.WriteFile(source, []byte("int called(void) { return 0; }"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "cc", "-shared", "-fPIC", "-Wl,-soname,libcalled.so.1", "-o", library, source).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	dir := compiled(t, "int called(void); int main(void) { return called(); }", library)
	if _, err := function(dir, runtime.GOARCH); !errors.Is(err, abi.ErrMissing) || !strings.Contains(err.Error(), "needs libcalled.so.1") {
		t.Errorf("%v", err)
	}
}

// The layer that `make layer` leaves passes, and nothing else may travel in it.
func TestLayer(t *testing.T) {
	const built = "../../build/layer/lib"
	dir := folderOf(t)
	lib := filepath.Join(dir, "lib")
	if err := os.Mkdir(lib, 0o755); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(built)
	if err != nil || len(files) == 0 {
		t.Fatalf("%v: run `make layer` first", err)
	}
	for _, f := range files {
		content, err := os.ReadFile(filepath.Join(built, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(lib, f.Name()), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if summary, err := layer(dir, runtime.GOARCH); err != nil || !strings.Contains(summary, "of 140000000") {
		t.Errorf("%q, %v", summary, err)
	}
	other := map[string]string{"amd64": "arm64", "arm64": "amd64"}[runtime.GOARCH]
	if _, err := layer(dir, other); !errors.Is(err, errRefused) {
		t.Errorf("for another architecture: %v", err)
	}
	if err := os.WriteFile(filepath.Join(lib, "libtensorflow.so"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := layer(dir, runtime.GOARCH); !errors.Is(err, errRefused) || !strings.Contains(err.Error(), "libtensorflow.so is no part") {
		t.Errorf("with a raw library: %v", err)
	}
	if _, err := layer(t.TempDir(), runtime.GOARCH); err == nil {
		t.Error("an empty layer passes")
	}
}

// What the Dockerfile takes is a function's program with the libraries beside it, as they
// are opened.
func TestImage(t *testing.T) {
	complete := func(t *testing.T) string {
		dir := compiled(t, trivial)
		if err := os.Mkdir(filepath.Join(dir, "lib"), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{packed.Framework, packed.CC} {
			args := []string{"-shared", "-o", filepath.Join(dir, "lib", name), "-x", "c", os.DevNull}
			if out, err := exec.CommandContext(t.Context(), "cc", args...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
		return dir
	}
	other := map[string]string{"amd64": "arm64", "arm64": "amd64"}[runtime.GOARCH]
	if summary, err := image(complete(t), runtime.GOARCH); err != nil || !strings.HasPrefix(summary, "image: ") {
		t.Errorf("%q, %v", summary, err)
	}
	_, err := image(complete(t), other)
	for _, name := range []string{"bootstrap", packed.Framework, packed.CC} {
		if err == nil || !strings.Contains(err.Error(), name+" is for ") {
			t.Errorf("for another architecture: %v, want a fault of %s", err, name)
		}
	}
	for says, change := range map[string]func(lib string) error{
		"there is no " + packed.CC:                 func(lib string) error { return os.Remove(filepath.Join(lib, packed.CC)) },
		packed.Framework + " is no program or lib": func(lib string) error { return os.WriteFile(filepath.Join(lib, packed.Framework), nil, 0o644) },
		"must be able to read it":                  func(lib string) error { return os.Chmod(filepath.Join(lib, packed.CC), 0o600) },
		"x.so is a link":                           func(lib string) error { return os.Symlink(packed.CC, filepath.Join(lib, "x.so")) },
		"is no part of the image":                  func(lib string) error { return os.WriteFile(filepath.Join(lib, packed.ManifestName), nil, 0o644) },
		"must be able to execute it":               func(lib string) error { return os.Chmod(filepath.Join(lib, "..", "bootstrap"), 0o644) },
	} {
		t.Run(says, func(t *testing.T) {
			dir := complete(t)
			if err := change(filepath.Join(dir, "lib")); err != nil {
				t.Fatal(err)
			}
			if _, err := image(dir, runtime.GOARCH); !errors.Is(err, errRefused) || !strings.Contains(err.Error(), says) {
				t.Errorf("%v", err)
			}
		})
	}
}
