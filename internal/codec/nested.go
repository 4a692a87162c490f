package codec

import (
	"errors"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// cursor is a place in JSON whose syntax has been checked, so it never looks
// for the end: a value is always followed by something.
type cursor struct {
	s []byte
	i int
}

func (c *cursor) peek() byte { return c.s[c.i] }

// space skips white space.
func (c *cursor) space() {
	for isSpace(c.s[c.i]) {
		c.i++
	}
}

// step moves past a token of one byte and the white space behind it.
func (c *cursor) step() {
	c.i++
	if isSpace(c.s[c.i]) {
		c.space()
	}
}

// skip moves behind the value at the cursor.
func (c *cursor) skip() { c.i = valueEnd(c.s, c.i) }

// valueEnd is the offset behind the checked value at i.
func valueEnd(s []byte, i int) int {
	sc := scanner{s: s, maxDepth: len(s) + 1}
	end, _ := sc.value(i, 0)
	return end
}

// value reads one JSON value: a scalar, or lists nested to any depth. The first
// element of each level decides the shape, which is in t.shape afterwards, and
// every other list must agree with it.
func (t *builder) value(c *cursor) error {
	t.starts, t.counts, t.shape = t.starts[:0], t.counts[:0], t.shape[:0]
	if c.peek() != '[' {
		_, err := t.leaves(c, false)
		return err
	}
	rank := -1 // unknown until the first leaf or empty list
	for {
		if c.peek() == '[' {
			if level := len(t.starts); rank >= 0 && level >= rank {
				return t.misfit(c, invalid("Encountered list at unexpected level: %d expected < %d", level, rank))
			}
			t.open(c, rank < 0)
			if c.peek() != ']' {
				continue
			}
		}
		level := len(t.starts)
		if rank < 0 {
			rank = level
		}
		if c.peek() != ']' {
			if level != rank {
				return t.misfit(c, invalid("JSON Value: %s found at incorrect level: %d in the JSON DOM. Expected at level: %d",
					c.text(), level+1, rank))
			}
			n, err := t.leaves(c, true)
			t.counts[level-1] += int64(n)
			if err != nil {
				return t.misfit(c, err)
			}
			if c.peek() == '[' {
				continue
			}
		}
		if done, err := t.close(c); done || err != nil {
			return err
		}
	}
}

// open enters the list at c. first says that it is the first of its level.
func (t *builder) open(c *cursor, first bool) {
	t.starts = append(t.starts, c.i)
	t.counts = append(t.counts, 0)
	if first {
		t.shape = append(t.shape, -1)
	}
	c.step()
}

// close leaves the list whose bracket is at c, and every list that ends with
// it, and moves on to the next element. done says that the outermost has ended.
func (t *builder) close(c *cursor) (done bool, err error) {
	for c.peek() == ']' {
		level := len(t.starts) - 1
		size := t.counts[level]
		if want := t.shape[level]; want < 0 {
			t.shape[level] = size
		} else if want != size {
			return false, t.misfit(c, t.unexpectedSize(level, size))
		}
		t.starts, t.counts = t.starts[:level], t.counts[:level]
		if level == 0 {
			c.i++
			return true, nil
		}
		t.counts[level-1]++
		c.step()
	}
	if c.peek() == ',' {
		c.step()
	}
	return false, nil
}

func (t *builder) unexpectedSize(level int, size int64) error {
	return invalid("Encountered list at unexpected size: %d at level: %d expected size: %d", size, level, t.shape[level])
}

// misfit decides what to say of a value that is not a tensor. TensorFlow
// Serving looks at a list's size before its elements, so the outermost list of
// a wrong size goes before err.
func (t *builder) misfit(c *cursor, err error) error {
	if errors.Is(err, infer.ErrTooLarge) {
		return err
	}
	for level, start := range t.starts {
		if t.shape[level] < 0 {
			continue
		}
		if size := listSize(c.s, start); size != t.shape[level] {
			return t.located(t.counts[:level], t.unexpectedSize(level, size))
		}
	}
	return t.located(t.counts, err)
}

// located names the place of a fault inside nested lists.
func (t *builder) located(index []int64, err error) error {
	if len(index) == 0 {
		return err
	}
	return infer.Errorf(kind(err), "%s (at index %s)", err, formatIndex(index))
}

// listSize is the number of elements of the checked list at i.
func listSize(s []byte, i int) int64 {
	c := cursor{s, i}
	c.step()
	n := int64(0)
	for c.peek() != ']' {
		c.skip()
		c.space()
		n++
		if c.peek() == ',' {
			c.step()
		}
	}
	return n
}

// text is the value at the cursor, as a message repeats it.
func (c *cursor) text() string { return shown(c.s[c.i:valueEnd(c.s, c.i)]) }
