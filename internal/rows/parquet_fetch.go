package rows

import (
	"context"
	"io"
	"sync"

	"github.com/parquet-go/parquet-go"
)

const (
	// maxSpan is up to what size the columns of a row group are read with a single
	// request, and what the windows of the columns of larger ones have together. As
	// what comes next is read ahead, twice that is in memory.
	maxSpan = 16 << 20
	// A window is a part of one column that is read with one request.
	minWindow, maxWindowSize = 64 << 10, 8 << 20
	// lookBack is by how much windows overlap: a page is read after its header has been
	// looked at.
	lookBack = firstHeader
)

// span is a range of the source on its way into memory.
type span struct {
	from, to int64
	done     chan struct{}
	data     []byte
	err      error
}

// wait is when the bytes are there.
func (s *span) wait() error {
	<-s.done
	if s.err != nil {
		return sourceError{s.err}
	}
	return nil
}

// ReadAt reads bytes that must be within the span.
func (s *span) ReadAt(p []byte, off int64) (int, error) {
	if off < s.from || off >= s.to {
		return 0, io.EOF
	}
	n := copy(p, s.data[off-s.from:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// chunkFetcher gets the wanted column chunks of one row group after another, with few
// requests and bounded memory.
type chunkFetcher struct {
	ctx    context.Context
	cancel context.CancelFunc
	src    Source
	file   *parquet.File
	leaves []*parquetLeaf
	ahead  sync.WaitGroup
	group  int   // of next
	next   *span // of a row group to come, nil where none is under way
}

func newChunkFetcher(ctx context.Context, src Source, file *parquet.File, leaves []*parquetLeaf) *chunkFetcher {
	ctx, cancel := context.WithCancel(ctx)
	return &chunkFetcher{ctx: ctx, cancel: cancel, src: src, file: file, leaves: leaves}
}

// fetch begins to read a range.
func (f *chunkFetcher) fetch(from, to int64) *span {
	s := &span{from: from, to: to, done: make(chan struct{})}
	f.ahead.Go(func() {
		defer close(s.done)
		s.data, s.err = readRange(f.ctx, f.src, from, to)
	})
	return s
}

// start begins to read a row group, nil where it is too large to be read at once.
func (f *chunkFetcher) start(group int) *span {
	if group >= len(f.file.Metadata().RowGroups) {
		return nil
	}
	from, to := f.src.Size, int64(0)
	for _, leaf := range f.leaves {
		begin, end := chunkRange(leaf.chunk(f.file, group))
		from, to = min(from, begin), max(to, end)
	}
	if to-from > maxSpan {
		return nil
	}
	return f.fetch(from, max(from, to))
}

// open begins a row group. What it returns opens a chunk of it for reading forwards.
func (f *chunkFetcher) open(group int) (func(from, to int64) io.ReaderAt, error) {
	s := f.next
	if s == nil || f.group != group {
		s = f.start(group)
	}
	if s != nil {
		if err := s.wait(); err != nil {
			return nil, err
		}
		f.group, f.next = group+1, f.start(group+1)
		return func(int64, int64) io.ReaderAt { return s }, nil
	}
	f.next = nil
	size := min(max(maxSpan/int64(len(f.leaves)), minWindow), maxWindowSize)
	return func(from, to int64) io.ReaderAt {
		return &windows{fetcher: f, from: from, to: to, size: size}
	}, nil
}

// close ends what is under way.
func (f *chunkFetcher) close() {
	f.cancel()
	f.ahead.Wait()
}

// windows reads a chunk forwards, one window in memory and the next on its way.
type windows struct {
	fetcher  *chunkFetcher
	from, to int64
	size     int64
	now      *span
	next     *span // nil where there is none
}

func (w *windows) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) && off < w.to {
		if err := w.move(off); err != nil {
			return n, err
		}
		k, _ := w.now.ReadAt(p[n:], off) // it may end within p
		n, off = n+k, off+int64(k)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// move makes now the window that off is in.
func (w *windows) move(off int64) error {
	if w.now != nil && off >= w.now.from && off < w.now.to {
		return nil
	}
	w.now = w.next
	if w.now == nil || off < w.now.from || off >= w.now.to {
		w.now = w.at(off)
	}
	w.next = nil
	if w.now.to < w.to {
		w.next = w.at(w.now.to)
	}
	return w.now.wait()
}

// at begins to read the window that begins at off, or a little before.
func (w *windows) at(off int64) *span {
	return w.fetcher.fetch(max(off-lookBack, w.from), min(off+w.size, w.to))
}
