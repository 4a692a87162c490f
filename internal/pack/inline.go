package pack

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	attrpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/attr_value_go_proto"
	functionpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/function_go_proto"
	nodepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
	typespb "github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"
	"google.golang.org/protobuf/proto"
)

// maxNodes bounds what calls may unfold to: functions that call each other twice
// double with every level.
const maxNodes = 1 << 20

// inline replaces calls by the bodies of what they call, until none is left that
// can be replaced. The node of a call stays as the Identity of its outputs under its
// own name, for signatures and control edges that name it; whatever takes its
// outputs takes them from the body.
func (g *graph) inline() error {
	// A call's node is appended behind, so this reaches calls in bodies too.
	for i := 0; i < len(g.nodes); i++ {
		n := g.nodes[i]
		name := callee(n)
		values := n.GetAttr()["f"].GetFunc().GetAttr()
		if name == "" && g.ops.functions[n.GetOp()] != nil {
			name, values = n.GetOp(), n.GetAttr()
		}
		if name == "" {
			continue
		}
		if why := g.keepsCall(n, name); why != "" {
			g.keep(n, why)
			continue
		}
		if err := g.unfold(n, g.ops.functions[name], values); err != nil {
			return fmt.Errorf("call %q of function %q: %w", n.GetName(), name, err)
		}
		g.report.Inlined++
		if len(g.nodes) > g.limit {
			return fmt.Errorf("calls unfold to more than %d nodes: %w", maxNodes, ErrModel)
		}
	}
	return g.bypass()
}

// keepsCall says why a call must stay, "" where it need not.
func (g *graph) keepsCall(n *nodepb.NodeDef, name string) string {
	fn := g.ops.functions[name]
	switch {
	case fn == nil:
		return "calls a function that the model does not have"
	case slices.Contains(g.stacks[n.GetName()], name):
		return "calls itself"
	case n.GetAttr()["_XlaMustCompile"].GetB() || fn.GetAttr()["_XlaMustCompile"].GetB():
		return "is compiled by XLA"
	case slices.ContainsFunc(fn.GetSignature().GetInputArg(), isList) || slices.ContainsFunc(fn.GetSignature().GetOutputArg(), isList):
		return "has lists of tensors as arguments"
	}
	return ""
}

// unfold puts the body of fn in the place of the call n.
func (g *graph) unfold(n *nodepb.NodeDef, fn *functionpb.FunctionDef, values map[string]*attrpb.AttrValue) error {
	b := &body{graph: g, call: n, fn: fn, names: make(map[string]string), nodes: make(map[string]*nodepb.NodeDef), args: make(map[string]string)}
	var data []string
	for _, in := range n.GetInput() {
		if strings.HasPrefix(in, "^") {
			b.control = append(b.control, in)
		} else {
			data = append(data, in)
		}
	}
	arguments := fn.GetSignature().GetInputArg()
	if len(arguments) != len(data) {
		return fmt.Errorf("%d inputs for %d arguments: %w", len(data), len(arguments), ErrModel)
	}
	for i, arg := range arguments {
		b.args[arg.GetName()] = data[i]
	}
	for _, node := range fn.GetNodeDef() {
		b.nodes[node.GetName()] = node
		b.names[node.GetName()] = g.free(n.GetName() + "/" + node.GetName())
	}
	stack := append(slices.Clone(g.stacks[n.GetName()]), fn.GetSignature().GetName())
	for _, node := range fn.GetNodeDef() {
		copied, err := b.copy(node, values)
		if err != nil {
			return err
		}
		g.add(copied)
		g.stacks[copied.GetName()] = stack
	}
	return b.settle(values)
}

// body is a function's body on its way into the graph.
type body struct {
	graph   *graph
	call    *nodepb.NodeDef
	fn      *functionpb.FunctionDef
	control []string                   // control inputs of the call
	args    map[string]string          // what feeds each argument
	nodes   map[string]*nodepb.NodeDef // of the function, by their names there
	names   map[string]string          // in the graph
}

func (b *body) copy(node *nodepb.NodeDef, values map[string]*attrpb.AttrValue) (*nodepb.NodeDef, error) {
	copied := &nodepb.NodeDef{Name: b.names[node.GetName()], Op: node.GetOp(), Attr: make(map[string]*attrpb.AttrValue, len(node.GetAttr()))}
	inside := false
	for _, in := range node.GetInput() {
		mapped, own, err := b.input(in)
		if err != nil {
			return nil, fmt.Errorf("node %q: %w", node.GetName(), err)
		}
		inside = inside || own
		copied.Input = append(copied.Input, mapped)
	}
	if !inside {
		// What the call had to wait for: the rest of the body waits for these.
		for _, in := range b.control {
			if !slices.Contains(copied.GetInput(), in) {
				copied.Input = append(copied.Input, in)
			}
		}
	}
	for name, value := range node.GetAttr() {
		bound, err := bind(value, values, b.fn)
		if err != nil {
			return nil, fmt.Errorf("node %q, attribute %q: %w", node.GetName(), name, err)
		}
		if bound != nil {
			copied.Attr[name] = bound
		}
	}
	b.colocate(copied)
	return copied, nil
}

