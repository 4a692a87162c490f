package codec

import "github.com/tensorlambda/tensorlambda/internal/infer"

// Infer is a decoded request of the Open Inference Protocol's infer.
type Infer struct {
	*infer.Request
	// id is the request's own, echoed; binary says for each fetch whether its
	// data is wanted behind the JSON.
	id     *string
	binary []bool
}

// WholeBody is the jsonLength of a body that is all JSON.
const WholeBody = -1

// DecodeInfer reads the body of a request to the Open Inference Protocol's infer.
func DecodeInfer(body []byte, jsonLength int, c *infer.Catalog, l Limits) (*Infer, error) {
	return nil, infer.Errorf(infer.ErrUnimplemented, "infer is not served")
}

// EncodeInfer makes the reply to req.
func EncodeInfer(name, version string, req *Infer, results []infer.Result) (*Reply, error) {
	return nil, infer.Errorf(infer.ErrUnimplemented, "infer is not served")
}

// AppendModelMetadata appends the reply of GET v2/models/NAME.
func AppendModelMetadata(dst []byte, name, version, format string, c *infer.Catalog) []byte {
	return append(dst, `{}`...)
}
