package serve

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"

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

// readBody reads a body into buf, at most s.maxBody bytes as it arrives and as
// many inflated. What is announced as longer is refused before any of it is
// read.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, buf *[]byte) ([]byte, error) {
	if r.ContentLength > s.maxBody {
		return nil, s.bodyTooLarge()
	}
	coding := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding")))
	plain := coding == "" || coding == "identity"
	if body, ok := r.Body.(whole); ok {
		data := body.Bytes()
		if int64(len(data)) > s.maxBody {
			return nil, s.bodyTooLarge()
		}
		if plain {
			return data, nil
		}
		return s.inflate(coding, bytes.NewReader(data), buf)
	}
	arriving := http.MaxBytesReader(w, r.Body, s.maxBody)
	if !plain {
		return s.inflate(coding, arriving, buf)
	}
	body, err := appendAll((*buf)[:0], arriving, r.ContentLength)
	*buf = body
	return body, s.readError(err, "The body could not be read to its end")
}

// inflate reads a compressed body. It stops at the limit, so that a small body
// cannot become a large one.
func (s *Server) inflate(coding string, r io.Reader, buf *[]byte) ([]byte, error) {
	what := "The body is not what its Content-Encoding " + strconv.Quote(coding) + " says"
	inflater, err := inflating(coding, r)
	if err != nil {
		return nil, s.readError(err, what)
	}
	defer inflater.Close()
	body, err := appendAll((*buf)[:0], io.LimitReader(inflater, s.maxBody+1), -1)
	*buf = body
	if int64(len(body)) > s.maxBody {
		return nil, infer.Errorf(infer.ErrTooLarge, "The body is larger than the limit of %d bytes (MAX_BODY_BYTES) when it is inflated", s.maxBody)
	}
	return body, s.readError(err, what)
}

// readError is what the client is told of an error of reading its body.
func (s *Server) readError(err error, what string) error {
	tooLarge := (*http.MaxBytesError)(nil)
	public := (*infer.Error)(nil)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &tooLarge):
		return s.bodyTooLarge()
	case errors.As(err, &public):
		return err
	case errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return infer.Errorf(infer.ErrInvalidArgument, "The body needs a zstd window of more than %d bytes, the most over HTTP: compress it at level 19 or lower", maxWindow)
	default:
		return infer.Errorf(infer.ErrInvalidArgument, "%s: %v", what, err)
	}
}

func (s *Server) bodyTooLarge() error {
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
