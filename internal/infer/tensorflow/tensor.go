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

// toC copies a tensor into memory of the C library: one copy, whatever the rank.
func toC(t *infer.Tensor) (*tf.Tensor, error) {
	if len(t.Shape) > infer.MaxRank {
		return nil, infer.Errorf(infer.ErrInvalidArgument, "a tensor has %d dimensions, the most are %d", len(t.Shape), infer.MaxRank)
	}
	if t.DType == infer.String {
		return stringsToC(t)
	}
	if cast, ok := feedCasts[t.DType]; ok {
		bits, err := numbersToC(cast.from, t)
		if err != nil {
			return nil, err
		}
		return cast.run(bits)
	}
	return numbersToC(t.DType, t)
}

// numbersToC makes a tensor of dtype from the bytes of t, which may lie at any
// address: ReadTensor reads them into memory that is aligned for TensorFlow.
func numbersToC(dtype infer.DType, t *infer.Tensor) (*tf.Tensor, error) {
	switch dtype {
	case infer.Float, infer.Double, infer.Int64, infer.Int32, infer.Int16, infer.Int8,
		infer.Uint8, infer.Uint16, infer.Bool, infer.Complex64, infer.Complex128:
		return tf.ReadTensor(tf.DataType(dtype), t.Shape, bytes.NewReader(t.Data))
	default: // the binding panics on the quantized types
		return nil, infer.Errorf(infer.ErrUnimplemented, "tensors of type %s cannot be fed", t.DType)
	}
}

// stringsToC copies the bytes of each element once. The strings that the binding
// wants are views of Data, which is read-only, and are not kept by it.
func stringsToC(t *infer.Tensor) (*tf.Tensor, error) {
	if len(t.Shape) == infer.MaxRank { // which Reshape does not make
		return nil, infer.Errorf(infer.ErrInvalidArgument, "a tensor of strings has %d dimensions, the most are %d", len(t.Shape), infer.MaxRank-1)
	}
	flat := make([]string, t.Len())
	for i := range flat {
		element := t.Element(i)
		flat[i] = unsafe.String(unsafe.SliceData(element), len(element))
	}
	if len(t.Shape) == 0 {
		return tf.NewTensor(flat[0])
	}
	c, err := tf.NewTensor(flat)
	if err != nil || len(t.Shape) == 1 {
		return c, err
	}
	return reshapeTo(c, t.Shape)
}

// fromC makes a tensor of a result. Numbers alias C memory, which the result
// keeps alive; strings are copied.
func fromC(c *tf.Tensor) (*infer.Tensor, error) {
	dtype, shape := infer.DType(c.DataType()), c.Shape()
	n, err := infer.Elements(shape)
	if err != nil {
		return nil, fmt.Errorf("result of a run: %w", err)
	}
	if dtype == infer.String {
		return stringsFromC(c, shape, n)
	}
	if dtype.Size() == 0 {
		return nil, infer.Errorf(infer.ErrUnimplemented, "an output is of type %s, which has no value outside TensorFlow", dtype)
	}
	if cast, ok := fetchCasts[dtype]; ok {
		if c, err = cast.run(c); err != nil {
			return nil, fmt.Errorf("result of a run: %w", err)
		}
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
	runtime.KeepAlive(c) // Value reads C memory, and c is not needed for it to the end
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
