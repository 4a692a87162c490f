package blob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/blob"
)

// uploadPart is the smallest part that S3 takes.
const uploadPart = 5 << 20

// TestUploads is the contract of writing that holds for every store.
func TestUploads(t *testing.T) {
	for name, open := range map[string]func(*testing.T) fixture{"S3": s3UploadFixture, "files": filesFixture} {
		t.Run(name, func(t *testing.T) {
			t.Run("what is written is read", func(t *testing.T) { testRoundTrip(t, open(t)) })
			t.Run("invisible until commit", func(t *testing.T) { testInvisible(t, open(t)) })
			t.Run("conditions", func(t *testing.T) { testConditions(t, open) })
			t.Run("one of two wins", func(t *testing.T) { testRace(t, open(t)) })
			t.Run("rewrite", func(t *testing.T) { testRewrite(t, open(t)) })
			t.Run("abort", func(t *testing.T) { testAbort(t, open(t)) })
			t.Run("cancelled", func(t *testing.T) { testUploadCancel(t, open(t)) })
			t.Run("wrong calls", func(t *testing.T) { testWrongUploads(t, open(t)) })
			t.Run("delete", func(t *testing.T) { testDelete(t, open(t)) })
		})
	}
}

func s3UploadFixture(t *testing.T) fixture {
	return s3FixtureWith(t, blob.S3Options{UploadPartSize: uploadPart})
}

func testRoundTrip(t *testing.T, f fixture) {
	random := rand.NewChaCha8([32]byte{5})
	for _, size := range []int{0, 1, 100_000, uploadPart, uploadPart + 1, 2 * uploadPart, 20<<20 + 7} {
		want := make([]byte, size)
		random.Read(want)
		u := f.root.Join(fmt.Sprint("new/folder/object-", size))
		up := create(t, f.stores, u, blob.CreateOptions{})
		writeAll(t, up, want)
		o, err := up.Commit(t.Context())
		if err != nil {
			t.Fatalf("commit of %d bytes: %v", size, err)
		}
		seen, err := f.stores.Stat(t.Context(), u, "")
		if err != nil || o.Size != int64(size) || o.Size != seen.Size || o.ETag != seen.ETag || o.URI != seen.URI {
			t.Errorf("commit of %d bytes = %+v, stat = %+v, %v", size, o, seen, err)
		}
		if got := read(t, f.stores, o); !bytes.Equal(got, want) {
			t.Errorf("%d bytes written, %d others read", size, len(got))
		}
		if err := up.Abort(); err != nil {
			t.Errorf("abort after commit: %v", err)
		}
		if _, err := up.Write([]byte("x")); err == nil {
			t.Error("write after commit succeeded")
		}
		if _, err := f.stores.Stat(t.Context(), u, ""); err != nil {
			t.Errorf("after abort: %v", err)
		}
	}
	f.clean(t)
}

func testInvisible(t *testing.T, f fixture) {
	u := f.root.Join("object")
	f.put("object", []byte("old"))
	for _, size := range []int{10, 2*uploadPart + 1} {
		old := stat(t, f.stores, u)
		up := create(t, f.stores, u, blob.CreateOptions{})
		writeAll(t, up, pattern(size))
		if now := stat(t, f.stores, u); now.ETag != old.ETag {
			t.Errorf("%d bytes show before commit", size)
		}
		if _, err := up.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if now := stat(t, f.stores, u); now.Size != int64(size) {
			t.Errorf("after commit of %d bytes there are %d", size, now.Size)
		}
	}
}

