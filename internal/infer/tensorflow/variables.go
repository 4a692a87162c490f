package tensorflow

import (
	"fmt"

	tf "github.com/galeone/tensorflow/tensorflow/go"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// Variables loads a SavedModel and reads variables of it, by the names of the nodes of
// its graph that make them. A variable that loading does not give a value is left
// out. It needs the open library. The tensors keep
// alive the C memory that their bytes are in: see infer.Tensor.KeepAlive.
func (d *Definition) Variables(names []string) (map[string]*infer.Tensor, error) {
	graph, session, err := d.open(rewrites{})
	if err != nil {
		return nil, fmt.Errorf("load model: %w", err)
	}
	defer session.Close()
	// All are added before the first run, since a session takes in a changed graph
	// whole.
	reads := make([]tf.Output, len(names))
	for i, name := range names {
		if reads[i], err = reading(graph, name, fmt.Sprintf("tensorlambda_read_%d", i)); err != nil {
			return nil, fmt.Errorf("variable %q: %w", name, err)
		}
	}
	values := make(map[string]*infer.Tensor, len(names))
	for i, name := range names {
		// One at a time: the value of one that was never written is an error.
		results, err := session.Run(nil, reads[i:i+1], nil)
		if err != nil {
			continue
		}
		if values[name], err = fromC(results[0]); err != nil {
			return nil, fmt.Errorf("variable %q: %w", name, err)
		}
	}
	return values, nil
}

// reading is the value of the variable that a node makes: a handle is read by an
// operation that is added for it.
func reading(graph *tf.Graph, variable, name string) (tf.Output, error) {
	node := graph.Operation(variable)
	if node == nil {
		return tf.Output{}, infer.Errorf(infer.ErrNotFound, "the graph has no such operation")
	}
	if node.Type() != "VarHandleOp" {
		return node.Output(0), nil // a reference, which reads as its value
	}
	dtype, err := node.Attr("dtype")
	if err != nil {
		return tf.Output{}, err
	}
	read, err := graph.AddOperation(tf.OpSpec{
		Type: "ReadVariableOp", Name: name, Input: []tf.Input{node.Output(0)}, Attrs: map[string]any{"dtype": dtype},
	})
	if err != nil {
		return tf.Output{}, err
	}
	return read.Output(0), nil
}
