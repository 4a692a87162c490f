package main

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestRecipeIsAnotherWhereTheCodeIs(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	was := recipeOf(fstest.MapFS{"bind.go": file("a"), "prelink/x.go": file("b"), "prelink/x_test.go": file("c")})
	for name, c := range map[string]struct {
		now  fstest.MapFS
		same bool
	}{
		"nothing changed": {fstest.MapFS{"bind.go": file("a"), "prelink/x.go": file("b"), "prelink/x_test.go": file("c")}, true},
		"a test changed":  {fstest.MapFS{"bind.go": file("a"), "prelink/x.go": file("b")}, true},
		"a file changed":  {fstest.MapFS{"bind.go": file("a"), "prelink/x.go": file("B")}, false},
		"a file more":     {fstest.MapFS{"bind.go": file("a"), "prelink/x.go": file("b"), "prelink/y.go": file("")}, false},
		"a file less":     {fstest.MapFS{"bind.go": file("a")}, false},
		"text moved":      {fstest.MapFS{"bind.go": file("ab"), "prelink/x.go": file("")}, false},
	} {
		if got := recipeOf(c.now); (got == was) != c.same {
			t.Errorf("%s: recipe %s, was %s", name, got, was)
		}
	}
}

// The recipe is worth what it covers.
func TestRecipeCoversTheCodeThatChangesLibraries(t *testing.T) {
	code, err := filepath.Glob("prelink/*.go")
	if err != nil {
		t.Fatal(err)
	}
	code = slices.DeleteFunc(code, func(name string) bool { return strings.HasSuffix(name, "_test.go") })
	if len(code) == 0 {
		t.Fatal("no code in prelink")
	}
	for _, name := range append(code, "bind.go", "elf.go", "libraries.go") {
		onDisk, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		embedded, err := sources.ReadFile(path.Clean(filepath.ToSlash(name)))
		if err != nil || !bytes.Equal(embedded, onDisk) {
			t.Errorf("%s is not part of the recipe: %v", name, err)
		}
	}
}

func TestLibrariesOfAnotherRecipeAreMadeAgain(t *testing.T) {
	o := newOptions(t, t.TempDir(), "2.99.1")
	mustBuild(t, o)
	cached := packedPath(o.cache, o.wheel)
	older := filepath.Join(o.cache, "packed", "2.99.1-"+o.wheel.arch+"-older")
	if err := os.Rename(cached, older); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(o.cache, "packed", "2.99.10-"+o.wheel.arch+"-older")
	if err := os.Mkdir(other, 0o755); err != nil {
		t.Fatal(err)
	}
	mustBuild(t, o)
	if _, ok := readPacked(cached); !ok {
		t.Error("the library was not packed again")
	}
	if _, err := os.Lstat(older); !os.IsNotExist(err) {
		t.Errorf("the library of the older recipe is still there (%v)", err)
	}
	if _, err := os.Lstat(other); err != nil {
		t.Errorf("the library of another version is gone (%v)", err)
	}
}
