package rows

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// elementRecords are the elements of a list in a document that is in memory.
type elementRecords struct {
	elements *codec.Elements
	read     int64
}

func (e *elementRecords) next() ([]byte, error) {
	if record := e.elements.Next(); record != nil {
		return record, nil
	}
	return nil, io.EOF
}

func (e *elementRecords) line() int64 { return 0 }

func (e *elementRecords) place() (Position, int64) { return Position{}, e.read }

func (e *elementRecords) Close() error { return nil }

// openDocument reads a JSON document: a list of rows, the body of a request to
// TensorFlow Serving in row or column form or with examples, or that of a request of
// the Open Inference Protocol.
func openDocument(ctx context.Context, src Source, o Options) (Reader, error) {
	doc, err := readAll(ctx, src, o, "a JSON document")
	if err != nil {
		return nil, err
	}
	if err := foreign(JSON, doc); err != nil {
		return nil, err
	}
	outline, err := codec.ReadOutline(doc, codecLimits(o.Limits))
	if err != nil {
		return nil, fmt.Errorf("json input: %w: %w", ErrCorrupt, err)
	}
	if outline.Value[0] == '[' {
		return openElements(outline.Value, src.Size, o)
	}
	if err := checkMembers(outline, o.Catalog); err != nil {
		return nil, unreadable(JSON, err)
	}
	members := outline.Members
	if list := members["instances"]; isList(list) && members["inputs"] == nil {
		return openElements(list, src.Size, o)
	}
	if list := members["examples"]; isList(list) && members["context"] == nil && takesExamples(o.Catalog) {
		return openElements(list, src.Size, o)
	}
	req, err := decodeDocument(doc, members, o)
	if err != nil {
		return nil, unreadable(JSON, err)
	}
	return newTensorReader(req, JSON, src.Size, o)
}

func isList(value []byte) bool { return len(value) > 0 && value[0] == '[' }

func openElements(list []byte, size int64, o Options) (Reader, error) {
	if _, err := codec.NewJSONRows(o.Catalog, codecLimits(o.Limits)); err != nil {
		return nil, unreadable(JSON, err)
	}
	var further jsonFurther
	if o.Join {
		further = *newJSONFurther(o, codec.NewElements(list).Next())
	}
	records := &elementRecords{codec.NewElements(list), size}
	return &recordReader{recordSource: records, limits: o.Limits, decoder: jsonDecoder(o, &further), joins: Joined{further: further.columns}}, nil
}

// decodeDocument reads a request whose values are whole tensors.
func decodeDocument(doc []byte, members map[string][]byte, o Options) (*infer.Request, error) {
	limits := codecLimits(o.Limits)
	switch {
	case describesTensors(members["inputs"], limits):
		r, err := codec.DecodeInfer(doc, codec.WholeBody, o.Catalog, limits)
		if err != nil {
			return nil, err
		}
		return r.Request, checkRequest(r.Request, o.Catalog)
	case members["examples"] != nil:
		r, err := codec.DecodeExamples(doc, o.Catalog, "", limits)
		if err != nil {
			return nil, err
		}
		r.Fetches = r.Signature.Outputs
		return r.Request, nil
	case members["inputs"] != nil || members["instances"] != nil:
		r, err := codec.DecodePredict(doc, o.Catalog, limits)
		if err != nil {
			return nil, err
		}
		return r.Request, nil
	default:
		return nil, infer.Errorf(infer.ErrInvalidArgument, "the document is neither a list of rows nor a request with \"instances\", \"inputs\" or \"examples\"; for one object of named inputs use JSON lines")
	}
}

// describesTensors reports whether a list is the inputs of the Open Inference
// Protocol: no column of TensorFlow Serving begins with such an object.
func describesTensors(inputs []byte, l codec.Limits) bool {
	if !isList(inputs) {
		return false
	}
	first := codec.NewElements(inputs).Next()
	if first == nil || first[0] != '{' {
		return false
	}
	outline, err := codec.ReadOutline(first, l)
	if err != nil {
		return false
	}
	for _, name := range []string{"name", "shape", "datatype"} {
		if outline.Members[name] == nil {
			return false
		}
	}
	return true
}

// checkMembers refuses what a request may say but a row may not: the outputs of a job
// are laid out for one signature and all of its outputs.
func checkMembers(d *codec.Outline, c *infer.Catalog) error {
	if d.Members == nil {
		return infer.Errorf(infer.ErrInvalidArgument, "the document is neither a list of rows nor a request")
	}
	if d.Members["output_filter"] != nil {
		return infer.Errorf(infer.ErrInvalidArgument, "output_filter: rows are answered with all outputs of the signature")
	}
	if name := d.Members["signature_name"]; name != nil {
		want, err := c.Signature("")
		if err != nil {
			return err
		}
		var got string
		if err := json.Unmarshal(name, &got); err != nil || got != want.Name {
			return otherSignature(string(name), want)
		}
	}
	return nil
}

// checkRequest does the same for a request of the Open Inference Protocol, which says
// these things elsewhere. Outputs in another order are put right.
func checkRequest(r *infer.Request, c *infer.Catalog) error {
	want, err := c.Signature("")
	if err != nil {
		return err
	}
	if r.Signature != want {
		return otherSignature(fmt.Sprintf("%q", r.Signature.Name), want)
	}
	if len(r.Fetches) != len(want.Outputs) {
		return infer.Errorf(infer.ErrInvalidArgument, "outputs: rows are answered with all outputs of the signature")
	}
	r.Fetches = want.Outputs
	return nil
}

func otherSignature(name string, want *infer.Signature) error {
	const most = 100
	if len(name) > most {
		name = name[:most] + "..."
	}
	return infer.Errorf(infer.ErrInvalidArgument, "signature_name %s: rows are for signature %q, which MODEL_SIGNATURE chooses", name, want.Name)
}