// testConditions holds for objects of one part and of several.
func testConditions(t *testing.T, open func(*testing.T) fixture) {
	none := func(blob.Object) blob.CreateOptions { return blob.CreateOptions{} }
	absent := func(blob.Object) blob.CreateOptions { return blob.CreateOptions{Absent: true} }
	replaces := func(o blob.Object) blob.CreateOptions { return blob.CreateOptions{Replaces: o.ETag} }
	for _, tt := range []struct {
		name string
		// before is what there is when the upload starts, during what happens before
		// it is committed: "" nothing, "-" a deletion, else new content.
		before, during string
		condition      func(before blob.Object) blob.CreateOptions
		want           error
	}{
		{"none, nothing there", "", "", none, nil},
		{"none, something there", "old", "", none, nil},
		{"none, changed", "old", "other", none, nil},
		{"none, deleted", "old", "-", none, nil},
		{"absent, nothing there", "", "", absent, nil},
		{"absent, something there", "old", "", absent, blob.ErrConflict},
		{"absent, written meanwhile", "", "other", absent, blob.ErrConflict},
		{"absent, deleted meanwhile", "old", "-", absent, nil},
		{"replaces, as it was", "old", "", replaces, nil},
		{"replaces, changed", "old", "new", replaces, blob.ErrConflict},
		{"replaces, deleted", "old", "-", replaces, blob.ErrConflict},
		{"replaces, never there", "", "", func(blob.Object) blob.CreateOptions {
			return blob.CreateOptions{Replaces: `"0123456789abcdef0123456789abcdef"`}
		}, blob.ErrConflict},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := open(t)
			for _, size := range []int{3, uploadPart + 1} {
				key := fmt.Sprint("object-", size)
				u := f.root.Join(key)
				var before blob.Object
				if tt.before != "" {
					f.put(key, []byte(tt.before))
					before = stat(t, f.stores, u)
				}
				up := create(t, f.stores, u, tt.condition(before))
				writeAll(t, up, pattern(size))
				there := change(t, f, key, tt.before, tt.during)
				_, err := up.Commit(t.Context())
				if !errors.Is(err, tt.want) || (err != nil) != (tt.want != nil) {
					t.Errorf("%d bytes: commit says %v, want %v", size, err, tt.want)
				}
				if err := up.Abort(); err != nil {
					t.Errorf("%d bytes: abort says %v", size, err)
				}
				if tt.want == nil {
					there = string(pattern(size))
				}
				if got := readOrNothing(t, f.stores, u); got != there {
					t.Errorf("%d bytes: there are %d bytes then, want %d", size, len(got), len(there))
				}
			}
			f.clean(t)
		})
	}
}

// change lets something happen to an object and returns what is there then.
func change(t *testing.T, f fixture, key, before, what string) string {
	switch what {
	case "":
		return before
	case "-":
		if err := f.stores.Delete(t.Context(), []blob.URI{f.root.Join(key)}); err != nil {
			t.Fatal(err)
		}
		return ""
	}
	f.put(key, []byte(what))
	return what
}

func testRace(t *testing.T, f fixture) {
	const writers = 4
	for name, size := range map[string]int{"one part": 10, "parts": uploadPart + 1} {
		u := f.root.Join(name)
		options := blob.CreateOptions{Absent: true}
		for range 3 { // first who makes it, then who replaces it
			var uploads [writers]blob.Upload
			for i := range uploads {
				uploads[i] = create(t, f.stores, u, options)
				writeAll(t, uploads[i], pattern(size)) // the same bytes: the ETag cannot tell
			}
			var errs [writers]error
			var all sync.WaitGroup
			for i, up := range uploads {
				all.Go(func() {
					_, errs[i] = up.Commit(t.Context())
					errs[i] = errors.Join(errs[i], up.Abort())
				})
			}
			all.Wait()
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
				} else if !errors.Is(err, blob.ErrConflict) {
					t.Errorf("%s: %v, want ErrConflict", name, err)
				}
			}
			// The same bytes have the same ETag on S3, so that all may replace it.
			if won == 0 || won > 1 && (options.Absent || u.Scheme == blob.FileScheme) {
				t.Errorf("%s, %+v: %d of %d won", name, options, won, writers)
			}
			options = blob.CreateOptions{Replaces: stat(t, f.stores, u).ETag}
		}
	}
	f.clean(t)
}

func testRewrite(t *testing.T, f fixture) {
	for _, size := range []int{10, uploadPart, 3*uploadPart + 5} {
		u := f.root.Join(fmt.Sprint("object-", size))
		up := create(t, f.stores, u, blob.CreateOptions{})
		if err := up.Rewrite([]byte("x")); err == nil {
			t.Error("what is not written was rewritten")
		}
		want := pattern(size)
		writeAll(t, up, want)
		head := bytes.Repeat([]byte("head"), min(size, uploadPart)/4)
		for _, head := range [][]byte{[]byte("12345"), head, head[:4], nil} {
			if err := up.Rewrite(head); err != nil {
				t.Errorf("rewrite of %d of %d bytes: %v", len(head), size, err)
			}
		}
		if err := up.Rewrite(make([]byte, size+1)); err == nil {
			t.Error("more was rewritten than is written")
		}
		writeAll(t, up, []byte("tail"))
		o, err := up.Commit(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, "tail"...)
		copy(want, "12345")
		copy(want, head)
		if got := read(t, f.stores, o); !bytes.Equal(got, want) {
			t.Errorf("%d bytes with another head read as %d others", len(want), len(got))
		}
	}
}

func testAbort(t *testing.T, f fixture) {
	for _, size := range []int{0, 10, uploadPart, 5*uploadPart + 1} {
		u := f.root.Join(fmt.Sprint("object-", size))
		up := create(t, f.stores, u, blob.CreateOptions{})
		writeAll(t, up, make([]byte, size))
		for range 2 {
			if err := up.Abort(); err != nil {
				t.Errorf("abort after %d bytes: %v", size, err)
			}
		}
		if _, err := up.Commit(t.Context()); err == nil {
			t.Error("commit after abort succeeded")
		}
		if _, err := f.stores.Stat(t.Context(), u, ""); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("stat after abort: %v, want ErrNotFound", err)
		}
	}
	f.clean(t)
}

