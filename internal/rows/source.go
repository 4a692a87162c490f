package rows

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// What is read at a time behind the end of a part, where its last record ends: twice
// as much each time.
const (
	firstStep = 64 << 10
	lastStep  = 4 << 20
)

// sourceReader reads a source from one place up to another, and behind that in steps
// for as long as somebody reads.
type sourceReader struct {
	ctx  context.Context
	src  Source
	from int64
	at   int64 // of the next byte
	end  int64 // of what is open
	step int64
	body io.ReadCloser // nil where nothing is open
	err  error         // of the source, sticky
}

// newSourceReader reads from from. The first request goes up to end; 0 is the end of
// the source.
func newSourceReader(ctx context.Context, src Source, from, end int64) *sourceReader {
	if end <= 0 || end > src.Size {
		end = src.Size
	}
	return &sourceReader{ctx: ctx, src: src, from: from, at: from, end: end, step: firstStep}
}

func (s *sourceReader) Read(p []byte) (int, error) {
	for s.err == nil {
		if s.body == nil {
			if s.err = s.open(); s.err != nil {
				break
			}
		}
		n, err := s.body.Read(p)
		s.at += int64(n)
		if err != nil {
			s.err = s.finish(err)
		}
		if n > 0 {
			return n, nil
		}
		if err == nil && len(p) == 0 {
			return 0, nil
		}
	}
	return 0, s.err
}

// open opens the next range, which is the first or a step.
func (s *sourceReader) open() error {
	if s.at >= s.src.Size {
		return io.EOF
	}
	if s.at >= s.end {
		s.end = min(s.at+s.step, s.src.Size)
		s.step = min(2*s.step, lastStep)
	}
	body, err := s.src.Open(s.ctx, s.at, s.end)
	if err != nil {
		return fmt.Errorf("open the input at byte %d: %w", s.at, err)
	}
	s.body = body
	return nil
}

// finish closes what is open behind err. It is nil where all of it has been read. A
// range that ends early must not pass for the end of the input.
func (s *sourceReader) finish(err error) error {
	s.body.Close()
	s.body = nil
	if errors.Is(err, io.EOF) && s.at < s.end {
		err = io.ErrUnexpectedEOF
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return fmt.Errorf("read the input at byte %d: %w", s.at, err)
}

// Close closes what is open.
func (s *sourceReader) Close() error {
	if s.body == nil {
		return nil
	}
	err := s.body.Close()
	s.body = nil
	return err
}
