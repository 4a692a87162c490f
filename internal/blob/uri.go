package blob

import (
	"fmt"
	"net/url"
	"path"
	"strings"
	"unicode/utf8"
)

// The schemes of a URI.
const (
	S3Scheme   = "s3"
	FileScheme = "file"
)

// maxKey is S3's limit on the bytes of a key.
const maxKey = 1024

// URI names an object or a prefix. Key is an object's key, exactly as S3 has
// it, or a path of this machine when Scheme is "file". A Key that is empty or
// ends in "/" is a prefix.
type URI struct {
	Scheme string
	Bucket string // empty for files
	Key    string
}

// ParseURI reads s3://bucket/key, s3://bucket/prefix/, file:///path or a plain
// path. Keys in s3 URIs are taken as they stand; file URIs are percent-decoded.
// The error is ErrInvalidURI and says what is wrong.
func ParseURI(s string) (URI, error) {
	u, err := parseURI(s)
	if err != nil {
		return URI{}, fmt.Errorf("%w %q: %w", ErrInvalidURI, s, err)
	}
	return u, nil
}

func parseURI(s string) (URI, error) {
	switch {
	case s == "":
		return URI{}, fault("it is empty")
	case !utf8.ValidString(s) || strings.ContainsRune(s, 0):
		return URI{}, fault("it is not UTF-8 text without NUL")
	}
	scheme, rest, found := strings.Cut(s, "://")
	if !found || strings.Contains(scheme, "/") {
		return parsePath(s)
	}
	switch strings.ToLower(scheme) {
	case S3Scheme:
		return parseS3(rest)
	case FileScheme:
		return parseFile(s)
	}
	return URI{}, fault("unknown scheme %q: give s3://bucket/key, file:///path or a path", scheme)
}

func parseS3(rest string) (URI, error) {
	bucket, key, _ := strings.Cut(rest, "/")
	switch {
	case bucket == "":
		return URI{}, fault("the bucket is empty: give s3://bucket/key")
	case len(bucket) < 3 || len(bucket) > 255 || strings.Trim(bucket, bucketLetters) != "":
		return URI{}, fault("%q cannot be the name of a bucket", bucket)
	case len(key) > maxKey:
		return URI{}, fault("the key has %d bytes, S3 allows %d", len(key), maxKey)
	}
	return URI{Scheme: S3Scheme, Bucket: bucket, Key: key}, nil
}

// bucketLetters includes what only old buckets have: capitals and underscores.
const bucketLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"

func parseFile(s string) (URI, error) {
	u, err := url.Parse(s)
	if err != nil {
		return URI{}, fault("it cannot be parsed: percent signs in file URIs need escaping")
	}
	switch {
	case u.Host != "" && u.Host != "localhost":
		return URI{}, fault("the host %q is not this machine: give file:///path with three slashes", u.Host)
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return URI{}, fault("a file URI has a path only: escape ? and # as %%3F and %%23")
	case u.Path == "":
		return URI{}, fault("the path is empty: give file:///path")
	case strings.ContainsRune(u.Path, 0):
		return URI{}, fault("the path holds NUL")
	}
	return fileURI(u.Path), nil
}

func parsePath(s string) (URI, error) {
	if scheme, _, found := strings.Cut(s, ":"); found && (scheme == S3Scheme || scheme == FileScheme) {
		return URI{}, fault("%s: must be followed by //", scheme)
	}
	return fileURI(s), nil
}

// fileURI cleans a path but keeps the slash that makes it a prefix.
func fileURI(name string) URI {
	clean := path.Clean(name)
	if strings.HasSuffix(name, "/") && clean != "/" {
		clean += "/"
	}
	return URI{Scheme: FileScheme, Key: clean}
}

func fault(format string, args ...any) error { return fmt.Errorf(format, args...) }

// String writes the URI in a form that ParseURI reads back.
func (u URI) String() string {
	if u.Scheme == FileScheme {
		if path.IsAbs(u.Key) {
			return (&url.URL{Scheme: FileScheme, Path: u.Key}).String()
		}
		if strings.Contains(u.Key, ":") {
			return "./" + u.Key // not to be taken for a scheme
		}
		return u.Key
	}
	return u.Scheme + "://" + u.Bucket + "/" + u.Key
}

// IsPrefix reports whether the URI names everything under a prefix and not one
// object.
func (u URI) IsPrefix() bool { return u.Key == "" || strings.HasSuffix(u.Key, "/") }

// Prefix is the URI with the slash that keeps models/digits from meaning
// models/digits2 as well.
func (u URI) Prefix() URI {
	if !u.IsPrefix() {
		u.Key += "/"
	}
	return u
}

// Join is the URI of name under the prefix u.
func (u URI) Join(name string) URI {
	u = u.Prefix()
	u.Key += name
	return u
}
