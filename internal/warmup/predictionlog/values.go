package predictionlog

import (
	"encoding/binary"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// list is the field of TensorProto with the values of a type.
type list struct {
	number tag
	wire   tag
	parts  int // values of the list in one element
}

// lists are those of numbers (tensorflow/core/framework/tensor.proto).
var lists = map[infer.DType]list{
	infer.Float:      {5, fixed32, 1},
	infer.Double:     {6, fixed64, 1},
	infer.Int32:      {7, varint, 1},
	infer.Int16:      {7, varint, 1},
	infer.Int8:       {7, varint, 1},
	infer.Uint16:     {7, varint, 1},
	infer.Uint8:      {7, varint, 1},
	infer.Complex64:  {9, fixed32, 2},
	infer.Int64:      {10, varint, 1},
	infer.Bool:       {11, varint, 1},
	infer.Complex128: {12, fixed64, 2},
	infer.Half:       {13, varint, 1},
	infer.Bfloat16:   {13, varint, 1},
	infer.Uint32:     {16, varint, 1},
	infer.Uint64:     {17, varint, 1},
}

// numbers reads the list of the tensor's type into size bytes.
func (t *tensorProto) numbers(size int64) (*infer.Tensor, error) {
	l, ok := lists[t.dtype]
	if !ok {
		return nil, infer.Errorf(infer.ErrUnimplemented, "tensors of type %s cannot be fed", t.dtype)
	}
	w := values{data: make([]byte, 0, size), width: t.dtype.Size() / l.parts, boolean: t.dtype == infer.Bool}
	for f, err := range fields(t.message) {
		if err != nil {
			return nil, err
		}
		switch f.tag {
		case l.number<<3 | l.wire:
			w.append(f.value)
		case l.number<<3 | message:
			if err := w.appendPacked(l.wire, f.content); err != nil {
				return nil, err
			}
		}
	}
	return infer.NewTensor(t.dtype, t.shape, w.filled(t.dtype.Size()))
}

// values is numbers as a tensor has them. What is beyond its room is left out, as
// TensorFlow does.
type values struct {
	data    []byte
	width   int // of a value, in bytes
	boolean bool
}

func (w *values) append(v uint64) {
	if len(w.data)+w.width > cap(w.data) {
		return
	}
	if w.boolean && v != 0 {
		v = 1 // any other byte is no bool to C
	}
	var encoded [8]byte
	binary.LittleEndian.PutUint64(encoded[:], v)
	w.data = append(w.data, encoded[:w.width]...)
}

func (w *values) appendPacked(wire tag, b []byte) error {
	for len(b) > 0 {
		v, n := scalar(wire, b)
		if n < 0 {
			return ErrMalformed
		}
		w.append(v)
		b = b[n:]
	}
	return nil
}

// filled is the data with the last element repeated up to its room; where there is
// none, zeros.
func (w *values) filled(element int) []byte {
	read := len(w.data) / element * element
	data := w.data[:cap(w.data)]
	clear(data[read:])
	if read == 0 {
		return data
	}
	// Each copy doubles what there is to copy.
	for start := read - element; read < len(data); {
		read += copy(data[read:], data[start:read])
	}
	return data
}
