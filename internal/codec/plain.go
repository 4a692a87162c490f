package codec

import (
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// plain is what bodies without a request around them are read against: the
// default signature, all of whose outputs they ask for.
type plain struct {
	catalog *infer.Catalog
	sig     *infer.Signature
	format  string // as messages call it
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
	if len(sig.Outputs) == 0 {
		return nil, invalid("signature %q has no outputs to return", sig.Name)
	}
	return &plain{catalog: c, sig: sig, format: format, limit: l.withDefaults().MaxTensorBytes}, nil
}

// input is the only input. Which of several a body is for, nothing says.
func (p *plain) input() (infer.TensorInfo, error) {
	if len(p.sig.Inputs) == 1 {
		return p.sig.Inputs[0], nil
	}
	return infer.TensorInfo{}, invalid("%s is for signatures with one input, but signature %q has %d (%s): send JSON",
		p.format, p.sig.Name, len(p.sig.Inputs), p.inputNames())
}

func (p *plain) inputNames() string {
	names := make([]string, len(p.sig.Inputs))
	for i, info := range p.sig.Inputs {
		names[i] = info.Name
	}
	return strings.Join(names, ", ")
}

// predict is the request that feeds value to the only input. A value with a
// first dimension is a batch of rows, and is answered by rows.
func (p *plain) predict(info infer.TensorInfo, value *infer.Tensor) *Predict {
	return p.request([]infer.Feed{{TensorInfo: info, Value: value}}, len(value.Shape) > 0)
}

func (p *plain) request(feeds []infer.Feed, row bool) *Predict {
	return &Predict{Request: &infer.Request{Signature: p.sig, Feeds: feeds, Fetches: p.sig.Outputs}, Row: row}
}
