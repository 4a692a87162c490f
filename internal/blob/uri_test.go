package blob_test

import (
	"cmp"
	"errors"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/blob"
)

func TestParseURI(t *testing.T) {
	for _, tt := range []struct {
		in     string
		want   blob.URI
		prefix bool
		text   string // of String; empty means in
	}{
		{in: "s3://models/digits.tar.gz", want: blob.URI{Scheme: "s3", Bucket: "models", Key: "digits.tar.gz"}},
		{in: "S3://models/a", want: blob.URI{Scheme: "s3", Bucket: "models", Key: "a"}, text: "s3://models/a"},
		{in: "s3://models/base/", want: blob.URI{Scheme: "s3", Bucket: "models", Key: "base/"}, prefix: true},
		{in: "s3://models", want: blob.URI{Scheme: "s3", Bucket: "models"}, prefix: true, text: "s3://models/"},
		{in: "s3://models/a b?c#d%20/ä", want: blob.URI{Scheme: "s3", Bucket: "models", Key: "a b?c#d%20/ä"}},
		{in: "s3://models//double", want: blob.URI{Scheme: "s3", Bucket: "models", Key: "/double"}},
		{in: "s3://my.old_Bucket/a", want: blob.URI{Scheme: "s3", Bucket: "my.old_Bucket", Key: "a"}},
		{in: "file:///srv/model", want: blob.URI{Scheme: "file", Key: "/srv/model"}},
		{in: "file://localhost/srv/model/", want: blob.URI{Scheme: "file", Key: "/srv/model/"}, prefix: true, text: "file:///srv/model/"},
		{in: "file:///a%20b", want: blob.URI{Scheme: "file", Key: "/a b"}},
		{in: "/srv/model", want: blob.URI{Scheme: "file", Key: "/srv/model"}, text: "file:///srv/model"},
		{in: "models/digits/../x", want: blob.URI{Scheme: "file", Key: "models/x"}, text: "models/x"},
		{in: "a/b://c", want: blob.URI{Scheme: "file", Key: "a/b:/c"}, text: "./a/b:/c"},
	} {
		t.Run(tt.in, func(t *testing.T) {
			got, err := blob.ParseURI(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("got %#v, want %#v", got, tt.want)
			}
			if got.IsPrefix() != tt.prefix {
				t.Errorf("IsPrefix() = %t, want %t", got.IsPrefix(), tt.prefix)
			}
			if want := cmp.Or(tt.text, tt.in); got.String() != want {
				t.Errorf("String() = %q, want %q", got.String(), want)
			}
		})
	}
}

func TestParseURIFaults(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", "empty"},
		{"gs://bucket/key", `unknown scheme "gs"`},
		{"https://bucket.s3.amazonaws.com/key", `unknown scheme "https"`},
		{"s3:///key", "bucket is empty"},
		{"s3://", "bucket is empty"},
		{"s3://b!d/key", "cannot be the name of a bucket"},
		{"s3:/bucket/key", "must be followed by //"},
		{"file:model", "must be followed by //"},
		{"file://server/share", `host "server"`},
		{"file://", "path is empty"},
		{"file:///a?b", "path only"},
		{"file:///a%zz", "percent"},
		{"file:///a%00b", "NUL"},
		{"a\x00b", "NUL"},
		{"s3://bucket/\xff", "UTF-8"},
		{"s3://bucket/" + strings.Repeat("k", 1025), "1025 bytes"},
	} {
		t.Run(tt.in, func(t *testing.T) {
			_, err := blob.ParseURI(tt.in)
			if !errors.Is(err, blob.ErrInvalidURI) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, want ErrInvalidURI with %q", err, tt.want)
			}
		})
	}
}

func TestPrefixEndsAtASlash(t *testing.T) {
	u := blob.URI{Scheme: "s3", Bucket: "models", Key: "mnist"}
	if got := u.Prefix().Key; got != "mnist/" {
		t.Errorf("Prefix().Key = %q", got)
	}
	if got := u.Join("1/saved_model.pb").Key; got != "mnist/1/saved_model.pb" {
		t.Errorf("Join().Key = %q", got)
	}
	if got := (blob.URI{Scheme: "s3", Bucket: "models"}).Join("a").Key; got != "a" {
		t.Errorf("Join() at the root of a bucket = %q", got)
	}
}

func FuzzParseURI(f *testing.F) {
	for _, s := range []string{"s3://bucket/a/../b", "file:///a%2Fb/", "a//b/", "://", "s3://b.u-c_K/k%", "file:///%3A", "/", "./s3://x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := blob.ParseURI(s)
		if err != nil {
			if !errors.Is(err, blob.ErrInvalidURI) {
				t.Fatalf("error %v is not ErrInvalidURI", err)
			}
			return
		}
		again, err := blob.ParseURI(u.String())
		if err != nil || again != u {
			t.Fatalf("%q gives %#v, whose text %q gives %#v (%v)", s, u, u.String(), again, err)
		}
	})
}
