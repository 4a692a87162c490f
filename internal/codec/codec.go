// Package codec turns one request body into tensors and tensors into one reply
// body, and single records into the rows of batches and back. It knows the wire
// formats and the signatures of an infer.Catalog, and never sees a model.
//
// A JSON body is read twice. The first pass checks the syntax of the whole
// document and finds its parts, because the signature's name, which decides
// every data type, may come after the values; this is also the order in which
// TensorFlow Serving reports faults. The second pass trusts the syntax and
// writes the values into one contiguous buffer per input. Neither pass recurses
// or builds a tree. A lone input of floats takes one pass only, in dense.go.
//
// Batch scoring has records instead of bodies: Rows reads them by the same builders,
// one after the other, and takes back what a bad one has left.
package codec

import "github.com/tensorlambda/tensorlambda/internal/infer"

// The limits that hold where Limits is zero.
const (
	DefaultMaxTensorBytes = 1 << 30
	DefaultMaxDepth       = 64
)

// Limits bounds what a body may make the decoder do. A zero field means the
// default; no limit can be switched off.
type Limits struct {
	// MaxTensorBytes bounds all input tensors of a request together, in bytes;
	// an element of a string tensor counts its bytes and infer.StringOverhead.
	MaxTensorBytes int64
	// MaxDepth bounds how deep arrays and objects nest. The outermost object
	// is level 1.
	MaxDepth int
}

func (l Limits) withDefaults() Limits {
	if l.MaxTensorBytes <= 0 {
		l.MaxTensorBytes = DefaultMaxTensorBytes
	}
	if l.MaxDepth <= 0 {
		l.MaxDepth = DefaultMaxDepth
	}
	return l
}

// Predict is a decoded request of TensorFlow Serving's :predict, as JSON or in
// one of the forms that stand for it.
type Predict struct {
	*infer.Request
	// Row says that the request was in row form ("instances"), and that the
	// reply must be too ("predictions").
	Row bool
}
