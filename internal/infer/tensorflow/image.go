package tensorflow

import (
	"context"
	"errors"
	"sync"

	tf "github.com/galeone/tensorflow/tensorflow/go"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// Bounds of an image. They are checked by its header, before anything is decoded: a
// file of some kilobytes can hold thousands of megapixels.
const (
	maxPixels = 64 << 20
	// defaultImageBytes bounds what decoding takes where the caller does not.
	defaultImageBytes = 256 << 20
)

// Images turns encoded images into values of inputs. It is safe for concurrent use.
type Images struct {
	scale    ImageScale
	maxBytes int64
	pacer    pacer

	mu     sync.Mutex
	graphs map[imageGraph]*sideGraph // a handful: they differ by input, not by image
}

// NewImages makes Images. maxBytes bounds the image as it is decoded and each tensor
// made from it, MAX_TENSOR_BYTES; 0 means 256 MiB.
func NewImages(scale ImageScale, maxBytes int64) *Images {
	if maxBytes <= 0 {
		maxBytes = defaultImageBytes
	}
	return &Images{scale: scale, maxBytes: maxBytes, graphs: make(map[imageGraph]*sideGraph)}
}

// Decode decodes a JPEG or PNG for an input, as one row of it, or as its whole value:
//
//   - of shape [1,H,W,C], or [1,C,H,W] where that is what the signature says, with 1, 3
//     or 4 channels (3 where it does not say), or [1,H,W] for grey images; without the
//     first 1 where the input has no dimension for a batch;
//   - turned as its EXIF orientation says, resized where the signature knows H or W
//     (bilinear, with antialiasing, without regard to proportions);
//   - as float, double, half or bfloat16 on the ImageScale, or as uint8 from 0 to 255.
//
// For an input of strings it is the encoded image itself, of shape [1].
//
// The errors are *infer.Error: ErrFailedPrecondition for an input that takes no image,
// ErrInvalidArgument for an image that is none or broken, ErrTooLarge; or
// context.Canceled. ctx is looked at before the work only.
func (m *Images) Decode(ctx context.Context, input infer.TensorInfo, image []byte) (*infer.Tensor, error) {
	switch err := ctx.Err(); {
	case errors.Is(err, context.Canceled):
		return nil, err
	case err != nil:
		return nil, infer.Errorf(infer.ErrDeadlineExceeded, "no time was left to decode the image")
	}
	if input.DType == infer.String {
		return encodedImage(input, image)
	}
	target, err := targetOf(input)
	if err != nil {
		return nil, err
	}
	if err := m.scale.fits(target); err != nil {
		return nil, err
	}
	header, err := readImageHeader(image)
	if err != nil {
		return nil, err
	}
	size := target.size(header)
	if err := m.checkSize(header, target, size); err != nil {
		return nil, err
	}
	return m.run(target, header, size, image)
}

// encodedImage is an image for a model that decodes it itself.
func encodedImage(input infer.TensorInfo, image []byte) (*infer.Tensor, error) {
	if input.Shape != nil && len(input.Shape) != 1 {
		return nil, noImage(input)
	}
	return infer.NewStringTensor([]int64{1}, image, []int{0, len(image)})
}

// checkSize bounds the bytes that TensorFlow is about to allocate: the pixels, the rows once
// they are resized, and the result.
func (m *Images) checkSize(h imageHeader, t imageTarget, size [2]int64) error {
	height, width := h.turned()
	decoded, channels := infer.Uint8, t.channels
	if h.greyed(t) {
		decoded, channels = infer.Float, 3
	}
	for _, tensor := range []struct {
		dtype infer.DType
		shape []int64
	}{
		{decoded, []int64{height, width, channels}},
		{infer.Float, []int64{size[0], width, t.channels}},
		{t.dtype, t.shape(size)},
	} {
		if _, err := infer.Bytes(tensor.dtype, tensor.shape, m.maxBytes); err != nil {
			return infer.Errorf(infer.ErrTooLarge, "the image of %d x %d pixels takes more than the limit of %d bytes (MAX_TENSOR_BYTES) as a tensor",
				h.width, h.height, m.maxBytes)
		}
	}
	return nil
}

func (m *Images) run(t imageTarget, h imageHeader, size [2]int64, image []byte) (*infer.Tensor, error) {
	key := imageGraph{target: t, jpeg: h.jpeg, greyed: h.greyed(t), turned: h.orientation > 1}
	height, width := h.turned()
	key.resized = size != [2]int64{height, width}
	feeds, err := key.feeds(h, size, image)
	if err != nil {
		return nil, err
	}
	result, err := m.graph(key).run(feeds...)
	if err != nil {
		return nil, imageError(err)
	}
	value, err := fromC(result)
	if err != nil {
		return nil, err
	}
	m.pacer.allocated([]*infer.Tensor{value, {Data: image}})
	return value, nil
}

// graph is the graph for a key, made when first needed.
func (m *Images) graph(key imageGraph) *sideGraph {
	m.mu.Lock()
	defer m.mu.Unlock()
	g := m.graphs[key]
	if g == nil {
		g = &sideGraph{build: key.builder(m.scale)}
		m.graphs[key] = g
	}
	return g
}

// imageError is what the owner of an image is told. TensorFlow's own text tells of
// nodes of a graph that is not the model's.
func imageError(err error) error {
	if cause := errors.Unwrap(err); cause != nil {
		err = cause
	}
	if err = classify(err); errors.Is(err, infer.ErrInvalidArgument) {
		return infer.Errorf(infer.ErrInvalidArgument, "the image is damaged: its header can be read, its pixels cannot")
	}
	return err
}

// feeds are the values for a graph's placeholders, in their order.
func (g imageGraph) feeds(h imageHeader, size [2]int64, image []byte) ([]*tf.Tensor, error) {
	encoded, err := toC(&infer.Tensor{DType: infer.String, Data: image, Offsets: []int{0, len(image)}})
	if err != nil {
		return nil, err
	}
	feeds := []*tf.Tensor{encoded}
	var values []any
	if g.turned {
		turn := turns[h.orientation]
		values = append(values, turn.axes, turn.reversed)
	}
	if g.resized {
		height, width := h.turned()
		values = append(values, []int32{int32(size[0]), int32(size[1])},
			[]float32{float32(size[0]) / float32(height), float32(size[1]) / float32(width)})
	}
	for _, v := range values {
		t, err := tf.NewTensor(v)
		if err != nil {
			return nil, err
		}
		feeds = append(feeds, t)
	}
	return feeds, nil
}
