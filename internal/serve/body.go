package serve

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// maxPooled is the largest buffer worth keeping, in bytes. One image is a few
// megabytes as JSON; more is rare, and would stay in memory for nothing.
const maxPooled = 4 << 20

// buffers keeps memory for bodies from one request to the next.
type buffers struct{ pool sync.Pool }

func (b *buffers) take() *[]byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return p
	}
	return new([]byte)
}

// put gives memory back that nothing refers to any more.
func (b *buffers) put(p *[]byte) {
	if cap(*p) > maxPooled {
		return
	}
	*p = (*p)[:0]
	b.pool.Put(p)
}

// whole is a body that is in memory already, such as an event's: it is used in
// place.
type whole interface{ Bytes() []byte }

// readBody reads a body into buf, at most s.maxBody bytes. What is announced as
// longer is refused before any of it is read.
func (s *server) readBody(w http.ResponseWriter, r *http.Request, buf *[]byte) ([]byte, error) {
	if r.ContentLength > s.maxBody {
		return nil, s.bodyTooLarge()
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, infer.Errorf(errUnsupportedMediaType, "Content-Encoding %q is not supported: send the body as it is", encoding)
	}
	if body, ok := r.Body.(whole); ok {
		data := body.Bytes()
		if int64(len(data)) > s.maxBody {
			return nil, s.bodyTooLarge()
		}
		return data, nil
	}
	body, err := appendAll((*buf)[:0], http.MaxBytesReader(w, r.Body, s.maxBody), r.ContentLength)
	*buf = body
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, s.bodyTooLarge()
	}
	if err != nil {
		return nil, infer.Errorf(infer.ErrInvalidArgument, "The body could not be read to its end: %v", err)
	}
	return body, nil
}

func (s *server) bodyTooLarge() error {
	return infer.Errorf(infer.ErrTooLarge, "The body is larger than the limit of %d bytes (MAX_BODY_BYTES)", s.maxBody)
}

// appendAll reads r to its end. size is what r is said to hold, -1 if unknown;
// the caller has bounded both it and r.
func appendAll(dst []byte, r io.Reader, size int64) ([]byte, error) {
	if need := int(size) + 1; need > cap(dst) { // one more, to see the end without growing
		dst = make([]byte, 0, need)
	}
	for {
		if len(dst) == cap(dst) {
			dst = append(dst, 0)[:len(dst)]
		}
		n, err := r.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if err == io.EOF {
			return dst, nil
		}
		if err != nil {
			return dst, err
		}
	}
}

// writeJSON sends a reply in one write. A client that has gone is no error of
// this server's.
func writeJSON(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
