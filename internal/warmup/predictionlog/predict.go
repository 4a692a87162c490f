package predictionlog

import (
	"maps"
	"slices"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// The fields of PredictRequest.
const (
	predictSpec   = 1<<3 | message
	predictInputs = 2<<3 | message
	predictFilter = 3<<3 | message
)

// predict reads a PredictRequest. Inputs that it leaves out have the signature's
// default, as in TensorFlow Serving's gRPC interface, which these requests are of.
func (d *decoder) predict(b []byte) (*infer.Request, error) {
	var spec merged
	inputs := make(map[string][]byte)
	var filter []string
	for f, err := range fields(b) {
		if err != nil {
			return nil, err
		}
		switch f.tag {
		case predictSpec:
			spec.add(f.content)
		case predictInputs:
			alias, value, err := entry(f.content)
			if err != nil {
				return nil, err
			}
			inputs[alias] = value
		case predictFilter:
			filter = append(filter, string(f.content))
		}
	}
	name, err := d.signatureName(spec.content)
	if err != nil {
		return nil, err
	}
	signature, err := d.catalog.Signature(name)
	if err != nil {
		return nil, err
	}
	feeds, err := d.feeds(signature, inputs)
	if err != nil {
		return nil, err
	}
	fetches, err := filtered(signature, filter)
	return &infer.Request{Signature: signature, Feeds: feeds, Fetches: fetches}, err
}

// feeds reads serialized TensorProtos, by alias, as the inputs of a signature. It takes
// them out of values.
func (d *decoder) feeds(signature *infer.Signature, values map[string][]byte) ([]infer.Feed, error) {
	feeds := make([]infer.Feed, 0, len(signature.Inputs))
	for _, info := range signature.Inputs {
		value, ok := values[info.Name]
		if !ok {
			value, ok = signature.Defaults[info.Name]
		}
		if !ok {
			return nil, infer.Errorf(infer.ErrInvalidArgument, "input %q is missing", info.Name)
		}
		delete(values, info.Name)
		tensor, err := d.tensor(value)
		if err != nil {
			return nil, within(err, "input", info.Name)
		}
		feeds = append(feeds, infer.Feed{TensorInfo: info, Value: tensor})
	}
	if left := slices.Sorted(maps.Keys(values)); len(left) > 0 {
		return nil, infer.Errorf(infer.ErrInvalidArgument, "signature %q has no input %q", signature.Name, left[0])
	}
	return feeds, nil
}

func filtered(signature *infer.Signature, filter []string) ([]infer.TensorInfo, error) {
	if len(filter) == 0 {
		return signature.Outputs, nil
	}
	fetches := make([]infer.TensorInfo, 0, len(filter))
	for _, alias := range filter {
		info, ok := signature.Output(alias)
		if !ok {
			return nil, infer.Errorf(infer.ErrInvalidArgument, "signature %q has no output %q", signature.Name, alias)
		}
		fetches = append(fetches, info)
	}
	return fetches, nil
}
