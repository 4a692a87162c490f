package pack

import (
	"fmt"
	"slices"

	attrpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/attr_value_go_proto"
	graphpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	nodepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
	oppb "github.com/galeone/tensorflow/tensorflow/go/core/framework/op_def_go_proto"
	typespb "github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel"
)

// smallConstant is how many bytes a computed constant may have where those that it is
// computed from have less: a model may fill megabytes with one number.
const smallConstant = 64 << 10

// compute replaces what depends on constants alone by its value, as TensorFlow would
// before its first run: once, here, instead of in each start. evaluate gives the values
// of tensors of a serialized GraphDef; the graph has the bytes of those that compute
// returns, at most room.
//
// Control edges from such operations are dropped: whatever order they keep is one among
// values that do not change.
func (g *graph) compute(evaluate func(graph []byte, tensors []string) (map[string]*infer.Tensor, error), room int64) ([]*infer.Tensor, error) {
	live := g.live(g.roots)
	f := &fixed{graph: g, known: make(map[string]bool)}
	for _, n := range g.nodes {
		if live[n.GetName()] {
			f.is(n)
		}
	}
	for _, n := range g.nodes {
		n.Input = slices.DeleteFunc(n.GetInput(), func(in string) bool {
			e := parseEndpoint(in)
			return e.control && f.known[e.node]
		})
	}
	wanted := f.wanted(g.live(g.roots))
	if len(wanted) == 0 {
		return nil, nil
	}
	values, err := f.evaluate(wanted, evaluate)
	if err == nil {
		return f.settle(wanted, values, room)
	}
	g.report.NotComputed = err.Error() // it would fail in each run as well, or is never run
	return nil, nil
}

// settle puts the values in the places of their tensors.
func (f *fixed) settle(wanted []endpoint, values map[string]*infer.Tensor, room int64) ([]*infer.Tensor, error) {
	var settled []*infer.Tensor
	for _, e := range wanted {
		value := values[tensorName(e)]
		size := int64(len(value.Data))
		if size > room || size > smallConstant && size > f.bytes(e.node) {
			continue
		}
		room -= size
		if err := f.replace(e, value); err != nil {
			return nil, err
		}
		settled = append(settled, value)
		f.report.Computed++
	}
	return settled, nil
}

// fixed finds the nodes whose outputs are the same in every run.
type fixed struct {
	*graph
	known map[string]bool // what was found out of nodes
}

// is reports whether a node is fixed. Nodes of a loop are not: each has one of the
// operations for control flow behind it.
func (f *fixed) is(n *nodepb.NodeDef) bool {
	if answer, ok := f.known[n.GetName()]; ok {
		return answer
	}
	f.known[n.GetName()] = false // where it leads back to itself
	f.known[n.GetName()] = f.pure(n) && !slices.ContainsFunc(n.GetInput(), func(in string) bool {
		return !f.is(f.index[parseEndpoint(in).node])
	})
	return f.known[n.GetName()]
}

// selfWilled are operations without state that are no functions of their inputs.
var selfWilled = map[string]bool{
	"Placeholder": true, "PlaceholderV2": true, "PlaceholderWithDefault": true,
	"Switch": true, "RefSwitch": true, "Merge": true, "RefMerge": true, "Enter": true, "RefEnter": true,
	"Exit": true, "RefExit": true, "NextIteration": true, "RefNextIteration": true, "LoopCond": true,
	"ControlTrigger": true,
}

// pure reports whether a node does nothing but compute values that can be constants.
func (f *fixed) pure(n *nodepb.NodeDef) bool {
	op := n.GetOp()
	def := f.ops.builtin[op]
	switch {
	case def == nil || f.ops.functions[op] != nil || len(mentioned(n)) > 0,
		f.fed[n.GetName()] || selfWilled[op] || outward[op],
		def.GetIsStateful() || savedmodel.WritesState(op):
		return false
	case op == "Const" || op == "NoOp":
		return true
	case len(n.GetInput()) == 0:
		return false
	}
	for _, arg := range def.GetOutputArg() {
		types := []typespb.DataType{typeOf(arg, n.GetAttr(), def)}
		if list := arg.GetTypeListAttr(); list != "" {
			types = attribute(n.GetAttr(), def, list).GetList().GetType()
		}
		if arg.GetIsRef() || slices.ContainsFunc(types, notConstant) {
			return false
		}
	}
	return !slices.ContainsFunc(def.GetInputArg(), func(arg *oppb.OpDef_ArgDef) bool { return arg.GetIsRef() })
}

