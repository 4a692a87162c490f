package rows

import (
	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// stringRows collects records as the values of an input of strings. It is a
// codec.Rows.
type stringRows struct {
	sig     *infer.Signature
	limit   int64
	data    []byte
	offsets []int
}

func newStringRows(sig *infer.Signature, l Limits) *stringRows {
	return &stringRows{sig: sig, limit: l.MaxTensor, offsets: make([]int, 1)}
}

func (s *stringRows) Len() int { return len(s.offsets) - 1 }

func (s *stringRows) Add(record []byte) error {
	size := int64(len(record)) + infer.StringOverhead
	switch {
	case size > s.limit:
		return rowTooLarge(s.limit)
	case int64(len(s.data))+size+infer.StringOverhead*int64(s.Len()) > s.limit:
		return codec.ErrNextBatch
	}
	s.data = append(s.data, record...)
	s.offsets = append(s.offsets, len(s.data))
	return nil
}

func (s *stringRows) Take() (*infer.Request, error) {
	value, err := infer.NewStringTensor([]int64{int64(s.Len())}, s.data, s.offsets)
	if err != nil {
		return nil, err
	}
	s.data = make([]byte, 0, len(s.data)) // the next batch is taken to be alike
	s.offsets = make([]int, 1, len(s.offsets))
	feed := infer.Feed{TensorInfo: s.sig.Inputs[0], Value: value}
	return &infer.Request{Signature: s.sig, Feeds: []infer.Feed{feed}, Fetches: s.sig.Outputs}, nil
}

// rowTooLarge is the fault of a row whose tensors alone are over the limit.
func rowTooLarge(limit int64) error {
	return infer.Errorf(infer.ErrTooLarge, "the tensors of the row are larger than the limit of %d bytes (MAX_TENSOR_BYTES)", limit)
}
