package codec

import "github.com/tensorlambda/tensorlambda/internal/infer"

// DecodePredict reads the body of a request to TensorFlow Serving's REST
// :predict. The tensors are copies: the body may be reused afterwards. It is
// safe for concurrent use.
//
// Beyond TensorFlow Serving it takes "output_filter", an array of the names of
// the outputs wanted. The errors are *infer.Error for the client:
// ErrInvalidArgument, ErrTooLarge for tensors over the limit, and
// ErrUnimplemented for an input whose type has no JSON form.
func DecodePredict(body []byte, c *infer.Catalog, l Limits) (*Predict, error) {
	l = l.withDefaults()
	d, err := parse(body, c, l)
	if err != nil {
		return nil, err
	}
	sig, err := signatureOf(c, d.signatureName)
	if err != nil {
		return nil, err
	}
	if len(sig.Inputs) == 0 {
		return nil, invalid("Failed to get input map for signature: %s", sig.Name)
	}
	row, err := d.form()
	if err != nil {
		return nil, err
	}
	in := d.dense
	if in == nil || in.sig != sig {
		in = newInputs(d, c, sig, l.MaxTensorBytes)
		if err := in.read(row); err != nil {
			return nil, err
		}
	}
	feeds, err := in.feeds(row)
	if err != nil {
		return nil, err
	}
	fetches, err := fetches(d, c, sig)
	if err != nil {
		return nil, err
	}
	return &Predict{Request: &infer.Request{Signature: sig, Feeds: feeds, Fetches: fetches, Whole: in.oneImage()}, Row: row}, nil
}

// signatureOf finds the signature that a body names. Its error repeats no more of
// the name than other messages do.
func signatureOf(c *infer.Catalog, name []byte) (*infer.Signature, error) {
	if sig, ok := c.Signatures[string(name)]; ok {
		return sig, nil
	}
	return c.Signature(shown(name))
}

// form is which of the two forms the request has.
func (d *document) form() (row bool, err error) {
	switch {
	case d.instances != nil && d.inputs != nil:
		return false, invalid("JSON Value: %s Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist ", d.text())
	case d.instances == nil && d.inputs == nil:
		return false, invalid("Missing 'inputs' or 'instances' key")
	default:
		return d.instances != nil, nil
	}
}

// read fills the inputs from the request in the given form.
func (in *inputs) read(row bool) error {
	d := in.doc
	if !row {
		return in.readColumns()
	}
	list := cursor{d.body, d.instances.start}
	if list.peek() != '[' {
		return invalid("JSON Value: %s Expecting 'instances' to be an list/array", d.text())
	}
	list.step()
	if list.peek() == ']' {
		return invalid("JSON Value: %s No values in 'instances' array", d.text())
	}
	return in.readRows(&list)
}

// allOutputs are the outputs of a request that names none.
func allOutputs(sig *infer.Signature) ([]infer.TensorInfo, error) {
	if len(sig.Outputs) == 0 {
		return nil, invalid("signature %q has no outputs to return", sig.Name)
	}
	return sig.Outputs, nil
}

// fetches are the outputs that the request asks for: those of its
// output_filter in the order given, else all of the signature.
func fetches(d *document, c *infer.Catalog, sig *infer.Signature) ([]infer.TensorInfo, error) {
	if d.outputFilter == nil {
		return allOutputs(sig)
	}
	const wanted = "'output_filter' key must be a list of one or more output names"
	list := cursor{d.body, d.outputFilter.start}
	if list.peek() != '[' {
		return nil, invalid("JSON Value: %s not formatted correctly. %s.", list.text(), wanted)
	}
	var infos []infer.TensorInfo
	var seen keySet
	list.step()
	for list.peek() != ']' {
		start := list.i
		if list.peek() != '"' {
			return nil, invalid("JSON Value: %s not formatted correctly. %s.", list.text(), wanted)
		}
		name := unquoted(d.body[start:list.string()])
		info, ok := c.Output(sig, string(name))
		if !ok {
			return nil, invalid("output tensor alias not found in signature: %s", shown(name))
		}
		if !seen.add(name) {
			return nil, invalid("duplicate output tensor alias: %s", shown(name))
		}
		infos = append(infos, info)
		if list.space(); list.peek() == ',' {
			list.step()
		}
	}
	if len(infos) == 0 {
		return nil, invalid("JSON Value: [] not formatted correctly. %s.", wanted)
	}
	return infos, nil
}
