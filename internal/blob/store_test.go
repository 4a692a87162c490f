package blob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/blob"
)

// fixture is a store under test and a way to put things into it.
type fixture struct {
	stores blob.Stores
	root   blob.URI
	put    func(key string, data []byte)
	// clean fails the test where uploads have left something behind.
	clean func(*testing.T)
}

// partSize makes objects of a few kilobytes have several parts.
const partSize = 1000

// TestStores is the contract that holds for every store.
func TestStores(t *testing.T) {
	for name, open := range map[string]func(*testing.T) fixture{"S3": s3Fixture, "files": filesFixture} {
		t.Run(name, func(t *testing.T) {
			t.Run("stat", func(t *testing.T) { testStat(t, open(t)) })
			t.Run("stat of what is not there", func(t *testing.T) { testMissing(t, open(t)) })
			t.Run("open and download", func(t *testing.T) { testRead(t, open(t)) })
			t.Run("read stops when cancelled", func(t *testing.T) { testCancel(t, open(t)) })
			t.Run("replaced after stat", func(t *testing.T) { testChanged(t, open(t)) })
			t.Run("list", func(t *testing.T) { testList(t, open(t)) })
			t.Run("list has a limit", func(t *testing.T) { testListLimit(t, open(t)) })
			t.Run("ranges", func(t *testing.T) { testRanges(t, open(t)) })
		})
	}
}

func s3Fixture(t *testing.T) fixture {
	return s3FixtureWith(t, blob.S3Options{PartSize: partSize, MaxObjects: 5})
}

func s3FixtureWith(t *testing.T, o blob.S3Options) fixture {
	b := newBucket(t)
	return fixture{
		stores: blob.Stores{S3: blob.NewS3(b.client, o)},
		root:   b.uri(""),
		put:    func(key string, data []byte) { b.put(t, key, data) },
		clean:  func(t *testing.T) { b.wantNoUploads(t) },
	}
}

func filesFixture(t *testing.T) fixture {
	dir := t.TempDir()
	return fixture{
		stores: blob.Stores{Files: &blob.Files{MaxObjects: 5}},
		root:   blob.URI{Scheme: blob.FileScheme, Key: dir + "/"},
		put: func(key string, data []byte) {
			path := filepath.Join(dir, key)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, data, 0o600)); err != nil {
				t.Fatal(err)
			}
		},
		clean: func(t *testing.T) { wantNoTemporaries(t, dir) },
	}
}

func wantNoTemporaries(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if strings.Contains(path, ".tmp-") {
			t.Errorf("left behind: %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func testStat(t *testing.T, f fixture) {
	f.put("a/b", []byte("12345"))
	o, err := f.stores.Stat(t.Context(), f.root.Join("a/b"), "")
	if err != nil {
		t.Fatal(err)
	}
	if o.Size != 5 || o.ETag == "" || o.ModTime.IsZero() || o.Pinned || o.URI != f.root.Join("a/b") {
		t.Errorf("Stat = %+v", o)
	}
	f.put("a/b", []byte("123456"))
	again, err := f.stores.Stat(t.Context(), f.root.Join("a/b"), "")
	if err != nil || again.ETag == o.ETag {
		t.Errorf("ETag of new content is %s (%v), as before", again.ETag, err)
	}
}

func testMissing(t *testing.T, f fixture) {
	f.put("a/b", []byte("12345"))
	for _, key := range []string{"a/c", "a", "a/b/c"} {
		if _, err := f.stores.Stat(t.Context(), f.root.Join(key), ""); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("Stat(%s): error is %v, want ErrNotFound", key, err)
		}
	}
	for _, key := range []string{"z/", "a/b"} {
		if objects, err := f.stores.List(t.Context(), f.root.Join(key)); err != nil || len(objects) != 0 {
			t.Errorf("List(%s) = %v, %v; want nothing", key, objects, err)
		}
	}
}

func testRead(t *testing.T, f fixture) {
	for _, size := range []int{0, 1, partSize - 1, partSize, partSize + 1, 2 * partSize, 9*partSize + 7} {
		want := pattern(size)
		key := fmt.Sprint("object-", size)
		f.put(key, want)
		o, err := f.stores.Stat(t.Context(), f.root.Join(key), "")
		if err != nil {
			t.Fatal(err)
		}
		got, err := readAll(t.Context(), f.stores, o)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("open of %d bytes: got %d bytes and error %v", size, len(got), err)
		}
		file, err := os.Create(filepath.Join(t.TempDir(), "copy"))
		if err != nil {
			t.Fatal(err)
		}
		if err := f.stores.Download(t.Context(), o, file); err != nil {
			t.Errorf("download of %d bytes: %v", size, err)
		}
		if got, err := os.ReadFile(file.Name()); err != nil || !bytes.Equal(got, want) {
			t.Errorf("download of %d bytes wrote %d others (%v)", size, len(got), err)
		}
		file.Close()
	}
}

