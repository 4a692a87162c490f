package blob

import (
	"context"
	"errors"
	"io"
	"sync"
)

// readAhead reads much of a large object in order while several parts of it are on
// their way. There are as many buffers as parts at once, and they go round, so
// memory and read-ahead have the same bound. A part can be read while it still
// grows: the first byte comes as soon as from a single connection.
type readAhead struct {
	parts  chan *part  // in order; closed after the last one
	free   chan []byte // buffers that wait for a part
	cancel context.CancelFunc
	done   sync.WaitGroup

	part *part // being read
	off  int   // within it
	left int64 // still to be read
	ctx  context.Context
	err  error // final
}

func (s *S3) readAhead(ctx context.Context, o Object, from, to int64) *readAhead {
	ctx, cancel := context.WithCancel(ctx)
	r := &readAhead{
		parts:  make(chan *part, s.o.Concurrency),
		free:   make(chan []byte, s.o.Concurrency),
		cancel: cancel,
		left:   to - from,
		ctx:    ctx,
	}
	for range s.o.Concurrency {
		r.free <- nil // made when first used: a small object needs few
	}
	r.done.Go(func() { r.schedule(ctx, s, o, from, to) })
	return r
}

func (r *readAhead) schedule(ctx context.Context, s *S3, o Object, from, to int64) {
	defer close(r.parts)
	for start := from; start < to; start += s.o.PartSize {
		var buffer []byte
		select {
		case buffer = <-r.free:
		case <-ctx.Done():
			return
		}
		end := min(start+s.o.PartSize, to)
		if buffer == nil {
			buffer = make([]byte, end-start)
		}
		p := newPart(buffer[:end-start])
		r.done.Go(func() { p.fill(s.ranged(ctx, o, start, end)) })
		r.parts <- p // never blocks: no more parts than buffers
	}
}

// Read implements io.Reader.
func (r *readAhead) Read(p []byte) (int, error) {
	for r.err == nil {
		if len(p) == 0 {
			return 0, nil
		}
		if r.part == nil && !r.next() {
			break
		}
		n, err := r.part.readAt(p, r.off)
		r.off += n
		r.left -= int64(n)
		if errors.Is(err, io.EOF) {
			r.free <- r.part.buf[:cap(r.part.buf)]
			r.part, err = nil, nil
		}
		r.err = err
		if n > 0 {
			return n, nil
		}
	}
	return 0, r.err
}

// next takes the next part up, or sets the error when there is none.
func (r *readAhead) next() bool {
	part, ok := <-r.parts
	if !ok && r.left > 0 {
		r.err = context.Cause(r.ctx) // the only reason to schedule no more
		return false
	}
	if !ok {
		r.err = io.EOF
		return false
	}
	r.part, r.off = part, 0
	return true
}

// Close stops all transfers and waits until they have ended.
func (r *readAhead) Close() error {
	r.cancel()
	r.done.Wait()
	if r.err == nil {
		r.err = errors.New("read of a closed object")
	}
	return nil
}

// part is a buffer that one goroutine fills while another reads it.
type part struct {
	buf []byte

	mu     sync.Mutex
	grown  sync.Cond
	filled int
	err    error // why it will not grow any more; io.EOF when it is whole
}

func newPart(buf []byte) *part {
	p := &part{buf: buf}
	p.grown.L = &p.mu
	return p
}

func (p *part) fill(r *ranged) {
	defer r.disconnect()
	for filled := 0; ; {
		n, err := r.Read(p.buf[filled:])
		filled += n
		p.mu.Lock()
		p.filled, p.err = filled, err
		p.mu.Unlock()
		p.grown.Broadcast()
		if err != nil {
			return
		}
	}
}

// readAt copies what there is from off on, and waits while there is nothing. It
// returns io.EOF at the end of a whole part.
func (p *part) readAt(dst []byte, off int) (int, error) {
	p.mu.Lock()
	for p.filled == off && p.err == nil {
		p.grown.Wait()
	}
	filled, err := p.filled, p.err
	p.mu.Unlock()
	if off < filled {
		return copy(dst, p.buf[off:filled]), nil
	}
	return 0, err
}
