package warmup

import (
	"fmt"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// maxZeros is how many bytes of zeros a signature is fed at the most: one that declares
// gigantic inputs is not worth that at a start.
const maxZeros = 64 << 20

// zeros is a request on zeros and empty strings, with a batch of 1. It fails where a
// dimension other than the first is open, since TensorFlow can end the process over a
// wrong guess, and where the zeros are over limit (0 is none) or maxZeros.
func zeros(signature *infer.Signature, limit int64) (*infer.Request, error) {
	left := int64(maxZeros)
	if limit > 0 {
		left = min(left, limit)
	}
	request := &infer.Request{Signature: signature, Fetches: signature.Outputs}
	for _, input := range signature.Inputs {
		value, size, err := zero(input, left)
		if err != nil {
			return nil, fmt.Errorf("input %q: %w", input.Name, err)
		}
		left -= size
		request.Feeds = append(request.Feeds, infer.Feed{TensorInfo: input, Value: value})
	}
	return request, nil
}

// zero is a tensor of zeros, or of empty strings, and what it takes of left.
func zero(input infer.TensorInfo, left int64) (*infer.Tensor, int64, error) {
	shape, err := batchOfOne(input.Shape)
	if err != nil {
		return nil, 0, err
	}
	size, err := infer.Bytes(input.DType, shape, max(left, 1)) // 0 would be no limit
	if err == nil && size > left {
		err = infer.Errorf(infer.ErrTooLarge, "there is no room left for its zeros")
	}
	if err != nil {
		return nil, 0, err
	}
	if input.DType == infer.String {
		value, err := infer.NewStringTensor(shape, nil, make([]int, size/infer.StringOverhead+1))
		return value, size, err
	}
	value, err := infer.NewTensor(input.DType, shape, make([]byte, size))
	return value, size, err
}

// batchOfOne is a declared shape with 1 for an open first dimension.
func batchOfOne(declared infer.Shape) ([]int64, error) {
	if declared == nil {
		return nil, infer.Errorf(infer.ErrFailedPrecondition, "its rank is not known")
	}
	shape := make([]int64, len(declared))
	for i, size := range declared {
		if i == 0 && size < 0 {
			size = 1
		}
		if size < 0 {
			return nil, infer.Errorf(infer.ErrFailedPrecondition, "its shape %s is open beyond the batch", declared)
		}
		shape[i] = size
	}
	return shape, nil
}
