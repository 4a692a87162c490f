// Package wire walks the fields of a protobuf message without building it:
// models hold gigabytes of constants, and nothing here copies one. Values are
// slices of the message they were found in.
package wire

import (
	"errors"
	"fmt"
	"io"
	"iter"

	"google.golang.org/protobuf/encoding/protowire"
)

// ErrMalformed is returned for bytes that are not a protobuf message, and
// ErrTruncated for a message that ends in the middle of a field.
var (
	ErrMalformed = errors.New("not a protobuf message")
	ErrTruncated = errors.New("truncated protobuf message")
)

// Tag is a field's number and wire type as they are encoded: number<<3 | type.
// Protobuf treats a known number with another type as an unknown field, so
// readers compare whole tags.
type Tag uint64

// The wire types, to be or-ed with number<<3.
const (
	Varint  Tag = 0
	Fixed64 Tag = 1
	Bytes   Tag = 2
	Fixed32 Tag = 5
)

// Field is one field of a message. Value holds a varint or fixed value, Bytes
// the contents of a string, bytes, message or packed field; it aliases the
// message.
type Field struct {
	Tag   Tag
	Value uint64
	Bytes []byte
}

// Fields yields the fields of message b in their order, groups left out. After
// an error, which wraps ErrMalformed or ErrTruncated, it ends.
//
// A singular message field may appear more than once, and then protobuf merges
// the occurrences. A reader that took only the last would see another model
// than TensorFlow does: read each occurrence into the same value.
func Fields(b []byte) iter.Seq2[Field, error] {
	return func(yield func(Field, error) bool) {
		for rest := b; len(rest) > 0; {
			f, n, err := field(rest)
			if err != nil {
				yield(Field{}, fmt.Errorf("field at byte %d of %d: %w", len(b)-len(rest), len(b), err))
				return
			}
			rest = rest[n:]
			if f.Tag&7 != groupType && !yield(f, nil) {
				return
			}
		}
	}
}

const groupType = 3

// field reads the first field of b and its length. Nearly all fields of a graph
// are short strings and messages under numbers below 16, so these are told by
// their first two bytes.
func field(b []byte) (Field, int, error) {
	if len(b) > 1 && b[0] < 0x80 && Tag(b[0])&7 == Bytes && b[0] > 7 && b[1] < 0x80 {
		if end := 2 + int(b[1]); end <= len(b) {
			return Field{Tag: Tag(b[0]), Bytes: b[2:end:end]}, end, nil
		}
	}
	return anyField(b)
}

func anyField(b []byte) (Field, int, error) {
	num, typ, n := protowire.ConsumeTag(b)
	if n < 0 {
		return Field{}, 0, parseError(n)
	}
	f := Field{Tag: Tag(num)<<3 | Tag(typ)}
	var m int
	switch typ {
	case protowire.VarintType:
		f.Value, m = protowire.ConsumeVarint(b[n:])
	case protowire.BytesType:
		f.Bytes, m = protowire.ConsumeBytes(b[n:])
	case protowire.Fixed32Type:
		var v uint32
		v, m = protowire.ConsumeFixed32(b[n:])
		f.Value = uint64(v)
	case protowire.Fixed64Type:
		f.Value, m = protowire.ConsumeFixed64(b[n:])
	default:
		m = protowire.ConsumeFieldValue(num, typ, b[n:])
	}
	if m < 0 {
		return Field{}, 0, parseError(m)
	}
	return f, n + m, nil
}

func parseError(n int) error {
	if errors.Is(protowire.ParseError(n), io.ErrUnexpectedEOF) {
		return ErrTruncated
	}
	return ErrMalformed
}

// Varints yields the values of a repeated varint field, of which f is one
// occurrence: packed where it is Bytes, else a single value. It ends early at
// bytes that are not varints.
func Varints(f Field) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		if f.Tag&7 == Varint {
			yield(f.Value)
			return
		}
		for b := f.Bytes; len(b) > 0; {
			v, n := protowire.ConsumeVarint(b)
			if n < 0 || !yield(v) {
				return
			}
			b = b[n:]
		}
	}
}
