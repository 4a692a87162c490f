package rows

import (
	"bytes"
	"errors"
	"io"
)

var byteOrderMark = []byte("\xEF\xBB\xBF")

// ending finds where the records of a text end.
type ending interface {
	// next is the length of the record that text begins with, its line feed included,
	// or 0 where text does not reach so far. Then it is called again with more of the
	// same record.
	next(text []byte) int
	// last is the same for text that nothing follows.
	last(text []byte) int
	// reset forgets the record under way.
	reset()
	// lines is how many lines the record has that was found last, which is given again.
	lines(record []byte) int64
}

// splitter cuts a text into records. What it hands out aliases its memory, which is not
// used again.
type splitter struct {
	window
	ending  ending
	format  Format
	to      int64 // records start before it; 0 is no bound
	maxLine int64

	// Lines are counted from where the text begins: those before the record under way,
	// and that in which the last record begins, from 1.
	before, line int64
}

// newSplitter reads the records of s that start before to, or all where that is 0.
// The stream begins at the byte from of the input.
func newSplitter(s *stream, e ending, from, to int64, l Limits) *splitter {
	end := to
	if end == 0 {
		end = s.source.src.Size
	}
	if s.compressed != None {
		end = chunk
	}
	return &splitter{window: newWindow(s, from, end-from, l.MaxLine), ending: e, format: s.format, to: to, maxLine: l.MaxLine}
}

// next is the next record, with its line feed where it has one, and nil for one over
// the limit, which has been skipped. io.EOF is the end.
func (s *splitter) next() ([]byte, error) {
	if s.to > 0 && s.offset() >= s.to {
		return nil, io.EOF
	}
	if s.offset() == 0 {
		if err := s.begin(); err != nil {
			return nil, err
		}
	}
	s.line = s.before + 1
	for {
		text := s.text()
		if n := s.ending.next(text); n > 0 {
			return s.finish(n)
		}
		if int64(len(text)) > s.maxLine+1 { // its end may be \r\n
			return s.long()
		}
		if s.more() {
			continue
		}
		if !errors.Is(s.err, io.EOF) {
			return nil, s.err
		}
		if len(text) == 0 {
			return nil, io.EOF
		}
		return s.finish(s.ending.last(text))
	}
}

// finish takes a record of n bytes, which may be over the limit.
func (s *splitter) finish(n int) ([]byte, error) {
	record := s.text()[:n]
	if int64(len(content(record))) <= s.maxLine {
		s.before += s.ending.lines(record)
		return s.take(n), nil
	}
	if bytes.IndexByte(record, '\n') < n-1 {
		return s.long()
	}
	s.before += s.ending.lines(record)
	s.drop(n)
	return nil, nil
}

// long ends a record that is over the limit with its first line, which may be over the
// limit too and is not held then. Had the record several, in quotation marks, then
// these were rather not meant, and the lines behind the first must not be lost.
func (s *splitter) long() ([]byte, error) {
	s.ending.reset()
	if k := bytes.IndexByte(s.text(), '\n'); k >= 0 {
		return s.finish(k + 1)
	}
	return nil, s.skipLine(0)
}

// skipLine skips behind the next line feed, or to the end, or to bound where that is
// not 0.
func (s *splitter) skipLine(bound int64) error {
	for {
		if k := bytes.IndexByte(s.text(), '\n'); k >= 0 {
			s.drop(k + 1)
			s.before++
			return nil
		}
		s.drop(len(s.text()))
		if bound > 0 && s.offset() >= bound {
			return nil
		}
		if !s.more() {
			if errors.Is(s.err, io.EOF) {
				return nil
			}
			return s.err
		}
	}
}

// begin looks at how the text begins. The error is ErrFormat for what is none.
func (s *splitter) begin() error {
	for len(s.text()) < longestStart && s.more() {
	}
	if err := foreign(s.format, s.text()); err != nil {
		return err
	}
	s.skipMark()
	return nil
}

// skipMark skips the byte order mark that a text may begin with.
func (s *splitter) skipMark() {
	for len(s.text()) < len(byteOrderMark) && bytes.HasPrefix(byteOrderMark, s.text()) {
		if !s.more() {
			return
		}
	}
	if bytes.HasPrefix(s.text(), byteOrderMark) {
		s.drop(len(byteOrderMark))
	}
}

// content is a record without the end of its line.
func content(record []byte) []byte {
	record = bytes.TrimSuffix(record, []byte{'\n'})
	return bytes.TrimSuffix(record, []byte{'\r'})
}

// lineEnding ends records at line feeds.
type lineEnding struct {
	seen int // how much of the record has none
}

func (e *lineEnding) next(text []byte) int {
	k := bytes.IndexByte(text[e.seen:], '\n')
	if k < 0 {
		e.seen = len(text)
		return 0
	}
	k += e.seen + 1
	e.seen = 0
	return k
}

func (e *lineEnding) last(text []byte) int {
	e.seen = 0
	return len(text)
}

func (e *lineEnding) reset() { e.seen = 0 }

func (e *lineEnding) lines([]byte) int64 { return 1 }
