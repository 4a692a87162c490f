package codec

import (
	"errors"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// NewJSONRows makes Rows of JSON values, each a row as an element of "instances" is
// in DecodePredict: a value or list for the only input, or an object of named inputs.
// For a signature whose method is classify or regress and whose only input is a
// vector of strings, a record is the object of features that DecodeExamples reads.
//
// Files have more in them than requests, and are not written for one model: keys that
// are no input are ignored, and where a row of an input has one element, its value may
// stand without the brackets.
// The error is that of a signature that cannot be asked so.
func NewJSONRows(c *infer.Catalog, l Limits) (Rows, error) {
	l = l.withDefaults()
	p, err := newPlain(c, "a value or list", l)
	if err != nil {
		return nil, err
	}
	if takesExamples(p.sig) {
		return newExampleRows(p, l), nil
	}
	p.instead = "a row is an object that names them"
	for _, info := range p.sig.Inputs {
		if !supported(info.DType) && c.Tensor == nil {
			return nil, infer.Errorf(infer.ErrUnimplemented, "input %q of type %s has no JSON form", info.Name, info.DType)
		}
	}
	b := &jsonBatch{batch: batch{plain: p}, maxDepth: l.MaxDepth}
	b.begin()
	return b, nil
}

// jsonBatch collects rows of JSON.
type jsonBatch struct {
	batch
	reader   jsonRows // into batch.in
	maxDepth int
	ended    ended
}

func (b *jsonBatch) begin() {
	b.batch.begin(newFileInputs(b.catalog, b.sig, b.limit))
	b.reader = b.into(b.in)
}

// into reads rows into in.
func (b *jsonBatch) into(in *inputs) jsonRows {
	return jsonRows{plain: b.plain, in: in, maxDepth: b.maxDepth}
}

func (b *jsonBatch) Add(record []byte) error {
	line := b.ended.line(record)
	b.mark()
	err := b.settle(len(line), b.reader.batchRow(line))
	switch {
	case err == nil, errors.Is(err, ErrNextBatch):
		return err
	case b.Len() == 0:
		b.reader = b.into(b.in)
		return err
	default:
		return b.alone(line)
	}
}

// alone tells a row that is wrong from one that is only unlike the rows of the batch,
// by reading it as the first of another batch. It may take what the batch has left.
func (b *jsonBatch) alone(line []byte) error {
	other := b.into(newFileInputs(b.catalog, b.sig, b.in.budget.left))
	err := other.batchRow(line)
	if err == nil || errors.Is(err, infer.ErrTooLarge) {
		return ErrNextBatch
	}
	return err
}

// batchRow is row, but refuses with the first row that several names mean one tensor,
// which no other row could then repair.
func (r *jsonRows) batchRow(line []byte) error {
	if err := r.row(line); err != nil {
		return err
	}
	if r.rows == 1 && r.in.partial() {
		return r.in.distinct()
	}
	return nil
}

func (b *jsonBatch) Take() (*infer.Request, error) {
	req, err := b.take()
	b.begin()
	return req, err
}
