package batch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/blob"
)

// found is what lies in the place of a job's object: nothing, or an object of this
// plan or another.
type found struct {
	object blob.Object
	exists bool
}

// find looks at a place. Nothing there is no error.
func (s *Scorer) find(ctx context.Context, at blob.URI) (found, error) {
	object, err := s.o.Store.Stat(ctx, at, "")
	if errors.Is(err, blob.ErrNotFound) {
		return found{}, nil
	}
	return found{object, err == nil}, err
}

// of reports whether it belongs to p.
func (f found) of(p *plan) bool { return f.exists && f.object.Metadata[metaPlan] == p.ID }

// condition lets a write fail where something else has come into the place.
func (f found) condition(metadata map[string]string, contentType string) blob.CreateOptions {
	o := blob.CreateOptions{ContentType: contentType, Metadata: metadata, Absent: !f.exists}
	if f.exists {
		o.Replaces = f.object.ETag
	}
	return o
}

// put writes a small object.
func (s *Scorer) put(ctx context.Context, at blob.URI, text []byte, o blob.CreateOptions) (blob.Object, error) {
	upload, err := s.o.Store.Create(ctx, at, o)
	if err != nil {
		return blob.Object{}, err
	}
	defer func() { _ = upload.Abort() }() // nothing remains of a single PUT
	if _, err := upload.Write(text); err != nil {
		return blob.Object{}, err
	}
	return upload.Commit(ctx)
}

// fetch reads the small object that is in a place now. One that is replaced all the
// time is ErrConflict: blob.ErrChanged would be taken for a change of the input.
func (s *Scorer) fetch(ctx context.Context, at blob.URI, limit int64) ([]byte, blob.Object, error) {
	for range attempts {
		object, err := s.o.Store.Stat(ctx, at, "")
		if err != nil {
			return nil, object, err
		}
		text, err := s.read(ctx, object, limit)
		if !errors.Is(err, blob.ErrChanged) {
			return text, object, err
		}
	}
	return nil, blob.Object{}, fmt.Errorf("%s: %w", at, ErrConflict)
}

// read reads a small object as it was seen. One over the limit is ErrTask: nothing
// of this program is as large.
func (s *Scorer) read(ctx context.Context, o blob.Object, limit int64) ([]byte, error) {
	if o.Size > limit {
		return nil, fmt.Errorf("%w: %s has %d bytes, at most %d are read", ErrTask, o.URI, o.Size, limit)
	}
	r, err := s.o.Store.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func unquoted(etag string) string { return strings.Trim(etag, `"`) }
