package tensorflow

import (
	"fmt"
	"sync"

	tf "github.com/galeone/tensorflow/tensorflow/go"
	"github.com/galeone/tensorflow/tensorflow/go/op"
	tg "github.com/galeone/tfgo"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// Tensors that the binding cannot make or take apart go through a graph of one
// operation, which costs some ten microseconds and copies nothing:
//
//   - half, bfloat16, uint32 and uint64, on which it panics or which it does not
//     read, are made as another type of their size and bitcast;
//   - results of uint32 and uint64, which it does not write, the other way round;
//   - strings, which it cannot reshape, are made flat and reshaped, and results
//     the other way round.
var (
	feedCasts = map[infer.DType]*cast{
		infer.Half:     newCast(infer.Uint16, infer.Half),
		infer.Bfloat16: newCast(infer.Uint16, infer.Bfloat16),
		infer.Uint32:   newCast(infer.Int32, infer.Uint32),
		infer.Uint64:   newCast(infer.Int64, infer.Uint64),
	}
	fetchCasts = map[infer.DType]*cast{
		infer.Uint32: newCast(infer.Uint32, infer.Int32),
		infer.Uint64: newCast(infer.Uint64, infer.Int64),
	}
	reshape = sideGraph{build: reshapeStrings}
)

// cast gives a tensor's bits another type.
type cast struct {
	from infer.DType
	sideGraph
}

func newCast(from, to infer.DType) *cast {
	return &cast{from: from, sideGraph: sideGraph{build: func(s *op.Scope) ([]tf.Output, tf.Output) {
		in := op.Placeholder(s, tf.DataType(from))
		return []tf.Output{in}, op.Bitcast(s, in, tf.DataType(to))
	}}}
}

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
	// For one operation a change of threads would cost several times its price.
	options, err := Options{InterOpThreads: 1}.session(rewrites{})
	if err != nil {
		g.err = err
		return
	}
	g.session, g.err = tf.NewSession(graph, options)
}

func reshapeStrings(s *op.Scope) ([]tf.Output, tf.Output) {
	value, shape := op.Placeholder(tg.NewScope(s), tf.String), op.Placeholder(tg.NewScope(s), tf.Int64)
	return []tf.Output{value, shape}, op.Reshape(s, value, shape)
}

// reshapeTo gives a tensor of strings another shape with as many elements.
func reshapeTo(t *tf.Tensor, shape []int64) (*tf.Tensor, error) {
	dims, err := tf.NewTensor(shape)
	if err != nil {
		return nil, err
	}
	return reshape.run(t, dims)
}
