package codec

import (
	"slices"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// rawTensor is the tensor whose bytes are the whole body, which it aliases. At
// most one dimension of shape may be unknown: it follows from the length of the
// body. A string tensor must have one element, which is the body as it is.
// limit bounds the tensor in bytes.
func rawTensor(info infer.TensorInfo, shape infer.Shape, body []byte, limit int64) (*infer.Tensor, error) {
	if info.DType == infer.String {
		return rawString(info, shape, body, limit)
	}
	if !supported(info.DType) {
		return nil, infer.Errorf(infer.ErrUnimplemented, "input %q of type %s cannot be given as raw bytes", info.Name, info.DType)
	}
	if err := (&budget{limit, limit}).take(int64(len(body))); err != nil {
		return nil, err
	}
	sizes, err := rawShape(info, shape, len(body))
	if err != nil {
		return nil, err
	}
	if _, err := infer.Bytes(info.DType, sizes, limit); err != nil {
		return nil, (&budget{limit: limit}).tooLarge() // an empty tensor, whose other dimensions count
	}
	if info.DType == infer.Bool {
		if err := checkBools(info.Name, body); err != nil {
			return nil, err
		}
	}
	return infer.NewTensor(info.DType, sizes, body)
}

// rawShape is shape with its unknown dimension set to what size bytes hold.
func rawShape(info infer.TensorInfo, shape infer.Shape, size int) ([]int64, error) {
	sizes, unknown, ok := oneUnknown(shape)
	if !ok {
		return nil, invalid("raw bytes do not say the shape of input %q: of %s at most one dimension may be unknown", info.Name, shape)
	}
	step, err := infer.Bytes(info.DType, sizes, 0)
	switch {
	case err != nil:
		return nil, invalid("raw bytes: input %q of type %s cannot have shape %s", info.Name, info.DType, shape)
	case unknown < 0 && step != int64(size):
		return nil, invalid("raw bytes: input %q of type %s and shape %s needs %d bytes, got %d", info.Name, info.DType, shape, step, size)
	case unknown >= 0 && (step == 0 || int64(size)%step != 0):
		return nil, invalid("raw bytes: input %q of type %s and shape %s needs a multiple of %d bytes, got %d", info.Name, info.DType, shape, step, size)
	case unknown >= 0:
		sizes[unknown] = int64(size) / step
	}
	return sizes, nil
}

// oneUnknown is a copy of shape with 1 for its unknown dimension, and the index
// of that, -1 where all are known. ok is false where more is unknown.
func oneUnknown(shape infer.Shape) (sizes []int64, unknown int, ok bool) {
	if shape == nil || unknowns(shape) > 1 {
		return nil, 0, false
	}
	sizes = slices.Clone(shape)
	unknown = slices.IndexFunc(sizes, func(d int64) bool { return d < 0 })
	if unknown >= 0 {
		sizes[unknown] = 1
	}
	return sizes, unknown, true
}

func unknowns(shape infer.Shape) int {
	n := 0
	for _, d := range shape {
		if d < 0 {
			n++
		}
	}
	return n
}

// rawString is the string tensor of one element that body is.
func rawString(info infer.TensorInfo, shape infer.Shape, body []byte, limit int64) (*infer.Tensor, error) {
	sizes := make([]int64, len(shape))
	for i, d := range shape {
		if d >= 0 && d != 1 {
			return nil, invalid("raw bytes are one string, but input %q has shape %s", info.Name, shape)
		}
		sizes[i] = 1
	}
	if shape == nil {
		sizes = []int64{1}
	}
	if err := (&budget{limit, limit}).take(int64(len(body)) + infer.StringOverhead); err != nil {
		return nil, err
	}
	return infer.NewStringTensor(sizes, body, []int{0, len(body)})
}

// checkBools refuses bytes that are not 0 or 1: what TensorFlow makes of others
// differs from kernel to kernel.
func checkBools(input string, data []byte) error {
	for i, b := range data {
		if b > 1 {
			return invalid("input %q: byte %d of type BOOL is %d; it must be 0 or 1", input, i, b)
		}
	}
	return nil
}
