package pack

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	attrpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/attr_value_go_proto"
	graphpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	nodepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
	oppb "github.com/galeone/tensorflow/tensorflow/go/core/framework/op_def_go_proto"
	typespb "github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"
)

// graph is a graph being rewritten.
type graph struct {
	def    *graphpb.GraphDef
	nodes  []*nodepb.NodeDef
	index  map[string]*nodepb.NodeDef
	ops    *operations
	roots  map[string]bool     // nodes that something outside the graph names
	fed    map[string]bool     // of them those that requests give a value
	stacks map[string][]string // by node: the functions it was unfolded from, outermost first
	bodies map[string]bool     // functions of loops and branches, which were inlined in
	limit  int                 // of nodes that calls may unfold to
	report *Report
}

func newGraph(def *graphpb.GraphDef, ops *operations, report *Report) (*graph, error) {
	g := &graph{
		def: def, nodes: def.GetNode(), index: make(map[string]*nodepb.NodeDef, len(def.GetNode())), ops: ops,
		roots: make(map[string]bool), stacks: make(map[string][]string),
		bodies: make(map[string]bool), limit: maxNodes, report: report,
	}
	for _, n := range g.nodes {
		if g.index[n.GetName()] != nil {
			return nil, fmt.Errorf("two nodes are called %q: %w", n.GetName(), ErrModel)
		}
		g.index[n.GetName()] = n
		n.Device = ""
		n.ExperimentalDebugInfo = nil
		delete(n.GetAttr(), "_output_shapes")
	}
	for _, n := range g.nodes {
		for _, in := range n.GetInput() {
			if g.index[parseEndpoint(in).node] == nil {
				return nil, fmt.Errorf("node %q has input %q, which is nowhere: %w", n.GetName(), in, ErrModel)
			}
		}
	}
	return g, nil
}

func (g *graph) add(n *nodepb.NodeDef) {
	delete(n.GetAttr(), "_output_shapes")
	g.nodes = append(g.nodes, n)
	g.index[n.GetName()] = n
}

// free is the name, or one like it that no node has.
func (g *graph) free(name string) string {
	for candidate, i := name, 1; ; i++ {
		if g.index[candidate] == nil {
			return candidate
		}
		candidate = fmt.Sprintf("%s_%d", name, i)
	}
}

// keep notes that a node stays as it is, and why.
func (g *graph) keep(n *nodepb.NodeDef, why string) {
	g.report.Kept = append(g.report.Kept, Kept{Node: n.GetName(), Op: n.GetOp(), Why: why})
}

// bypass lets whatever takes the output of an Identity take its input, where the
// Identity adds nothing: no control edge, no value that a request gives it instead, and
// no reference that it would read.
func (g *graph) bypass() error {
	through := func(e endpoint) (endpoint, bool) {
		n := g.index[e.node]
		if e.control || n == nil || g.fed[e.node] || n.GetOp() != "Identity" && n.GetOp() != "IdentityN" || e.index >= len(n.GetInput()) {
			return e, false
		}
		if slices.ContainsFunc(n.GetInput(), func(in string) bool { return strings.HasPrefix(in, "^") }) {
			return e, false
		}
		from := parseEndpoint(n.GetInput()[e.index])
		return from, !g.isReference(from)
	}
	for _, n := range g.nodes {
		for i, in := range n.GetInput() {
			e := parseEndpoint(in)
			for hops := 0; ; hops++ {
				if hops > len(g.nodes) {
					return fmt.Errorf("identities feed each other in a circle at %q: %w", n.GetName(), ErrModel)
				}
				from, ok := through(e)
				if !ok {
					break
				}
				e = from
			}
			n.Input[i] = e.String()
		}
	}
	return nil
}

// isReference reports whether a tensor is a reference to a variable of TensorFlow 1,
// or may be one for all that is known.
func (g *graph) isReference(e endpoint) bool {
	n := g.index[e.node]
	def := g.ops.lookup(n.GetOp())
	arg, ok := argument(def.GetOutputArg(), n, def, e.index)
	return !ok || arg.GetIsRef()
}

