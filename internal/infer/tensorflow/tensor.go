package tensorflow

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"unsafe"

	tf "github.com/galeone/tensorflow/tensorflow/go"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// maxRank is TensorShape's limit. TensorFlow ends the process over more.
const maxRank = 254

// toC copies a tensor into memory of the C library: one copy, whatever the rank.
func toC(t *infer.Tensor) (*tf.Tensor, error) {
	if len(t.Shape) > maxRank {
		return nil, infer.Errorf(infer.ErrInvalidArgument, "a tensor has %d dimensions, the most are %d", len(t.Shape), maxRank)
	}
	switch t.DType {
	case infer.String:
		return stringsToC(t)
	case infer.Uint32:
		return flatToC(words[uint32](t.Data), t.Shape)
	case infer.Uint64:
		return flatToC(words[uint64](t.Data), t.Shape)
	case infer.Half:
		return halfToC(t, &halfCast)
	case infer.Bfloat16:
		return halfToC(t, &bfloat16Cast)
	case infer.Float, infer.Double, infer.Int64, infer.Int32, infer.Int16, infer.Int8,
		infer.Uint8, infer.Uint16, infer.Bool, infer.Complex64, infer.Complex128:
		return tf.ReadTensor(tf.DataType(t.DType), t.Shape, bytes.NewReader(t.Data))
	default: // the binding panics on the quantized types
		return nil, infer.Errorf(infer.ErrUnimplemented, "tensors of type %s cannot be fed", t.DType)
	}
}

// words views data as a slice of integers. It copies where data is not aligned
// for them, which happens when a tensor aliases a request's body.
func words[T uint32 | uint64](data []byte) []T {
	var zero T
	size := int(unsafe.Sizeof(zero))
	if len(data) == 0 {
		return nil
	}
	if uintptr(unsafe.Pointer(unsafe.SliceData(data)))%uintptr(size) != 0 {
		aligned := make([]T, len(data)/size)
		copy(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(aligned))), len(data)), data)
		return aligned
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(data))), len(data)/size)
}

// flatToC makes a tensor of the types that the binding's ReadTensor refuses.
// Reshape leaves the rank alone when asked for a scalar, so that is made as one.
func flatToC[T uint32 | uint64](flat []T, shape []int64) (*tf.Tensor, error) {
	if len(shape) == 0 {
		return tf.NewTensor(flat[0])
	}
	if flat == nil {
		flat = []T{}
	}
	t, err := tf.NewTensor(flat)
	if err != nil {
		return nil, err
	}
	return t, t.Reshape(shape)
}

func stringsToC(t *infer.Tensor) (*tf.Tensor, error) {
	// One copy of all bytes, of which the elements are slices.
	all := string(t.Data)
	flat := make([]string, t.Len())
	for i := range flat {
		flat[i] = all[t.Offsets[i]:t.Offsets[i+1]]
	}
	switch len(t.Shape) {
	case 0:
		return tf.NewTensor(flat[0])
	case 1:
		return tf.NewTensor(flat)
	}
	c, err := tf.NewTensor(flat)
	if err != nil {
		return nil, err
	}
	return reshapeTo(c, t.Shape)
}

// fromC makes a tensor of a result. Numbers alias C memory, which the result
// keeps alive; strings, uint32 and uint64 are copied.
func fromC(c *tf.Tensor) (*infer.Tensor, error) {
	dtype, shape := infer.DType(c.DataType()), c.Shape()
	n, err := infer.Elements(shape)
	if err != nil {
		return nil, fmt.Errorf("result of a run: %w", err)
	}
	switch dtype {
	case infer.String:
		return stringsFromC(c, shape, n)
	case infer.Uint32:
		return copyFromC[uint32](c, dtype, shape, n)
	case infer.Uint64:
		return copyFromC[uint64](c, dtype, shape, n)
	}
	if dtype.Size() == 0 {
		return nil, infer.Errorf(infer.ErrUnimplemented, "an output is of type %s, which has no value outside TensorFlow", dtype)
	}
	var contents aliaser
	if _, err := c.WriteContentsTo(&contents); err != nil {
		return nil, infer.Errorf(infer.ErrUnimplemented, "an output is of type %s, which cannot be read", dtype)
	}
	t, err := infer.NewTensor(dtype, shape, contents)
	if err != nil {
		return nil, fmt.Errorf("result of a run: %w", err)
	}
	return t.OwnedBy(c), nil
}

// aliaser keeps what is written to it without copying. A tensor's contents come
// in one Write of the C memory itself, which lives as long as the tensor: the
// usual rule that a Writer must not keep its argument would cost a copy of each
// result.
type aliaser []byte

var _ io.Writer = (*aliaser)(nil)

func (a *aliaser) Write(p []byte) (int, error) {
	*a = p
	return len(p), nil
}

// copyFromC reads the types that WriteContentsTo refuses. Value is fast on a
// flat tensor: one copy, no nested slices.
func copyFromC[T uint32 | uint64](c *tf.Tensor, dtype infer.DType, shape []int64, n int64) (*infer.Tensor, error) {
	if err := c.Reshape([]int64{n}); err != nil {
		return nil, fmt.Errorf("flatten a result: %w", err)
	}
	flat, ok := c.Value().([]T)
	if !ok {
		return nil, fmt.Errorf("result of type %s reads as %T: %w", dtype, c.Value(), infer.ErrInternal)
	}
	runtime.KeepAlive(c) // Value reads C memory, and c is not needed for it to the end
	data := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(flat))), len(flat)*dtype.Size())
	return infer.NewTensor(dtype, shape, data)
}

func stringsFromC(c *tf.Tensor, shape []int64, n int64) (*infer.Tensor, error) {
	if len(shape) != 1 {
		var err error
		if c, err = reshapeTo(c, []int64{n}); err != nil {
			return nil, fmt.Errorf("flatten a result: %w", err)
		}
	}
	flat, ok := c.Value().([]string)
	if !ok {
		return nil, fmt.Errorf("result of type string reads as %T: %w", c.Value(), infer.ErrInternal)
	}
	runtime.KeepAlive(c) // as above
	size := 0
	for _, s := range flat {
		size += len(s)
	}
	data, offsets := make([]byte, 0, size), make([]int, 1, len(flat)+1)
	for _, s := range flat {
		data = append(data, s...)
		offsets = append(offsets, len(data))
	}
	return infer.NewStringTensor(shape, data, offsets)
}
