package predictionlog

import (
	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// The fields of MultiInferenceRequest and InferenceTask.
const (
	multiTasks = 1<<3 | message
	multiInput = 2<<3 | message

	taskSpec   = 1<<3 | message
	taskMethod = 2<<3 | message
)

// taskMethods are the methods of tasks.
var taskMethods = map[string]string{
	"tensorflow/serving/classify": codec.Classify,
	"tensorflow/serving/regress":  codec.Regress,
}

// multiInference reads a MultiInferenceRequest: several signatures on the same
// examples, in one run. The request's signature is that of the first.
func (d *decoder) multiInference(b []byte) (*infer.Request, error) {
	var input merged
	var request *infer.Request
	for f, err := range fields(b) {
		if err != nil {
			return nil, err
		}
		switch f.tag {
		case multiInput:
			input.add(f.content)
		case multiTasks:
			task, err := d.task(f.content)
			if err != nil {
				return nil, err
			}
			if request, err = together(request, task); err != nil {
				return nil, err
			}
		}
	}
	if request == nil {
		return nil, infer.Errorf(infer.ErrInvalidArgument, "the request has no tasks")
	}
	var err error
	request.Feeds[0].Value, err = d.input(input.content)
	return request, err
}

func (d *decoder) task(b []byte) (*infer.Request, error) {
	var spec merged
	method := ""
	for f, err := range fields(b) {
		if err != nil {
			return nil, err
		}
		switch f.tag {
		case taskSpec:
			spec.add(f.content)
		case taskMethod:
			method = string(f.content)
		}
	}
	known, ok := taskMethods[method]
	if !ok {
		return nil, infer.Errorf(infer.ErrUnimplemented, "Unsupported signature method_name: %s", method)
	}
	return d.contract(spec.content, known)
}

// together adds what a task asks for to those before it; nil is none.
func together(request, task *infer.Request) (*infer.Request, error) {
	if request == nil {
		return task, nil
	}
	if request.Feeds[0].Tensor != task.Feeds[0].Tensor {
		return nil, infer.Errorf(infer.ErrInvalidArgument, "Input tensor must be the same for all Signatures.")
	}
	request.Fetches = append(request.Fetches, task.Fetches...)
	return request, nil
}
