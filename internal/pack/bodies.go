package pack

import (
	"fmt"
	"slices"
	"strings"

	attrpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/attr_value_go_proto"
	functionpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/function_go_proto"
	graphpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	nodepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
)

// inlineBodies inlines in the functions that loops and branches run. They stay
// functions themselves.
func (g *graph) inlineBodies() error {
	live := g.live(g.roots)
	pending := flowFunctions(slices.DeleteFunc(slices.Clone(g.nodes), func(n *nodepb.NodeDef) bool { return !live[n.GetName()] }))
	for i := 0; i < len(pending); i++ {
		fn := g.ops.functions[pending[i]]
		if fn == nil || g.bodies[pending[i]] {
			continue
		}
		g.bodies[pending[i]] = true
		if slices.ContainsFunc(fn.GetNodeDef(), g.isCall) && isConcrete(fn) {
			if err := g.inlineIn(fn); err != nil {
				return fmt.Errorf("function %q: %w", pending[i], err)
			}
		}
		pending = append(pending, flowFunctions(fn.GetNodeDef())...)
	}
	return nil
}

// flowFunctions are those that the loops and branches among nodes run.
func flowFunctions(nodes []*nodepb.NodeDef) []string {
	var names []string
	for _, n := range nodes {
		if callee(n) != "" {
			continue
		}
		for _, called := range capturing[n.GetOp()].called(n) {
			names = append(names, called.GetName())
		}
	}
	return names
}

func (g *graph) isCall(n *nodepb.NodeDef) bool {
	return callee(n) != "" || g.ops.functions[n.GetOp()] != nil
}

// isConcrete reports whether the types and numbers of tensors in a function do not
// depend on who calls it.
func isConcrete(fn *functionpb.FunctionDef) bool {
	return !slices.ContainsFunc(fn.GetSignature().GetInputArg(), isList) &&
		!slices.ContainsFunc(fn.GetNodeDef(), func(n *nodepb.NodeDef) bool {
			for _, value := range n.GetAttr() {
				if value.GetPlaceholder() != "" {
					return true
				}
			}
			return false
		})
}

// returned is the name of the node that takes what a body returns: no node of a graph
// can have it.
const returned = "\x00returned"

// inlineIn inlines the calls in a function. Its body is a graph for that long: arguments
// are placeholders, and tensors have positions instead of names.
func (g *graph) inlineIn(fn *functionpb.FunctionDef) error {
	report := new(Report)
	def, err := g.asGraph(fn)
	if err != nil {
		return err
	}
	before := len(def.GetNode())
	inner, err := newGraph(def, g.ops, report)
	if err != nil {
		return err
	}
	inner.limit = g.limit
	for _, n := range inner.nodes {
		inner.stacks[n.GetName()] = []string{fn.GetSignature().GetName()}
	}
	if err := inner.inline(); err != nil {
		return err
	}
	g.limit -= len(inner.nodes) - before
	for _, node := range fn.GetControlRet() {
		inner.roots[node] = true
	}
	inner.roots[returned] = true
	for _, n := range inner.nodes { // TensorFlow runs these whether or not anything needs them
		if def := g.ops.lookup(n.GetOp()); def == nil || def.GetIsStateful() {
			inner.roots[n.GetName()] = true
		}
	}
	inner.drop(inner.roots)
	for _, n := range inner.nodes {
		inner.uncolocate(n)
	}
	if err := inner.asBody(fn); err != nil {
		return err
	}
	g.report.Inlined += report.Inlined
	for _, k := range report.Kept {
		k.Why = fmt.Sprintf("%s (in function %q)", k.Why, fn.GetSignature().GetName())
		g.report.Kept = append(g.report.Kept, k)
	}
	return nil
}

