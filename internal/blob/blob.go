// Package blob reads and writes objects by URI, on S3 and in files of this
// machine, through connections that break.
package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// The kinds of failure. Every error of this package that has one wraps it.
var (
	// ErrInvalidURI is a URI that cannot be parsed, or that names a place this
	// process has no store for.
	ErrInvalidURI = errors.New("invalid URI")
	// ErrNotFound is a missing object, version or bucket.
	ErrNotFound = errors.New("not found")
	// ErrAccessDenied is a refusal. S3 answers so for a missing key too, unless
	// the caller may list the bucket.
	ErrAccessDenied = errors.New("access denied")
	// ErrChanged is an object that was replaced after Stat or List saw it.
	ErrChanged = errors.New("object changed while it was read")
	// ErrTruncated is a transfer that stayed incomplete through all retries.
	ErrTruncated = errors.New("transfer broke off")
	// ErrUnavailable is a store that did not answer, or not usefully, through
	// all retries: later it may.
	ErrUnavailable = errors.New("store unavailable")
	// ErrTooMany is a prefix with more objects than the limit.
	ErrTooMany = errors.New("too many objects")
)

// DefaultMaxObjects is how many objects List returns at most.
const DefaultMaxObjects = 100_000

// Object is one version of an object, as Stat or List saw it.
type Object struct {
	URI  URI
	Size int64
	// ETag changes whenever the content does. S3 quotes it.
	ETag string
	// VersionID is the version in a bucket with versioning, as far as it is
	// known: List does not tell it.
	VersionID string
	// Pinned makes reads ask for VersionID. It needs s3:GetObjectVersion.
	// Reads that are not pinned ask for the ETag, which fails once the object
	// is replaced.
	Pinned  bool
	ModTime time.Time
	// ContentType, ContentEncoding and Metadata are as Stat saw them, empty from
	// List and for files. Metadata values that others wrote are taken to be
	// percent-encoded where they can be.
	ContentType, ContentEncoding string
	Metadata                     map[string]string
}

// Stores uses for each URI the store of its scheme. A nil store has no
// objects: its URIs are ErrInvalidURI. It is safe for concurrent use.
type Stores struct {
	S3    *S3
	Files *Files
}

// store is what S3 and Files have in common.
type store interface {
	Stat(ctx context.Context, u URI, versionID string) (Object, error)
	List(ctx context.Context, prefix URI) ([]Object, error)
	Open(ctx context.Context, o Object) (io.ReadCloser, error)
	OpenRange(ctx context.Context, o Object, from, to int64) (io.ReadCloser, error)
	Download(ctx context.Context, o Object, w io.WriterAt) error
	Create(ctx context.Context, u URI, o CreateOptions) (Upload, error)
	Delete(ctx context.Context, uris []URI) error
}

var (
	_ store = (*S3)(nil)
	_ store = (*Files)(nil)
	_ store = Stores{}
)

func (s Stores) of(u URI) (store, error) {
	switch {
	case u.Scheme == S3Scheme && s.S3 != nil:
		return s.S3, nil
	case u.Scheme == FileScheme && s.Files != nil:
		return s.Files, nil
	}
	return nil, fmt.Errorf("%w %q: no store for scheme %q here", ErrInvalidURI, u, u.Scheme)
}

// Stat looks an object up. versionID, if not empty, asks for that version and
// pins reads to it; files have no versions.
func (s Stores) Stat(ctx context.Context, u URI, versionID string) (Object, error) {
	st, err := s.of(u)
	if err != nil {
		return Object{}, err
	}
	return st.Stat(ctx, u, versionID)
}

// List returns the objects under a prefix, which ends at a slash whether or not
// the URI does, sorted by key. Keys that end in a slash are left out: consoles
// make them to show folders. Nothing under the prefix is no error.
func (s Stores) List(ctx context.Context, prefix URI) ([]Object, error) {
	st, err := s.of(prefix)
	if err != nil {
		return nil, err
	}
	return st.List(ctx, prefix)
}

// Open reads an object from its start to its end. Errors may come at Open or at
// any Read; io.EOF comes only after o.Size bytes. Close it, also after an error;
// ctx must live until then.
func (s Stores) Open(ctx context.Context, o Object) (io.ReadCloser, error) {
	st, err := s.of(o.URI)
	if err != nil {
		return nil, err
	}
	return st.Open(ctx, o)
}

// OpenRange reads the bytes of an object from from up to but without to, under the
// rules of Open. A range that goes beyond o.Size is ErrChanged: whoever chose it saw
// another object.
func (s Stores) OpenRange(ctx context.Context, o Object, from, to int64) (io.ReadCloser, error) {
	st, err := s.of(o.URI)
	if err != nil {
		return nil, err
	}
	return st.OpenRange(ctx, o, from, to)
}

func (o Object) checkRange(from, to int64) error {
	switch {
	case from < 0 || from > to:
		return fmt.Errorf("open %s: bytes %d to %d are no range", o.URI, from, to)
	case to > o.Size:
		return fmt.Errorf("open %s: %w: bytes %d to %d of %d", o.URI, ErrChanged, from, to, o.Size)
	}
	return nil
}

// Download writes an object to w, at offsets from 0, by several writers at
// once. It returns nil only when all o.Size bytes are written.
func (s Stores) Download(ctx context.Context, o Object, w io.WriterAt) error {
	st, err := s.of(o.URI)
	if err != nil {
		return err
	}
	return st.Download(ctx, o, w)
}
