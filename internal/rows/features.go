package rows

import (
	"slices"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/example"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// featureRows collects serialized tf.train.Examples whose features are the inputs of a
// signature, each a flat list of the elements of a row. It is a codec.Rows.
type featureRows struct {
	sig   *infer.Signature
	limit int64
	index map[string]int // of the inputs, by name
	each  func(name, entry []byte) error
	slots []featureSlot
	n     int
	used  int64 // bytes of the batch
}

func newFeatureRows(c *infer.Catalog, sig *infer.Signature, l Limits) *featureRows {
	r := &featureRows{sig: sig, limit: l.MaxTensor, index: make(map[string]int)}
	for k, info := range sig.Inputs {
		r.index[info.Name] = k
		if c.ByTensor {
			r.index[info.Tensor] = k
		}
		slot := featureSlot{info: info}
		slot.values.Limit = int(l.MaxTensor / int64(elementSize(info.DType)))
		if known, unknown := featureShape(info); unknown < 0 {
			n, _ := infer.Elements(known) // checkFeatures has counted them
			slot.values.Limit = min(slot.values.Limit, max(int(n), 1))
		}
		if info.DType == infer.String {
			slot.offsets = make([]int, 1)
		}
		r.slots = append(r.slots, slot)
	}
	r.each = func(name, entry []byte) error {
		if k, ok := r.index[string(name)]; ok {
			r.slots[k].entry = entry
		}
		return nil
	}
	return r
}

// checkFeatures refuses inputs that no feature can be.
func checkFeatures(sig *infer.Signature) error {
	if len(sig.Inputs) == 0 {
		return infer.Errorf(infer.ErrInvalidArgument, "signature %q has no inputs", sig.Name)
	}
	for _, info := range sig.Inputs {
		if !codec.Writable(info.DType) {
			return infer.Errorf(infer.ErrUnimplemented, "input %q of type %s cannot be a feature", info.Name, info.DType)
		}
		shape, unknown := featureShape(info)
		if unknown >= 0 && slices.Contains(shape[unknown+1:], -1) {
			return infer.Errorf(infer.ErrInvalidArgument, "a feature does not say the shape of input %q, which is %s in the signature: use JSON lines or Parquet", info.Name, info.Shape)
		}
		known := slices.Clone(shape)
		if unknown >= 0 {
			known[unknown] = 1
		}
		if _, err := infer.Elements(known); err != nil {
			return err
		}
	}
	return nil
}

// featureShape is the shape of a row of an input, and which of its dimensions is unknown
// first; -1 is none. Of an input of unknown rank a row is a list.
func featureShape(info infer.TensorInfo) (shape []int64, unknown int) {
	switch {
	case info.Shape == nil:
		return []int64{-1}, 0
	case len(info.Shape) == 0:
		return []int64{}, -1
	default:
		return info.Shape[1:], slices.Index(info.Shape[1:], -1)
	}
}

// elementSize is what an element takes of the limit at least.
func elementSize(d infer.DType) int {
	if d == infer.String {
		return infer.StringOverhead
	}
	return d.Size()
}

func (r *featureRows) Len() int { return r.n }

func (r *featureRows) Add(record []byte) error {
	for k := range r.slots {
		r.slots[k].entry = nil
	}
	if err := example.Entries(record, r.each); err != nil {
		return malformed()
	}
	size := int64(0)
	same := true
	for k := range r.slots {
		n, err := r.slots[k].read()
		if err != nil {
			return err
		}
		size += n
		same = same && r.n > 0 && r.slots[k].fits()
	}
	switch {
	case size > r.limit:
		return rowTooLarge(r.limit)
	case r.n > 0 && (!same || r.used+size > r.limit):
		return r.next()
	}
	if err := r.append(); err != nil {
		return err
	}
	r.n++
	r.used += size
	return nil
}

func malformed() error {
	return infer.Errorf(infer.ErrInvalidArgument, "the record is no serialized tf.train.Example")
}

// next is what Add returns for a row that does not fit: it must be right by itself.
func (r *featureRows) next() error {
	for k := range r.slots {
		if err := r.slots[k].check(); err != nil {
			return err
		}
	}
	return codec.ErrNextBatch
}

// append adds the example that has been read to the batch, or nothing of it.
func (r *featureRows) append() error {
	for k := range r.slots {
		if err := r.slots[k].append(); err != nil {
			for undo := range k {
				r.slots[undo].undo(r.n)
			}
			return err
		}
	}
	return nil
}

// Take is codec.Rows's.
func (r *featureRows) Take() (*infer.Request, error) {
	req := &infer.Request{Signature: r.sig, Fetches: r.sig.Outputs}
	for k := range r.slots {
		slot := &r.slots[k]
		value, err := slot.take(r.n)
		if err != nil {
			return nil, err
		}
		req.Feeds = append(req.Feeds, infer.Feed{TensorInfo: slot.info, Value: value})
	}
	r.n, r.used = 0, 0
	return req, nil
}