func testCancel(t *testing.T, f fixture) {
	f.put("object", pattern(20*partSize))
	o, err := f.stores.Stat(t.Context(), f.root.Join("object"), "")
	if err != nil {
		t.Fatal(err)
	}
	if f.stores.S3 == nil {
		return // reading a file is not waiting for anybody
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, err := f.stores.Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(r, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.Copy(io.Discard, r); !errors.Is(err, context.Canceled) {
		t.Errorf("read after cancel: %v, want %v", err, context.Canceled)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := f.stores.Download(ctx, o, discardAt{}); !errors.Is(err, context.Canceled) {
		t.Errorf("download after cancel: %v, want %v", err, context.Canceled)
	}
}

func testChanged(t *testing.T, f fixture) {
	for _, size := range []int{10, 3 * partSize} {
		f.put("object", pattern(size))
		o, err := f.stores.Stat(t.Context(), f.root.Join("object"), "")
		if err != nil {
			t.Fatal(err)
		}
		f.put("object", bytes.Repeat([]byte("x"), size+1))
		if _, err := readAll(t.Context(), f.stores, o); !errors.Is(err, blob.ErrChanged) {
			t.Errorf("open of %d replaced bytes: %v, want ErrChanged", size, err)
		}
		if err := f.stores.Download(t.Context(), o, discardAt{}); !errors.Is(err, blob.ErrChanged) {
			t.Errorf("download of %d replaced bytes: %v, want ErrChanged", size, err)
		}
	}
}

func testList(t *testing.T, f fixture) {
	f.put("models/mnist/2/saved_model.pb", []byte("pb"))
	f.put("models/mnist/2/variables/empty", nil)
	f.put("models/mnist/10", []byte("x"))
	f.put("models/mnist2/other", []byte("other"))
	for _, prefix := range []string{"models/mnist", "models/mnist/"} {
		objects, err := f.stores.List(t.Context(), f.root.Join(prefix))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, o := range objects {
			got = append(got, fmt.Sprint(strings.TrimPrefix(o.URI.Key, f.root.Key), " ", o.Size))
			if o.ETag == "" {
				t.Errorf("%s has no ETag", o.URI)
			}
		}
		want := []string{"models/mnist/10 1", "models/mnist/2/saved_model.pb 2", "models/mnist/2/variables/empty 0"}
		if !slices.Equal(got, want) {
			t.Errorf("List(%s) = %q, want %q", prefix, got, want)
		}
		if data, err := readAll(t.Context(), f.stores, objects[1]); err != nil || string(data) != "pb" {
			t.Errorf("a listed object reads as %q, %v", data, err)
		}
	}
}

func testListLimit(t *testing.T, f fixture) {
	for i := range 5 {
		f.put(fmt.Sprint("p/", i), nil)
	}
	if objects, err := f.stores.List(t.Context(), f.root.Join("p")); err != nil || len(objects) != 5 {
		t.Errorf("List at the limit = %d objects, %v", len(objects), err)
	}
	f.put("p/5", nil)
	if _, err := f.stores.List(t.Context(), f.root.Join("p")); !errors.Is(err, blob.ErrTooMany) || !strings.Contains(err.Error(), "5") {
		t.Errorf("List over the limit: %v, want ErrTooMany with the limit", err)
	}
}

func testRanges(t *testing.T, f fixture) {
	want := pattern(9*partSize + 7)
	f.put("object", want)
	o := stat(t, f.stores, f.root.Join("object"))
	for _, r := range [][2]int64{
		{0, 0}, {0, 1}, {0, o.Size}, {5, 5}, {o.Size, o.Size}, {o.Size - 1, o.Size},
		{1, partSize}, {partSize - 1, partSize + 1}, {partSize, 2 * partSize}, {17, 6*partSize + 17}, {1, o.Size},
	} {
		got, err := readRange(t.Context(), f.stores, o, r[0], r[1])
		if err != nil || !bytes.Equal(got, want[r[0]:r[1]]) {
			t.Errorf("range %d: %d bytes, error %v", r, len(got), err)
		}
	}
	for _, r := range [][2]int64{{-1, 5}, {6, 5}} {
		if _, err := f.stores.OpenRange(t.Context(), o, r[0], r[1]); err == nil {
			t.Errorf("range %d was opened", r)
		}
	}
	if _, err := f.stores.OpenRange(t.Context(), o, 0, o.Size+1); !errors.Is(err, blob.ErrChanged) {
		t.Errorf("a range beyond the end: %v, want ErrChanged", err)
	}
	f.put("object", pattern(partSize))
	for _, r := range [][2]int64{{0, 5}, {5 * partSize, 5*partSize + 1}, {0, 5 * partSize}} {
		if _, err := readRange(t.Context(), f.stores, o, r[0], r[1]); !errors.Is(err, blob.ErrChanged) {
			t.Errorf("range %d of an object that shrank: %v, want ErrChanged", r, err)
		}
	}
}

func TestStoresWithoutAStore(t *testing.T) {
	u := blob.URI{Scheme: "s3", Bucket: "bucket", Key: "key"}
	if _, err := (blob.Stores{Files: &blob.Files{}}).Stat(t.Context(), u, ""); !errors.Is(err, blob.ErrInvalidURI) {
		t.Errorf("error is %v, want ErrInvalidURI", err)
	}
}

func TestFilesFollowLinksAndEndInCycles(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "..data")
	err := errors.Join(os.Mkdir(data, 0o700), os.WriteFile(filepath.Join(data, "m.pb"), []byte("x"), 0o600),
		os.Symlink("..data", filepath.Join(dir, "current")), os.Symlink("nowhere", filepath.Join(dir, "dangling")))
	if err != nil {
		t.Fatal(err)
	}
	root := blob.URI{Scheme: blob.FileScheme, Key: dir}
	objects, err := (&blob.Files{}).List(t.Context(), root)
	if err != nil || len(objects) != 2 || objects[1].URI != root.Join("current/m.pb") {
		t.Errorf("List = %v, %v", objects, err)
	}
	if err := os.Symlink(".", filepath.Join(dir, "self")); err != nil {
		t.Fatal(err)
	}
	if _, err := (&blob.Files{MaxObjects: 1e6}).List(t.Context(), root); err == nil {
		t.Error("a folder that contains itself was listed to an end")
	}
}

func readAll(ctx context.Context, s blob.Stores, o blob.Object) ([]byte, error) {
	r, err := s.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r)
	return data, errors.Join(err, r.Close())
}

func readRange(ctx context.Context, s blob.Stores, o blob.Object, from, to int64) ([]byte, error) {
	r, err := s.OpenRange(ctx, o, from, to)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r)
	return data, errors.Join(err, r.Close())
}

type discardAt struct{}

func (discardAt) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
