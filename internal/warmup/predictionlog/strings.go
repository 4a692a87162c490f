package predictionlog

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// strings reads a tensor of strings, whose overhead has been taken from the budget.
func (t *tensorProto) strings(b *budget) (*infer.Tensor, error) {
	if len(t.content) > 0 {
		return t.stringsOfContent(b)
	}
	var elements [][]byte
	for f, err := range fields(t.message) {
		if err != nil {
			return nil, err
		}
		if f.tag == tensorStrings && int64(len(elements)) < t.count {
			elements = append(elements, f.content)
		}
	}
	return t.stringsOfList(elements, b)
}

// stringsOfList repeats the last element up to the tensor's end.
func (t *tensorProto) stringsOfList(elements [][]byte, b *budget) (*infer.Tensor, error) {
	size := int64(0)
	for _, e := range elements {
		size += int64(len(e))
	}
	var last []byte
	if len(elements) > 0 {
		last = elements[len(elements)-1]
	}
	missing := t.count - int64(len(elements))
	if len(last) > 0 && missing > b.left/int64(len(last)) {
		return nil, b.tooLarge()
	}
	size += missing * int64(len(last))
	if err := b.take(size); err != nil {
		return nil, err
	}
	data, offsets := make([]byte, 0, size), make([]int, 1, t.count+1)
	for i := range t.count {
		e := last
		if i < int64(len(elements)) {
			e = elements[i]
		}
		data = append(data, e...)
		offsets = append(offsets, len(data))
	}
	return infer.NewStringTensor(t.shape, data, offsets)
}

// stringsOfContent reads the strings' lengths, and the strings behind them
// (DecodeStringList in tensorflow/core/platform/coding).
func (t *tensorProto) stringsOfContent(b *budget) (*infer.Tensor, error) {
	if err := b.take(int64(len(t.content))); err != nil {
		return nil, err
	}
	wrong := infer.Errorf(infer.ErrInvalidArgument, "tensor_content is not that of %d strings", t.count)
	rest, offsets := t.content, make([]int, 1, t.count+1)
	end := 0
	for range t.count {
		length, n := protowire.ConsumeVarint(rest)
		if n < 0 || length > uint64(len(t.content)-end) {
			return nil, wrong
		}
		rest = rest[n:]
		end += int(length)
		offsets = append(offsets, end)
	}
	if end != len(rest) {
		return nil, wrong
	}
	return infer.NewStringTensor(t.shape, rest, offsets)
}
