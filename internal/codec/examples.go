package codec

import "github.com/tensorlambda/tensorlambda/internal/infer"

// The methods of TensorFlow Serving that take examples.
const (
	Classify = "classify"
	Regress  = "regress"
)

// DecodeExamples reads the body of a request to TensorFlow Serving's REST
// :classify or :regress.
func DecodeExamples(body []byte, c *infer.Catalog, method string, l Limits) (*infer.Request, error) {
	return nil, infer.Errorf(infer.ErrUnimplemented, "%s is not served", method)
}

// AppendResults appends the reply of :classify or :regress for n examples.
func AppendResults(dst []byte, method string, results []infer.Result, n int) ([]byte, error) {
	return dst, infer.Errorf(infer.ErrUnimplemented, "%s is not served", method)
}
