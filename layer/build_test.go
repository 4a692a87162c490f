package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
)

// newOptions makes a call for a small wheel that already lies in the cache.
func newOptions(t *testing.T, base, version string) options {
	t.Helper()
	o := options{
		out:     filepath.Join(base, "layer", "lib"),
		include: filepath.Join(base, "include"),
		cache:   filepath.Join(base, "cache"),
	}
	wheels := filepath.Join(o.cache, "wheels")
	if err := os.MkdirAll(wheels, 0o755); err != nil {
		t.Fatal(err)
	}
	o.wheel = newWheel(t, wheels, version)
	t.Setenv("PATH", "") // whoever needs pip here fails
	return o
}

func mustBuild(t *testing.T, o options) string {
	t.Helper()
	var stdout bytes.Buffer
	if err := build(t.Context(), o, &stdout, quiet()); err != nil {
		t.Fatal(err)
	}
	return stdout.String()
}

// tree reads all files under dir, by path.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		files[name] = read(t, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func same(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for name := range a {
		if a[name] != b[name] {
			return false
		}
	}
	return true
}

func version(t *testing.T, dir string) string {
	t.Helper()
	m, ok := readPacked(dir)
	if !ok {
		t.Fatalf("%s holds no packed library", dir)
	}
	return m.TensorFlow
}

func TestBuild(t *testing.T) {
	base := t.TempDir()
	o := newOptions(t, base, "2.99.1")
	o.raw = filepath.Join(base, "raw")
	summary := mustBuild(t, o)
	for _, part := range []string{"2.99.1", "packed", "unpacked", "bytes", o.out} {
		if !strings.Contains(summary, part) {
			t.Errorf("summary %q does not say %q", summary, part)
		}
	}

	t.Run("the layer holds the packed library only", func(t *testing.T) {
		files := tree(t, filepath.Dir(o.out))
		for _, name := range []string{packed.ManifestName, packed.Framework + ".zst", packed.CC + ".zst"} {
			if _, ok := files[filepath.Join("lib", name)]; !ok {
				t.Errorf("%s is missing", name)
			}
		}
		if len(files) != 3 {
			t.Errorf("%d files, want 3", len(files))
		}
	})
	t.Run("the framework inflates first", func(t *testing.T) {
		m, _ := readPacked(o.out)
		if len(m.Libraries) != 2 || m.Libraries[0].Name != packed.Framework {
			t.Errorf("libraries = %+v", m.Libraries)
		}
	})
	t.Run("raw libraries are those of the wheel, cut", func(t *testing.T) {
		want := object(t, bytes.ReplaceAll(compile(t), []byte(versionMark), []byte("2.99.1")))
		if err := cut(want, o.wheel.arch); err != nil {
			t.Fatal(err)
		}
		for _, name := range libraries {
			if read(t, filepath.Join(o.raw, name)) != read(t, want) {
				t.Errorf("%s is not the library of the wheel", name)
			}
		}
	})
	t.Run("headers are the C API and what it includes", func(t *testing.T) {
		files := tree(t, o.include)
		for _, name := range append([]string{"tsl/status.h"}, headerRoots...) {
			if _, ok := files[name]; !ok {
				t.Errorf("%s is missing", name)
			}
		}
		if _, ok := files["tsl/unused.h"]; ok {
			t.Error("a header that nothing includes is there")
		}
	})
	t.Run("nothing temporary is left", func(t *testing.T) {
		if left, err := filepath.Glob(filepath.Join(o.cache, "staging-*")); err != nil || len(left) > 0 {
			t.Errorf("left: %v (%v)", left, err)
		}
	})
}

