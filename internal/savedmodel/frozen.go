package savedmodel

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// DefaultSignature is the name of the only signature of a frozen graph.
const DefaultSignature = "serving_default"

const predictMethod = "tensorflow/serving/predict"

// shapelessProducer is the first version of GraphDef in which an empty shape on
// a Placeholder means a scalar; before it meant that the shape is unknown.
const shapelessProducer = 24

// Signature makes the signature of a frozen graph, which carries none of its
// own. Without inputs these are the Placeholders; without outputs, the outputs
// of the operations that nothing consumes; both are named by their operation.
// Shapes are what the graph declares for placeholders and, where its exporter
// recorded inferred shapes, for others; unknown otherwise.
//
// The error wraps ErrTensor; for an unknown operation it suggests near names.
func (g *Graph) Signature(inputs, outputs []Binding) (*infer.Signature, error) {
	s := &infer.Signature{Name: DefaultSignature, Method: predictMethod}
	var err error
	if s.Inputs, err = g.bound(inputs, g.placeholders, "MODEL_INPUTS"); err != nil {
		return nil, err
	}
	if s.Outputs, err = g.bound(outputs, g.sinks, "MODEL_OUTPUTS"); err != nil {
		return nil, err
	}
	return s, nil
}

func (g *Graph) bound(bindings []Binding, defaults func() ([]infer.TensorInfo, error), setting string) ([]infer.TensorInfo, error) {
	if len(bindings) == 0 {
		return defaults()
	}
	infos := make([]infer.TensorInfo, len(bindings))
	for i, b := range bindings {
		info, err := g.Tensor(b.Tensor)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", setting, b.Name, err)
		}
		info.Name = b.Name
		infos[i] = info
	}
	infer.SortTensors(infos)
	return infos, nil
}

// Tensor finds a tensor of the graph by "operation[:index]"; its Name is the
// name as given. The error wraps ErrTensor.
func (g *Graph) Tensor(name string) (infer.TensorInfo, error) {
	n, index, err := g.output(name)
	if err != nil {
		return infer.TensorInfo{}, err
	}
	types := g.Outputs(n)
	if index >= len(types) {
		return infer.TensorInfo{}, fmt.Errorf("%w: operation %q (%s) has %d outputs, so there is no %q",
			ErrTensor, n.Name, n.Op, len(types), name)
	}
	info := g.tensor(n, index, types[index])
	info.Name = name
	return info, nil
}

// output finds the node that "operation[:index]" names, and the index, which
// the node need not have. The error wraps ErrTensor.
func (g *Graph) output(name string) (*Node, int, error) {
	operation, index, err := splitTensor(name)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrTensor, err)
	}
	n, ok := g.Node(operation)
	if !ok {
		return nil, 0, fmt.Errorf("%w: the graph has no operation %q%s", ErrTensor, operation, didYouMean(g.near(operation)))
	}
	return n, index, nil
}

func (g *Graph) tensor(n *Node, index int, t infer.DType) infer.TensorInfo {
	return infer.TensorInfo{
		Name:   n.Name,
		Tensor: n.Name + ":" + strconv.Itoa(index),
		DType:  t,
		Shape:  g.shape(n, index),
	}
}

// PlaceholderShapes is the shapes that the graph's placeholders declare, by
// operation, without those of unknown rank. A run whose feeds do not match them
// may abort the process inside a kernel.
func (g *Graph) PlaceholderShapes() map[string]infer.Shape {
	shapes := make(map[string]infer.Shape)
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if !isPlaceholder(n.Op) {
			continue
		}
		if s := g.placeholderShape(n); s != nil {
			shapes[n.Name] = s
		}
	}
	return shapes
}

func isPlaceholder(op string) bool {
	return op == "Placeholder" || op == "PlaceholderV2" || op == "PlaceholderWithDefault"
}

func (g *Graph) placeholderShape(n *Node) infer.Shape {
	a, ok := n.Attr("shape")
	if !ok {
		return nil
	}
	s, ok := a.Shape()
	if !ok || len(s) == 0 && n.Op == "Placeholder" && g.Producer < shapelessProducer {
		return nil
	}
	return s
}

func (g *Graph) shape(n *Node, index int) infer.Shape {
	if isPlaceholder(n.Op) {
		return g.placeholderShape(n)
	}
	a, ok := n.Attr("_output_shapes")
	if !ok {
		return nil
	}
	shapes, ok := a.Shapes()
	if !ok || index >= len(shapes) {
		return nil
	}
	return shapes[index]
}

// placeholders are the inputs that must be fed. A PlaceholderWithDefault need
// not be, so it is an input only where MODEL_INPUTS names it.
func (g *Graph) placeholders() ([]infer.TensorInfo, error) {
	var infos []infer.TensorInfo
	ops := g.operations()
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if n.Op != "Placeholder" && n.Op != "PlaceholderV2" {
			continue
		}
		if types := ops.outputs(n); len(types) == 1 {
			infos = append(infos, g.tensor(n, 0, types[0]))
		}
	}
	if len(infos) == 0 {
		return nil, fmt.Errorf("%w: frozen graph without placeholders: set MODEL_INPUTS", ErrTensor)
	}
	infer.SortTensors(infos)
	return infos, nil
}

// notOutputs are operations that nothing may consume and that are no results
// all the same. Operations without outputs need not be listed.
var notOutputs = []string{
	"Const", "Placeholder", "PlaceholderV2", "PlaceholderWithDefault",
	"Variable", "VariableV2", "VarHandleOp", "ReadVariableOp",
	"Assign", "AssignAdd", "AssignSub",
	"Save", "SaveV2", "SaveSlices", "Restore", "RestoreV2", "RestoreSlice",
	"MergeV2Checkpoints", "ShardedFilename", "ShardedFilespec",
}

// sinks are the outputs of the operations that nothing consumes, neither their
// values nor their completion.
func (g *Graph) sinks() ([]infer.TensorInfo, error) {
	consumed := make(map[string]bool, len(g.Nodes))
	for i := range g.Nodes {
		for _, in := range g.Nodes[i].Inputs {
			consumed[producer(in)] = true
		}
	}
	var infos []infer.TensorInfo
	ops := g.operations()
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if consumed[n.Name] || slices.Contains(notOutputs, n.Op) {
			continue
		}
		for index, t := range ops.outputs(n) {
			if t == infer.Resource || t == infer.Variant {
				continue
			}
			info := g.tensor(n, index, t)
			if index > 0 {
				info.Name = info.Tensor
			}
			infos = append(infos, info)
		}
	}
	if len(infos) == 0 {
		return nil, fmt.Errorf("%w: frozen graph without an output that nothing consumes: set MODEL_OUTPUTS", ErrTensor)
	}
	infer.SortTensors(infos)
	return infos, nil
}

// producer is the name of the node that an input refers to.
func producer(input string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(input, "^"), ":")
	return name
}
