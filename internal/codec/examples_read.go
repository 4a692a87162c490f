package codec

import (
	"errors"
	"fmt"

	"github.com/tensorlambda/tensorlambda/internal/example"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// exampleReader turns checked JSON objects into serialized tf.train.Examples, one
// behind the other.
type exampleReader struct {
	budget  budget
	context []byte // serialized, in front of every example

	data    []byte
	offsets []int

	// Of the example being read.
	features []byte
	feature  example.Feature
	names    keySet
	scratch  []byte
}

// readContext reads the object at c as what all examples have.
func (r *exampleReader) readContext(c *cursor) error {
	if err := r.object(c); err != nil {
		return inside(err, "'context'")
	}
	r.context = example.Append(nil, r.features)
	return nil
}

// reserve takes from the budget what n examples cost whatever is in them, and
// makes room for them and for text bytes more. The context is counted n times
// before any of it is copied: a body could multiply its own size by itself.
func (r *exampleReader) reserve(n int64, text int) error {
	each := int64(len(r.context)) + infer.StringOverhead
	if n > r.budget.left/each {
		return r.budget.tooLarge()
	}
	r.budget.left -= n * each
	r.offsets = make([]int, 1, n+1)
	r.data = make([]byte, 0, n*int64(len(r.context))+min(int64(text), r.budget.left))
	return nil
}

// readAll reads the examples of the list at c, of which there is one.
func (r *exampleReader) readAll(c *cursor) error {
	for c.step(); c.peek() != ']'; c.next() {
		if err := r.object(c); err != nil {
			return inside(err, fmt.Sprintf("example %d", len(r.offsets)-1))
		}
		if err := r.budget.take(int64(example.Size(r.features))); err != nil {
			return err
		}
		r.data = example.Append(append(r.data, r.context...), r.features)
		r.offsets = append(r.offsets, len(r.data))
	}
	return nil
}

// object reads the features of the example at c.
func (r *exampleReader) object(c *cursor) error {
	if c.peek() != '{' {
		return invalid("Example must be JSON object but got JSON %s", jsonType(c.peek()))
	}
	r.features = r.features[:0]
	r.names = keySet{few: r.names.few[:0]}
	for c.step(); c.peek() != '}'; c.next() {
		start := c.i
		name := unquoted(c.s[start:c.string()])
		if !r.names.add(name) {
			return invalid("JSON object: duplicate key %q at offset: %d", shown(name), start)
		}
		if r.names.len() > maxMembers {
			return invalid("JSON object: more than %d members at offset: %d", maxMembers, start)
		}
		c.space()
		c.step()
		r.feature.Reset()
		if err := r.values(c, name); err != nil {
			return err
		}
		r.features = example.AppendFeature(r.features, name, &r.feature)
		if int64(len(r.features)) > r.budget.left {
			return r.budget.tooLarge()
		}
	}
	c.i++
	return nil
}

// values reads the values of a feature: one, or a flat list of them.
func (r *exampleReader) values(c *cursor, name []byte) error {
	if c.peek() != '[' {
		return r.value(c, name)
	}
	for c.step(); c.peek() != ']'; c.next() {
		if err := r.value(c, name); err != nil {
			return err
		}
		if int64(r.feature.Size()) > r.budget.left {
			return r.budget.tooLarge()
		}
	}
	c.i++
	return nil
}

// value reads one value of a feature. Its JSON type decides the kind: the model's
// types are inside its graph, where no signature tells them.
func (r *exampleReader) value(c *cursor, name []byte) error {
	b := c.peek()
	switch {
	case b == '"' || b == '{':
		return r.text(c, name)
	case b == 't' || b == 'f':
		return r.bool(c, name)
	case isNumber(b):
		return r.number(c, name)
	default:
		return unexpectedType(c, name)
	}
}

func (r *exampleReader) text(c *cursor, name []byte) error {
	quoted, end, encoded := base64Object(c.s, c.i)
	if !encoded && c.peek() == '{' {
		return unexpectedType(c, name)
	}
	if !r.feature.Takes(example.Bytes) {
		return r.mixed(name)
	}
	if encoded {
		var ok bool
		if r.scratch, ok = appendBase64(r.scratch[:0], unquoted(quoted)); !ok {
			return invalid("Unable to base64 decode")
		}
	} else {
		end = stringEnd(c.s, c.i)
		r.scratch = appendUnquoted(r.scratch[:0], c.s[c.i:end])
	}
	r.feature.AppendBytes(r.scratch)
	c.i = end
	return nil
}

func (r *exampleReader) bool(c *cursor, name []byte) error {
	if !r.feature.Takes(example.Int64s) {
		return r.mixed(name)
	}
	if c.peek() == 't' {
		r.feature.AppendInt64(1)
		c.i += len("true")
		return nil
	}
	r.feature.AppendInt64(0)
	c.i += len("false")
	return nil
}

func (r *exampleReader) number(c *cursor, name []byte) error {
	v, end, whole := integerAt(c.s, c.i, rangeOf(infer.Int64))
	_, _, unsigned := integerAt(c.s, c.i, rangeOf(infer.Uint64))
	if !whole && !unsigned { // also whole numbers of more than 64 bits, as in rapidjson
		if !r.feature.Takes(example.Floats) {
			return r.mixed(name)
		}
		f, length := float32At(c.s[c.i:])
		r.feature.AppendFloat(f)
		c.i += length
		return nil
	}
	if !r.feature.Takes(example.Int64s) {
		return r.mixed(name)
	}
	if !whole {
		return invalid("Feature: %s has uint64_t element. Only int64_t is supported.", shown(name))
	}
	r.feature.AppendInt64(int64(v))
	c.i = end
	return nil
}

// mixed is TensorFlow Serving's message for a feature with values of two kinds.
func (r *exampleReader) mixed(name []byte) error {
	return invalid("Unexpected element type in feature: %s expecting type: %s", shown(name), r.feature.Kind())
}

func unexpectedType(c *cursor, name []byte) error {
	return invalid("Feature: %s has element with unexpected JSON type: %s", shown(name), jsonType(c.peek()))
}

// inside adds the place of a fault behind its message.
func inside(err error, place string) error {
	if errors.Is(err, infer.ErrTooLarge) {
		return err
	}
	return infer.Errorf(kind(err), "%s (in %s)", err, place)
}
