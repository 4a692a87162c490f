package codec

import "github.com/tensorlambda/tensorlambda/internal/infer"

// DecodeNPY reads a request that is one .npy file, for a signature with one
// input.
func DecodeNPY(body []byte, c *infer.Catalog, l Limits) (*Predict, error) {
	return nil, infer.Errorf(infer.ErrUnimplemented, "npy is not served")
}

// DecodeRaw reads a request that is the bytes of one tensor. shape is the text of
// the header X-Tensor-Shape, "" where there is none.
func DecodeRaw(body []byte, shape string, c *infer.Catalog, l Limits) (*Predict, error) {
	return nil, infer.Errorf(infer.ErrUnimplemented, "raw bytes are not served")
}

// DecodeCSV reads a request with one row a line.
func DecodeCSV(body []byte, c *infer.Catalog, l Limits) (*Predict, error) {
	return nil, infer.Errorf(infer.ErrUnimplemented, "CSV is not served")
}

// DecodeJSONLines reads a request with one row a line.
func DecodeJSONLines(body []byte, c *infer.Catalog, l Limits) (*Predict, error) {
	return nil, infer.Errorf(infer.ErrUnimplemented, "JSON lines are not served")
}

// EncodeNPY makes a reply that is the only result as a .npy file.
func EncodeNPY(results []infer.Result) (*Reply, error) {
	return nil, infer.Errorf(infer.ErrUnimplemented, "npy is not served")
}

// EncodeCSV makes a reply with one row a line.
func EncodeCSV(results []infer.Result) (*Reply, error) {
	return nil, infer.Errorf(infer.ErrUnimplemented, "CSV is not served")
}

// EncodeJSONLines makes a reply with one row a line.
func EncodeJSONLines(results []infer.Result) (*Reply, error) {
	return nil, infer.Errorf(infer.ErrUnimplemented, "JSON lines are not served")
}
