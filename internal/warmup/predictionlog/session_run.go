package predictionlog

import (
	"maps"
	"slices"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// The fields of SessionRunRequest and NamedTensorProto.
const (
	sessionRunFeed   = 2<<3 | message
	sessionRunFetch  = 3<<3 | message
	sessionRunTarget = 4<<3 | message
)

// sessionRun reads a SessionRunRequest, which names tensors of the graph. It applies
// where these are tensors of signatures: the op guard has judged no others.
func (d *decoder) sessionRun(b []byte) (*infer.Request, error) {
	request := new(infer.Request)
	for f, err := range fields(b) {
		if err != nil {
			return nil, err
		}
		switch f.tag {
		case sessionRunFeed:
			err = d.addFeed(request, f.content)
		case sessionRunFetch:
			err = d.addFetch(request, string(f.content))
		case sessionRunTarget:
			err = inapplicable("it runs an operation for its effects")
		}
		if err != nil {
			return nil, err
		}
	}
	if len(request.Fetches) == 0 {
		return nil, inapplicable("it fetches nothing")
	}
	return request, nil
}

func (d *decoder) addFeed(request *infer.Request, b []byte) error {
	name, value, err := entry(b) // a NamedTensorProto is encoded as a map's entry is
	if err != nil {
		return err
	}
	info, signature, ok := d.endpoint(name, func(s *infer.Signature) []infer.TensorInfo { return s.Inputs })
	if !ok {
		return inapplicable("it feeds tensors that are no inputs of a signature")
	}
	request.Signature = signature
	tensor, err := d.tensor(value)
	if err != nil {
		return within(err, "tensor", name)
	}
	request.Feeds = append(request.Feeds, infer.Feed{TensorInfo: info, Value: tensor})
	return nil
}

func (d *decoder) addFetch(request *infer.Request, name string) error {
	info, signature, ok := d.endpoint(name, func(s *infer.Signature) []infer.TensorInfo { return s.Outputs })
	if !ok {
		return inapplicable("it fetches tensors that are no outputs of a signature")
	}
	request.Signature = signature
	request.Fetches = append(request.Fetches, info)
	return nil
}

// endpoint finds a tensor of the graph among those of the signatures, in the order of
// their names.
func (d *decoder) endpoint(tensor string, of func(*infer.Signature) []infer.TensorInfo) (infer.TensorInfo, *infer.Signature, bool) {
	tensor = infer.TensorName(tensor)
	for _, name := range slices.Sorted(maps.Keys(d.catalog.Signatures)) {
		signature := d.catalog.Signatures[name]
		for _, info := range of(signature) {
			if info.Tensor == tensor {
				return info, signature, true
			}
		}
	}
	return infer.TensorInfo{}, nil, false
}
