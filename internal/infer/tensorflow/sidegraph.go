package tensorflow

import (
	"bytes"
	"fmt"
	"sync"

	tf "github.com/galeone/tensorflow/tensorflow/go"
	"github.com/galeone/tensorflow/tensorflow/go/op"
	tg "github.com/galeone/tfgo"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// Tensors that the binding cannot make or take apart go through a graph of one
// operation, which costs some microseconds and copies nothing:
//
//   - half and bfloat16, on which it panics, are made as uint16 and bitcast;
//   - strings, which it cannot reshape, are made flat and reshaped, and results
//     the other way round.
var (
	halfCast     = sideGraph{build: bitcastTo(tf.Half)}
	bfloat16Cast = sideGraph{build: bitcastTo(tf.Bfloat16)}
	reshape      = sideGraph{build: reshapeStrings}
)

// sideGraph is a session beside the model's, made when first needed and kept for
// the life of the process. It is safe for concurrent use.
type sideGraph struct {
	build   func(*op.Scope) (in []tf.Output, out tf.Output)
	once    sync.Once
	session *tf.Session
	in      []tf.Output
	out     tf.Output
	err     error
}

func (g *sideGraph) run(values ...*tf.Tensor) (*tf.Tensor, error) {
	g.once.Do(g.open)
	if g.err != nil {
		return nil, fmt.Errorf("side graph: %w", g.err)
	}
	feeds := make(map[tf.Output]*tf.Tensor, len(values))
	for i, v := range values {
		feeds[g.in[i]] = v
	}
	out, err := g.session.Run(feeds, []tf.Output{g.out}, nil)
	if err != nil {
		return nil, fmt.Errorf("side graph: %w", err)
	}
	return out[0], nil
}

func (g *sideGraph) open() {
	root := tg.NewRoot()
	g.in, g.out = g.build(root)
	graph, err := root.Finalize()
	if err != nil {
		g.err = err
		return
	}
	// The process's thread pools exist already: the model's session made them.
	g.session, g.err = tf.NewSession(graph, nil)
}

func bitcastTo(dtype tf.DataType) func(*op.Scope) ([]tf.Output, tf.Output) {
	return func(s *op.Scope) ([]tf.Output, tf.Output) {
		in := op.Placeholder(s, tf.Uint16)
		return []tf.Output{in}, op.Bitcast(s, in, dtype)
	}
}

func reshapeStrings(s *op.Scope) ([]tf.Output, tf.Output) {
	value, shape := op.Placeholder(tg.NewScope(s), tf.String), op.Placeholder(tg.NewScope(s), tf.Int64)
	return []tf.Output{value, shape}, op.Reshape(s, value, shape)
}

// halfToC makes a tensor of the type that cast has from the bits of t.
func halfToC(t *infer.Tensor, cast *sideGraph) (*tf.Tensor, error) {
	bits, err := tf.ReadTensor(tf.Uint16, t.Shape, bytes.NewReader(t.Data))
	if err != nil {
		return nil, err
	}
	return cast.run(bits)
}

// reshapeTo gives a tensor of strings another shape with as many elements.
func reshapeTo(t *tf.Tensor, shape []int64) (*tf.Tensor, error) {
	dims, err := tf.NewTensor(shape)
	if err != nil {
		return nil, err
	}
	return reshape.run(t, dims)
}
