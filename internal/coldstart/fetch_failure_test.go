package coldstart_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/tensorlambda/tensorlambda/internal/archive"
	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/coldstart"
)

func TestFetchPins(t *testing.T) {
	b := newBucket(t)
	_, err := b.client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: aws.String(bucketName), VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		t.Fatal(err)
	}
	first, second := tarGzip(t, savedModel("")), tarGzip(t, savedModel("wrapped/"))
	old := b.put("digits.tar.gz", first)
	b.put("digits.tar.gz", second)
	b.put("base/saved_model.pb", "m")
	dir := t.TempDir()
	write(t, dir, tree{"digits.tar.gz": first})
	cache := filepath.Join(t.TempDir(), "models")
	for _, tt := range []struct {
		name, uri, version, sum string
		want                    error
		text                    []string
		gotSum                  string
	}{
		{name: "wrong checksum", uri: "s3://models/digits.tar.gz", sum: sum(first), want: coldstart.ErrChecksum, text: []string{sum(first), sum(second)}},
		{name: "right checksum", uri: "s3://models/digits.tar.gz", sum: sum(second), gotSum: sum(second)},
		{name: "wrong checksum of what is there already", uri: "s3://models/digits.tar.gz", sum: sum(first), want: coldstart.ErrChecksum, text: []string{sum(first), sum(second)}},
		{name: "old version", uri: "s3://models/digits.tar.gz", version: old, sum: sum(first), gotSum: sum(first)},
		{name: "no such version", uri: "s3://models/digits.tar.gz", version: "01J0000000000000000000NONE", want: blob.ErrNotFound},
		{name: "version of a prefix", uri: "s3://models/base/", version: old, want: coldstart.ErrPin, text: []string{"s3://models/base/"}},
		{name: "checksum of a prefix", uri: "s3://models/base", sum: sum(first), want: coldstart.ErrPin},
		{name: "checksum of a saved_model.pb", uri: "s3://models/base/saved_model.pb", sum: sum("m"), want: coldstart.ErrPin},
		{name: "version of a file", uri: filepath.Join(dir, "digits.tar.gz"), version: "1", want: coldstart.ErrPin, text: []string{"no versions"}},
		{name: "checksum of a file", uri: filepath.Join(dir, "digits.tar.gz"), sum: sum(first), gotSum: sum(first)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := cached(t, cache)
			got, err := coldstart.Fetch(t.Context(), coldstart.FetchOptions{URI: uri(t, tt.uri), ObjectVersion: tt.version, SHA256: tt.sum, Source: b.source(), CacheDir: cache})
			if tt.want == nil {
				if err != nil || got.SHA256 != tt.gotSum {
					t.Fatalf("got %+v, %v", got, err)
				}
				got.Close()
				return
			}
			if !errors.Is(err, tt.want) || coldstart.IsTransient(err) {
				t.Errorf("error is %v, want %v, and not transient", err, tt.want)
			}
			for _, text := range tt.text {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("error %q does not name %s", err, text)
				}
			}
			if after := cached(t, cache); !slices.Equal(before, after) {
				t.Errorf("the cache changed from %q to %q", before, after)
			}
		})
	}
}

