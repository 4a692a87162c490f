package codec

import (
	"cmp"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// plain is what bodies without a request around them are read against: the
// default signature, all of whose outputs they ask for.
type plain struct {
	catalog *infer.Catalog
	sig     *infer.Signature
	format  string // as messages call it
	instead string // what can name several inputs; JSON where it is empty
	limit   int64  // in bytes, of all input tensors
}

func newPlain(c *infer.Catalog, format string, l Limits) (*plain, error) {
	sig, err := c.Signature("")
	if err != nil {
		return nil, err
	}
	if len(sig.Inputs) == 0 {
		return nil, invalid("Failed to get input map for signature: %s", sig.Name)
	}
	if _, err := allOutputs(sig); err != nil {
		return nil, err
	}
	return &plain{catalog: c, sig: sig, format: format, limit: l.withDefaults().MaxTensorBytes}, nil
}

// input is the only input. Which of several a body is for, nothing says.
func (p *plain) input() (infer.TensorInfo, error) {
	if len(p.sig.Inputs) == 1 {
		return p.sig.Inputs[0], nil
	}
	return infer.TensorInfo{}, invalid("%s is for signatures with one input, but signature %q has %d (%s): %s",
		p.format, p.sig.Name, len(p.sig.Inputs), names(p.sig.Inputs), cmp.Or(p.instead, "send JSON"))
}

// predict is the request that feeds value to the only input. A value with a
// first dimension is a batch of rows, and is answered by rows.
func (p *plain) predict(info infer.TensorInfo, value *infer.Tensor) *Predict {
	return p.request([]infer.Feed{{TensorInfo: info, Value: value}}, len(value.Shape) > 0)
}

// requestOf is the request that feeds the rows that in has read.
func (p *plain) requestOf(in *inputs) (*Predict, error) {
	for _, t := range in.slots {
		t.refund()
	}
	feeds, err := in.feeds(true)
	if err != nil {
		return nil, err
	}
	return p.request(feeds, true), nil
}

func (p *plain) request(feeds []infer.Feed, row bool) *Predict {
	return &Predict{Request: &infer.Request{Signature: p.sig, Feeds: feeds, Fetches: p.sig.Outputs}, Row: row}
}