func TestSecondBuildNeedsNothing(t *testing.T) {
	base := t.TempDir()
	o := newOptions(t, base, "2.99.1")
	o.raw = filepath.Join(base, "raw")
	mustBuild(t, o)
	// Without the wheel, a step that is done again fails.
	if err := os.Remove(filepath.Join(o.cache, "wheels", o.wheel.file)); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(filepath.Join(o.out, packed.ManifestName))
	if err != nil {
		t.Fatal(err)
	}
	if summary := mustBuild(t, o); !strings.Contains(summary, "2.99.1") {
		t.Errorf("summary = %q", summary)
	}
	after, err := os.Stat(filepath.Join(o.out, packed.ManifestName))
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("the layer was written again (%v)", err)
	}
}

func TestBuildRepairs(t *testing.T) {
	for name, damage := range map[string]func(o options) error{
		"pack file of the layer truncated": func(o options) error { return os.Truncate(filepath.Join(o.out, packed.CC+".zst"), 10) },
		"stray file in the layer":          func(o options) error { return os.WriteFile(filepath.Join(o.out, "core"), nil, 0o644) },
		"layer removed":                    func(o options) error { return os.RemoveAll(o.out) },
		"cache truncated": func(o options) error {
			cached := packedPath(o.cache, o.wheel)
			return errors.Join(os.Truncate(filepath.Join(cached, packed.CC+".zst"), 10), os.RemoveAll(o.out))
		},
		"raw library truncated": func(o options) error { return os.Truncate(filepath.Join(o.raw, packed.CC), 10) },
		"headers removed":       func(o options) error { return os.RemoveAll(o.include) },
		"killed before":         func(o options) error { return os.MkdirAll(filepath.Join(o.cache, "staging-1", "x"), 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			base := t.TempDir()
			o := newOptions(t, base, "2.99.1")
			o.raw = filepath.Join(base, "raw")
			mustBuild(t, o)
			want := tree(t, base)
			if err := damage(o); err != nil {
				t.Fatal(err)
			}
			mustBuild(t, o)
			if !same(tree(t, base), want) {
				t.Error("the second run did not make what the first one made")
			}
		})
	}
}

func TestAnotherVersionReplacesTheLayer(t *testing.T) {
	base := t.TempDir()
	first, second := newOptions(t, base, "2.99.1"), newOptions(t, base, "2.99.2")
	mustBuild(t, first)
	headers := tree(t, first.include)
	mustBuild(t, second)
	if got := version(t, second.out); got != "2.99.2" {
		t.Errorf("the layer holds %s, want 2.99.2", got)
	}
	if same(tree(t, first.include), headers) {
		t.Error("the headers are still those of 2.99.1")
	}
	mustBuild(t, first)
	if got := version(t, first.out); got != "2.99.1" {
		t.Errorf("the layer holds %s, want 2.99.1", got)
	}
}

func TestHeadersOnly(t *testing.T) {
	o := newOptions(t, t.TempDir(), "2.99.1")
	o.headersOnly = true
	if got, want := mustBuild(t, o), "CGO_CFLAGS=-I"+o.include+"\n"; got != want {
		t.Errorf("stdout = %q, want %q", got, want)
	}
	if _, err := os.Lstat(o.out); !os.IsNotExist(err) {
		t.Errorf("a layer was made (%v)", err)
	}
}

// at calls do when the program says a line that begins with prefix.
type at struct {
	prefix string
	do     func()
}

func (a at) Write(b []byte) (int, error) {
	if strings.HasPrefix(string(b), a.prefix) {
		a.do()
	}
	return len(b), nil
}

