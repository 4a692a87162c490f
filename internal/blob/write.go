package blob

import (
	"context"
	"errors"
	"io"
)

// ErrConflict is a write whose condition does not hold: somebody else has written the
// object, or is about to. Stat it and decide again.
var ErrConflict = errors.New("object was written by somebody else")

// CreateOptions says how an object is written. The zero value replaces whatever there
// is.
type CreateOptions struct {
	ContentType string
	// Metadata is kept with the object and is part of Object from Stat. Keys are
	// lower-case, values any text. Files have none: it is left out.
	Metadata map[string]string
	// Absent lets Commit fail with ErrConflict where there is such an object.
	Absent bool
	// Replaces lets Commit fail with ErrConflict unless the object has this ETag.
	Replaces string
}

// Upload is an object while it is written. It becomes visible by Commit, as a whole.
// It is for one goroutine.
type Upload interface {
	io.Writer
	// Rewrite replaces the first bytes of what has been written, up to the size of
	// one part (5 MiB at least).
	Rewrite(head []byte) error
	// Commit makes the object visible and returns it. No other call may follow but
	// Abort, which does nothing then.
	Commit(ctx context.Context) (Object, error)
	// Abort drops what was written, so that nothing remains and nothing is paid for.
	// It works when the context of Create has ended. After Commit it does nothing.
	Abort() error
}

// Create starts to write an object. Nothing is sent until the first part is full;
// an object of one part is one PUT. ctx must live until Commit or Abort.
func (s Stores) Create(ctx context.Context, u URI, o CreateOptions) (Upload, error) {
	panic("not written yet")
}

// OpenRange reads the bytes of an object from from up to but without to, under the
// rules of Open.
func (s Stores) OpenRange(ctx context.Context, o Object, from, to int64) (io.ReadCloser, error) {
	panic("not written yet")
}

// Delete removes objects. One that is not there is no error.
func (s Stores) Delete(ctx context.Context, uris []URI) error { panic("not written yet") }
