package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// ErrConflict is a write whose condition does not hold: somebody else has written the
// object, or is about to. Stat it and decide again.
var ErrConflict = errors.New("object was written by somebody else")

var (
	errHead    = errors.New("the head is longer than what was written of the first part")
	errAborted = errors.New("write was aborted")
	errDone    = errors.New("write was committed already")
)

// CreateOptions says how an object is written. The zero value replaces whatever there
// is.
type CreateOptions struct {
	ContentType string
	// Metadata is kept with the object and is part of Object from Stat. Keys are
	// lower-case letters, digits and hyphens, values any text. S3 takes 2 KB of
	// keys and values, this package 512 bytes of a value, what is not printable
	// ASCII counting three times. Files have none: it is left out.
	Metadata map[string]string
	// Absent lets Commit fail with ErrConflict where there is such an object.
	Absent bool
	// Replaces lets Commit fail with ErrConflict unless the object has this ETag.
	// S3 wants s3:GetObject for it. Absent and Replaces exclude each other.
	Replaces string
}

// check holds for every store.
func (o CreateOptions) check(u URI) error {
	switch {
	case u.IsPrefix():
		return fmt.Errorf("%w: a key is needed, this is a prefix", ErrInvalidURI)
	case o.Absent && o.Replaces != "":
		return errors.New("an object cannot be absent and replaced")
	}
	return nil
}

// Upload is an object while it is written. It becomes visible by Commit, as a whole.
// It is for one goroutine.
type Upload interface {
	// Writer's Write copies what it is given. An error is final: Abort follows. When
	// the context ends it may take some seconds more.
	io.Writer
	// Rewrite replaces the first bytes of what has been written, up to the size of
	// one part (5 MiB at least).
	Rewrite(head []byte) error
	// Commit makes the object visible and returns it, without its ModTime where the
	// store does not tell. ctx bounds Commit besides the context of Create. No other
	// call may follow but Abort, which does nothing then. Where Commit fails because
	// the store went silent, or ctx ended, the object may be there all the same.
	Commit(ctx context.Context) (Object, error)
	// Abort drops what was written, so that nothing remains and nothing is paid for.
	// It works when the context of Create has ended, and gives up after some seconds.
	// After Commit it does nothing.
	Abort() error
}

// Create starts to write an object. Nothing is sent until the first part is full;
// an object of one part is one PUT. ctx must live until Commit or Abort, one of which
// must be called.
func (s Stores) Create(ctx context.Context, u URI, o CreateOptions) (Upload, error) {
	st, err := s.of(u)
	if err != nil {
		return nil, err
	}
	return st.Create(ctx, u, o)
}

// Delete removes objects, all that can be: the error joins those of the others. One
// that is not there is no error. In a bucket with versioning the versions stay.
func (s Stores) Delete(ctx context.Context, uris []URI) error {
	byStore := map[store][]URI{}
	for _, u := range uris {
		st, err := s.of(u)
		if err != nil {
			return err
		}
		if u.IsPrefix() {
			return fmt.Errorf("delete %s: %w: a key is needed, this is a prefix", u, ErrInvalidURI)
		}
		byStore[st] = append(byStore[st], u)
	}
	var errs []error
	for st, its := range byStore {
		errs = append(errs, st.Delete(ctx, its))
	}
	return errors.Join(errs...)
}
