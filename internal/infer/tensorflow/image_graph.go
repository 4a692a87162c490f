package tensorflow

import (
	tf "github.com/galeone/tensorflow/tensorflow/go"
	"github.com/galeone/tensorflow/tensorflow/go/op"
	tg "github.com/galeone/tfgo"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// imageGraph is what a graph for images depends on. Sizes are fed.
type imageGraph struct {
	target  imageTarget
	jpeg    bool // has no fourth channel
	greyed  bool // is decoded in colour, for an input of one channel
	turned  bool
	resized bool
}

// turns are the EXIF orientations from 2 on: the axes to swap first, and those to
// reverse then.
var turns = [...]struct{ axes, reversed []int32 }{
	2: {[]int32{0, 1, 2}, []int32{1}},
	3: {[]int32{0, 1, 2}, []int32{0, 1}},
	4: {[]int32{0, 1, 2}, []int32{0}},
	5: {[]int32{1, 0, 2}, []int32{}},
	6: {[]int32{1, 0, 2}, []int32{1}},
	7: {[]int32{1, 0, 2}, []int32{0, 1}},
	8: {[]int32{1, 0, 2}, []int32{0}},
}

// builder makes the graph: decode, turn, resize, scale, convert. tfgo's own Image
// cannot be used: it stretches each image to its own darkest and brightest pixel.
func (g imageGraph) builder(scale ImageScale) func(*op.Scope) ([]tf.Output, tf.Output) {
	return func(root *op.Scope) ([]tf.Output, tf.Output) {
		b := &imageBuilder{root: root}
		x := g.pixels(b)
		if g.resized {
			x = b.resize(x)
		}
		if g.target.dtype == infer.Uint8 {
			if g.resized {
				x = op.Cast(b.scope(), op.Round(b.scope(), x), tf.Uint8)
			}
		} else {
			x = scale.apply(b, x)
		}
		x = g.target.arrange(b, x)
		if g.target.dtype != infer.Uint8 && g.target.dtype != infer.Float {
			x = op.Cast(b.scope(), x, tf.DataType(g.target.dtype))
		}
		return b.in, x
	}
}

// imageBuilder is a graph that is being built, and its placeholders.
type imageBuilder struct {
	root *op.Scope
	in   []tf.Output
}

// scope is a scope of its own, so that names differ.
func (b *imageBuilder) scope() *op.Scope { return tg.NewScope(b.root) }

func (b *imageBuilder) placeholder(d tf.DataType) tf.Output {
	p := op.Placeholder(b.scope(), d)
	b.in = append(b.in, p)
	return p
}

func (b *imageBuilder) constant(v any) tf.Output { return op.Const(b.scope(), v) }

// pixels decodes the image and turns it upright: [1,H,W,C] of uint8.
func (g imageGraph) pixels(b *imageBuilder) tf.Output {
	channels := g.target.channels
	opaque := g.jpeg && channels == 4
	if opaque || g.greyed {
		channels = 3
	}
	x := op.DecodeImage(b.scope(), b.placeholder(tf.String),
		op.DecodeImageChannels(channels), op.DecodeImageDtype(tf.Uint8), op.DecodeImageExpandAnimations(false))
	if opaque {
		x = op.PadV2(b.scope(), x, b.constant([][]int32{{0, 0}, {0, 0}, {0, 1}}), b.constant(uint8(255)))
	}
	if g.greyed {
		x = b.grey(x)
	}
	if g.turned {
		x = op.Transpose(b.scope(), x, b.placeholder(tf.Int32))
		x = op.ReverseV2(b.scope(), x, b.placeholder(tf.Int32))
	}
	return op.ExpandDims(b.scope(), x, b.constant(int32(0)))
}

// grey is tf.image.rgb_to_grayscale of [H,W,3] of uint8.
func (b *imageBuilder) grey(x tf.Output) tf.Output {
	x = op.Mul(b.scope(), op.Cast(b.scope(), x, tf.Float), b.constant(float32(1)/255))
	x = op.BatchMatMulV2(b.scope(), x, b.constant([][]float32{{0.2989}, {0.5870}, {0.1140}}))
	return op.Cast(b.scope(), op.Mul(b.scope(), x, b.constant(float32(255.5))), tf.Uint8)
}

// resize is tf.image.resize with antialias, whose method "bilinear" this is. The
// binding has no wrapper for the operation.
func (b *imageBuilder) resize(x tf.Output) tf.Output {
	size, scale := b.placeholder(tf.Int32), b.placeholder(tf.Float)
	return b.scope().AddOperation(tf.OpSpec{
		Type:  "ScaleAndTranslate",
		Input: []tf.Input{x, size, scale, b.constant([]float32{0, 0})},
		Attrs: map[string]any{"kernel_type": "triangle", "antialias": true},
	}).Output(0)
}

// arrange gives [1,H,W,C] the input's order of dimensions.
func (t imageTarget) arrange(b *imageBuilder, x tf.Output) tf.Output {
	switch t.layout {
	case channelsFirst:
		x = op.Transpose(b.scope(), x, b.constant([]int32{0, 3, 1, 2}))
	case noChannels:
		x = op.Squeeze(b.scope(), x, op.SqueezeAxis([]int64{3}))
	}
	if t.one {
		x = op.Squeeze(b.scope(), x, op.SqueezeAxis([]int64{0}))
	}
	return x
}
