package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	tf "github.com/galeone/tensorflow/tensorflow/go"
	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow"
)

// openLibrary makes TensorFlow part of this process, once.
var openLibrary = sync.OnceValue(func() error {
	_, err := libtensorflow.Open(context.Background(), libtensorflow.Options{Dir: filepath.Join("build", "layer", "lib")})
	return err
})

// bareSession is the binding's session with a tensor that is in C memory already:
// what a request cannot cost less than.
type bareSession struct {
	session *tf.Session
	feeds   map[tf.Output]*tf.Tensor
	fetches []tf.Output
}

func (b *bareSession) run() (*tf.Tensor, error) {
	results, err := b.session.Run(b.feeds, b.fetches, nil)
	if err != nil {
		return nil, err
	}
	return results[0], nil
}

// answer is what a request must come to: the only row of the output.
func (b *bareSession) answer() ([]float32, error) {
	result, err := b.run()
	if err != nil {
		return nil, err
	}
	rows, ok := result.Value().([][]float32)
	if !ok || len(rows) != 1 {
		return nil, fmt.Errorf("the output is of shape %v, not one row of floats", result.Shape())
	}
	return rows[0], nil
}

// bareOptions are the settings of infer/tensorflow. With TensorFlow's own the bare
// run would be the slower one, and the difference would flatter the rest.
func bareOptions() (*tf.SessionOptions, error) {
	config, err := proto.Marshal(&corepb.ConfigProto{
		InterOpParallelismThreads: -1, // the caller's thread
		GraphOptions: &corepb.GraphOptions{
			OptimizerOptions: &corepb.OptimizerOptions{DoFunctionInlining: true},
			RewriteOptions:   &corepb.RewriterConfig{DisableMetaOptimizer: true},
		},
	})
	return &tf.SessionOptions{Config: config}, err
}

// newBareSession loads a SavedModel for runs from one input to one output of its
// default signature.
func newBareSession(dir, input, output string, value any) (*bareSession, error) {
	options, err := bareOptions()
	if err != nil {
		return nil, err
	}
	model, err := tf.LoadSavedModel(dir, []string{"serve"}, options)
	if err != nil {
		return nil, err
	}
	tensor, err := tf.NewTensor(value)
	if err != nil {
		return nil, err
	}
	signature := model.Signatures["serving_default"]
	feed, err := endpoint(model.Graph, signature.Inputs[input].Name)
	if err != nil {
		return nil, err
	}
	fetch, err := endpoint(model.Graph, signature.Outputs[output].Name)
	if err != nil {
		return nil, err
	}
	return &bareSession{session: model.Session, feeds: map[tf.Output]*tf.Tensor{feed: tensor}, fetches: []tf.Output{fetch}}, nil
}

// endpoint finds a tensor by its name, operation:index.
func endpoint(graph *tf.Graph, tensor string) (tf.Output, error) {
	name, index, _ := strings.Cut(tensor, ":")
	operation := graph.Operation(name)
	i, err := strconv.Atoi(index)
	if operation == nil || err != nil {
		return tf.Output{}, fmt.Errorf("the graph has no tensor %q", tensor)
	}
	return operation.Output(i), nil
}
