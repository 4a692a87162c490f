package codec

import (
	"context"
	"slices"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// DecodeImage reads a request that is an encoded image, for the only input of the
// default signature, as one row, or as the whole value where the input takes OneImage.
// An input of strings gets the image as it is. Errors are
// those of DecodePredict, and ErrFailedPrecondition for an input that takes no images.
func DecodeImage(body []byte, c *infer.Catalog, l Limits) (*Predict, error) {
	p, err := newPlain(c, "an image", l)
	if err != nil {
		return nil, err
	}
	info, err := p.input()
	if err != nil {
		return nil, err
	}
	if c.Image == nil {
		return nil, infer.Errorf(infer.ErrFailedPrecondition, "input %q takes no images here", info.Name)
	}
	value, err := c.Image(context.Background(), info, body)
	if err != nil {
		return nil, err
	}
	b := budget{left: p.limit, limit: p.limit}
	if err := b.take(int64(len(value.Data))); err != nil {
		return nil, err
	}
	req := p.predict(info, value)
	req.Whole = info.OneImage()
	req.Row = !req.Whole
	return req, nil
}

// mayTakeImages leaves out inputs of numbers that no image can be for, so that what is
// sent to them by mistake is refused as in TensorFlow Serving. Of the others the decoder
// knows more.
func mayTakeImages(info infer.TensorInfo) bool {
	return (isFloat(info.DType) || info.DType == infer.Uint8) && (info.Shape == nil || len(info.Shape) == 3 || len(info.Shape) == 4)
}

// takesImages reports whether images may stand where t's numbers do.
func (t *builder) takesImages() bool { return t.image != nil }

// isImage reports whether the value at c is an image for an input of numbers: an object
// of base64.
func (t *builder) isImage(c *cursor) bool {
	if !t.takesImages() {
		return false
	}
	_, _, ok := base64Object(c.s, c.i)
	return ok
}

// imageRow reads the image at c as the value of one row.
func (t *builder) imageRow(c *cursor) error {
	if err := t.imageObject(c); err != nil {
		return err
	}
	if t.info.OneImage() {
		return infer.Errorf(infer.ErrFailedPrecondition, "input %q of shape %s takes one image and has no rows: send {\"inputs\": {%q: {\"b64\": …}}}",
			t.info.Name, t.info.Shape, t.info.Name)
	}
	return nil
}

// imageObject reads the image at c.
func (t *builder) imageObject(c *cursor) error {
	quoted, end, _ := base64Object(c.s, c.i)
	encoded, ok := appendBase64(nil, unquoted(quoted))
	if !ok {
		return invalid("Unable to base64 decode")
	}
	c.i = end
	return t.pixels(encoded)
}

// pixels appends those of an image, and makes the shape that of one row, or of the whole
// value where that is one image. No deadline of a request is near enough to matter for
// one image.
func (t *builder) pixels(encoded []byte) error {
	value, err := t.image(context.Background(), t.info, encoded)
	if err != nil {
		return err
	}
	defer value.KeepAlive()
	t.reserve(len(value.Data))
	if cap(t.data)-len(t.data) < len(value.Data) {
		return t.budget.tooLarge()
	}
	t.data = append(t.data, value.Data...)
	shape := value.Shape
	if !t.info.OneImage() {
		shape = shape[1:]
	}
	t.shape = append(t.shape[:0], shape...)
	return nil
}

// imageColumn reads one image, or a list of images, as the whole tensor. It reports
// false, and has read nothing, where the value at c does not begin like either.
func (t *builder) imageColumn(c *cursor) (bool, error) {
	if t.isImage(c) {
		return true, t.imageBatch(1, func(int) error { return t.imageObject(c) })
	}
	if !t.takesImages() || c.peek() != '[' {
		return false, nil
	}
	first := *c
	if first.step(); !t.isImage(&first) {
		return false, nil
	}
	n := listSize(c.s, c.i)
	c.step()
	return true, t.imageBatch(int(n), func(int) error {
		if !t.isImage(c) {
			return invalid("JSON Value: %s is no {\"b64\": …}, as the first is", c.text())
		}
		err := t.imageObject(c)
		c.next()
		return err
	})
}

// oneImage reports whether the request is nothing but one image.
func (in *inputs) oneImage() bool { return len(in.slots) == 1 && in.slots[0].one }

// imageStrings reads images that came as the elements of a tensor of strings.
func (t *builder) imageStrings(elements *infer.Tensor) error {
	return t.imageBatch(elements.Len(), func(i int) error { return t.pixels(elements.Element(i)) })
}

// imageBatch reads n images, which come out as one tensor.
func (t *builder) imageBatch(n int, read func(i int) error) error {
	if n == 0 {
		return invalid("there is no image")
	}
	if t.info.OneImage() {
		t.one = true
		err := read(0) // which knows whether it is any
		if err == nil && n > 1 {
			err = infer.Errorf(infer.ErrFailedPrecondition, "shape %s takes one image, and there are %d", t.info.Shape, n)
		}
		return err
	}
	var row []int64
	for i := range n {
		if err := read(i); err != nil {
			return infer.Errorf(kind(err), "image %d: %s", i, err)
		}
		if i == 0 {
			row = slices.Clone(t.shape)
		} else if !slices.Equal(row, t.shape) {
			return invalid("image %d has the shape %s, and the first has %s: the model takes any size, but one tensor has one",
				i, infer.FormatShape(t.shape), infer.FormatShape(row))
		}
	}
	t.shape = append([]int64{int64(n)}, row...)
	return nil
}
