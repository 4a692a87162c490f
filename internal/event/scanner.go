package event

import (
	"bytes"
	"fmt"
)

// scanner walks a payload. It checks the frame of what it walks over (quotes,
// brackets, commas); of what it skips it finds only the end, and whoever reads
// that checks it.
type scanner struct {
	data []byte
	pos  int
}

func (s *scanner) errorf(format string, args ...any) error {
	return fmt.Errorf(format+" at byte %d", append(args, s.pos)...)
}

// next skips white space and returns the byte behind it, 0 at the end.
func (s *scanner) next() byte {
	for ; s.pos < len(s.data); s.pos++ {
		switch c := s.data[s.pos]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// expect consumes the byte c behind white space.
func (s *scanner) expect(c byte) error {
	if got := s.next(); got != c {
		if s.pos >= len(s.data) {
			return s.errorf("%q is missing", c)
		}
		return s.errorf("%q where %q is due", got, c)
	}
	s.pos++
	return nil
}

// value consumes one value of any kind.
func (s *scanner) value() (value, error) {
	c := s.next()
	start := s.pos
	var err error
	switch c {
	case 0:
		err = s.errorf("a value is missing")
	case '"':
		err = s.skipString()
	case '{', '[':
		err = s.skipNested()
	default:
		err = s.skipScalar()
	}
	return s.data[start:s.pos], err
}

// skipString finds the quote that ends a string by the speed of a memory
// search: a quote ends it when an even number of backslashes stands before it.
func (s *scanner) skipString() error {
	open := s.pos
	for i := open + 1; ; {
		n := bytes.IndexByte(s.data[i:], '"')
		if n < 0 {
			return s.errorf("no end of the string that starts")
		}
		i += n
		slash := i
		for s.data[slash-1] == '\\' {
			slash--
		}
		i++
		if (i-1-slash)%2 == 0 {
			s.pos = i
			return nil
		}
	}
}

// skipNested counts brackets and does not recurse, so that depth costs nothing.
// It does not look whether a bracket is closed by its own kind: the end it finds
// in "[}" is that of a value that its reader, if it has one, refuses.
func (s *scanner) skipNested() error {
	open, depth := s.pos, 0
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case '"':
			if err := s.skipString(); err != nil {
				return err
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.pos++
		if depth == 0 {
			return nil
		}
	}
	s.pos = open
	return s.errorf("no end of the %q", s.data[open])
}

func (s *scanner) skipScalar() error {
	start := s.pos
	for ; s.pos < len(s.data); s.pos++ {
		switch s.data[s.pos] {
		case ',', '}', ']', ':', '"', '{', '[', ' ', '\t', '\r', '\n':
			if s.pos == start {
				return s.errorf("%q where a value is due", s.data[start])
			}
			return nil
		}
	}
	return nil
}

// key consumes the key of a member and its colon.
func (s *scanner) key() ([]byte, error) {
	if c := s.next(); c != '"' {
		return nil, s.errorf("%q where a key is due", c)
	}
	raw, err := s.value()
	if err != nil {
		return nil, err
	}
	key, err := raw.bytes()
	if err != nil {
		return nil, err
	}
	return key, s.expect(':')
}

// list walks what stands between two brackets, and takes nothing behind them.
func (s *scanner) list(begin, end byte, item func() error) error {
	if err := s.expect(begin); err != nil {
		return err
	}
	if s.next() == end {
		s.pos++
		return s.finish()
	}
	for {
		if err := item(); err != nil {
			return err
		}
		if s.next() == end {
			s.pos++
			return s.finish()
		}
		if err := s.expect(','); err != nil {
			return err
		}
	}
}

func (s *scanner) finish() error {
	if c := s.next(); s.pos < len(s.data) {
		return s.errorf("%q behind the end of the value", c)
	}
	return nil
}
