package pack

import (
	"fmt"
	"maps"
	"slices"

	attrpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/attr_value_go_proto"
	nodepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
	typespb "github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel"
)

// variable is a variable of the model: the nodes that make a handle or reference to
// it. Nodes with the same shared name make the same one.
type variable struct {
	name  string
	nodes []*nodepb.NodeDef
	why   string // not to be folded
}

var variableOps = map[string]bool{"VarHandleOp": true, "VariableV2": true, "Variable": true}

// variables finds the variables that the kept signatures and the init op use, and says
// which of them anything but reads.
func (g *graph) variables(live map[string]bool) []*variable {
	byKey := make(map[string]*variable)
	var all []*variable
	consumers := g.consumers(live)
	for _, n := range g.nodes {
		if !live[n.GetName()] || !variableOps[n.GetOp()] {
			continue
		}
		key := sharedName(n)
		v := byKey[key]
		if v == nil {
			v = &variable{name: n.GetName()}
			byKey[key] = v
			all = append(all, v)
		}
		v.nodes = append(v.nodes, n)
		if v.why == "" {
			v.why = g.notOnlyRead(n, consumers, 0)
		}
	}
	for _, fn := range g.ops.functions {
		for _, n := range fn.GetNodeDef() {
			if v := byKey[sharedName(n)]; variableOps[n.GetOp()] && v != nil {
				v.why = fmt.Sprintf("is made in function %q too", fn.GetSignature().GetName())
			}
		}
	}
	return all
}

// sharedName is by which name TensorFlow's resource manager knows the variable.
func sharedName(n *nodepb.NodeDef) string {
	name := string(n.GetAttr()["shared_name"].GetS())
	if name == "" {
		name = n.GetName()
	}
	return string(n.GetAttr()["container"].GetS()) + "\x00" + name
}

// notOnlyRead says what else is done to the handle that n gives, "" if nothing.
func (g *graph) notOnlyRead(n *nodepb.NodeDef, consumers map[string][]use, depth int) string {
	for _, taker := range consumers[n.GetName()] {
		op := taker.node.GetOp()
		switch {
		case n.GetOp() == "VariableV2" || n.GetOp() == "Variable":
			if arg, ok := g.ops.input(taker.node, taker.position); !ok || arg.GetIsRef() {
				return handled(taker.node, "is taken by reference by")
			}
		case reads[op]:
		case op == "Identity" && depth < 100:
			if why := g.notOnlyRead(taker.node, consumers, depth+1); why != "" {
				return why
			}
		case len(mentioned(taker.node)) > 0:
			if why := g.notOnlyReadIn(taker.node, taker.position, 0); why != "" {
				return why
			}
			if capturing[op].loop && slices.ContainsFunc(consumers[taker.node.GetName()], func(after use) bool {
				return parseEndpoint(after.node.GetInput()[after.position]).index == taker.position
			}) {
				return fmt.Sprintf("comes out of %q (%s)", taker.node.GetName(), op)
			}
		default:
			return handled(taker.node, "is passed on by")
		}
	}
	if g.roots[n.GetName()] && n.GetOp() != "VariableV2" {
		return "is an output of a signature"
	}
	return ""
}

// handled says what n does with a variable: it writes it, or what otherwise says.
func handled(n *nodepb.NodeDef, otherwise string) string {
	if savedmodel.WritesState(n.GetOp()) {
		otherwise = "is written by"
	}
	return fmt.Sprintf("%s %q (%s)", otherwise, n.GetName(), n.GetOp())
}

// reads are the operations on a variable's handle that only look at it.
var reads = map[string]bool{
	"ReadVariableOp": true, "VariableShape": true, "VarIsInitializedOp": true, "ResourceGather": true, "ResourceGatherNd": true,
	"DisableCopyOnRead": true,
}

// fold replaces variables by constants of their values, and what reads them.
func (g *graph) fold(variables []*variable, values map[string]*infer.Tensor) error {
	for _, v := range variables {
		value := values[v.name]
		for _, n := range v.nodes {
			constant, err := constantOf(value)
			if err != nil {
				return fmt.Errorf("variable %q: %w", v.name, err)
			}
			n.Op, n.Attr = "Const", constant
		}
		g.report.Folded++
		g.report.FoldedBytes += int64(len(value.Data))
	}
	constants := make(map[string]bool)
	for _, v := range variables {
		for _, n := range v.nodes {
			constants[n.GetName()] = true
		}
	}
	for _, n := range g.nodes { // in any order: an Identity of a handle may lie behind its reader
		if n.GetOp() == "Identity" && n.GetAttr()["T"].GetType() == typespb.DataType_DT_RESOURCE {
			if source := g.source(n); constants[source.GetName()] {
				n.Attr["T"] = source.GetAttr()["dtype"]
			}
		}
	}
	for _, n := range slices.Clone(g.nodes) { // reading may add a node
		switch {
		case reads[n.GetOp()]:
			if source := g.source(n); constants[source.GetName()] {
				readValue(n, source.GetAttr()["dtype"], func(axis int32) string { return g.scalar(g.free(n.GetName()+"/axis"), axis) })
			}
		case capturing[n.GetOp()].types != "":
			dtypes := make(map[int]*attrpb.AttrValue)
			for position, in := range n.GetInput() {
				e := parseEndpoint(in)
				if source := g.sourceOf(e); !e.control && constants[source.GetName()] {
					dtypes[position] = source.GetAttr()["dtype"]
				}
			}
			if g.takesHandles(n, dtypes); len(dtypes) > 0 {
				g.specialize(n, dtypes)
			}
		}
	}
	return g.bypass()
}

