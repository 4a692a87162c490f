package blob_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/blob"
)

func TestUploadMetadata(t *testing.T) {
	b := newBucket(t)
	s := blob.Stores{S3: blob.NewS3(b.client, blob.S3Options{UploadPartSize: uploadPart})}
	want := map[string]string{
		"tensorlambda-input": "s3://inbox/Straße 1/100 %25+rows.jsonl",
		"spaces":             "  two  and\ttab\r\n",
		"bytes":              "\x00\x7f\xff日本",
		"empty":              "",
	}
	for _, size := range []int{5, uploadPart + 1} {
		up := create(t, s, b.uri("object"), blob.CreateOptions{ContentType: "application/jsonlines", Metadata: want})
		writeAll(t, up, make([]byte, size))
		o, err := up.Commit(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		seen := stat(t, s, b.uri("object"))
		for call, o := range map[string]blob.Object{"commit": o, "stat": seen} {
			if !maps.Equal(o.Metadata, want) || o.ContentType != "application/jsonlines" {
				t.Errorf("%s of %d bytes: metadata %q, content type %q", call, size, o.Metadata, o.ContentType)
			}
		}
	}
}

func TestUploadMetadataHasLimits(t *testing.T) {
	b := newBucket(t)
	s := blob.NewS3(b.client, blob.S3Options{})
	long := strings.Repeat("x", 512)
	for name, tt := range map[string]struct {
		metadata map[string]string
		ok       bool
	}{
		"a long value":            {map[string]string{"a": long}, true},
		"too long a value":        {map[string]string{"a": long + "x"}, false},
		"too long when escaped":   {map[string]string{"a": strings.Repeat("%", 171)}, false},
		"too long values in all":  {map[string]string{"a": long, "b": long, "c": long, "d": long}, false},
		"an empty key":            {map[string]string{"": "x"}, false},
		"a key in upper case":     {map[string]string{"Input": "x"}, false},
		"a key that is no header": {map[string]string{"a b": "x"}, false},
		"the marker of uploads":   {map[string]string{"tensorlambda-upload": "x"}, false},
	} {
		up, err := s.Create(t.Context(), b.uri("object"), blob.CreateOptions{Metadata: tt.metadata})
		if (err == nil) != tt.ok {
			t.Errorf("%s: error %v", name, err)
		}
		if err == nil {
			if _, err := up.Commit(t.Context()); err != nil {
				t.Errorf("%s: commit says %v", name, err)
			}
		}
	}
}

// Metadata of others comes as it is where it is not escaped, and Stat tells how the
// object is compressed.
func TestStatOfForeignObjects(t *testing.T) {
	b := newBucket(t)
	b.putForeign(t, "object", "gzip", map[string]string{"Rate": "100 %", "path": "a%2Fb"})
	o := stat(t, blob.Stores{S3: blob.NewS3(b.client, blob.S3Options{})}, b.uri("object"))
	if want := map[string]string{"rate": "100 %", "path": "a/b"}; !maps.Equal(o.Metadata, want) || o.ContentEncoding != "gzip" {
		t.Errorf("metadata %q, encoding %q; want %q, gzip", o.Metadata, o.ContentEncoding, want)
	}
}
