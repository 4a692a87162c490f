package codec

import (
	"bytes"
	"context"
	"slices"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// budget is what the tensors of one request may still take, in bytes.
type budget struct{ left, limit int64 }

// take charges the budget with size bytes.
func (b *budget) take(size int64) error {
	if size > b.left {
		return b.tooLarge()
	}
	b.left -= size
	return nil
}

func (b *budget) tooLarge() error {
	return infer.Errorf(infer.ErrTooLarge, "input tensors are larger than the limit of %d bytes (MAX_TENSOR_BYTES)", b.limit)
}

// builder collects one input's tensor, element by element.
type builder struct {
	info   infer.TensorInfo
	budget *budget
	strict bool // null is a NaN, since strict JSON has no other way to say it
	base64 bool // strings are base64

	// image decodes images that stand for numbers; nil where none can.
	image func(context.Context, infer.TensorInfo, []byte) (*infer.Tensor, error)
	one   bool // the value is one image, and has no rows

	data    []byte
	offsets []int // of strings: where the elements start in data

	// Of the value being read: for each open level where its list starts and
	// how many elements it has had, and for each level the size that its first
	// list gives the shape, -1 until that list has ended.
	starts []int
	counts []int64
	shape  []int64

	// Of rows: how many there were, and elements and shape of the first.
	rows       int64
	firstSize  int
	firstShape []int64

	// single is the shape that a row may have while its value is a scalar.
	single []int64

	whole *infer.Tensor // a value that came as it is, and needs no collecting
}

func newBuilder(info infer.TensorInfo, b *budget) *builder {
	t := &builder{info: info, budget: b}
	if info.DType == infer.String {
		t.offsets = append(t.offsets, 0)
	}
	return t
}

// supported are the types that have a JSON form.
func supported(d infer.DType) bool {
	switch d {
	case infer.Float, infer.Double, infer.Half, infer.Bfloat16, infer.Bool, infer.String,
		infer.Int8, infer.Int16, infer.Int32, infer.Int64,
		infer.Uint8, infer.Uint16, infer.Uint32, infer.Uint64:
		return true
	default:
		return false
	}
}

func isFloat(d infer.DType) bool {
	switch d {
	case infer.Float, infer.Double, infer.Half, infer.Bfloat16:
		return true
	default:
		return false
	}
}

// len is the number of elements so far.
func (t *builder) len() int {
	if t.info.DType == infer.String {
		return len(t.offsets) - 1
	}
	return len(t.data) / t.info.DType.Size()
}

// expect makes room for all elements that the JSON in span can hold, so that an
// ordinary request allocates once. Dense lists of numbers have one comma less
// than elements.
func (t *builder) expect(span []byte) {
	n := min(bytes.Count(span, []byte{','}), len(span)/2) + 1
	if t.info.DType != infer.String {
		t.reserve(n * t.info.DType.Size())
		return
	}
	t.reserveStrings(min(n, bytes.Count(span, []byte{'"'})/2), len(span))
}

// reserve makes room for up to size more bytes of numbers, as far as the budget
// goes. Numbers are charged when their room is made.
func (t *builder) reserve(size int) {
	size = int(min(int64(size-(cap(t.data)-len(t.data))), t.budget.left))
	if size <= 0 {
		return
	}
	t.budget.left -= int64(size)
	grown := make([]byte, len(t.data), cap(t.data)+size)
	copy(grown, t.data)
	t.data = grown
}

// reserveStrings makes room for n strings of size bytes together. Strings are
// charged one by one, since their number says little about their size; their
// bytes are never more than the body's.
func (t *builder) reserveStrings(n, size int) {
	n = int(min(int64(n), t.budget.left/infer.StringOverhead))
	t.offsets = slices.Grow(t.offsets, n)
	t.data = slices.Grow(t.data, int(min(int64(size), t.budget.left)))
}

// grow makes room for at least one more number.
func (t *builder) grow() error {
	t.reserve(cap(t.data) - len(t.data) + max(len(t.data), 64))
	if cap(t.data)-len(t.data) < t.info.DType.Size() {
		return t.budget.tooLarge()
	}
	return nil
}

// charge takes what one string of size bytes costs from the budget.
func (t *builder) charge(size int) error { return t.budget.take(int64(size) + infer.StringOverhead) }

// refund gives back what was reserved for numbers that did not come.
func (t *builder) refund() {
	if t.info.DType != infer.String {
		t.budget.left += int64(cap(t.data) - len(t.data))
		t.data = slices.Clip(t.data)
	}
}

// tensor is what has been read, in the given shape.
func (t *builder) tensor(shape []int64) (*infer.Tensor, error) {
	if t.whole != nil {
		return t.whole, nil
	}
	if t.info.DType == infer.String {
		return infer.NewStringTensor(shape, t.data, t.offsets)
	}
	return infer.NewTensor(t.info.DType, shape, t.data)
}

// noConversion is TensorFlow Serving's message for a type without a JSON form.
func (t *builder) noConversion(c *cursor) error {
	return infer.Errorf(infer.ErrUnimplemented, "Conversion of JSON Value: %s to type: %s", c.text(), t.info.DType)
}

// row reads the value at c as one more row, which must be like the first.
func (t *builder) row(c *cursor) error {
	if !supported(t.info.DType) {
		return t.noConversion(c)
	}
	before := t.len()
	var err error
	if t.isImage(c) {
		err = t.imageRow(c)
	} else {
		err = t.value(c)
		if len(t.shape) == 0 {
			t.shape = append(t.shape, t.single...)
		}
	}
	if err != nil {
		return err
	}
	return t.endRow(before)
}

// endRow takes the value just read, before which there were before elements, as
// one more row.
func (t *builder) endRow(before int) error {
	size := t.len() - before
	switch {
	case t.rows == 0:
		t.firstSize, t.firstShape = size, slices.Clone(t.shape)
	case size != t.firstSize:
		return invalid("Expecting tensor size: %d but got: %d", t.firstSize, size)
	case !slices.Equal(t.shape, t.firstShape):
		return invalid("Expecting shape %s but got: %s", infer.FormatShape(t.firstShape), infer.FormatShape(t.shape))
	}
	t.rows++
	return nil
}
