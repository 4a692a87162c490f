package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

var errStalled = errors.New("connection stalled")

// ranged reads bytes [start, end) of an object over as many connections as it
// takes. A body that ends early, is reset or stalls is resumed where it broke
// off. Two things make that safe: the byte count, because a proxy may turn a
// reset into a clean end, and the ETag of each request, because the object may
// be replaced in between.
type ranged struct {
	s       *S3
	ctx     context.Context
	object  Object
	off     int64
	end     int64
	resumes int

	body   io.ReadCloser
	timer  *time.Timer // fires when the body stalls
	cancel context.CancelCauseFunc
	stall  context.Context // of the body
	err    error           // final
}

func (s *S3) ranged(ctx context.Context, o Object, start, end int64) *ranged {
	return &ranged{s: s, ctx: ctx, object: o, off: start, end: end}
}

// Read implements io.Reader.
func (r *ranged) Read(p []byte) (int, error) {
	for r.err == nil && r.off < r.end {
		if len(p) == 0 {
			return 0, nil
		}
		n, err := r.step(p[:min(int64(len(p)), r.end-r.off)])
		r.off += int64(n)
		if n > 0 {
			return n, nil // bodies repeat their error at the next Read
		}
		if err != nil {
			r.err = r.broken(err)
		}
	}
	if r.err == nil {
		r.err = r.finish()
	}
	return 0, r.err
}

// Close frees the connection. It may be called after an error and twice.
func (r *ranged) Close() error {
	r.disconnect()
	if r.err == nil {
		r.err = errors.New("read of a closed object")
	}
	return nil
}

func (r *ranged) step(p []byte) (int, error) {
	if r.body == nil {
		if err := r.connect(); err != nil {
			return 0, err
		}
	}
	r.timer.Reset(r.s.o.Stall)
	n, err := r.body.Read(p)
	r.timer.Stop()
	return n, err
}

func (r *ranged) connect() error {
	r.stall, r.cancel = context.WithCancelCause(r.ctx)
	cancel := r.cancel
	r.timer = time.AfterFunc(r.s.o.Stall, func() { cancel(errStalled) })
	body, err := r.s.get(r.stall, r.object, r.off, r.end)
	if err != nil {
		stalled := errors.Is(err, errStalled)
		r.disconnect()
		if stalled {
			return errStalled
		}
		return final{err} // the SDK has retried already
	}
	r.body = body
	return nil
}

func (r *ranged) disconnect() {
	if r.cancel == nil {
		return
	}
	r.timer.Stop()
	r.cancel(nil)
	if r.body != nil {
		r.body.Close()
	}
	r.body, r.cancel = nil, nil
}

// final marks an error that a resume will not cure.
type final struct{ error }

// broken ends a connection that failed and waits for the time of the next. It
// returns the error if there shall be no next.
func (r *ranged) broken(err error) error {
	if r.stall != nil && errors.Is(context.Cause(r.stall), errStalled) {
		err = errStalled
	}
	r.disconnect()
	var f final
	switch {
	case r.ctx.Err() != nil:
		return fmt.Errorf("get %s: %w", r.object.URI, context.Cause(r.ctx))
	case errors.As(err, &f):
		return f.error
	case r.resumes == r.s.o.Resumes:
		return fmt.Errorf("get %s: %w at byte %d of %d, after %d resumes: %w",
			r.object.URI, ErrTruncated, r.off, r.object.Size, r.resumes, unexpected(err))
	}
	// Half of the pause is random, so that the parts of an object that broke
	// together do not come back together.
	pause := min(r.s.o.Backoff<<r.resumes, maxBackoff)
	r.resumes++
	return sleep(r.ctx, pause/2+rand.N(pause/2+1))
}

// finish sees the body to its end: there the SDK compares the checksum.
func (r *ranged) finish() error {
	defer r.disconnect()
	if r.body == nil {
		return io.EOF
	}
	var extra [1]byte
	_, err := r.step(extra[:])
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("get %s: %w: all %d bytes came, but damaged: %w", r.object.URI, ErrTruncated, r.object.Size, err)
	}
	return io.EOF
}

// unexpected keeps a premature end from looking like an end.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