func testUploadCancel(t *testing.T, f fixture) {
	reason := errors.New("the deadline is near")
	for _, size := range []int{10, 2*uploadPart + 1} {
		u := f.root.Join(fmt.Sprint("object-", size))
		ctx, cancel := context.WithCancelCause(t.Context())
		up := createIn(ctx, t, f.stores, u)
		writeAll(t, up, make([]byte, size))
		cancel(reason)
		if _, err := up.Write([]byte("x")); !errors.Is(err, reason) {
			t.Errorf("write after cancel: %v, want the cause", err)
		}
		if _, err := up.Commit(t.Context()); !errors.Is(err, reason) {
			t.Errorf("commit after cancel: %v, want the cause", err)
		}
		if err := up.Abort(); err != nil {
			t.Errorf("abort after cancel: %v", err)
		}

		up = create(t, f.stores, u, blob.CreateOptions{})
		writeAll(t, up, make([]byte, size))
		if _, err := up.Commit(ctx); !errors.Is(err, reason) {
			t.Errorf("commit that is cancelled: %v, want the cause", err)
		}
		if err := up.Abort(); err != nil {
			t.Errorf("abort after a commit that is cancelled: %v", err)
		}
		if _, err := f.stores.Stat(t.Context(), u, ""); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("stat after cancel: %v, want ErrNotFound", err)
		}
	}
	f.clean(t)
}

func testWrongUploads(t *testing.T, f fixture) {
	if _, err := f.stores.Create(t.Context(), f.root.Join("folder/"), blob.CreateOptions{}); !errors.Is(err, blob.ErrInvalidURI) {
		t.Errorf("create of a prefix: %v, want ErrInvalidURI", err)
	}
	if err := f.stores.Delete(t.Context(), []blob.URI{f.root.Join("folder/")}); !errors.Is(err, blob.ErrInvalidURI) {
		t.Errorf("delete of a prefix: %v, want ErrInvalidURI", err)
	}
	both := blob.CreateOptions{Absent: true, Replaces: `"etag"`}
	if _, err := f.stores.Create(t.Context(), f.root.Join("object"), both); err == nil {
		t.Error("an object that is absent and replaced was created")
	}
	f.clean(t)
}

func testDelete(t *testing.T, f fixture) {
	f.put("a/1", []byte("x"))
	f.put("a/2", []byte("x"))
	f.put("b & <c>", []byte("x"))
	keys := []blob.URI{f.root.Join("a/1"), f.root.Join("b & <c>"), f.root.Join("never"), f.root.Join("never/ever")}
	for range 2 {
		if err := f.stores.Delete(t.Context(), keys); err != nil {
			t.Errorf("delete: %v", err)
		}
	}
	objects, err := f.stores.List(t.Context(), f.root)
	if err != nil || len(objects) != 1 || objects[0].URI != f.root.Join("a/2") {
		t.Errorf("left after delete: %v, %v; want a/2", objects, err)
	}
	if err := f.stores.Delete(t.Context(), nil); err != nil {
		t.Errorf("delete of nothing: %v", err)
	}
}

func create(t testing.TB, s blob.Stores, u blob.URI, o blob.CreateOptions) blob.Upload {
	t.Helper()
	up, err := s.Create(t.Context(), u, o)
	if err != nil {
		t.Fatal(err)
	}
	return up
}

func createIn(ctx context.Context, t testing.TB, s blob.Stores, u blob.URI) blob.Upload {
	t.Helper()
	up, err := s.Create(ctx, u, blob.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return up
}

// writeAll writes in pieces whose sizes fit no part, from a buffer that is used again.
func writeAll(t testing.TB, w io.Writer, data []byte) {
	t.Helper()
	buf := make([]byte, 777_777)
	for len(data) > 0 {
		n := copy(buf, data)
		if wrote, err := w.Write(buf[:n]); err != nil || wrote != n {
			t.Fatalf("write of %d bytes = %d, %v", n, wrote, err)
		}
		clear(buf)
		data = data[n:]
	}
}

func stat(t testing.TB, s blob.Stores, u blob.URI) blob.Object {
	t.Helper()
	o, err := s.Stat(t.Context(), u, "")
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func read(t testing.TB, s blob.Stores, o blob.Object) []byte {
	t.Helper()
	data, err := readAll(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func readOrNothing(t testing.TB, s blob.Stores, u blob.URI) string {
	t.Helper()
	o, err := s.Stat(t.Context(), u, "")
	if errors.Is(err, blob.ErrNotFound) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(read(t, s, o))
}