func TestInterruptedBuildLeavesTheOldLayer(t *testing.T) {
	for _, step := range []string{"extract libtensorflow_framework", "extract libtensorflow_cc", "pack", "unpack"} {
		t.Run(step, func(t *testing.T) {
			base := t.TempDir()
			o := newOptions(t, base, "2.99.1")
			o.raw = filepath.Join(base, "raw")
			mustBuild(t, o)
			raw := tree(t, o.raw)
			layer := tree(t, o.out)

			next := newOptions(t, base, "2.99.2")
			next.raw = o.raw
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			err := build(ctx, next, io.Discard, newProgress(at{step, cancel}))
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("err = %v, want %v", err, context.Canceled)
			}
			if !same(tree(t, o.raw), raw) {
				t.Error("the raw libraries changed")
			}
			if step != "unpack" && !same(tree(t, o.out), layer) { // by then the new layer is complete
				t.Error("the layer changed")
			}
			if left, err := filepath.Glob(filepath.Join(o.cache, "staging-*")); err != nil || len(left) > 0 {
				t.Errorf("left: %v (%v)", left, err)
			}
			mustBuild(t, next)
			if got := version(t, next.out); got != "2.99.2" {
				t.Errorf("the layer holds %s, want 2.99.2", got)
			}
		})
	}
}

// A library that was packed without a profile, for want of a compiler, is packed anew when
// there is one; one with a profile is good without.
func TestLibrariesAreProfiledWhenTheyCanBe(t *testing.T) {
	compilers := os.Getenv("PATH")
	o := newOptions(t, t.TempDir(), "2.99.1") // without any
	mustBuild(t, o)
	without := packedPath(o.cache, o.wheel)

	t.Setenv("PATH", compilers)
	mustBuild(t, o)
	with := packedPath(o.cache, o.wheel)
	if _, ok := readPacked(without); with == without || ok {
		t.Errorf("%s is still there", without)
	}

	t.Setenv("PATH", "")
	mustBuild(t, o)
	if path := packedPath(o.cache, o.wheel); path != with {
		t.Errorf("%s is packed again: %s", with, path)
	}
}

func TestBuildRefusesAnotherArchitecture(t *testing.T) {
	o := newOptions(t, t.TempDir(), "2.99.1")
	o.wheel.arch = map[string]string{"amd64": "arm64", "arm64": "amd64"}[o.wheel.arch]
	if err := build(t.Context(), o, io.Discard, quiet()); !errors.Is(err, errELF) {
		t.Errorf("err = %v, want %v", err, errELF)
	}
}

func TestRunsAtTheSameTime(t *testing.T) {
	base := t.TempDir()
	versions := []string{"2.99.1", "2.99.2", "2.99.3"}
	var calls []options
	for _, v := range versions {
		calls = append(calls, newOptions(t, base, v))
	}
	var wg sync.WaitGroup
	for _, o := range calls {
		wg.Go(func() {
			if err := build(t.Context(), o, io.Discard, quiet()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got := version(t, calls[0].out)
	want := tree(t, packedPath(calls[0].cache, wheel{version: got, arch: calls[0].wheel.arch}))
	if !same(tree(t, calls[0].out), want) {
		t.Errorf("the layer is not the packed library of %s alone", got)
	}
}

func TestWaitingRunSaysSoAndCanBeInterrupted(t *testing.T) {
	o := newOptions(t, t.TempDir(), "2.99.1")
	held, err := lock(t.Context(), o.cache, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err = build(ctx, o, io.Discard, newProgress(at{"another run", cancel}))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want %v", err, context.Canceled)
	}
}

func TestInterruptionIsReported(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	t.Chdir(t.TempDir())
	t.Setenv("PATH", "")
	var stderr bytes.Buffer
	if code := run(ctx, nil, io.Discard, &stderr); code != 1 {
		t.Errorf("exit status %d, want 1", code)
	}
	if !strings.Contains(stderr.String(), "interrupted") {
		t.Errorf("%q does not say that it was interrupted", stderr.String())
	}
}

func TestErrorsOfTheSystemSayWhatToDo(t *testing.T) {
	for cause, advice := range map[error]string{syscall.ENOSPC: "free 3 GB", syscall.EXDEV: "same file system"} {
		err := explain(&os.PathError{Op: "write", Path: "x", Err: cause})
		if !errors.Is(err, cause) || !strings.Contains(err.Error(), advice) {
			t.Errorf("%q does not say %q", err, advice)
		}
	}
}
