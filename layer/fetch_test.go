package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// index makes pip, the real one, fetch from a folder and from nowhere else.
func index(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("PIP_NO_INDEX", "1")
	t.Setenv("PIP_FIND_LINKS", dir)
	return dir
}

func quiet() *progress { return newProgress(io.Discard) }

func TestFetchWithPip(t *testing.T) {
	w := newWheel(t, index(t), "2.99.1")
	cache := t.TempDir()
	path, err := fetch(t.Context(), "python3", w, cache, t.TempDir(), quiet())
	if err != nil {
		t.Fatal(err)
	}
	if err := checkHash(path, w.sha256); err != nil {
		t.Error(err)
	}
	t.Setenv("PATH", "") // no python3: the second time must not need it
	again, err := fetch(t.Context(), "python3", w, cache, t.TempDir(), quiet())
	if err != nil || again != path {
		t.Errorf("second fetch: %s, %v, want %s", again, err, path)
	}
}

func TestFetchRefusesAnotherWheel(t *testing.T) {
	w := newWheel(t, index(t), "2.99.1")
	w.sha256 = strings.Repeat("0", 64)
	cache := t.TempDir()
	_, err := fetch(t.Context(), "python3", w, cache, t.TempDir(), quiet())
	if !errors.Is(err, errHash) {
		t.Errorf("err = %v, want %v", err, errHash)
	}
	if found, err := filepath.Glob(filepath.Join(cache, "wheels", "*")); err != nil || len(found) > 0 {
		t.Errorf("the cache holds %v (%v)", found, err)
	}
}

func TestFetchReplacesADamagedWheel(t *testing.T) {
	w := newWheel(t, index(t), "2.99.1")
	cache := t.TempDir()
	path, err := fetch(t.Context(), "python3", w, cache, t.TempDir(), quiet())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 1000); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	if _, err := fetch(t.Context(), "python3", w, cache, t.TempDir(), newProgress(&said)); err != nil {
		t.Fatal(err)
	}
	if err := checkHash(path, w.sha256); err != nil {
		t.Error(err)
	}
	if !strings.Contains(said.String(), "again") {
		t.Errorf("%q does not say that the wheel was fetched again", said.String())
	}
}

// The Makefile's PYTHON may be one that PATH does not lead to.
func TestFetchRunsThePythonThatIsNamed(t *testing.T) {
	named := filepath.Join(t.TempDir(), "mypython")
	if err := os.WriteFile(named, []byte("#!/bin/sh\necho \"ran with $*\"\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := fetch(t.Context(), named, wheels[0], t.TempDir(), t.TempDir(), quiet())
	if err == nil || !strings.Contains(err.Error(), "ran with -m pip download") {
		t.Errorf("%v does not come from %s", err, named)
	}
	_, err = fetch(t.Context(), named+"3", wheels[0], t.TempDir(), t.TempDir(), quiet())
	if err == nil || !strings.Contains(err.Error(), "-python") {
		t.Errorf("%v does not say to name another Python", err)
	}
}

func TestFetchSaysWhatToDo(t *testing.T) {
	t.Run("no such wheel", func(t *testing.T) {
		index(t)
		w := wheel{version: "2.99.9", arch: "amd64", file: "tensorflow_cpu-2.99.9-cp311-cp311-x.whl", sha256: strings.Repeat("0", 64)}
		_, err := fetch(t.Context(), "python3", w, t.TempDir(), t.TempDir(), quiet())
		if err == nil || !strings.Contains(err.Error(), "network") {
			t.Errorf("%v does not say to look at the network", err)
		}
	})
	t.Run("no python3", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		_, err := fetch(t.Context(), "python3", wheels[0], t.TempDir(), t.TempDir(), quiet())
		if err == nil || !strings.Contains(err.Error(), "install Python 3 with pip") {
			t.Errorf("%v does not say to install Python", err)
		}
	})
	t.Run("no pip", func(t *testing.T) {
		bin := t.TempDir()
		script := "#!/bin/sh\necho '/usr/bin/python3: No module named pip' >&2\nexit 1\n"
		if err := os.WriteFile(filepath.Join(bin, "python3"), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", bin)
		_, err := fetch(t.Context(), "python3", wheels[0], t.TempDir(), t.TempDir(), quiet())
		if err == nil || !strings.Contains(err.Error(), "python3-pip") {
			t.Errorf("%v does not say to install pip", err)
		}
	})
}
