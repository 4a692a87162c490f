package infer

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// Shape is the shape that a graph declares for a tensor: one size a dimension,
// outermost first, -1 where the size is unknown. A nil Shape has unknown rank;
// a scalar is empty but not nil. It marshals to JSON as a list, or null for
// unknown rank.
//
// The shape of a tensor that exists (Tensor.Shape) is a plain []int64 instead:
// it is always known, and there nil and empty both mean a scalar.
type Shape []int64

// MaxRank is the most dimensions that a tensor can have (TensorShape::MaxDimensions
// in tensorflow/core/framework/tensor_shape.h). TensorFlow ends the process over
// more.
const MaxRank = 254

// String writes the shape as TensorFlow's PartialTensorShape does: "[?,8,8,1]",
// "[]" for a scalar, "<unknown>" for unknown rank.
func (s Shape) String() string {
	if s == nil {
		return "<unknown>"
	}
	return dimensions(s, "?")
}

// Matches reports whether a tensor of the given shape fits the declared one.
func (s Shape) Matches(shape []int64) bool {
	if s == nil {
		return true
	}
	if len(s) != len(shape) {
		return false
	}
	for i, d := range s {
		if d >= 0 && d != shape[i] {
			return false
		}
	}
	return true
}

// FormatShape writes the shape of a tensor as TensorFlow does: "[2,3]".
func FormatShape(shape []int64) string { return dimensions(shape, "-1") }

func dimensions(dims []int64, unknown string) string {
	var b strings.Builder
	b.WriteByte('[')
	for i, d := range dims {
		if i > 0 {
			b.WriteByte(',')
		}
		if d < 0 {
			b.WriteString(unknown)
		} else {
			b.WriteString(strconv.FormatInt(d, 10))
		}
	}
	b.WriteByte(']')
	return b.String()
}

// Elements is the number of elements of a tensor of the given shape. It fails
// with ErrInvalidArgument when a dimension is negative or the product overflows
// (also where a zero further on would make it vanish: such a shape is hostile).
func Elements(shape []int64) (int64, error) {
	n, err := extent(shape)
	if err != nil || slices.Contains(shape, 0) {
		return 0, err
	}
	return n, nil
}

// extent is the product of the dimensions that are not 0.
func extent(shape []int64) (int64, error) {
	n := uint64(1)
	for _, d := range shape {
		if d < 0 {
			return 0, Errorf(ErrInvalidArgument, "shape %s has a negative dimension", FormatShape(shape))
		}
		if d == 0 {
			continue
		}
		hi, lo := bits.Mul64(n, uint64(d))
		if hi != 0 || lo > math.MaxInt64 {
			return 0, Errorf(ErrInvalidArgument, "shape %s has more elements than can be counted", FormatShape(shape))
		}
		n = lo
	}
	return int64(n), nil
}

// StringOverhead is what an element of a string tensor takes besides its bytes:
// an offset here, and a TF_TString in the C library.
const StringOverhead = 8 + 24

// Bytes is the size in bytes of a tensor of the given type and shape, checked
// against limit before anything is allocated. For strings it is what they
// take besides their bytes. limit 0 means no limit but the address space.
//
// A dimension of 0 does not excuse the others from the limit: an operation that
// reduces it leaves a result of their size.
func Bytes(d DType, shape []int64, limit int64) (int64, error) {
	n, err := extent(shape)
	if err != nil {
		return 0, err
	}
	size := int64(d.Size())
	if size == 0 {
		size = StringOverhead
	}
	if limit <= 0 {
		limit = math.MaxInt64
	}
	if n > limit/size {
		return 0, fmt.Errorf("tensor of type %s and shape %s: %w", d, FormatShape(shape),
			Errorf(ErrTooLarge, "larger than the limit of %d bytes (MAX_TENSOR_BYTES)", limit))
	}
	if slices.Contains(shape, 0) {
		return 0, nil
	}
	return n * size, nil
}
