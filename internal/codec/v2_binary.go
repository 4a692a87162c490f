package codec

import (
	"encoding/binary"
	"math"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// lengthSize is the size of the length in front of each element of type BYTES.
const lengthSize = 4

// announced reports whether the request announces bytes behind its JSON.
func (d *inferDocument) announced() bool {
	for i := range d.inputs {
		if size := d.inputs[i].size; size != nil && *size > 0 {
			return true
		}
	}
	return false
}

// readBinary makes the first size bytes of tensors the value, without a copy,
// and returns the rest.
func (t *builder) readBinary(shape []int64, size int64, tensors []byte) (rest []byte, err error) {
	if size > int64(len(tensors)) {
		return nil, invalid("input %q: binary_data_size is %d, but %d bytes are left of the body", t.info.Name, size, len(tensors))
	}
	data, rest := tensors[:size:size], tensors[size:]
	if t.info.DType == infer.String {
		t.whole, err = t.prefixed(shape, data)
	} else {
		t.whole, err = t.numbers(shape, data)
	}
	t.shape = shape
	return rest, err
}

// numbers is the tensor whose elements lie in data one behind the other.
func (t *builder) numbers(shape []int64, data []byte) (*infer.Tensor, error) {
	want, err := infer.Bytes(t.info.DType, shape, 0)
	if err != nil || want != int64(len(data)) {
		return nil, invalid("input %q: %s elements of shape %s do not have the %d bytes of binary_data_size",
			t.info.Name, datatype(t.info.DType), infer.FormatShape(shape), len(data))
	}
	if err := t.budget.take(want); err != nil {
		return nil, err
	}
	if t.info.DType == infer.Bool {
		if err := checkBools(t.info.Name, data); err != nil {
			return nil, err
		}
	}
	return infer.NewTensor(t.info.DType, shape, data)
}

// prefixed is the tensor of strings that lie in data each behind its length.
func (t *builder) prefixed(shape []int64, data []byte) (*infer.Tensor, error) {
	n, err := infer.Elements(shape)
	if err != nil || n > int64(len(data)/lengthSize) {
		return nil, invalid("input %q: binary_data_size is %d, too small for BYTES elements of shape %s",
			t.info.Name, len(data), infer.FormatShape(shape))
	}
	if err := t.budget.take(infer.StringOverhead*n + int64(len(data)) - lengthSize*n); err != nil {
		return nil, err
	}
	offsets := make([]int, n+1)
	at := 0
	for i := range int(n) {
		offsets[i] = at
		left := len(data) - at - lengthSize
		if left < 0 {
			return nil, invalid("input %q: element %d of type BYTES ends within its length", t.info.Name, i)
		}
		size := binary.LittleEndian.Uint32(data[at:])
		if int64(size) > int64(left) {
			return nil, invalid("input %q: element %d of type BYTES has %d bytes, but %d are left", t.info.Name, i, size, left)
		}
		at += lengthSize + int(size)
	}
	if at < len(data) {
		return nil, invalid("input %q: %d bytes follow the last of %d BYTES elements", t.info.Name, len(data)-at, n)
	}
	offsets[n] = at
	value, err := infer.NewStringTensor(shape, data, offsets)
	if err == nil {
		value.Prefix = lengthSize
	}
	return value, err
}

// binaryData is the data of t as the binary tensor extension has it. It is that
// of t itself but for strings, which do not have their lengths between them.
func binaryData(r *infer.Result) ([]byte, error) {
	t := r.Value
	if t.DType != infer.String {
		return t.Data, nil
	}
	n := t.Len()
	data := make([]byte, 0, len(t.Data)+n*(lengthSize-t.Prefix))
	for i := range n {
		s := t.Element(i)
		if uint64(len(s)) > math.MaxUint32 {
			return nil, invalid("output %q: element %d has %d bytes, more than type BYTES can have", r.Name, i, len(s))
		}
		data = binary.LittleEndian.AppendUint32(data, uint32(len(s)))
		data = append(data, s...)
	}
	t.KeepAlive()
	return data, nil
}
