package codec

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// readRows reads the row form, whose first element is at c: every element holds
// one row of each input. The first decides whether they are objects.
func (in *inputs) readRows(c *cursor) error {
	if isNamed(c) {
		return in.readNamedRows(c)
	}
	if len(in.sig.Inputs) > 1 {
		return invalid("instances is a plain list, but expecting list of objects as multiple input tensors required as per tensorinfo_map")
	}
	return in.readPlainRows(c)
}

// isNamed reports whether the value at c is an object of named inputs. One that
// holds nothing but base64 is a value.
func isNamed(c *cursor) bool {
	if c.peek() != '{' {
		return false
	}
	_, _, ok := base64Object(c.s, c.i)
	return !ok
}

// readPlainRows reads rows of the only input.
func (in *inputs) readPlainRows(c *cursor) error {
	t := in.slots[0]
	in.given[0] = true
	if supported(t.info.DType) {
		t.expect(in.doc.instances.of(in.doc.body))
	}
	for {
		if isNamed(c) {
			return invalid("Expecting value/list but got object at item %d of input list", t.rows)
		}
		if err := t.plainRow(c); err != nil {
			if isNamed(c) {
				return invalid("Expecting value/list but got object at item %d of input list", t.rows)
			}
			return within(fmt.Sprintf("Failed to process element: %d of 'instances' list.", t.rows), err)
		}
		if c.next(); c.peek() == ']' {
			return nil
		}
	}
}

// plainRow reads the row at c. Where rows are scalars it reads as many as
// follow.
func (t *builder) plainRow(c *cursor) error {
	if t.rows == 0 || len(t.firstShape) > 0 || c.peek() == '[' {
		return t.row(c)
	}
	n, err := t.leaves(c, true)
	t.rows += int64(n)
	return err
}

// next moves from behind an element of a list to the next one, or to the
// bracket at the end.
func (c *cursor) next() {
	c.space()
	if c.peek() == ',' {
		c.step()
	}
}

// readNamedRows reads rows that are objects of named inputs.
func (in *inputs) readNamedRows(c *cursor) error {
	for row := int64(0); ; row++ {
		if !isNamed(c) {
			return invalid("Expecting object but got list at item %d of input list", row)
		}
		start := c.i
		if key, err := in.readNamedRow(c, row); key != nil {
			return within(fmt.Sprintf("Failed to process element: %d key: %s of 'instances' list.", row, shown(key)), err)
		} else if err != nil {
			return invalid("Failed to process element: %d of 'instances' list. %s", row, err)
		}
		if row == 0 {
			list := in.doc.instances.of(in.doc.body)
			in.expectRows((bytes.Count(list, comma)+1)/(bytes.Count(in.doc.body[start:c.i], comma)+1), len(list))
		}
		if c.next(); c.peek() == ']' {
			return nil
		}
	}
}

// readNamedRow reads the object at c as one more row of each input. key is the
// member that err is about, nil where it is about the whole row.
func (in *inputs) readNamedRow(c *cursor, row int64) (key []byte, err error) {
	start := c.i
	got := 0
	c.step()
	for c.peek() != '}' {
		quote := c.i
		key := unquoted(c.s[quote:c.string()])
		c.space()
		c.step()
		k, ok := in.find(key)
		if !ok && in.file {
			c.skip()
			c.next()
			continue
		}
		if !ok {
			return key, invalid("JSON object: does not have named input: %s", shown(key))
		}
		t := in.slots[k]
		if t.rows != row {
			if t.rows > row {
				return key, invalid("JSON object: named input is given more than once")
			}
			return key, invalid("JSON object: named input is missing in an earlier element")
		}
		in.given[k] = true
		if err := t.row(c); err != nil {
			return key, err
		}
		if row == 0 {
			t.refund() // until all inputs have had a row and expectRows can share
		}
		got++
		c.next()
	}
	c.i++
	if want := in.wanted(); got < want {
		if in.file {
			return nil, invalid("JSON object: %s has no value for %s", shown(c.s[start:c.i]), in.missing(row))
		}
		return nil, invalid("JSON object: %s keys must be equal to: %s", shown(c.s[start:c.i]), in.names())
	}
	return nil, nil
}

// missing lists the inputs that a row, which has been read, has not named.
func (in *inputs) missing(row int64) string {
	var list []string
	for _, t := range in.slots {
		if t.rows == row {
			list = append(list, strconv.Quote(t.info.Name))
		}
	}
	return strings.Join(list, ", ")
}

// wanted is how many inputs a row must name. A request that feeds tensors
// beyond the signature decides that with its first row.
func (in *inputs) wanted() int {
	if !in.partial() {
		return len(in.slots)
	}
	n := 0
	for _, given := range in.given {
		if given {
			n++
		}
	}
	return n
}

var comma = []byte{','}

// expectRows makes room for as many rows in all, each like the first. Together they
// are text of the given size, which strings cannot be longer than.
func (in *inputs) expectRows(rows, size int) {
	for k, t := range in.slots {
		switch {
		case !in.given[k]:
		case t.info.DType == infer.String:
			t.reserveStrings(t.len()*(rows-1), min(len(t.data)*(rows-1), size))
		default:
			t.reserve(len(t.data) * (rows - 1))
		}
	}
}
