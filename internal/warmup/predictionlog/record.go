package predictionlog

import (
	"errors"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel"
)

// kinds are the members of PredictionLog's oneof, of which the last in a record
// counts. TensorFlow Serving passes over those that it does not know, and over streams
// of requests.
var kinds = map[tag]struct {
	name string
	read func(*decoder, []byte) (*infer.Request, error) // nil: it is passed over
}{
	2<<3 | message: {"classify_log", (*decoder).classify},
	3<<3 | message: {"regress_log", (*decoder).regress},
	4<<3 | message: {"multi_inference_log", (*decoder).multiInference},
	5<<3 | message: {"session_run_log", (*decoder).sessionRun},
	6<<3 | message: {"predict_log", (*decoder).predict},
	7<<3 | message: {"predict_streamed_log", nil},
}

// logRequest is the field of every log that has the request.
const logRequest = 1<<3 | message

// inapplicable is an error that says why a record is passed over.
type inapplicable string

func (i inapplicable) Error() string { return string(i) }

// decoder makes the request of one record.
type decoder struct {
	catalog *infer.Catalog
	budget  budget
}

// record reads a serialized PredictionLog into r.
func (d *decoder) record(serialized []byte, r *Record) error {
	var kind tag
	var log merged
	for f, err := range fields(serialized) {
		if err != nil {
			return err
		}
		if _, ok := kinds[f.tag]; !ok {
			continue
		}
		if f.tag != kind {
			kind, log = f.tag, merged{}
		}
		log.add(f.content)
	}
	k := kinds[kind]
	r.Kind = k.name
	if k.read == nil {
		r.Skipped = "it has no kind of request that a warm-up replays"
		return nil
	}
	request, err := requestOf(log.content)
	if err != nil {
		return err
	}
	r.Request, err = k.read(d, request)
	if reason, ok := errors.AsType[inapplicable](err); ok {
		r.Skipped, err = string(reason), nil
	}
	return err
}

func requestOf(log []byte) ([]byte, error) {
	var request merged
	for f, err := range fields(log) {
		if err != nil {
			return nil, err
		}
		if f.tag == logRequest {
			request.add(f.content)
		}
	}
	return request.content, nil
}

// signatureName reads the name of a signature from a ModelSpec. The model's name and
// version, which are those of a server somewhere, are not looked at. A request that
// names no signature means TensorFlow's default one, whatever MODEL_SIGNATURE says
// here: who wrote it did not know that.
func (d *decoder) signatureName(spec []byte) (string, error) {
	name := ""
	for f, err := range fields(spec) {
		if err != nil {
			return "", err
		}
		if f.tag == 3<<3|message {
			name = string(f.content)
		}
	}
	if _, ok := d.catalog.Signatures[savedmodel.DefaultSignature]; name == "" && ok {
		return savedmodel.DefaultSignature, nil
	}
	return name, nil
}
