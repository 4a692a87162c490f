package tensorflow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	tf "github.com/galeone/tensorflow/tensorflow/go"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// runner is infer.Runner on a session.
type runner struct {
	graph   *tf.Graph
	session *tf.Session
	catalog *infer.Catalog
	// endpoints are the tensors of the catalog's signatures by name.
	endpoints map[string]tf.Output
	pacer     pacer
}

var _ infer.Runner = (*runner)(nil)

// newRunner ties a catalog to a session and checks that every tensor it names
// is in the graph. The types are not compared: signatures that declare another
// type than the graph has exist, and TensorFlow says what it was fed. The runner
// owns the session.
func newRunner(graph *tf.Graph, session *tf.Session, catalog *infer.Catalog) (*runner, error) {
	r := &runner{graph: graph, session: session, catalog: catalog, endpoints: make(map[string]tf.Output)}
	for _, s := range catalog.Signatures {
		for _, infos := range [][]infer.TensorInfo{s.Inputs, s.Outputs} {
			for _, info := range infos {
				endpoint, err := find(graph, info.Tensor)
				if err != nil {
					return nil, fmt.Errorf("signature %q: %q: %w", s.Name, info.Name, err)
				}
				r.endpoints[info.Tensor] = endpoint
			}
		}
	}
	return r, nil
}

func (r *runner) Catalog() *infer.Catalog { return r.catalog }

func (r *runner) Close() error { return r.session.Close() }

func (r *runner) Run(ctx context.Context, feeds []infer.Feed, fetches []infer.TensorInfo) ([]*infer.Tensor, error) {
	switch err := ctx.Err(); {
	case errors.Is(err, context.Canceled): // whoever asked has gone
		return nil, err
	case err != nil:
		return nil, infer.Errorf(infer.ErrDeadlineExceeded, "no time was left to run the model")
	}
	inputs, err := r.inputs(feeds)
	if err != nil {
		return nil, err
	}
	outputs := make([]tf.Output, 0, len(fetches))
	for _, info := range fetches {
		output, err := r.endpoint(info.Tensor)
		if err != nil {
			return nil, err
		}
		if indexOf(feeds, info.Tensor) < 0 {
			outputs = append(outputs, output)
		}
	}
	var results []*tf.Tensor
	if len(outputs) > 0 {
		if results, err = r.session.Run(inputs, outputs, nil); err != nil {
			return nil, classify(err)
		}
	}
	return r.values(feeds, fetches, results)
}

// values pairs fetches with results. A tensor that was fed is its own result:
// TensorFlow refuses to be asked for it, although signatures that pass an input
// through exist.
func (r *runner) values(feeds []infer.Feed, fetches []infer.TensorInfo, results []*tf.Tensor) ([]*infer.Tensor, error) {
	values := make([]*infer.Tensor, len(fetches))
	for i, fetch := range fetches {
		if fed := indexOf(feeds, fetch.Tensor); fed >= 0 {
			values[i] = feeds[fed].Value
			continue
		}
		value, err := fromC(results[0])
		if err != nil {
			return nil, fmt.Errorf("output %q: %w", fetch.Name, err)
		}
		values[i], results = value, results[1:]
	}
	r.pacer.allocated(values)
	return values, nil
}

// indexOf finds the feed of a tensor. Names are compared, which a Definition made
// canonical: an Output of the binding differs from another of the same tensor.
func indexOf(feeds []infer.Feed, tensor string) int {
	return slices.IndexFunc(feeds, func(f infer.Feed) bool { return f.Tensor == tensor })
}

// inputs copies the feeds into C memory.
func (r *runner) inputs(feeds []infer.Feed) (map[tf.Output]*tf.Tensor, error) {
	inputs, values := make(map[tf.Output]*tf.Tensor, len(feeds)), make([]*infer.Tensor, len(feeds))
	for i, feed := range feeds {
		endpoint, err := r.endpoint(feed.Tensor)
		if err != nil {
			return nil, err
		}
		if err := r.checkShape(feed); err != nil {
			return nil, err
		}
		if indexOf(feeds[:i], feed.Tensor) >= 0 {
			return nil, infer.Errorf(infer.ErrInvalidArgument, "input %q names the tensor %s, which another input feeds already", feed.Name, feed.Tensor)
		}
		if inputs[endpoint], err = toC(feed.Value); err != nil {
			return nil, fmt.Errorf("input %q: %w", feed.Name, err)
		}
		values[i] = feed.Value
	}
	r.pacer.allocated(values)
	return inputs, nil
}

// checkShape holds a fed placeholder to the shape that it carries itself. Some
// kernels end the process when they are given another rank (Conv2D and a
// scalar); the signature's shape cannot be the gate, since TensorFlow Serving
// lets through what a signature does not declare.
func (r *runner) checkShape(feed infer.Feed) error {
	if shape, ok := r.catalog.Placeholder(feed.TensorInfo); ok && !shape.Matches(feed.Value.Shape) {
		hint := ""
		if n := len(feed.Value.Shape); len(shape) == n+1 && shape[n] == 1 && shape[:n].Matches(feed.Value.Shape) {
			hint = ": write [3], a list of one, and not 3"
		}
		return infer.Errorf(infer.ErrInvalidArgument, "input %q has shape %s, the model takes %s%s",
			feed.Name, infer.FormatShape(feed.Value.Shape), shape, hint)
	}
	return nil
}

func (r *runner) endpoint(tensor string) (tf.Output, error) {
	if endpoint, ok := r.endpoints[tensor]; ok {
		return endpoint, nil
	}
	return find(r.graph, tensor) // MODEL_ANY_TENSOR: the catalog allowed it
}

// withShapes completes a frozen graph's signature: where the graph does not say
// what shape an output has, TensorFlow may have inferred it while importing.
func withShapes(graph *tf.Graph, s *infer.Signature) *infer.Signature {
	complete := *s
	complete.Outputs = slices.Clone(s.Outputs)
	for i, info := range complete.Outputs {
		if endpoint, err := find(graph, info.Tensor); err == nil && info.Shape == nil {
			complete.Outputs[i].Shape = shapeOf(endpoint)
		}
	}
	return &complete
}

func shapeOf(endpoint tf.Output) infer.Shape {
	shape := endpoint.Shape()
	rank := shape.NumDimensions()
	if rank < 0 {
		return nil
	}
	dims := make(infer.Shape, rank)
	for i := range dims {
		dims[i] = shape.Size(i)
	}
	return dims
}

// find looks up operation:index in a graph.
func find(graph *tf.Graph, tensor string) (tf.Output, error) {
	name, index, _ := strings.Cut(tensor, ":")
	if strings.ContainsRune(name, 0) {
		// C would read the name up to there, and find another operation than
		// the guard has judged.
		return tf.Output{}, infer.Errorf(infer.ErrInvalidArgument, "%q is not the name of an operation", name)
	}
	operation := graph.Operation(name)
	if operation == nil {
		return tf.Output{}, infer.Errorf(infer.ErrInvalidArgument, "the graph has no operation %q", name)
	}
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= operation.NumOutputs() {
		return tf.Output{}, infer.Errorf(infer.ErrInvalidArgument, "operation %q has outputs 0 to %d, not %q", name, operation.NumOutputs()-1, index)
	}
	return operation.Output(i), nil
}
