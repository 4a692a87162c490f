package codec

import (
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/npy"
)

// NPYTensor makes a value of an input of the data of an array, under the rules of
// DecodeNPY: the tensor aliases data where that is as it has to be. Errors are those
// of DecodeNPY; ErrInvalidArgument may be about a single element.
func NPYTensor(info infer.TensorInfo, h *npy.Header, data []byte, l Limits) (*infer.Tensor, error) {
	return npyTensor(info, h, data, l.withDefaults().MaxTensorBytes)
}

// CheckNPY reports why an input does not take arrays of a type, whatever is in them.
// The error is an *infer.Error.
func CheckNPY(info infer.TensorInfo, from npy.DType) error { return castable(info, from) }