// input is an input of the body as the graph says it; own tells whether it comes from
// the body itself.
func (b *body) input(in string) (mapped string, own bool, err error) {
	if name, ok := strings.CutPrefix(in, "^"); ok {
		if mapped, ok := b.names[name]; ok {
			return "^" + mapped, true, nil
		}
		if arg, ok := b.args[name]; ok {
			return "^" + parseEndpoint(arg).node, false, nil
		}
		return "", false, fmt.Errorf("input %q: %w", in, ErrModel)
	}
	parts := strings.Split(in, ":")
	if arg, ok := b.args[parts[0]]; ok && (len(parts) == 1 || len(parts) == 2 && parts[1] == "0") {
		return arg, false, nil
	}
	node, ok := b.nodes[parts[0]]
	if !ok {
		return "", false, fmt.Errorf("input %q: %w", in, ErrModel)
	}
	position := 0
	switch len(parts) {
	case 2: // the output's name, or an index where the function was made by hand
		position, err = b.graph.ops.output(node, parts[1], 0)
	case 3:
		index := parseEndpoint(":" + parts[2]).index
		position, err = b.graph.ops.output(node, parts[1], index)
	}
	return endpoint{node: b.names[parts[0]], index: position}.String(), true, err
}

// colocate lets "loc:@" names follow the nodes they name, which for an argument is what
// gives it. Names that are nowhere in the function are dropped: in the graph they would
// mean another node, or none.
func (b *body) colocate(n *nodepb.NodeDef) {
	value, ok := n.GetAttr()["_class"]
	if !ok {
		return
	}
	var classes [][]byte
	for _, class := range value.GetList().GetS() {
		name, ok := strings.CutPrefix(string(class), locPrefix)
		if !ok {
			classes = append(classes, class)
			continue
		}
		to := b.names[name]
		if arg, ok := b.args[name]; ok {
			to = parseEndpoint(arg).node
		}
		if to != "" {
			classes = append(classes, []byte(locPrefix+to))
		}
	}
	if len(classes) == 0 {
		delete(n.Attr, "_class")
		return
	}
	n.Attr["_class"] = &attrpb.AttrValue{Value: &attrpb.AttrValue_List{List: &attrpb.AttrValue_ListValue{S: classes}}}
}

const locPrefix = "loc:@"

// settle turns the call into the Identity of what the body returns.
func (b *body) settle(values map[string]*attrpb.AttrValue) error {
	g, signature := b.graph, b.fn.GetSignature()
	effectful := g.ops.effectful(b.fn, make(map[string]bool))
	var results []string
	types := &attrpb.AttrValue_ListValue{}
	for _, out := range signature.GetOutputArg() {
		mapped, _, err := b.input(b.fn.GetRet()[out.GetName()])
		if err != nil {
			return fmt.Errorf("output %q: %w", out.GetName(), err)
		}
		results = append(results, mapped)
		types.Type = append(types.Type, typeOf(out, values, signature))
	}
	n := b.call
	var after []string
	for _, name := range slices.Sorted(maps.Values(b.fn.GetControlRet())) {
		if mapped, ok := b.names[name]; ok && effectful {
			after = append(after, "^"+mapped)
		}
	}
	if len(results) == 0 || effectful {
		after = append(after, b.control...)
	}
	n.Input = append(slices.Clone(results), after...)
	n.Device = ""
	switch len(results) {
	case 0:
		n.Op, n.Attr = "NoOp", nil
	case 1:
		n.Op, n.Attr = "Identity", map[string]*attrpb.AttrValue{"T": typeValue(types.GetType()[0])}
	default:
		n.Op = "IdentityN"
		n.Attr = map[string]*attrpb.AttrValue{"T": {Value: &attrpb.AttrValue_List{List: types}}}
	}
	if slices.Contains(types.GetType(), typespb.DataType_DT_INVALID) {
		return fmt.Errorf("an output has no type: %w", ErrModel)
	}
	return nil
}

// bind gives an attribute that the call decides its value; nil where neither the
// call nor the function has one.
func bind(value *attrpb.AttrValue, values map[string]*attrpb.AttrValue, fn *functionpb.FunctionDef) (*attrpb.AttrValue, error) {
	if name := value.GetPlaceholder(); name != "" {
		return attribute(values, fn.GetSignature(), name), nil
	}
	functions := value.GetList().GetFunc()
	if f := value.GetFunc(); f != nil {
		functions = []*attrpb.NameAttrList{f}
	}
	if len(functions) == 0 {
		return value, nil
	}
	bound := proto.CloneOf(value)
	functions = bound.GetList().GetFunc()
	if f := bound.GetFunc(); f != nil {
		functions = []*attrpb.NameAttrList{f}
	}
	for _, f := range functions {
		for name, inner := range f.GetAttr() {
			b, err := bind(inner, values, fn)
			if err != nil {
				return nil, err
			}
			if b == nil {
				return nil, fmt.Errorf("%q has no value: %w", name, ErrModel)
			}
			f.Attr[name] = b
		}
	}
	return bound, nil
}
