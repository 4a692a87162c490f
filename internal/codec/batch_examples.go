package codec

import (
	"errors"

	"github.com/tensorlambda/tensorlambda/internal/example"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// takesExamples reports whether a signature is one for classify or regress as
// TensorFlow's estimators make them.
func takesExamples(sig *infer.Signature) bool {
	if sig.Method != classifyMethod && sig.Method != regressMethod {
		return false
	}
	return len(sig.Inputs) == 1 && sig.Inputs[0].DType == infer.String &&
		(sig.Inputs[0].Shape == nil || len(sig.Inputs[0].Shape) == 1)
}

// exampleRows collects objects of features as serialized tf.train.Examples.
type exampleRows struct {
	*plain
	examples exampleReader
	maxDepth int
	ended    ended
}

func newExampleRows(p *plain, l Limits) *exampleRows {
	r := &exampleRows{plain: p, maxDepth: l.MaxDepth}
	r.begin(1, 0)
	return r
}

// begin starts a batch with room for strings of size bytes together.
func (r *exampleRows) begin(strings, size int) {
	r.examples.budget = budget{left: r.limit, limit: r.limit}
	r.examples.offsets = make([]int, 1, strings+1)
	r.examples.data = make([]byte, 0, size)
}

func (r *exampleRows) Len() int { return len(r.examples.offsets) - 1 }

func (r *exampleRows) Add(record []byte) error {
	err := r.add(r.ended.line(record))
	if r.Len() > 0 && errors.Is(err, infer.ErrTooLarge) {
		return ErrNextBatch
	}
	return err
}

// add changes nothing before the example has been read.
func (r *exampleRows) add(line []byte) error {
	sc := scanner{s: line, maxDepth: r.maxDepth}
	i := sc.space(0)
	if err := only(&sc, i); err != nil {
		return err
	}
	e := &r.examples
	if err := e.object(&cursor{line, i}); err != nil {
		return err
	}
	if err := e.budget.take(int64(example.Size(e.features)) + infer.StringOverhead); err != nil {
		return err
	}
	e.data = example.Append(e.data, e.features)
	e.offsets = append(e.offsets, len(e.data))
	return nil
}

func (r *exampleRows) Take() (*infer.Request, error) {
	n, data, offsets := r.Len(), r.examples.data, r.examples.offsets
	if n == 0 {
		return nil, errNoRows
	}
	r.begin(n, len(data))
	value, err := infer.NewStringTensor([]int64{int64(n)}, data, offsets)
	if err != nil {
		return nil, err
	}
	return r.predict(r.sig.Inputs[0], value).Request, nil
}
