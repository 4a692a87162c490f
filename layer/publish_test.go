package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// folder makes a folder that holds one file named mark with the given text.
func folder(t *testing.T, path, mark, text string) string {
	t.Helper()
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(path, mark), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestPublish(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, dir string){
		"nothing there": func(*testing.T, string) {},
		"empty folder": func(t *testing.T, dir string) {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		},
		"older folder": func(t *testing.T, dir string) {
			folder(t, dir, "mark", "old")
			folder(t, dir, "left over", "old")
		},
	} {
		t.Run(name, func(t *testing.T) {
			base := t.TempDir()
			dir, staged := filepath.Join(base, "a", "b"), filepath.Join(base, "staged")
			prepare(t, dir)
			if err := publish(folder(t, staged, "mark", "new"), dir, "mark"); err != nil {
				t.Fatal(err)
			}
			if got := read(t, filepath.Join(dir, "mark")); got != "new" {
				t.Errorf("the folder holds %q, want the new file", got)
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
				t.Errorf("the folder holds %v (%v), want one file", entries, err)
			}
			if _, err := os.Lstat(staged); !os.IsNotExist(err) {
				t.Errorf("the staged folder is still there (%v)", err)
			}
		})
	}
}

func TestPublishLeavesForeignFoldersAlone(t *testing.T) {
	base := t.TempDir()
	dir := folder(t, filepath.Join(base, "home"), "thesis.tex", "years of work")
	err := publish(folder(t, filepath.Join(base, "staged"), "mark", "new"), dir, "mark")
	if err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("err = %v, want one that names %s", err, dir)
	}
	if got := read(t, filepath.Join(dir, "thesis.tex")); got != "years of work" {
		t.Errorf("the file holds %q", got)
	}
}

func TestExchange(t *testing.T) {
	for name, exchange := range map[string]func(a, b string) error{"one step": exchange, "renames": exchangeByRenames} {
		t.Run(name, func(t *testing.T) {
			base := t.TempDir()
			a := folder(t, filepath.Join(base, "a"), "file", "was in a")
			b := folder(t, filepath.Join(base, "b"), "file", "was in b")
			if err := exchange(a, b); err != nil {
				t.Fatal(err)
			}
			if gotA, gotB := read(t, filepath.Join(a, "file")), read(t, filepath.Join(b, "file")); gotA != "was in b" || gotB != "was in a" {
				t.Errorf("a holds what %s, b what %s", gotA, gotB)
			}
		})
	}
}

func TestFailedExchangeKeepsTheOldFolder(t *testing.T) {
	for name, exchange := range map[string]func(a, b string) error{"one step": exchange, "renames": exchangeByRenames} {
		t.Run(name, func(t *testing.T) {
			base := t.TempDir()
			b := folder(t, filepath.Join(base, "b"), "file", "was in b")
			if err := exchange(filepath.Join(base, "missing"), b); err == nil {
				t.Error("a missing folder was exchanged")
			}
			if got := read(t, filepath.Join(b, "file")); got != "was in b" {
				t.Errorf("b holds what %s", got)
			}
		})
	}
}

func TestHeadersFollowIncludes(t *testing.T) {
	files := fstest.MapFS{"tensorflow/include/a/deep.h": {Data: []byte("#include \"a/missing.h\"\n")}}
	for _, root := range headerRoots {
		files["tensorflow/include/"+root] = &fstest.MapFile{Data: []byte("#include \"a/deep.h\"\n")}
	}
	err := extractHeaders(files, t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "a/missing.h") {
		t.Errorf("err = %v, want one that names the header that is not there", err)
	}

	files["tensorflow/include/a/missing.h"] = &fstest.MapFile{Data: []byte("// #include \"not/this.h\"\n")}
	dir := t.TempDir()
	if err := extractHeaders(files, dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range append([]string{"a/deep.h", "a/missing.h"}, headerRoots...) {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}
