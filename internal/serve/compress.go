package serve

import (
	"io"
	"net/http"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// worthCompressing is the size above which a reply is compressed, in bytes. A
// smaller one fits in one packet anyway.
const worthCompressing = 1000

// coding is a content coding of replies.
type coding struct {
	name string
	pool *sync.Pool // of compressors
}

// compressor is what gzip's and zstd's writers have in common.
type compressor interface {
	io.WriteCloser
	Reset(io.Writer)
}

// The codings, at their fastest levels: a function is billed for the time.
// Their writers hold no goroutines and no files, so a pool may drop them.
var (
	gzipCoding = coding{"gzip", &sync.Pool{New: func() any {
		w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is right
		return compressor(w)
	}}}
	zstdCoding = coding{"zstd", &sync.Pool{New: func() any {
		w, _ := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest)) // the options are right
		return compressor(w)
	}}}
)

// acceptedCoding is the coding that the client likes best, nil for none. Of two
// that it likes as well it is zstd, which is faster and smaller.
func acceptedCoding(h http.Header) *coding {
	var zstded, plain, rest float64
	gzipped := -1.0 // until it is named
	for name, q := range preferences(h["Accept-Encoding"]) {
		switch name {
		case "gzip", "x-gzip":
			gzipped = q
		case "zstd":
			zstded = q
		case "identity":
			plain = q
		case "*":
			rest = q
		}
	}
	if gzipped < 0 {
		gzipped = rest // who takes anything is sure to know gzip
	}
	switch {
	case zstded > 0 && zstded >= gzipped && zstded >= plain:
		return &zstdCoding
	case gzipped > 0 && gzipped >= plain:
		return &gzipCoding
	default:
		return nil
	}
}

// compress appends the reply to dst, compressed.
func (c *coding) compress(dst []byte, reply *codec.Reply) ([]byte, error) {
	w := c.pool.Get().(compressor)
	defer c.pool.Put(w)
	out := appender{dst}
	w.Reset(&out)
	for _, piece := range reply.Pieces {
		if _, err := w.Write(piece); err != nil {
			return out.data, err
		}
	}
	err := w.Close()
	return out.data, err
}

// appender is a writer into memory.
type appender struct{ data []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.data = append(a.data, p...)
	return len(p), nil
}

// maxWindow bounds what a zstd frame may make the decoder allocate. It is the
// limit of RFC 9659 for HTTP.
const maxWindow = 8 << 20

// inflating returns a reader of what r holds under a content coding. The caller
// bounds how much it reads, and closes it.
func inflating(coding string, r io.Reader) (io.ReadCloser, error) {
	switch coding {
	case "gzip", "x-gzip":
		return gzip.NewReader(r)
	case "deflate": // which is zlib's format: RFC 9110, section 8.4.1.2
		return zlib.NewReader(r)
	case "zstd":
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	default:
		return nil, infer.Errorf(errUnsupportedMediaType, "Content-Encoding %q is not supported: use gzip, deflate or zstd, or send the body as it is", coding)
	}
}
