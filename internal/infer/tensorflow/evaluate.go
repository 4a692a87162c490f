package tensorflow

import (
	"fmt"

	tf "github.com/galeone/tensorflow/tensorflow/go"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// Evaluate runs a serialized GraphDef that needs no input, and gives tensors of it by
// their names ("operation:index"). It needs the open library. The tensors keep
// alive the C memory that their bytes are in: see infer.Tensor.KeepAlive.
func Evaluate(graphdef []byte, tensors []string) (map[string]*infer.Tensor, error) {
	graph := tf.NewGraph()
	if err := graph.Import(graphdef, ""); err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	outputs := make([]tf.Output, len(tensors))
	for i, name := range tensors {
		var err error
		if outputs[i], err = find(graph, name); err != nil {
			return nil, fmt.Errorf("evaluate: %w", err)
		}
	}
	options, err := Options{}.session(rewrites{})
	if err != nil {
		return nil, err
	}
	session, err := tf.NewSession(graph, options)
	if err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	defer session.Close()
	results, err := session.Run(nil, outputs, nil)
	if err != nil {
		return nil, fmt.Errorf("evaluate: %w", classify(err))
	}
	values := make(map[string]*infer.Tensor, len(tensors))
	for i, name := range tensors {
		if values[name], err = fromC(results[i]); err != nil {
			return nil, fmt.Errorf("evaluate %q: %w", name, err)
		}
	}
	return values, nil
}
