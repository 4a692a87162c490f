package predictionlog

import "github.com/tensorlambda/tensorlambda/internal/infer"

// budget is what the tensors of a request may still take, in bytes.
type budget struct{ left, limit int64 }

// take takes n bytes, or nothing where that is more than is left.
func (b *budget) take(n int64) error {
	if n > b.left {
		return b.tooLarge()
	}
	b.left -= n
	return nil
}

func (b *budget) tooLarge() error {
	return infer.Errorf(infer.ErrTooLarge, "the tensors of the request are larger than the limit of %d bytes (MAX_TENSOR_BYTES)", b.limit)
}