func TestFetchFailuresLeaveNothing(t *testing.T) {
	b := newBucket(t)
	stranger, err := b.server.AddUser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	good := tarGzip(t, join(savedModel("m/"), tree{"m/assets/v": strings.Repeat("x", 10_000)}))
	b.put("digits.tar.gz", good)
	b.put("cut.tar.gz", good[:len(good)-20])
	b.put("page.zip", "<html></html>")
	b.put("evil.tar.gz", tarGzip(t, tree{"saved_model.pb": "x", "../evil": "x"}))
	b.put("nothing.tar.gz", tarGzip(t, tree{"readme": "x"}))
	b.put("digits.pb", graphDef)
	b.put("frozen/graph.pb", graphDef)
	for name, body := range savedModel("prefix/") {
		b.put(name, body)
	}
	own := b.source()
	denied := blob.Stores{S3: blob.NewS3(b.as(stranger), blob.S3Options{})}
	lost := errors.New("connection lost")
	for _, tt := range []struct {
		name, key string
		source    coldstart.Source
		maxBytes  int64
		maxFiles  int
		want      error
		transient bool
		text      string
	}{
		{name: "missing archive", key: "none.tar.gz", want: blob.ErrNotFound, text: "s3://models/none.tar.gz"},
		{name: "missing graph", key: "none.pb", want: blob.ErrNotFound},
		{name: "missing prefix", key: "none", want: blob.ErrNotFound, text: "saved_model.pb"},
		{name: "a key that is no model's name", key: "digits.tar.gz/x", want: blob.ErrNotFound},
		{name: "access denied", key: "digits.tar.gz", source: denied, want: blob.ErrAccessDenied, text: "s3:ListBucket"},
		{name: "prefix denied", key: "prefix/", source: denied, want: blob.ErrAccessDenied},
		{name: "corrupt archive", key: "cut.tar.gz", want: archive.ErrCorrupt, text: "cut.tar.gz"},
		{name: "a web page", key: "page.zip", want: archive.ErrCorrupt},
		{name: "dot dot", key: "evil.tar.gz", want: archive.ErrUnsafe, text: "../evil"},
		{name: "no model inside", key: "nothing.tar.gz", want: coldstart.ErrNoModel},
		{name: "large graph", key: "digits.pb", maxBytes: 3, want: coldstart.ErrTooLarge, text: "MAX_MODEL_BYTES"},
		{name: "large archive", key: "digits.tar.gz", maxBytes: 3, want: coldstart.ErrTooLarge},
		{name: "large when unpacked", key: "digits.tar.gz", maxBytes: 5000, want: archive.ErrTooLarge},
		{name: "a graph over protobuf's limit", key: "digits.pb", source: &huge{own, "digits.pb", 1 << 31}, want: coldstart.ErrTooLarge, text: "2147483647"},
		{name: "a graph over protobuf's limit, in a prefix", key: "frozen/", source: &huge{own, "graph.pb", 1 << 31}, want: coldstart.ErrTooLarge, text: "graph.pb"},
		{name: "a SavedModel's graph over protobuf's limit", key: "prefix/", source: &huge{own, "saved_model.pb", 1 << 31}, want: coldstart.ErrTooLarge, text: "saved_model.pb"},
		{name: "large prefix", key: "prefix/", maxBytes: 3, want: coldstart.ErrTooLarge},
		{name: "many files", key: "prefix/", maxFiles: 2, want: coldstart.ErrTooLarge},
		{name: "many files in an archive", key: "digits.tar.gz", maxFiles: 2, want: archive.ErrTooLarge},
		{name: "archive breaks off", key: "digits.tar.gz", source: &breaking{own, blob.ErrTruncated}, want: blob.ErrTruncated, transient: true},
		{name: "graph breaks off", key: "digits.pb", source: &breaking{own, blob.ErrTruncated}, want: blob.ErrTruncated, transient: true},
		{name: "prefix breaks off", key: "prefix/", source: &breaking{own, lost}, want: lost},
		{name: "more than the disk holds", key: "prefix/", source: &huge{own, "variables.index", 1 << 52}, maxBytes: 1 << 60, want: coldstart.ErrNoSpace, text: "EphemeralStorage"},
		{name: "cancelled", key: "digits.tar.gz", source: &breaking{own, context.Canceled}, want: context.Canceled, transient: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.source == nil {
				tt.source = own
			}
			dir := t.TempDir()
			cache := filepath.Join(dir, "models")
			_, err := coldstart.Fetch(t.Context(), coldstart.FetchOptions{
				URI: uri(t, "s3://models/"+tt.key), Source: tt.source, CacheDir: cache, MaxBytes: tt.maxBytes, MaxFiles: tt.maxFiles,
			})
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error is %v, want %v with %q", err, tt.want, tt.text)
			}
			if got := coldstart.IsTransient(err); got != tt.transient {
				t.Errorf("IsTransient(%v) = %t, want %t", err, got, tt.transient)
			}
			if left := cached(t, cache); len(left) != 0 {
				t.Errorf("left in the cache: %q", left)
			}
		})
	}
}

func TestFetchByManyAtOnce(t *testing.T) {
	b := newBucket(t)
	b.put("digits.tar.gz", tarGzip(t, savedModel("m/")))
	for name, body := range savedModel("base/1/") {
		b.put(name, body)
	}
	cache := filepath.Join(t.TempDir(), "models")
	for _, u := range []string{"s3://models/digits.tar.gz", "s3://models/base/"} {
		var all sync.WaitGroup
		for range 8 { // locks belong to open files: here they are as apart as processes are
			all.Go(func() {
				got, err := coldstart.Fetch(t.Context(), coldstart.FetchOptions{URI: uri(t, u), Source: b.source(), CacheDir: cache})
				if err != nil {
					t.Error(err)
					return
				}
				defer got.Close()
				if _, err := os.Stat(filepath.Join(got.Dir, "saved_model.pb")); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	if entries := cached(t, cache); len(entries) != 2 {
		t.Errorf("the cache holds %q, want one entry for each model", entries)
	}
}

func TestFetchNeedsASafeCacheFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, tree{"digits.tgz": tarGzip(t, savedModel(""))})
	open, link := filepath.Join(dir, "open"), filepath.Join(dir, "link")
	err := errors.Join(os.Mkdir(open, 0o700), os.Chmod(open, 0o770), os.Mkdir(filepath.Join(dir, "real"), 0o700), os.Symlink("real", link))
	if err != nil {
		t.Fatal(err)
	}
	for _, cache := range []string{open, link} {
		_, err := coldstart.Fetch(t.Context(), coldstart.FetchOptions{URI: uri(t, filepath.Join(dir, "digits.tgz")), Source: blob.Stores{Files: &blob.Files{}}, CacheDir: cache})
		if !errors.Is(err, coldstart.ErrCacheFolder) || !strings.Contains(err.Error(), cache) {
			t.Errorf("error is %v, want ErrCacheFolder and %s", err, cache)
		}
	}
}