// asGraph is a copy of a body as a graph.
func (g *graph) asGraph(fn *functionpb.FunctionDef) (*graphpb.GraphDef, error) {
	b := &body{graph: g, fn: fn, names: make(map[string]string), nodes: make(map[string]*nodepb.NodeDef), args: make(map[string]string)}
	def := new(graphpb.GraphDef)
	for _, arg := range fn.GetSignature().GetInputArg() {
		b.args[arg.GetName()] = arg.GetName()
		def.Node = append(def.Node, &nodepb.NodeDef{
			Name: arg.GetName(), Op: "Placeholder", Attr: map[string]*attrpb.AttrValue{"dtype": typeValue(arg.GetType())},
		})
	}
	for _, n := range fn.GetNodeDef() {
		b.nodes[n.GetName()], b.names[n.GetName()] = n, n.GetName()
	}
	for _, n := range fn.GetNodeDef() {
		inputs, err := b.inputs(n.GetInput())
		if err != nil {
			return nil, fmt.Errorf("node %q: %w", n.GetName(), err)
		}
		def.Node = append(def.Node, &nodepb.NodeDef{Name: n.GetName(), Op: n.GetOp(), Input: inputs, Attr: cloneAttrs(n.GetAttr())})
	}
	var results []string
	for _, out := range fn.GetSignature().GetOutputArg() {
		results = append(results, fn.GetRet()[out.GetName()])
	}
	results, err := b.inputs(results)
	def.Node = append(def.Node, &nodepb.NodeDef{Name: returned, Op: "NoOp", Input: results})
	return def, err
}

func (b *body) inputs(all []string) ([]string, error) {
	var mapped []string
	for _, in := range all {
		m, _, err := b.input(in)
		if err != nil {
			return nil, err
		}
		mapped = append(mapped, m)
	}
	return mapped, nil
}

// asBody makes the graph the body of fn, as asGraph took it apart.
func (g *graph) asBody(fn *functionpb.FunctionDef) error {
	arguments := make(map[string]bool)
	for _, arg := range fn.GetSignature().GetInputArg() {
		arguments[arg.GetName()] = true
	}
	var nodes []*nodepb.NodeDef
	for _, n := range g.nodes {
		if arguments[n.GetName()] {
			continue
		}
		for i, in := range n.GetInput() {
			e := parseEndpoint(in)
			if e.control || arguments[e.node] {
				continue
			}
			name, err := g.ops.outputName(g.index[e.node], e.index)
			if err != nil {
				return err
			}
			n.Input[i] = name
		}
		if n.GetName() != returned {
			nodes = append(nodes, n)
		}
	}
	for i, out := range fn.GetSignature().GetOutputArg() {
		fn.Ret[out.GetName()] = g.index[returned].GetInput()[i]
	}
	fn.NodeDef = nodes
	return nil
}

// outputName is how a body calls an output of a node: the other way round than output.
func (o *operations) outputName(n *nodepb.NodeDef, position int) (string, error) {
	def, index := o.lookup(n.GetOp()), position
	for _, arg := range def.GetOutputArg() {
		width, err := width(arg, n.GetAttr(), def)
		if err != nil {
			return "", fmt.Errorf("node %q: %w", n.GetName(), err)
		}
		if index < width {
			return strings.Join([]string{n.GetName(), arg.GetName(), fmt.Sprint(index)}, ":"), nil
		}
		index -= width
	}
	return "", fmt.Errorf("node %q of operation %q has no output %d: %w", n.GetName(), n.GetOp(), position, ErrModel)
}

// settleReport leaves nodes that are gone out of those that are kept, and notes the
// calls in functions that were not looked into: those that calls which stay run, and
// functions of other operations than loops and branches.
func (g *graph) settleReport() {
	names := make(map[string]bool)
	for _, n := range g.nodes {
		names[n.GetName()] = true
	}
	for _, fn := range g.def.GetLibrary().GetFunction() {
		for _, n := range fn.GetNodeDef() {
			names[n.GetName()] = true
		}
	}
	g.report.Kept = slices.DeleteFunc(g.report.Kept, func(k Kept) bool { return !names[k.Node] })
	for _, fn := range g.def.GetLibrary().GetFunction() {
		name := fn.GetSignature().GetName()
		for _, n := range fn.GetNodeDef() {
			if g.isCall(n) && (!g.bodies[name] || !isConcrete(fn)) {
				g.keep(n, fmt.Sprintf("is in function %q, which stays as it is", name))
			}
		}
	}
}