func notConstant(t typespb.DataType) bool {
	d := infer.DType(t)
	return d != infer.String && d.Size() == 0
}

// wanted are the tensors that nodes which are not fixed take of those that are and are
// no constants yet, and those that something outside the graph names.
func (f *fixed) wanted(live map[string]bool) []endpoint {
	var wanted []endpoint
	seen := make(map[endpoint]bool)
	want := func(e endpoint) {
		n := f.index[e.node]
		if e.control || seen[e] || !f.known[e.node] || n.GetOp() == "Const" || n.GetOp() == "NoOp" {
			return
		}
		seen[e] = true
		wanted = append(wanted, e)
	}
	for _, n := range f.nodes {
		switch {
		case !live[n.GetName()]:
		case !f.known[n.GetName()]:
			for _, in := range n.GetInput() {
				want(parseEndpoint(in))
			}
		case f.roots[n.GetName()] && f.single(n):
			want(endpoint{node: n.GetName()})
		}
	}
	return wanted
}

// single reports whether a node has one output, so that a constant can take its name.
func (f *fixed) single(n *nodepb.NodeDef) bool {
	def := f.ops.builtin[n.GetOp()]
	return len(def.GetOutputArg()) == 1 && !isList(def.GetOutputArg()[0])
}

// evaluate asks for the values of tensors, in a graph of nothing but what they need.
func (f *fixed) evaluate(wanted []endpoint, evaluate func([]byte, []string) (map[string]*infer.Tensor, error)) (map[string]*infer.Tensor, error) {
	needed, names := make(map[string]bool), make([]string, len(wanted))
	for i, e := range wanted {
		needed[e.node], names[i] = true, tensorName(e)
	}
	needed = f.live(needed)
	part := &graphpb.GraphDef{Versions: f.def.GetVersions()}
	for _, n := range f.nodes {
		if needed[n.GetName()] {
			attrs := make(map[string]*attrpb.AttrValue, len(n.GetAttr()))
			for name, value := range n.GetAttr() {
				if name != "_class" { // names of nodes that may not be here
					attrs[name] = value
				}
			}
			part.Node = append(part.Node, &nodepb.NodeDef{Name: n.GetName(), Op: n.GetOp(), Input: n.GetInput(), Attr: attrs})
		}
	}
	encoded, err := proto.Marshal(part)
	if err != nil {
		return nil, err
	}
	values, err := evaluate(encoded, names)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if values[name] == nil {
			return nil, fmt.Errorf("%s has no value", name)
		}
	}
	return values, nil
}

// bytes is the size of all constants that a node is computed from.
func (f *fixed) bytes(node string) int64 {
	var sum int64
	for name := range f.live(map[string]bool{node: true}) {
		if n := f.index[name]; n.GetOp() == "Const" {
			sum += int64(proto.Size(n.GetAttr()["value"]))
		}
	}
	return sum
}

// replace puts a constant in the place of a tensor. A node with one output becomes it.
func (f *fixed) replace(e endpoint, value *infer.Tensor) error {
	constant, err := constantOf(value)
	if err != nil {
		return fmt.Errorf("%s: %w", tensorName(e), err)
	}
	n := f.index[e.node]
	if f.single(n) {
		n.Op, n.Attr, n.Input = "Const", constant, nil
		return nil
	}
	name := f.free(fmt.Sprintf("%s/output_%d", e.node, e.index))
	for _, taker := range f.nodes {
		for i, in := range taker.GetInput() {
			if parseEndpoint(in) == e {
				taker.Input[i] = name
			}
		}
	}
	f.add(&nodepb.NodeDef{Name: name, Op: "Const", Attr: constant})
	return nil
}

func tensorName(e endpoint) string { return fmt.Sprintf("%s:%d", e.node, e.index) }
