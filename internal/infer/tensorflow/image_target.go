package tensorflow

import "github.com/tensorlambda/tensorlambda/internal/infer"

// layout is where the channels of an input stand.
type layout int

const (
	channelsLast  layout = iota // [N,H,W,C] or [H,W,C]
	channelsFirst               // [N,C,H,W] or [C,H,W]
	noChannels                  // [N,H,W]
)

// imageTarget is what an input makes of an image.
type imageTarget struct {
	dtype         infer.DType
	layout        layout
	one           bool  // no first dimension for a batch: infer.TensorInfo.OneImage
	channels      int64 // 1, 3 or 4
	height, width int64 // -1 where the image's own is kept
}

// targetOf reads an input's shape. Where it does not say which dimension holds the
// channels, it is the last; one with a size that channels have is taken for them.
//
// Of three dimensions one must say so. An open first one before a fixed second one is
// that of a batch: [?,8,3] are rows of 8 steps with 3 numbers each, as recurrent models
// take them, and no images.
func targetOf(input infer.TensorInfo) (imageTarget, error) {
	t := imageTarget{dtype: input.DType, channels: 3, height: -1, width: -1, one: input.OneImage()}
	switch input.DType {
	case infer.Float, infer.Double, infer.Half, infer.Bfloat16, infer.Uint8:
	default:
		return t, noImage(input)
	}
	s := input.Shape
	switch {
	case s == nil:
	case len(s) == 4 && (infer.IsChannels(s[3]) || s[3] < 0 && !infer.IsChannels(s[1])):
		t.height, t.width = s[1], s[2]
		t.channels = channelsOr3(s[3])
	case len(s) == 4 && infer.IsChannels(s[1]):
		t.layout, t.channels, t.height, t.width = channelsFirst, s[1], s[2], s[3]
	case t.one && infer.IsChannels(s[2]):
		t.height, t.width, t.channels = s[0], s[1], s[2]
	case t.one:
		t.layout, t.channels, t.height, t.width = channelsFirst, s[0], s[1], s[2]
	case len(s) == 3 && !infer.IsChannels(s[2]) && (s[0] == 1 || s[0] < 0 && s[1] > 0 && s[2] > 0):
		t.layout, t.channels, t.height, t.width = noChannels, 1, s[1], s[2]
	default:
		return t, noImage(input)
	}
	if t.height == 0 || t.width == 0 {
		return t, noImage(input)
	}
	return t, nil
}

func channelsOr3(size int64) int64 {
	if size < 0 {
		return 3
	}
	return size
}

func noImage(input infer.TensorInfo) error {
	return infer.Errorf(infer.ErrFailedPrecondition,
		"input %q of type %s and shape %s takes no image: that needs [N,H,W,C] or [N,C,H,W] with 1, 3 or 4 channels, or [N,H,W], [H,W,C] or [C,H,W], of uint8 or floats, or strings [N]",
		input.Name, input.DType, input.Shape)
}

// greyed reports whether the image has colours that libjpeg does not turn to grey by itself
// for a target of one channel: those of four inks.
func (h imageHeader) greyed(t imageTarget) bool { return h.cmyk && t.channels == 1 }

// size is the height and width of the result.
func (t imageTarget) size(h imageHeader) [2]int64 {
	height, width := h.turned()
	if t.height > 0 {
		height = t.height
	}
	if t.width > 0 {
		width = t.width
	}
	return [2]int64{height, width}
}

// shape is the shape of the result.
func (t imageTarget) shape(size [2]int64) []int64 {
	shape := []int64{1, size[0], size[1], t.channels}
	switch t.layout {
	case channelsFirst:
		shape = []int64{1, t.channels, size[0], size[1]}
	case noChannels:
		shape = shape[:3]
	}
	if t.one {
		shape = shape[1:]
	}
	return shape
}