// takesHandles leaves of dtypes the inputs that n takes as handles: the others were
// constants before, or are references that read as values.
func (g *graph) takesHandles(n *nodepb.NodeDef, dtypes map[int]*attrpb.AttrValue) {
	c := capturing[n.GetOp()]
	types := n.GetAttr()[c.types].GetList().GetType()
	for position := range dtypes {
		k := position - c.skipped
		if k < 0 || k >= len(types) || types[k] != typespb.DataType_DT_RESOURCE {
			delete(dtypes, position)
		}
	}
}

// source is where the first input of a node comes from, through Identities.
func (g *graph) source(n *nodepb.NodeDef) *nodepb.NodeDef {
	if len(n.GetInput()) == 0 {
		return n
	}
	return g.sourceOf(parseEndpoint(n.GetInput()[0]))
}

// sourceOf is the node that makes a tensor, behind Identities; nil where there is none.
func (g *graph) sourceOf(e endpoint) *nodepb.NodeDef {
	n := g.index[e.node]
	for range len(g.nodes) {
		if n == nil || n.GetOp() != "Identity" || len(n.GetInput()) == 0 {
			return n
		}
		n = g.index[parseEndpoint(n.GetInput()[0]).node]
	}
	return nil
}

// readValue makes a read of a handle the same read of a value of type dtype. scalar
// adds a constant beside n and is its tensor. The order among reads and other
// operations, which control edges keep, is lost on purpose: nothing writes the value.
func readValue(n *nodepb.NodeDef, dtype *attrpb.AttrValue, scalar func(int32) string) {
	attrs := n.GetAttr()
	data := func(k int) []string { return slices.Clone(n.GetInput()[:k]) }
	switch n.GetOp() {
	case "ReadVariableOp":
		n.Op, n.Input, n.Attr = "Identity", data(1), map[string]*attrpb.AttrValue{"T": dtype}
	case "VariableShape":
		out := attrs["out_type"]
		if out == nil {
			out = typeValue(typespb.DataType_DT_INT32)
		}
		n.Op, n.Input, n.Attr = "Shape", data(1), map[string]*attrpb.AttrValue{"T": dtype, "out_type": out}
	case "ResourceGatherNd":
		n.Op, n.Input, n.Attr = "GatherNd", data(2), map[string]*attrpb.AttrValue{"Tparams": dtype, "Tindices": attrs["Tindices"]}
	case "ResourceGather":
		batch := attrs["batch_dims"]
		if batch == nil {
			batch = &attrpb.AttrValue{Value: &attrpb.AttrValue_I{}}
		}
		n.Op, n.Input = "GatherV2", append(data(2), scalar(int32(batch.GetI())))
		n.Attr = map[string]*attrpb.AttrValue{
			"Tparams": dtype, "Tindices": attrs["Tindices"], "Taxis": typeValue(typespb.DataType_DT_INT32), "batch_dims": batch,
		}
	case "VarIsInitializedOp":
		value, _ := constantOf(&infer.Tensor{DType: infer.Bool, Shape: infer.Shape{}, Data: []byte{1}})
		n.Op, n.Input, n.Attr = "Const", nil, value
	case "DisableCopyOnRead":
		n.Op, n.Input, n.Attr = "NoOp", nil, nil
	}
}

// scalar adds a constant and is its name.
func (g *graph) scalar(name string, value int32) string {
	g.add(&nodepb.NodeDef{Name: name, Op: "Const", Attr: scalarAttrs(value)})
	return name
}

func scalarAttrs(value int32) map[string]*attrpb.AttrValue {
	attrs, _ := constantOf(&infer.Tensor{DType: infer.Int32, Shape: infer.Shape{}, Data: littleEndian(value)}) // integers can be constants
	return attrs
}

func littleEndian(v int32) []byte { return []byte{byte(v), byte(v >> 8), byte(v >> 16), byte(v >> 24)} }

// names is the names of variables by which their values are asked for, sorted.
func names(variables []*variable) []string {
	set := make(map[string]bool)
	for _, v := range variables {
		set[v.name] = true
	}
	return slices.Sorted(maps.Keys(set))
}
