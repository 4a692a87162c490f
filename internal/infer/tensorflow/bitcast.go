package tensorflow

import (
	"bytes"
	"fmt"
	"sync"

	tf "github.com/galeone/tensorflow/tensorflow/go"
	"github.com/galeone/tensorflow/tensorflow/go/op"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// halfCast and bfloat16Cast make tensors of types that the binding cannot
// build: it panics on them. The bits are built as uint16 and go through a graph
// of one Bitcast, which costs some microseconds and no rounding. The sessions
// are made when first needed and stay for the life of the process.
var (
	halfCast     = bitcast{to: tf.Half}
	bfloat16Cast = bitcast{to: tf.Bfloat16}
)

type bitcast struct {
	to      tf.DataType
	once    sync.Once
	session *tf.Session
	in, out tf.Output
	err     error
}

// run makes a tensor of b.to with the bits of t. It is safe for concurrent use.
func (b *bitcast) run(t *infer.Tensor) (*tf.Tensor, error) {
	b.once.Do(b.build)
	if b.err != nil {
		return nil, fmt.Errorf("build a bitcast to %s: %w", t.DType, b.err)
	}
	bits, err := tf.ReadTensor(tf.Uint16, t.Shape, bytes.NewReader(t.Data))
	if err != nil {
		return nil, err
	}
	out, err := b.session.Run(map[tf.Output]*tf.Tensor{b.in: bits}, []tf.Output{b.out}, nil)
	if err != nil {
		return nil, fmt.Errorf("bitcast to %s: %w", t.DType, err)
	}
	return out[0], nil
}

func (b *bitcast) build() {
	s := op.NewScope()
	b.in = op.Placeholder(s, tf.Uint16)
	b.out = op.Bitcast(s, b.in, b.to)
	graph, err := s.Finalize()
	if err != nil {
		b.err = err
		return
	}
	b.session, b.err = tf.NewSession(graph, nil)
}
