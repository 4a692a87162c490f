package pack

import (
	"fmt"
	"maps"
	"slices"

	attrpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/attr_value_go_proto"
	nodepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
	typespb "github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// trimRestores lets the reading of variables' files read no more tensors than something
// takes. It is for a graph whose nodes are all live.
func (g *graph) trimRestores() error {
	for _, n := range slices.Clone(g.nodes) { // trimming adds nodes
		if n.GetOp() != "RestoreV2" || len(n.GetInput()) < 3 || g.roots[n.GetName()] {
			continue
		}
		if err := g.trimRestore(n); err != nil {
			return fmt.Errorf("node %q: %w", n.GetName(), err)
		}
	}
	return nil
}

func (g *graph) trimRestore(n *nodepb.NodeDef) error {
	taken := make(map[int]bool)
	for _, taker := range g.nodes {
		for _, in := range taker.GetInput() {
			if e := parseEndpoint(in); e.node == n.GetName() && !e.control {
				taken[e.index] = true
			}
		}
	}
	kept := slices.Sorted(maps.Keys(taken))
	types := n.GetAttr()["dtypes"].GetList().GetType()
	names, slicing := g.vector(n.GetInput()[1], len(types)), g.vector(n.GetInput()[2], len(types))
	if len(kept) == 0 || len(kept) == len(types) || names == nil || slicing == nil || kept[len(kept)-1] >= len(types) {
		return nil
	}
	list := &attrpb.AttrValue_ListValue{}
	position := make(map[int]int)
	var keptNames, keptSlicing [][]byte
	for k, index := range kept {
		position[index] = k
		list.Type = append(list.Type, types[index])
		keptNames, keptSlicing = append(keptNames, names[index]), append(keptSlicing, slicing[index])
	}
	for _, taker := range g.nodes {
		for i, in := range taker.GetInput() {
			if e := parseEndpoint(in); e.node == n.GetName() && !e.control {
				taker.Input[i] = endpoint{node: e.node, index: position[e.index]}.String()
			}
		}
	}
	n.Attr["dtypes"] = &attrpb.AttrValue{Value: &attrpb.AttrValue_List{List: list}}
	for i, values := range [][][]byte{keptNames, keptSlicing} {
		name, err := g.strings(g.free(fmt.Sprintf("%s/kept_%d", n.GetName(), i)), values)
		if err != nil {
			return err
		}
		n.Input[1+i] = name
	}
	return nil
}

// vector is the elements of a constant vector of n strings, nil where it is none. Of
// elements that are the same at the end, a constant may have the first one only.
func (g *graph) vector(input string, n int) [][]byte {
	constant := g.index[parseEndpoint(input).node]
	value := constant.GetAttr()["value"].GetTensor()
	if constant.GetOp() != "Const" || value.GetDtype() != typespb.DataType_DT_STRING || len(value.GetTensorShape().GetDim()) != 1 ||
		value.GetTensorShape().GetDim()[0].GetSize() != int64(n) || len(value.GetStringVal()) > n {
		return nil
	}
	elements := slices.Clone(value.GetStringVal())
	for len(elements) < n {
		var last []byte
		if len(elements) > 0 {
			last = elements[len(elements)-1]
		}
		elements = append(elements, last)
	}
	return elements
}

// strings adds a constant vector and is its name.
func (g *graph) strings(name string, elements [][]byte) (string, error) {
	offsets := make([]int, 1, len(elements)+1)
	var data []byte
	for _, element := range elements {
		data = append(data, element...)
		offsets = append(offsets, len(data))
	}
	value, err := infer.NewStringTensor(infer.Shape{int64(len(elements))}, data, offsets)
	if err != nil {
		return "", err
	}
	attrs, err := constantOf(value)
	if err != nil {
		return "", err
	}
	g.add(&nodepb.NodeDef{Name: name, Op: "Const", Attr: attrs})
	return name, nil
}
