package pack

import (
	nodepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
	shapepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_shape_go_proto"
	typespb "github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// Feature is what a graph takes out of serialized tf.train.Examples.
type Feature struct {
	Name   string
	DType  infer.DType // String, Float or Int64
	Values int         // how many an example has, below 0 where any number will do
}

// maxValues is how many values of a feature are made up at most.
const maxValues = 1 << 20

// examples are the features that the graph parses out of the inputs of its signatures,
// by tensor. Parsing whose keys are computed is not known.
func (g *graph) examples() map[string][]Feature {
	all := make(map[string][]Feature)
	for _, n := range g.nodes {
		features := g.features(n)
		if len(features) == 0 {
			continue
		}
		if e := g.parsed(parseEndpoint(n.GetInput()[0])); g.fed[e.node] {
			all[tensorName(e)] = append(all[tensorName(e)], features...)
		}
	}
	return all
}

// parsed is where a tensor comes from without being anything else.
func (g *graph) parsed(e endpoint) endpoint {
	for range len(g.nodes) {
		n := g.index[e.node]
		switch n.GetOp() {
		case "Identity", "Reshape", "ExpandDims", "Squeeze":
		default:
			return e
		}
		if g.fed[e.node] || len(n.GetInput()) == 0 {
			return e
		}
		e = parseEndpoint(n.GetInput()[0])
	}
	return e
}

// features are those that a node parses.
func (g *graph) features(n *nodepb.NodeDef) []Feature {
	attrs := n.GetAttr()
	list := func(name string) []typespb.DataType { return attrs[name].GetList().GetType() }
	f := features{shapes: attrs["dense_shapes"].GetList().GetShape()}
	switch n.GetOp() {
	case "ParseExample": // serialized, names, a scalar for each sparse and each dense key
		sparse, dense := list("sparse_types"), list("Tdense")
		f.add(g.texts(n, 2, len(sparse)), sparse, false)
		f.add(g.texts(n, 2+len(sparse), len(dense)), dense, true)
	case "ParseExampleV2": // serialized, names, and a vector for each kind of keys
		f.add(g.texts(n, 2, 1), list("sparse_types"), false)
		f.add(g.texts(n, 3, 1), list("Tdense"), true)
		f.add(g.texts(n, 4, 1), list("ragged_value_types"), false)
	case "ParseSingleExample":
		f.add(attrs["sparse_keys"].GetList().GetS(), list("sparse_types"), false)
		f.add(attrs["dense_keys"].GetList().GetS(), list("Tdense"), true)
	}
	return f.all
}

// texts are the elements of the constants that a node has as inputs from a position on.
func (g *graph) texts(n *nodepb.NodeDef, from, count int) [][]byte {
	var all [][]byte
	for position := from; position < from+count && position < len(n.GetInput()); position++ {
		constant := g.sourceOf(parseEndpoint(n.GetInput()[position]))
		if constant.GetOp() == "Const" {
			all = append(all, constant.GetAttr()["value"].GetTensor().GetStringVal()...)
		}
	}
	return all
}

type features struct {
	shapes []*shapepb.TensorShapeProto // of dense ones
	all    []Feature
}

func (f *features) add(names [][]byte, types []typespb.DataType, dense bool) {
	if len(names) != len(types) {
		return
	}
	for i, name := range names {
		feature := Feature{Name: string(name), DType: infer.DType(types[i]), Values: -1}
		if dense && i < len(f.shapes) {
			feature.Values = values(f.shapes[i])
		}
		f.all = append(f.all, feature)
	}
}

// values is how many elements a tensor has whose open dimensions are 1.
func values(shape *shapepb.TensorShapeProto) int {
	product := int64(1)
	for _, d := range shape.GetDim() {
		if size := d.GetSize(); size >= 0 {
			product *= min(size, maxValues)
		}
		product = min(product, maxValues)
	}
	return int(product)
}
