package event

import "errors"

// Call is what a direct invocation asks of the model.
type Call string

// The calls, each with a body of its own.
const (
	// Predict is for the body of TensorFlow Serving's :predict.
	Predict Call = "predict"
	// Examples is for the body of TensorFlow Serving's :classify or :regress.
	Examples Call = "examples"
	// Infer is for the body of the Open Inference Protocol's infer.
	Infer Call = "infer"
)

// Call tells the call of a direct invocation from its payload, which is the body
// of that call; "" for other sources. Both protocols have a member inputs: in
// the Open Inference Protocol it is a list of described tensors, which no column
// of TensorFlow Serving can be.
func (e *Event) Call() Call {
	switch {
	case e.Source != Direct:
		return ""
	case described(e.top.member("inputs")):
		return Infer
	case e.top.member("examples") != nil:
		return Examples
	default:
		return Predict
	}
}

var errDescribed = errors.New("a described tensor")

// described reports whether the first element of a list describes a tensor. It
// stops where it knows: most clients write the data, which can be megabytes,
// behind the description.
func described(inputs value) bool {
	s := &scanner{data: inputs}
	if s.expect('[') != nil || s.next() != '{' {
		return false
	}
	var name, shape, datatype bool
	err := s.list('{', '}', func() error {
		key, err := s.key()
		if err != nil {
			return err
		}
		switch string(key) {
		case "name":
			name = true
		case "shape":
			shape = true
		case "datatype":
			datatype = true
		}
		if name && shape && datatype {
			return errDescribed
		}
		_, err = s.value()
		return err
	})
	return errors.Is(err, errDescribed)
}
