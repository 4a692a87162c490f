// Package example reads and writes tf.train.Example messages, in which TensorFlow's models
// take named features of any length: a map from names to lists of bytes, floats
// or int64s (tensorflow/core/example/example.proto and feature.proto). The binding
// does not have these messages.
package example

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Kind is the type of a feature's values. The numbers are the fields of
// TensorFlow's Feature.
type Kind protowire.Number

// The kinds of features. A Feature that has had no value has none.
const (
	None   Kind = 0
	Bytes  Kind = 1
	Floats Kind = 2
	Int64s Kind = 3
)

// String is TensorFlow Serving's name of the kind in messages.
func (k Kind) String() string {
	switch k {
	case Bytes:
		return "bytes"
	case Floats:
		return "float"
	case Int64s:
		return "int64"
	default:
		return "UNKNOWN"
	}
}

// The numbers of the fields. What a message is about is its field 1: the features of
// an Example, the entries of Features, the key of an entry, the values of a list.
const (
	content    protowire.Number = 1
	entryValue protowire.Number = 2
)

// Feature is a feature while it is being written. The values of one feature have
// one kind, that of the first; to append another is a fault of the caller, which
// asks Kind first. The zero value is an empty feature.
type Feature struct {
	kind   Kind
	values []byte // as in a BytesList, or what is packed in a FloatList or Int64List
}

// Reset takes all values out, for another feature in the same memory.
func (f *Feature) Reset() { f.kind, f.values = None, f.values[:0] }

// Kind is the kind of the values so far.
func (f *Feature) Kind() Kind { return f.kind }

// Size is about how many bytes the values take so far.
func (f *Feature) Size() int { return len(f.values) }

// Takes reports whether values of kind k may be appended.
func (f *Feature) Takes(k Kind) bool { return f.kind == None || f.kind == k }

// AppendBytes appends a copy of a string of bytes.
func (f *Feature) AppendBytes(v []byte) {
	f.kind = Bytes
	f.values = appendField(f.values, v)
}

// AppendFloat appends a float.
func (f *Feature) AppendFloat(v float32) {
	f.kind = Floats
	f.values = binary.LittleEndian.AppendUint32(f.values, math.Float32bits(v))
}

// AppendInt64 appends an integer.
func (f *Feature) AppendInt64(v int64) {
	f.kind = Int64s
	f.values = protowire.AppendVarint(f.values, uint64(v))
}

// list is the length of the message that holds the values.
func (f *Feature) list() int {
	if f.kind == Bytes {
		return len(f.values)
	}
	return fieldSize(content, len(f.values))
}

// size is the length of the serialized Feature.
func (f *Feature) size() int {
	if f.kind == None {
		return 0
	}
	return fieldSize(protowire.Number(f.kind), f.list())
}

// AppendFeature appends a feature to those of an example, which are a serialized
// tensorflow.Features. A name that occurs twice counts once, with the later value.
func AppendFeature(features, name []byte, f *Feature) []byte {
	size := f.size()
	features = appendHeader(features, content, fieldSize(content, len(name))+fieldSize(entryValue, size))
	features = appendField(features, name)
	features = appendHeader(features, entryValue, size)
	if f.kind == None {
		return features
	}
	features = appendHeader(features, protowire.Number(f.kind), f.list())
	if f.kind == Bytes {
		return append(features, f.values...)
	}
	return appendField(features, f.values)
}

// Append appends the serialized tf.train.Example that has these features. One
// example behind another is, to protobuf, one with the features of both, of which
// those of the latter count where they have the same name.
func Append(dst, features []byte) []byte {
	if len(features) == 0 {
		return dst
	}
	return appendField(dst, features)
}

// Size is the number of bytes that Append appends.
func Size(features []byte) int {
	if len(features) == 0 {
		return 0
	}
	return fieldSize(content, len(features))
}

func appendField(dst, v []byte) []byte {
	return append(appendHeader(dst, content, len(v)), v...)
}

// appendHeader appends what stands before a field of size bytes.
func appendHeader(dst []byte, n protowire.Number, size int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(dst, n, protowire.BytesType), uint64(size))
}

// fieldSize is the length of a field of size bytes, with what stands before it.
func fieldSize(n protowire.Number, size int) int {
	return protowire.SizeTag(n) + protowire.SizeBytes(size)
}
