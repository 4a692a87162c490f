package tensorflow

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"

	tf "github.com/galeone/tensorflow/tensorflow/go"
	"github.com/galeone/tensorflow/tensorflow/go/op"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// ImageScale is how the pixels of an image, from 0 to 255, become numbers of a float
// input. The zero value is "0..1".
type ImageScale struct {
	text string
	// divisor and offset make a range: pixel/divisor + offset.
	divisor, offset float32
	// mean and std, where they are set, are of pixels from 0 to 1: one for each
	// channel, or one for all.
	mean, std []float32
}

// ParseImageScale reads the setting IMAGE_SCALE: "0..1", "-1..1", "0..255", or
// "mean=…;std=…" with numbers for each channel or for all, separated by commas. As in
// PyTorch and Keras they are of pixels scaled to 0..1. The empty text is the default.
func ParseImageScale(text string) (ImageScale, error) {
	switch text {
	case "":
		return ImageScale{}, nil
	case "0..1":
		return ImageScale{text: text, divisor: 255}, nil
	case "-1..1":
		return ImageScale{text: text, divisor: 127.5, offset: -1}, nil
	case "0..255":
		return ImageScale{text: text, divisor: 1}, nil
	}
	rest, isMean := strings.CutPrefix(text, "mean=")
	first, second, hasStd := strings.Cut(rest, ";std=")
	if !isMean || !hasStd {
		return ImageScale{}, fmt.Errorf("image scale %q is none of 0..1, -1..1, 0..255 and mean=…;std=…", text)
	}
	mean, err := numbersOf(first)
	if err != nil {
		return ImageScale{}, fmt.Errorf("image scale: mean: %w", err)
	}
	std, err := numbersOf(second)
	if err != nil {
		return ImageScale{}, fmt.Errorf("image scale: std: %w", err)
	}
	if len(mean) != len(std) {
		return ImageScale{}, fmt.Errorf("image scale: %d numbers for mean and %d for std", len(mean), len(std))
	}
	for i := range mean {
		if mean[i] < 0 || mean[i] > 1 || std[i] <= 0 || std[i] > 1 {
			return ImageScale{}, fmt.Errorf("image scale: mean %v is not from 0 to 1, or std %v not above 0 and up to 1: divide them by 255", mean[i], std[i])
		}
	}
	return ImageScale{text: text, divisor: 255, mean: mean, std: std}, nil
}

// numbersOf reads 1, 3 or 4 numbers separated by commas.
func numbersOf(text string) ([]float32, error) {
	var numbers []float32
	for field := range strings.SplitSeq(text, ",") {
		f, err := strconv.ParseFloat(strings.TrimSpace(field), 32)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, fmt.Errorf("%q is not a number", field)
		}
		numbers = append(numbers, float32(f))
	}
	if !infer.IsChannels(int64(len(numbers))) {
		return nil, fmt.Errorf("%d numbers, where images have 1, 3 or 4 channels", len(numbers))
	}
	return numbers, nil
}

// String is the setting as it was given, or what its default is.
func (s ImageScale) String() string {
	if s.text == "" {
		return "0..1"
	}
	return s.text
}

// Range is what pixels of 0 and of 255 become: a number for each channel, or one for all.
func (s ImageScale) Range() (black, white []float32) {
	if s.mean == nil {
		divisor := cmp.Or(s.divisor, 255)
		return []float32{s.offset}, []float32{255/divisor + s.offset}
	}
	for i, mean := range s.mean {
		black = append(black, (0-mean)/s.std[i]) // of no mean 0, not -0
		white = append(white, (1-mean)/s.std[i])
	}
	return black, white
}

// fits checks that there is a mean for each channel.
func (s ImageScale) fits(t imageTarget) error {
	if n := int64(len(s.mean)); n > 1 && n != t.channels && t.dtype != infer.Uint8 {
		return infer.Errorf(infer.ErrFailedPrecondition, "the image scale (IMAGE_SCALE) has numbers for %d channels, and the input has %d", n, t.channels)
	}
	return nil
}

// apply scales [1,H,W,C] of pixels, of any type, to floats.
func (s ImageScale) apply(b *imageBuilder, x tf.Output) tf.Output {
	if x.DataType() != tf.Float {
		x = op.Cast(b.scope(), x, tf.Float)
	}
	divisor := s.divisor
	if divisor == 0 {
		divisor = 255
	}
	if divisor != 1 {
		x = op.RealDiv(b.scope(), x, b.constant(divisor))
	}
	if s.offset != 0 {
		x = op.AddV2(b.scope(), x, b.constant(s.offset))
	}
	if s.mean != nil {
		x = op.Sub(b.scope(), x, b.constant(s.mean))
		x = op.RealDiv(b.scope(), x, b.constant(s.std))
	}
	return x
}
