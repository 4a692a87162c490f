package predictionlog

import (
	"iter"

	"google.golang.org/protobuf/encoding/protowire"
)

// tag is a field's number and wire type as they are encoded. A known number with
// another type is an unknown field, so whole tags are compared.
type tag uint64

// The wire types that are read, to be or-ed with number<<3.
const (
	varint  tag = 0
	fixed64 tag = 1
	message tag = 2 // a string, bytes, a message or packed values
	fixed32 tag = 5
)

// field is one field of a message: its value, or its content, which aliases the
// message.
type field struct {
	tag     tag
	value   uint64
	content []byte
}

// fields yields the fields of a message in their order, groups left out. It ends with
// ErrMalformed at what is no field.
func fields(b []byte) iter.Seq2[field, error] {
	return func(yield func(field, error) bool) {
		for len(b) > 0 {
			f, n := firstField(b)
			if n < 0 {
				yield(field{}, ErrMalformed)
				return
			}
			if b = b[n:]; !yield(f, nil) {
				return
			}
		}
	}
}

// firstField reads the first field of b and its length, below 0 where there is none.
func firstField(b []byte) (field, int) {
	number, kind, n := protowire.ConsumeTag(b)
	if n < 0 {
		return field{}, n
	}
	f := field{tag: tag(number)<<3 | tag(kind)}
	var size int
	switch tag(kind) {
	case message:
		f.content, size = protowire.ConsumeBytes(b[n:])
	case varint, fixed32, fixed64:
		f.value, size = scalar(tag(kind), b[n:])
	default:
		size = protowire.ConsumeFieldValue(number, kind, b[n:])
	}
	if size < 0 {
		return field{}, size
	}
	return f, n + size
}

// scalar reads the number of a wire type that begins b, and its length, below 0 where
// there is none.
func scalar(kind tag, b []byte) (uint64, int) {
	switch kind {
	case fixed32:
		v, n := protowire.ConsumeFixed32(b)
		return uint64(v), n
	case fixed64:
		return protowire.ConsumeFixed64(b)
	default:
		return protowire.ConsumeVarint(b)
	}
}

// merged is a message whose occurrences protobuf merges, which is one behind the
// other. The usual single one is not copied.
type merged struct {
	content []byte
	n       int
}

func (m *merged) add(occurrence []byte) {
	switch m.n++; m.n {
	case 1:
		m.content = occurrence
	case 2:
		m.content = append(append([]byte(nil), m.content...), occurrence...)
	default:
		m.content = append(m.content, occurrence...)
	}
}

// entry reads an entry of a map from strings to messages.
func entry(b []byte) (key string, value []byte, err error) {
	var v merged
	for f, err := range fields(b) {
		switch {
		case err != nil:
			return "", nil, err
		case f.tag == 1<<3|message:
			key = string(f.content)
		case f.tag == 2<<3|message:
			v.add(f.content)
		}
	}
	return key, v.content, nil
}
