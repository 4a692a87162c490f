package tensorflow

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/libtensorflow"
)

// kinds maps TensorFlow's status codes (tensorflow/c/tf_status.h), which decide
// whose fault a failed run is. Codes that are not here are faults of the server.
var kinds = map[int]error{
	3:  infer.ErrInvalidArgument,
	4:  infer.ErrDeadlineExceeded,
	5:  infer.ErrNotFound,
	8:  infer.ErrResourceExhausted,
	9:  infer.ErrFailedPrecondition,
	11: infer.ErrInvalidArgument, // OUT_OF_RANGE
	12: infer.ErrUnimplemented,
	14: infer.ErrUnavailable,
}

// classify gives an error of the binding its kind. The message is TensorFlow's
// own; it may hold bytes that are not UTF-8. A fault of the server is no message
// for the client: it may tell of files and addresses.
func classify(err error) error {
	if lacksKernel(err) {
		return &infer.Error{Kind: infer.ErrUnimplemented, Message: err.Error()}
	}
	if kind, ok := kinds[statusCode(err)]; ok {
		return &infer.Error{Kind: kind, Message: err.Error()}
	}
	return fmt.Errorf("run: %w: %w", infer.ErrInternal, err)
}

// lacksKernel reports an operation that this library has by name only, such as PyFunc
// or one for other processors. TensorFlow's codes for it, INVALID_ARGUMENT and
// NOT_FOUND, would blame the request.
func lacksKernel(err error) bool {
	return strings.Contains(err.Error(), "No OpKernel was registered to support Op") || strings.HasPrefix(err.Error(), "No registered '")
}

// statusCode is the code of an error that the binding made of a TF_Status, or of the one
// that it wraps; 0 for any other. The binding keeps the pointer in an unexported field and offers
// no way to ask for the code, so it is read by reflection; were the field
// renamed, every failed run would count as the server's fault, and a test fails.
func statusCode(err error) int {
	for ; err != nil; err = errors.Unwrap(err) {
		v := reflect.ValueOf(err)
		if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
			continue
		}
		if status := v.Elem().FieldByName("c"); status.IsValid() && status.Kind() == reflect.Pointer {
			return libtensorflow.StatusCode(status.UnsafePointer(), err)
		}
	}
	return 0
}