// live is the roots and the nodes that they need.
func (g *graph) live(roots map[string]bool) map[string]bool {
	live := make(map[string]bool)
	var pending []string
	for name := range roots {
		pending = append(pending, name)
	}
	for len(pending) > 0 {
		name := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		n := g.index[name]
		if n == nil || live[name] {
			continue
		}
		live[name] = true
		for _, in := range n.GetInput() {
			pending = append(pending, parseEndpoint(in).node)
		}
	}
	return live
}

// drop forgets the nodes that the roots do not need.
func (g *graph) drop(roots map[string]bool) {
	live := g.live(roots)
	g.nodes = slices.DeleteFunc(g.nodes, func(n *nodepb.NodeDef) bool { return !live[n.GetName()] })
	maps.DeleteFunc(g.index, func(name string, _ *nodepb.NodeDef) bool { return !live[name] })
}

// prune drops what no root needs: nodes, functions, and names of nodes that are gone.
func (g *graph) prune() {
	g.drop(g.roots)
	needed := make(map[string]bool)
	for _, n := range g.nodes {
		g.need(n, needed)
		g.uncolocate(n)
	}
	library := g.def.GetLibrary()
	for _, gradient := range library.GetGradient() {
		if needed[gradient.GetFunctionName()] {
			g.needFunction(gradient.GetGradientFunc(), needed)
		}
	}
	if library != nil {
		library.Function = slices.DeleteFunc(library.Function, func(fn *functionDef) bool { return !needed[fn.GetSignature().GetName()] })
		library.Gradient = slices.DeleteFunc(library.Gradient, func(gr *gradientDef) bool { return !needed[gr.GetFunctionName()] })
		for _, fn := range library.GetFunction() {
			for _, n := range fn.GetNodeDef() {
				n.Device = ""
				n.ExperimentalDebugInfo = nil
			}
		}
	}
	g.def.Node = g.nodes
}

func (g *graph) need(n *nodepb.NodeDef, needed map[string]bool) {
	g.needFunction(n.GetOp(), needed)
	for _, name := range mentioned(n) {
		g.needFunction(name, needed)
	}
}

func (g *graph) needFunction(name string, needed map[string]bool) {
	fn := g.ops.functions[name]
	if fn == nil || needed[name] {
		return
	}
	needed[name] = true
	for _, n := range fn.GetNodeDef() {
		g.need(n, needed)
	}
}

// uncolocate drops "loc:@" names of nodes that are gone: TensorFlow refuses them.
func (g *graph) uncolocate(n *nodepb.NodeDef) {
	value, ok := n.GetAttr()["_class"]
	if !ok {
		return
	}
	list := value.GetList()
	if list == nil {
		return
	}
	kept := slices.DeleteFunc(slices.Clone(list.GetS()), func(class []byte) bool {
		name, ok := strings.CutPrefix(string(class), locPrefix)
		return ok && g.index[name] == nil
	})
	if len(kept) == 0 {
		delete(n.GetAttr(), "_class")
		return
	}
	n.Attr["_class"] = &attrpb.AttrValue{Value: &attrpb.AttrValue_List{List: &attrpb.AttrValue_ListValue{S: kept}}}
}

// consumers are the inputs of live nodes by the node that they come from.
func (g *graph) consumers(live map[string]bool) map[string][]use {
	consumers := make(map[string][]use)
	for _, n := range g.nodes {
		if !live[n.GetName()] {
			continue
		}
		for i, in := range n.GetInput() {
			if e := parseEndpoint(in); !e.control {
				consumers[e.node] = append(consumers[e.node], use{n, i})
			}
		}
	}
	return consumers
}

// use is an input of a node.
type use struct {
	node     *nodepb.NodeDef
	position int
}

func isList(arg *oppb.OpDef_ArgDef) bool {
	return arg.GetNumberAttr() != "" || arg.GetTypeListAttr() != ""
}

func typeValue(t typespb.DataType) *attrpb.AttrValue {
	return &attrpb.AttrValue{Value: &attrpb.AttrValue_Type{Type: t}}
}
