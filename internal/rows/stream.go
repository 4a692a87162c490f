package rows

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	// unguarded is how much may be inflated before its ratio counts: small objects
	// of one value repeated are no attack.
	unguarded = 64 << 20
	// maxWindow is the most memory that zstd may ask for. The zstd tool writes no
	// more unless it is told --long, and reads no more either.
	maxWindow = 128 << 20
)

// stream is the bytes of an input, inflated where it is compressed.
type stream struct {
	source     *sourceReader
	inflater   io.Reader // nil where the input is not compressed
	close      func()    // of the inflater; may be nil
	inflated   int64
	limits     Limits
	format     Format
	compressed Compression
}

// openStream reads an input from from; a compressed one is read from its start. end is
// where the first request ends, 0 at the end of the input.
func openStream(ctx context.Context, src Source, o Options, from, end int64) (*stream, error) {
	s := &stream{limits: o.Limits, format: o.Encoding.Format, compressed: o.Encoding.Compression}
	if s.compressed != None {
		from, end = 0, 0
	}
	s.source = newSourceReader(ctx, src, from, end)
	if src.Size == 0 {
		return s, nil
	}
	switch s.compressed {
	case None:
	case Gzip:
		z, err := gzip.NewReader(bufio.NewReaderSize(s.source, minRead))
		if err != nil {
			return nil, errors.Join(s.explain(err), s.source.Close())
		}
		s.inflater = z
	case Zstd:
		z, err := zstd.NewReader(s.source, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, errors.Join(s.explain(err), s.source.Close())
		}
		s.inflater, s.close = z, z.Close
	default:
		return nil, fmt.Errorf("compression %q: %w", s.compressed, ErrFormat)
	}
	return s, nil
}

func (s *stream) Read(p []byte) (int, error) {
	if s.inflater == nil {
		return s.source.Read(p)
	}
	n, err := s.inflater.Read(p)
	s.inflated += int64(n)
	if s.inflated > unguarded && s.inflated/s.limits.MaxRatio > s.source.src.Size {
		return n, fmt.Errorf("the input inflates to more than %d times its size (MAX_INFLATE_RATIO): %w", s.limits.MaxRatio, ErrTooLarge)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = s.explain(err)
	} else if err != nil {
		err = io.EOF
	}
	return n, err
}

// explain tells a damaged input from a store that fails.
func (s *stream) explain(err error) error {
	switch {
	case s.source.err != nil && !errors.Is(s.source.err, io.EOF):
		return s.source.err
	case errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return fmt.Errorf("zstd needs a window of more than %d MiB: compress with --long=27 or less: %w", maxWindow>>20, ErrTooLarge)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the %s data breaks off after %d bytes of content: %w", s.compressed, s.inflated, ErrCorrupt)
	default:
		return fmt.Errorf("%s data, after %d bytes of content: %w: %w", s.compressed, s.inflated, ErrCorrupt, err)
	}
}

// place is what a block says of a place in the stream: where it is in the input, which
// a compressed one does not tell, and how many bytes of the source come before it.
func (s *stream) place(offset int64) (Position, int64) {
	if s.compressed == None {
		return Position{Offset: offset}, offset - s.source.from
	}
	return Position{}, s.source.at
}

// Close frees what reading needs.
func (s *stream) Close() error {
	if s.close != nil {
		s.close()
	}
	return s.source.Close()
}

// readAll is the whole of an input that cannot be read in pieces, which what names.
func readAll(ctx context.Context, src Source, o Options, what string) ([]byte, error) {
	limit := o.Limits.MaxTensor
	tooLarge := fmt.Errorf("%s must be in memory as a whole and has more than %d bytes (MAX_TENSOR_BYTES): %w", what, limit, ErrTooLarge)
	room := int64(64 << 10)
	if o.Encoding.Compression == None {
		if src.Size > limit {
			return nil, tooLarge
		}
		room = src.Size + 1 // one more, to see the end without growing
	}
	s, err := openStream(ctx, src, o, 0, 0)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	data := make([]byte, 0, room)
	for {
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
		n, err := s.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case int64(len(data)) > limit:
			return nil, tooLarge
		case errors.Is(err, io.EOF):
			return data, nil
		case err != nil:
			return nil, err
		}
	}
}
