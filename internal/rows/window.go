package rows

import "io"

const (
	// chunk is the memory that records are cut out of. Blocks that share it keep it
	// alive until the last of them is done.
	chunk = 1 << 20
	// minRead is the least room worth reading into.
	minRead = 32 << 10
	// maxIdle is how often a reader may return nothing before it counts as broken.
	maxIdle = 100
)

// window is the part of a stream that is in memory. Records alias it, so memory that
// has been handed out is never written to again.
type window struct {
	r      io.Reader
	buf    []byte
	start  int   // of the record under way
	base   int64 // the offset in the stream of buf[0]
	limit  int   // the longest record that has to fit
	shared bool  // records have been handed out of buf
	err    error // why r has ended
}

// newWindow reads r, whose first byte is at an offset of the stream. size is about
// how much there is to read.
func newWindow(r io.Reader, offset, size, limit int64) window {
	room := min(max(size+1, 512), chunk)
	return window{r: r, buf: make([]byte, 0, room), base: offset, limit: int(min(limit, 1<<40))}
}

// offset is where the record under way begins in the stream.
func (w *window) offset() int64 { return w.base + int64(w.start) }

// text is what has been read from the start of the record under way on.
func (w *window) text() []byte { return w.buf[w.start:] }

// take hands out the first n bytes of text.
func (w *window) take(n int) []byte {
	b := w.buf[w.start : w.start+n : w.start+n]
	w.start += n
	w.shared = true
	return b
}

// drop leaves the first n bytes of text out.
func (w *window) drop(n int) {
	w.start += n
	if w.start == len(w.buf) && !w.shared {
		w.base += int64(w.start)
		w.buf, w.start = w.buf[:0], 0
	}
}

// more reads more behind text. It reports false at the end of the stream, which err
// explains.
func (w *window) more() bool {
	if w.err != nil {
		return false
	}
	if free := cap(w.buf) - len(w.buf); free == 0 || free < minRead && cap(w.buf) >= chunk {
		w.move()
	}
	for range maxIdle {
		var n int
		n, w.err = w.r.Read(w.buf[len(w.buf):cap(w.buf)])
		w.buf = w.buf[:len(w.buf)+n]
		if n > 0 {
			return true
		}
		if w.err != nil {
			return false
		}
	}
	w.err = io.ErrNoProgress
	return false
}

// move takes the record under way to new memory, with twice the room that it needs so
// far but little more than it may need at all.
func (w *window) move() {
	text := w.text()
	room := min(2*len(text), w.limit+chunk)
	room = max(room, len(text)+minRead, chunk)
	w.base += int64(w.start)
	w.buf = append(make([]byte, 0, room), text...)
	w.start, w.shared = 0, false
}
