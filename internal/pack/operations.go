package pack

import (
	"fmt"
	"strings"

	attrpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/attr_value_go_proto"
	functionpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/function_go_proto"
	nodepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
	oppb "github.com/galeone/tensorflow/tensorflow/go/core/framework/op_def_go_proto"
	typespb "github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/tensorlambda/tensorlambda/internal/savedmodel"
)

// maxWidth is more tensors than an output of an operation has.
const maxWidth = 1 << 20

// operations is what the operations of a model are: TensorFlow's own and the
// functions of the model's library, which a node may name as its operation.
type operations struct {
	builtin   map[string]*oppb.OpDef
	functions map[string]*functionpb.FunctionDef
}

// newOperations reads a serialized OpList.
func newOperations(list []byte, library *functionpb.FunctionDefLibrary) (*operations, error) {
	var ops oppb.OpList
	if err := proto.Unmarshal(list, &ops); err != nil {
		return nil, fmt.Errorf("list of operations: %w", err)
	}
	o := &operations{
		builtin:   make(map[string]*oppb.OpDef, len(ops.GetOp())),
		functions: make(map[string]*functionpb.FunctionDef, len(library.GetFunction())),
	}
	for _, op := range ops.GetOp() {
		o.builtin[op.GetName()] = op
	}
	for _, fn := range library.GetFunction() {
		o.functions[fn.GetSignature().GetName()] = fn
	}
	return o, nil
}

// lookup is the definition of an operation, nil where nobody knows it.
func (o *operations) lookup(op string) *oppb.OpDef {
	if fn, ok := o.functions[op]; ok {
		return fn.GetSignature()
	}
	return o.builtin[op]
}

// output is the position among all outputs of a node of the index-th tensor of the
// output called name: how a body says "split:output:1" and a graph "split:1".
func (o *operations) output(n *nodepb.NodeDef, name string, index int) (int, error) {
	def := o.lookup(n.GetOp())
	if def == nil {
		return 0, fmt.Errorf("node %q has operation %q, which TensorFlow does not have: %w", n.GetName(), n.GetOp(), ErrModel)
	}
	position := 0
	for _, arg := range def.GetOutputArg() {
		width, err := width(arg, n.GetAttr(), def)
		if err != nil {
			return 0, fmt.Errorf("node %q: %w", n.GetName(), err)
		}
		if arg.GetName() == name {
			if index >= width {
				return 0, fmt.Errorf("node %q has no output %s:%d: %w", n.GetName(), name, index, ErrModel)
			}
			return position + index, nil
		}
		position += width
	}
	return 0, fmt.Errorf("node %q of operation %q has no output %q: %w", n.GetName(), n.GetOp(), name, ErrModel)
}

// input is the definition of the input at a position among all inputs of a node.
func (o *operations) input(n *nodepb.NodeDef, position int) (*oppb.OpDef_ArgDef, bool) {
	def := o.lookup(n.GetOp())
	return argument(def.GetInputArg(), n, def, position)
}

// argument is the one among args that has the tensor at a position.
func argument(args []*oppb.OpDef_ArgDef, n *nodepb.NodeDef, def *oppb.OpDef, position int) (*oppb.OpDef_ArgDef, bool) {
	for _, arg := range args {
		width, err := width(arg, n.GetAttr(), def)
		if err != nil {
			return nil, false
		}
		if position < width {
			return arg, true
		}
		position -= width
	}
	return nil, false
}

// width is how many tensors an input or output of a node has.
func width(arg *oppb.OpDef_ArgDef, attrs map[string]*attrpb.AttrValue, def *oppb.OpDef) (int, error) {
	name := arg.GetNumberAttr() + arg.GetTypeListAttr() // at most one is set
	if name == "" {
		return 1, nil
	}
	value := attribute(attrs, def, name)
	n := int64(len(value.GetList().GetType()))
	if arg.GetNumberAttr() != "" {
		n = value.GetI()
	}
	if value == nil || n < 0 || n > maxWidth {
		return 0, fmt.Errorf("attribute %q does not say how many tensors %q has: %w", name, arg.GetName(), ErrModel)
	}
	return int(n), nil
}

// attribute is an attribute's value: exporters leave out those with the default.
func attribute(attrs map[string]*attrpb.AttrValue, def *oppb.OpDef, name string) *attrpb.AttrValue {
	if value, ok := attrs[name]; ok {
		return value
	}
	for _, attr := range def.GetAttr() {
		if attr.GetName() == name {
			return attr.GetDefaultValue()
		}
	}
	return nil
}

// typeOf is the type of the only tensor of an argument of a node.
func typeOf(arg *oppb.OpDef_ArgDef, attrs map[string]*attrpb.AttrValue, def *oppb.OpDef) typespb.DataType {
	if arg.GetTypeAttr() == "" {
		return arg.GetType()
	}
	return attribute(attrs, def, arg.GetTypeAttr()).GetType()
}

// outward are operations that change nothing and are no less of an effect: they end a
// run or show something.
var outward = map[string]bool{"Assert": true, "Print": true, "PrintV2": true}

// effectful reports whether a run of a function does something besides computing its
// outputs: then it must run whole when any output is asked for.
func (o *operations) effectful(fn *functionpb.FunctionDef, seen map[string]bool) bool {
	if seen[fn.GetSignature().GetName()] {
		return false // judged where it was met first
	}
	seen[fn.GetSignature().GetName()] = true
	for _, n := range fn.GetNodeDef() {
		called := mentioned(n)
		if o.functions[n.GetOp()] != nil {
			called = append(called, n.GetOp())
		} else if outward[n.GetOp()] || savedmodel.WritesState(n.GetOp()) {
			return true
		}
		for _, name := range called {
			if body := o.functions[name]; body == nil || o.effectful(body, seen) {
				return true
			}
		}
	}
	return false
}

// callee is the function that a node calls, "" where it is no call.
func callee(n *nodepb.NodeDef) string {
	if n.GetOp() != "PartitionedCall" && n.GetOp() != "StatefulPartitionedCall" {
		return ""
	}
	return n.GetAttr()["f"].GetFunc().GetName()
}

// mentioned is the functions among a node's attributes.
func mentioned(n *nodepb.NodeDef) []string {
	var names []string
	for _, value := range n.GetAttr() {
		names = appendFunctions(names, value)
	}
	return names
}

func appendFunctions(names []string, value *attrpb.AttrValue) []string {
	for _, fn := range append([]*attrpb.NameAttrList{value.GetFunc()}, value.GetList().GetFunc()...) {
		if fn == nil {
			continue
		}
		names = append(names, fn.GetName())
		for _, inner := range fn.GetAttr() {
			names = appendFunctions(names, inner)
		}
	}
	return names
}

// endpoint is an input of a node of a graph: a tensor, or a control edge from a node.
type endpoint struct {
	node    string
	index   int
	control bool
}

func parseEndpoint(s string) endpoint {
	if name, ok := strings.CutPrefix(s, "^"); ok {
		return endpoint{node: name, control: true}
	}
	name, digits, found := strings.Cut(s, ":")
	index := 0
	if found {
		for _, d := range digits {
			index = index*10 + int(d-'0')
		}
	}
	return endpoint{node: name, index: index}
}

func (e endpoint) String() string {
	switch {
	case e.control:
		return "^" + e.node
	case e.index == 0:
		return e.node
	default:
		return fmt.Sprintf("%s:%d", e.node, e.index)
	}
}
