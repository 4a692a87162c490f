package coldstart

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func newCache(t *testing.T) *cache {
	t.Helper()
	c, err := openCache(filepath.Join(t.TempDir(), "models"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.close() })
	return c
}

// add makes a finished entry that was last used some time ago, and holds it.
func (c *cache) add(t *testing.T, name string, ago time.Duration) *entry {
	t.Helper()
	e, err := c.create()
	if err != nil {
		t.Fatal(err)
	}
	if e, err = e.finish(name, &marker{}); err != nil {
		t.Fatal(err)
	}
	then := time.Now().Add(-ago)
	if err := c.root.Chtimes(name, then, then); err != nil {
		t.Fatal(err)
	}
	return e
}

func (c *cache) entries(t *testing.T) []string {
	t.Helper()
	names, err := c.names()
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

func TestSweepSparesOnlyWhatIsInUse(t *testing.T) {
	c := newCache(t)
	inUse, err := c.create()
	if err != nil {
		t.Fatal(err)
	}
	killed, err := c.create()
	if err != nil {
		t.Fatal(err)
	}
	if err := killed.release(); err != nil { // as the kernel does for a killed process
		t.Fatal(err)
	}
	if err := c.add(t, "finished", time.Hour).release(); err != nil {
		t.Fatal(err)
	}
	if err := c.sweep(); err != nil {
		t.Fatal(err)
	}
	if got, want := c.entries(t), []string{inUse.name, "finished"}; !slices.Equal(got, want) {
		t.Errorf("after the sweep there are %q, want %q", got, want)
	}
	if err := inUse.discard(); err != nil {
		t.Error(err)
	}
}

func TestMakeRoomRemovesTheLongestUnused(t *testing.T) {
	const size = 100 // of an entry, on a disk of 400
	for _, tt := range []struct {
		need, free int64
		left       string
	}{
		{need: 100, free: 100, left: "a b c"},
		{need: 101, free: 200, left: "b c"},
		{need: 300, free: 300, left: "b"},
		{need: 400, free: 300, left: "b"}, // b is in use
	} {
		c := newCache(t)
		c.free = func() (int64, error) { return 400 - size*int64(len(c.entries(t))), nil }
		for name, ago := range map[string]time.Duration{"a": 3 * time.Hour, "c": time.Hour} {
			if err := c.add(t, name, ago).release(); err != nil {
				t.Fatal(err)
			}
		}
		inUse := c.add(t, "b", 2*time.Hour)
		free, err := c.makeRoom(tt.need)
		if left := strings.Join(c.entries(t), " "); err != nil || free != tt.free || left != tt.left {
			t.Errorf("makeRoom(%d) = %d, %v and leaves %q; want %d and %q", tt.need, free, err, left, tt.free, tt.left)
		}
		if err := inUse.release(); err != nil {
			t.Error(err)
		}
	}
}

func TestLookupTakesOnlyWholeEntries(t *testing.T) {
	for name, harm := range map[string]func(dir string) error{
		"no marker":            func(dir string) error { return os.Remove(filepath.Join(dir, markerFile)) },
		"half a marker":        func(dir string) error { return os.Truncate(filepath.Join(dir, markerFile), 5) },
		"a file is missing":    func(dir string) error { return os.Remove(filepath.Join(dir, modelDir, "f")) },
		"a file is cut":        func(dir string) error { return os.Truncate(filepath.Join(dir, modelDir, "f"), 1) },
		"a file is a link now": func(dir string) error { return relink(filepath.Join(dir, modelDir, "f")) },
		"no folder":            func(dir string) error { return errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCache(t)
			e, err := c.create()
			if err != nil {
				t.Fatal(err)
			}
			if err := e.root.WriteFile(modelDir+"/f", []byte("four"), 0o600); err != nil {
				t.Fatal(err)
			}
			files, err := e.list()
			if err != nil {
				t.Fatal(err)
			}
			if e, err = e.finish("model", &marker{SHA256: "pin", Files: files}); err != nil {
				t.Fatal(err)
			}
			if err := e.release(); err != nil {
				t.Fatal(err)
			}
			whole, err := c.lookup("model")
			if err != nil || whole == nil || whole.marker.SHA256 != "pin" {
				t.Fatalf("lookup of a whole entry = %+v, %v", whole, err)
			}
			if err := whole.release(); err != nil {
				t.Fatal(err)
			}
			if err := harm(c.path("model")); err != nil {
				t.Fatal(err)
			}
			if got, err := c.lookup("model"); got != nil || err != nil {
				t.Errorf("lookup of a damaged entry = %+v, %v; want nothing", got, err)
			}
			if left := c.entries(t); len(left) != 0 {
				t.Errorf("%q is still there", left)
			}
		})
	}
}

func relink(path string) error {
	return errors.Join(os.Rename(path, path+"2"), os.Symlink(filepath.Base(path)+"2", path))
}

func TestFinishYieldsToWhoWasFaster(t *testing.T) {
	c := newCache(t)
	mine, err := c.create()
	if err != nil {
		t.Fatal(err)
	}
	theirs := c.add(t, "model", 0)
	got, err := mine.finish("model", &marker{})
	if err != nil || got.name != "model" {
		t.Fatalf("finish = %+v, %v", got, err)
	}
	if left := c.entries(t); !slices.Equal(left, []string{"model"}) {
		t.Errorf("the cache holds %q", left)
	}
	if err := errors.Join(got.release(), theirs.release()); err != nil {
		t.Error(err)
	}
}

func TestFullDisk(t *testing.T) {
	c := newCache(t)
	c.free = func() (int64, error) { return 123, nil }
	err := c.noSpace(&fs.PathError{Op: "write", Path: "f", Err: syscall.ENOSPC}, 4567)
	if !errors.Is(err, ErrNoSpace) || !strings.Contains(err.Error(), "4567") || !strings.Contains(err.Error(), "123") {
		t.Errorf("error is %v, want ErrNoSpace with needed and free bytes", err)
	}
	other := errors.New("other")
	if got := c.noSpace(other, 1); !errors.Is(got, other) || errors.Is(got, ErrNoSpace) {
		t.Errorf("another error became %v", got)
	}
}
