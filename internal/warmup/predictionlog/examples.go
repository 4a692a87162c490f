package predictionlog

import (
	"encoding/json"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// The fields of ClassificationRequest and RegressionRequest, Input, and its ExampleList
// and ExampleListWithContext.
const (
	examplesSpec  = 1<<3 | message
	examplesInput = 2<<3 | message

	inputExamples = 1<<3 | message
	inputContext  = 2<<3 | message

	listExamples = 1<<3 | message
	listContext  = 2<<3 | message
)

func (d *decoder) classify(b []byte) (*infer.Request, error) { return d.examples(b, codec.Classify) }
func (d *decoder) regress(b []byte) (*infer.Request, error)  { return d.examples(b, codec.Regress) }

// examples reads a ClassificationRequest or a RegressionRequest.
func (d *decoder) examples(b []byte, method string) (*infer.Request, error) {
	var spec, input merged
	for f, err := range fields(b) {
		if err != nil {
			return nil, err
		}
		switch f.tag {
		case examplesSpec:
			spec.add(f.content)
		case examplesInput:
			input.add(f.content)
		}
	}
	request, err := d.contract(spec.content, method)
	if err != nil {
		return nil, err
	}
	request.Feeds[0].Value, err = d.input(input.content)
	return request, err
}

// contract is a request for what a method asks of a signature, fed with one empty
// example. Which input and outputs these are is codec's to say, and so it is asked.
func (d *decoder) contract(spec []byte, method string) (*infer.Request, error) {
	name, err := d.signatureName(spec)
	if err != nil {
		return nil, err
	}
	quoted, err := json.Marshal(name)
	if err != nil {
		return nil, err
	}
	body := append(append([]byte(`{"examples":[{}],"signature_name":`), quoted...), '}')
	examples, err := codec.DecodeExamples(body, d.catalog, method, codec.Limits{})
	if err != nil {
		return nil, err
	}
	return examples.Request, nil
}

// input reads an Input as a vector of serialized examples.
func (d *decoder) input(b []byte) (*infer.Tensor, error) {
	var kind tag
	var list merged
	for f, err := range fields(b) {
		if err != nil {
			return nil, err
		}
		if f.tag != inputExamples && f.tag != inputContext {
			continue
		}
		if f.tag != kind { // of a oneof the last member counts
			kind, list = f.tag, merged{}
		}
		list.add(f.content)
	}
	examples, context, err := exampleList(list.content, kind)
	if err != nil {
		return nil, err
	}
	if len(examples) == 0 {
		return nil, infer.Errorf(infer.ErrInvalidArgument, "Input is empty.")
	}
	return d.vector(examples, context)
}

// exampleList reads an ExampleList, or the context besides.
func exampleList(b []byte, kind tag) (examples [][]byte, context []byte, err error) {
	var merging merged
	for f, err := range fields(b) {
		switch {
		case err != nil:
			return nil, nil, err
		case f.tag == listExamples:
			examples = append(examples, f.content)
		case f.tag == listContext && kind == inputContext:
			merging.add(f.content)
		}
	}
	return examples, merging.content, nil
}

// vector is a tensor of examples, each behind the context: one example behind another
// is, to protobuf, one with the features of both.
func (d *decoder) vector(examples [][]byte, context []byte) (*infer.Tensor, error) {
	size := 0
	for _, e := range examples {
		if err := d.budget.take(int64(len(context)) + int64(len(e)) + infer.StringOverhead); err != nil {
			return nil, err
		}
		size += len(context) + len(e)
	}
	data, offsets := make([]byte, 0, size), make([]int, 1, len(examples)+1)
	for _, e := range examples {
		data = append(append(data, context...), e...)
		offsets = append(offsets, len(data))
	}
	return infer.NewStringTensor([]int64{int64(len(examples))}, data, offsets)
}
