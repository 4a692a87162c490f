package codec

import (
	"encoding/binary"
	"math"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// leaves appends the scalar at c and, inside a list, those that follow it. It
// returns how many there were and leaves the cursor at the bracket that ends
// the list or starts another, or at the value that is no element of this type.
func (t *builder) leaves(c *cursor, list bool) (int, error) {
	switch t.info.DType {
	case infer.Float:
		return t.floats(c, list)
	case infer.Double, infer.Half, infer.Bfloat16:
		return t.otherFloats(c, list)
	case infer.String:
		return t.strings(c, list)
	case infer.Bool:
		return t.bools(c, list)
	default:
		return t.integers(c, list)
	}
}

// more moves past a comma to the next scalar of a list. It reports false where
// the run of scalars ends.
func (c *cursor) more(list bool) bool {
	if !list {
		return false
	}
	b := c.s[c.i]
	if isSpace(b) {
		c.space()
		b = c.s[c.i]
	}
	if b != ',' {
		return false
	}
	c.i++
	b = c.s[c.i]
	if isSpace(b) {
		c.space()
		b = c.s[c.i]
	}
	return b != '['
}

// isNumber reports whether a value that starts with c is a number.
func isNumber(c byte) bool { return c-'0' < 10 || c == '-' || c == 'N' || c == 'I' }

// isFloat reports whether a value that starts with c is one for a float.
func (t *builder) isFloat(c byte) bool { return isNumber(c) || c == 'n' && t.strict }

func (t *builder) floats(c *cursor, list bool) (n int, err error) {
	buf := t.data
	for more := true; more; more = c.more(list) {
		if !t.isFloat(c.peek()) {
			t.data = buf
			return n, t.wrongType(c)
		}
		if cap(buf)-len(buf) < 4 {
			t.data = buf
			if err := t.grow(); err != nil {
				return n, err
			}
			buf = t.data
		}
		f, length := float32At(c.s[c.i:])
		c.i += length
		buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(f))
		n++
	}
	t.data = buf
	return n, nil
}

// otherFloats is floats for the types that are not what requests are mostly made of.
func (t *builder) otherFloats(c *cursor, list bool) (n int, err error) {
	for more := true; more; more = c.more(list) {
		if !t.isFloat(c.peek()) {
			return n, t.wrongType(c)
		}
		if err := t.room(); err != nil {
			return n, err
		}
		f, length := float64At(c.s[c.i:])
		c.i += length
		t.data = narrowFloats(t.data, t.info.DType, []float64{f})
		n++
	}
	return n, nil
}

func (t *builder) bools(c *cursor, list bool) (n int, err error) {
	for more := true; more; more = c.more(list) {
		if err := t.room(); err != nil {
			return n, err
		}
		switch c.peek() {
		case 't':
			t.data = append(t.data, 1)
			c.i += len("true")
		case 'f':
			t.data = append(t.data, 0)
			c.i += len("false")
		default:
			return n, t.wrongType(c)
		}
		n++
	}
	return n, nil
}

func (t *builder) strings(c *cursor, list bool) (n int, err error) {
	for more := true; more; more = c.more(list) {
		if err := t.str(c); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// str appends the string or base64 object at c.
func (t *builder) str(c *cursor) error {
	before := len(t.data)
	switch c.peek() {
	case '"':
		end := stringEnd(c.s, c.i)
		if !t.base64 {
			t.data = appendUnquoted(t.data, c.s[c.i:end])
		} else if err := t.decoded(c.s[c.i:end]); err != nil {
			return err
		}
		c.i = end
	case '{':
		quoted, end, ok := base64Object(c.s, c.i)
		if !ok {
			return invalid("JSON Value: %s not formatted correctly for base64 data", c.text())
		}
		if err := t.decoded(quoted); err != nil {
			return err
		}
		c.i = end
	default:
		return t.wrongType(c)
	}
	if err := t.charge(len(t.data) - before); err != nil {
		return err
	}
	t.offsets = append(t.offsets, len(t.data))
	return nil
}

// decoded appends what a string of base64, given with its quotation marks, stands
// for.
func (t *builder) decoded(quoted []byte) error {
	var ok bool
	if t.data, ok = appendBase64(t.data, unquoted(quoted)); !ok {
		return invalid("Unable to base64 decode")
	}
	return nil
}

// base64Object is the string, with its quotation marks, in a checked value that
// has the form {"b64": "…"} with nothing else in it, and the offset behind it.
func base64Object(s []byte, i int) (quoted []byte, end int, ok bool) {
	if s[i] != '{' {
		return nil, 0, false
	}
	c := cursor{s, i}
	c.step()
	if c.peek() != '"' {
		return nil, 0, false
	}
	if start := c.i; string(unquoted(s[start:c.string()])) != "b64" {
		return nil, 0, false
	}
	c.space()
	c.step()
	if c.peek() != '"' {
		return nil, 0, false
	}
	start := c.i
	quoted = s[start:c.string()]
	c.space()
	return quoted, c.i + 1, c.peek() == '}'
}

// string moves behind the string at the cursor and returns that offset.
func (c *cursor) string() int {
	c.i = stringEnd(c.s, c.i)
	return c.i
}

// stringEnd is the offset behind the checked string at i.
func stringEnd(s []byte, i int) int {
	sc := scanner{s: s}
	end, _ := sc.str(i)
	return end
}

// room makes room for one more number.
func (t *builder) room() error {
	if cap(t.data)-len(t.data) >= t.info.DType.Size() {
		return nil
	}
	return t.grow()
}

// wrongType is TensorFlow Serving's message for a value that is no element of
// the input's type.
func (t *builder) wrongType(c *cursor) error {
	return invalid("JSON Value: %s Type: %s is not of expected type: %s", c.text(), jsonType(c.peek()), t.info.DType)
}
