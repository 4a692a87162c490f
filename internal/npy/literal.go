package npy

import (
	"math"
	"strings"
)

// literal reads the little of Python's syntax that headers are written in.
type literal struct {
	text string
	i    int
}

func (l *literal) malformed(wanted string) error {
	return invalid("the header is malformed at byte %d: expected %s", l.i, wanted)
}

// space skips white space.
func (l *literal) space() {
	for l.i < len(l.text) && strings.IndexByte(" \t\r\n", l.text[l.i]) >= 0 {
		l.i++
	}
}

// take moves past white space and, where c is what follows, past c.
func (l *literal) take(c byte) bool {
	l.space()
	if l.i == len(l.text) || l.text[l.i] != c {
		return false
	}
	l.i++
	return true
}

// dict reads a dict that is the whole text. value reads the value of a key.
func (l *literal) dict(value func(key string) error) error {
	if !l.take('{') {
		return l.malformed("{")
	}
	for !l.take('}') {
		key, err := l.str()
		if err != nil {
			return err
		}
		if !l.take(':') {
			return l.malformed(":")
		}
		if err := value(key); err != nil {
			return err
		}
		if l.take(',') {
			continue
		}
		if !l.take('}') {
			return l.malformed(", or }")
		}
		break
	}
	l.space() // which pads headers
	if l.i != len(l.text) {
		return l.malformed("the end of the header")
	}
	return nil
}

// str reads a string. No name or type that can be read needs an escape.
func (l *literal) str() (string, error) {
	quote := byte('\'')
	if !l.take(quote) {
		if quote = '"'; !l.take(quote) {
			return "", l.malformed("a string")
		}
	}
	n := strings.IndexByte(l.text[l.i:], quote)
	if n < 0 {
		return "", l.malformed("the end of a string")
	}
	s := l.text[l.i : l.i+n]
	l.i += n + 1
	return s, nil
}

// descr reads the type. A list or a tuple is that of a record.
func (l *literal) descr() (DType, error) {
	if l.take('[') || l.take('(') {
		return DType{}, invalid("structured arrays (records) cannot be read; save each field as an array of its own")
	}
	s, err := l.str()
	if err != nil {
		return DType{}, err
	}
	return parseDescr(s)
}

func (l *literal) boolean() (bool, error) {
	l.space()
	switch rest := l.text[l.i:]; {
	case strings.HasPrefix(rest, "True"):
		l.i += len("True")
		return true, nil
	case strings.HasPrefix(rest, "False"):
		l.i += len("False")
		return false, nil
	default:
		return false, l.malformed("True or False")
	}
}

// shape reads a tuple of sizes.
func (l *literal) shape() ([]int64, error) {
	if !l.take('(') {
		return nil, l.malformed("a tuple of sizes")
	}
	shape := []int64{}
	for !l.take(')') {
		size, err := l.size()
		if err != nil {
			return nil, err
		}
		if shape = append(shape, size); len(shape) > maxRank {
			return nil, invalid("the array has more than %d dimensions", maxRank)
		}
		if l.take(',') {
			continue
		}
		// One size without a comma is no tuple but a number in brackets.
		if len(shape) == 1 || !l.take(')') {
			return nil, l.malformed("a comma")
		}
		break
	}
	return shape, nil
}

// size reads a whole number that is not negative. Python 2 writes an L behind
// large ones.
func (l *literal) size() (int64, error) {
	l.space()
	start, n := l.i, int64(0)
	for ; l.i < len(l.text) && l.text[l.i]-'0' < 10; l.i++ {
		digit := int64(l.text[l.i] - '0')
		if n > (math.MaxInt64-digit)/10 {
			return 0, invalid("a dimension of the array is larger than 63 bits hold")
		}
		n = 10*n + digit
	}
	if l.i == start {
		return 0, l.malformed("a size")
	}
	if l.i < len(l.text) && l.text[l.i] == 'L' {
		l.i++
	}
	return n, nil
}
