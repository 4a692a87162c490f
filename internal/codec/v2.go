package codec

import (
	"slices"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

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

// DecodeInfer reads the body of a request to the Open Inference Protocol's
// infer. jsonLength is the value of the header Inference-Header-Content-Length:
// so many bytes are JSON, and the tensors that it announces follow. 0 is the raw
// form, in which the whole body is the only input of the default signature.
// WholeBody stands for no such header.
//
// Binary tensors alias the body, which must not change until the request has
// run; all others are copies. The request's parameter "signature_name" chooses
// the signature, which is this server's own addition. It is safe for concurrent
// use.
//
// The errors are *infer.Error for the client: ErrInvalidArgument, ErrTooLarge
// for tensors over the limit, and ErrUnimplemented for an input whose type the
// protocol has no name for.
func DecodeInfer(body []byte, jsonLength int, c *infer.Catalog, l Limits) (*Infer, error) {
	l = l.withDefaults()
	if jsonLength == 0 {
		return decodeRawInfer(body, c, l)
	}
	json, tensors := body, []byte(nil)
	if jsonLength != WholeBody {
		if jsonLength < 0 || jsonLength > len(body) {
			return nil, invalid("Inference-Header-Content-Length is %d, but the body has %d bytes", jsonLength, len(body))
		}
		json, tensors = body[:jsonLength], body[jsonLength:]
	}
	d, end, err := parseInfer(json, l)
	if err != nil {
		return nil, err
	}
	if jsonLength == WholeBody && d.announced() {
		return nil, invalid("inputs have binary_data_size, but the header Inference-Header-Content-Length, which says where the JSON ends, is missing")
	}
	if err := behind(&d.sc, end); err != nil {
		return nil, err
	}
	sig, err := signatureOf(c, d.signature)
	if err != nil {
		return nil, err
	}
	feeds, whole, err := d.feeds(tensors, c, sig)
	if err != nil {
		return nil, err
	}
	fetches, binary, err := d.fetches(c, sig)
	if err != nil {
		return nil, err
	}
	return &Infer{&infer.Request{Signature: sig, Feeds: feeds, Fetches: fetches, Whole: whole}, d.id, binary}, nil
}

// decodeRawInfer reads the raw form. All outputs are wanted in binary.
func decodeRawInfer(body []byte, c *infer.Catalog, l Limits) (*Infer, error) {
	p, err := newPlain(c, "a request of raw bytes", l)
	if err != nil {
		return nil, err
	}
	info, err := p.input()
	if err != nil {
		return nil, err
	}
	value, err := rawTensor(info, info.Shape, body, p.limit)
	if err != nil {
		return nil, err
	}
	req := p.predict(info, value).Request
	return &Infer{req, nil, slices.Repeat([]bool{true}, len(req.Fetches))}, nil
}

// datatypes are the protocol's names of the types that it has names for. They
// are the types that are supported.
var datatypes = [...]string{
	infer.Float: "FP32", infer.Double: "FP64", infer.Half: "FP16", infer.Bfloat16: "BF16",
	infer.Int8: "INT8", infer.Int16: "INT16", infer.Int32: "INT32", infer.Int64: "INT64",
	infer.Uint8: "UINT8", infer.Uint16: "UINT16", infer.Uint32: "UINT32", infer.Uint64: "UINT64",
	infer.Bool: "BOOL", infer.String: "BYTES",
}

// datatype is the protocol's name of a type; for a type that has none it is
// TensorFlow's, so that metadata can show the tensor all the same.
func datatype(d infer.DType) string {
	if supported(d) {
		return datatypes[d]
	}
	return d.Enum()
}
