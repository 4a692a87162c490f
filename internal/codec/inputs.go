package codec

import (
	"errors"
	"slices"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// inputs collects the tensors of one request: those of the signature, in its
// order, and behind them what else the request feeds, where the catalog lets it
// name any tensor of the graph.
type inputs struct {
	doc     *document // of TensorFlow Serving, which read and readRows need; nil for other bodies
	catalog *infer.Catalog
	sig     *infer.Signature
	budget  budget

	slots []*builder
	given []bool         // by slot: read at least once
	slot  map[string]int // by the names that the request has used

	file bool // rows are of a file, which may say more than the inputs
}

func newInputs(d *document, c *infer.Catalog, sig *infer.Signature, maxBytes int64) *inputs {
	in := &inputs{doc: d, catalog: c, sig: sig, budget: budget{left: maxBytes, limit: maxBytes}}
	in.slots = make([]*builder, 0, len(sig.Inputs))
	for _, info := range sig.Inputs {
		in.add(info)
	}
	return in
}

// newFileInputs are inputs for the rows of a file.
func newFileInputs(c *infer.Catalog, sig *infer.Signature, maxBytes int64) *inputs {
	in := newInputs(nil, c, sig, maxBytes)
	in.file = true
	for _, t := range in.slots {
		t.single = SingleElement(c, t.info)
	}
	return in
}

// SingleElement is the shape that a row of an input must have, if that has dimensions,
// each of one: nobody who writes 3 for [[3]] can mean anything else. It is nil for other
// inputs, and where the graph takes rows of other shapes as well.
func SingleElement(c *infer.Catalog, info infer.TensorInfo) []int64 {
	shape, ok := c.Placeholder(info)
	if !ok || len(shape) < 2 || slices.ContainsFunc(shape[1:], func(d int64) bool { return d != 1 }) {
		return nil
	}
	return slices.Clone(shape[1:])
}

func (in *inputs) add(info infer.TensorInfo) int {
	t := newBuilder(info, &in.budget)
	if mayTakeImages(info) {
		t.image = in.catalog.Image
	}
	in.slots = append(in.slots, t)
	in.given = append(in.given, false)
	return len(in.slots) - 1
}

// find is the slot of the input that a request calls name.
func (in *inputs) find(name []byte) (int, bool) {
	if k, ok := in.slot[string(name)]; ok {
		return k, true
	}
	info, ok := in.catalog.Input(in.sig, string(name))
	if !ok {
		return 0, false
	}
	k, ok := slices.BinarySearchFunc(in.sig.Inputs, info.Name, func(t infer.TensorInfo, n string) int { return strings.Compare(t.Name, n) })
	if !ok {
		k = in.extra(info)
	}
	if in.slot == nil {
		in.slot = make(map[string]int)
	}
	in.slot[string(name)] = k
	return k, true
}

// extra is the slot of a tensor that is no input of the signature.
func (in *inputs) extra(info infer.TensorInfo) int {
	for k := len(in.sig.Inputs); k < len(in.slots); k++ {
		if in.slots[k].info.Name == info.Name {
			return k
		}
	}
	return in.add(info)
}

// partial reports whether inputs of the signature may be missing: a request
// that feeds other tensors of the graph may cut its inputs off.
func (in *inputs) partial() bool { return len(in.slots) > len(in.sig.Inputs) }

// names are the inputs that a request must give, as messages list them.
func (in *inputs) names() string {
	var names []string
	for k, t := range in.slots {
		if in.given[k] || !in.partial() {
			names = append(names, t.info.Name)
		}
	}
	return strings.Join(names, ",")
}

// readColumns reads the column form: every input is a whole tensor.
func (in *inputs) readColumns() error {
	d := in.doc
	if c := (cursor{d.body, d.inputs.start}); !isNamed(&c) {
		if len(in.sig.Inputs) > 1 {
			return invalid("inputs is a plain value/list, but expecting an object as multiple input tensors required as per tensorinfo_map")
		}
		return in.readColumn(0, d.body, *d.inputs)
	}
	values := make(map[int]span, len(d.named))
	for _, m := range d.named {
		k, ok := in.find(m.key)
		if !ok {
			continue // as TensorFlow Serving does
		}
		if _, twice := values[k]; twice {
			return invalid("Named input: %s is given more than once in 'inputs' object, lastly as %q", in.slots[k].info.Name, shown(m.key))
		}
		values[k] = m.value
	}
	for k, t := range in.slots {
		value, ok := values[k]
		if !ok {
			if in.partial() {
				continue
			}
			return invalid("Missing named input: %s in 'inputs' object.", t.info.Name)
		}
		if err := in.readColumn(k, d.body, value); err != nil {
			return err
		}
	}
	return nil
}

// readColumn reads the value of body as the whole tensor of slot k.
func (in *inputs) readColumn(k int, body []byte, value span) error {
	t, c := in.slots[k], cursor{body, value.start}
	if !supported(t.info.DType) {
		return t.noConversion(&c)
	}
	t.expect(value.of(body))
	in.given[k] = true
	images, err := t.imageColumn(&c)
	if !images {
		err = t.value(&c)
	}
	if err != nil {
		if errors.Is(err, infer.ErrTooLarge) {
			return err
		}
		return infer.Errorf(kind(err), "%s in input %q", err, t.info.Name)
	}
	t.refund()
	return nil
}

// feeds are the collected tensors in a fixed order: TensorFlow keeps a compiled
// executor for each order that it has seen.
func (in *inputs) feeds(row bool) ([]infer.Feed, error) {
	slices.SortFunc(in.slots[len(in.sig.Inputs):], func(a, b *builder) int { return strings.Compare(a.info.Name, b.info.Name) })
	if err := in.distinct(); err != nil {
		return nil, err
	}
	feeds := make([]infer.Feed, 0, len(in.slots))
	for k, t := range in.slots {
		if !in.fed(k) {
			continue
		}
		shape := t.shape
		if row {
			shape = append([]int64{t.rows}, t.firstShape...)
		}
		value, err := t.tensor(shape)
		if err != nil {
			return nil, err
		}
		feeds = append(feeds, infer.Feed{TensorInfo: t.info, Value: value})
	}
	return feeds, nil
}

// fed reports whether slot k is fed: inputs that are not given are not, which only a
// request that feeds other tensors may do.
func (in *inputs) fed(k int) bool { return k >= len(in.sig.Inputs) || in.given[k] }

// distinct refuses two names for one tensor.
func (in *inputs) distinct() error {
	names := make(map[string]string, len(in.slots))
	for k, t := range in.slots {
		if !in.fed(k) {
			continue
		}
		if other, twice := names[t.info.Tensor]; twice {
			return invalid("inputs %q and %q are the same tensor and cannot both be fed", other, t.info.Name)
		}
		names[t.info.Tensor] = t.info.Name
	}
	return nil
}
