package predictionlog

import (
	"errors"
	"fmt"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// The fields of TensorProto that are read by themselves, TensorShapeProto and Dim.
const (
	tensorDType   = 1<<3 | varint
	tensorShape   = 2<<3 | message
	tensorContent = 4<<3 | message
	tensorStrings = 8<<3 | message

	shapeDim         = 2<<3 | message
	shapeUnknownRank = 3<<3 | varint
	dimSize          = 1<<3 | varint
)

// tensorProto is a TensorProto whose values have not been read.
type tensorProto struct {
	dtype   infer.DType
	shape   []int64
	content []byte
	message []byte
	count   int64 // of its elements
}

// tensor reads a serialized TensorProto as TensorFlow does: from tensor_content, or
// from a list of values, the last of which stands for all that follow. Numbers may
// alias b.
func (d *decoder) tensor(b []byte) (*infer.Tensor, error) {
	t, err := readTensorProto(b)
	if err != nil {
		return nil, err
	}
	size, err := infer.Bytes(t.dtype, t.shape, max(d.budget.left, 1)) // 0 would be no limit
	if errors.Is(err, infer.ErrTooLarge) || size > d.budget.left {
		return nil, d.budget.tooLarge()
	}
	if err == nil {
		t.count, err = infer.Elements(t.shape)
	}
	if err == nil {
		err = d.budget.take(size)
	}
	switch {
	case err != nil:
		return nil, err
	case t.dtype == infer.String:
		return t.strings(&d.budget)
	case len(t.content) > 0:
		return infer.NewTensor(t.dtype, t.shape, t.content)
	default:
		return t.numbers(size)
	}
}

func readTensorProto(b []byte) (tensorProto, error) {
	t := tensorProto{message: b}
	var shape merged
	for f, err := range fields(b) {
		if err != nil {
			return t, err
		}
		switch f.tag {
		case tensorDType:
			t.dtype = infer.DType(int32(f.value))
		case tensorShape:
			shape.add(f.content)
		case tensorContent:
			t.content = f.content
		}
	}
	var err error
	t.shape, err = readShape(shape.content)
	return t, err
}

func readShape(b []byte) ([]int64, error) {
	shape := []int64{}
	for f, err := range fields(b) {
		if err != nil {
			return nil, err
		}
		switch {
		case f.tag == shapeUnknownRank && f.value != 0:
			return nil, infer.Errorf(infer.ErrInvalidArgument, "the tensor has no shape")
		case f.tag != shapeDim:
		case len(shape) == infer.MaxRank:
			return nil, infer.Errorf(infer.ErrInvalidArgument, "the tensor has more than %d dimensions", infer.MaxRank)
		default:
			size, err := readDim(f.content)
			if err != nil {
				return nil, err
			}
			shape = append(shape, size)
		}
	}
	return shape, nil
}

func readDim(b []byte) (size int64, err error) {
	for f, err := range fields(b) {
		if err != nil {
			return 0, err
		}
		if f.tag == dimSize {
			size = int64(f.value)
		}
	}
	return size, nil
}

// within says which tensor an error is about.
func within(err error, what, name string) error { return fmt.Errorf("%s %q: %w", what, name, err) }
