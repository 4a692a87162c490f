package pack

import (
	"fmt"
	"slices"
	"strings"

	attrpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/attr_value_go_proto"
	functionpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/function_go_proto"
	nodepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
	shapepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_shape_go_proto"
	"google.golang.org/protobuf/proto"
)

// captures says how an operation that runs functions hands its inputs to them.
type captures struct {
	functions []string // attributes that name them
	types     string   // attribute with the types of what is handed on
	skipped   int      // leading inputs that are not handed on
	loop      bool     // the functions' inputs come back as outputs
}

var capturing = map[string]captures{
	"While":                   {[]string{"cond", "body"}, "T", 0, true},
	"StatelessWhile":          {[]string{"cond", "body"}, "T", 0, true},
	"If":                      {[]string{"then_branch", "else_branch"}, "Tin", 1, false},
	"StatelessIf":             {[]string{"then_branch", "else_branch"}, "Tin", 1, false},
	"Case":                    {[]string{"branches"}, "Tin", 1, false},
	"StatelessCase":           {[]string{"branches"}, "Tin", 1, false},
	"PartitionedCall":         {[]string{"f"}, "Tin", 0, false},
	"StatefulPartitionedCall": {[]string{"f"}, "Tin", 0, false},
}

// called is the functions that an attribute of a node names.
func (c captures) called(n *nodepb.NodeDef) []*attrpb.NameAttrList {
	var called []*attrpb.NameAttrList
	for _, name := range c.functions {
		value := n.GetAttr()[name]
		if f := value.GetFunc(); f != nil {
			called = append(called, f)
		}
		called = append(called, value.GetList().GetFunc()...)
	}
	return called
}

// notOnlyReadIn says what the functions of n do to the handle that they get as the
// input at a position, besides reading it; "" if nothing.
func (g *graph) notOnlyReadIn(n *nodepb.NodeDef, position, depth int) string {
	c, ok := capturing[n.GetOp()]
	if !ok || depth > 100 || n.GetAttr()["_XlaMustCompile"].GetB() {
		return fmt.Sprintf("is used in the functions of %q (%s)", n.GetName(), n.GetOp())
	}
	for _, called := range c.called(n) {
		fn := g.ops.functions[called.GetName()]
		k := position - c.skipped
		if fn == nil || k < 0 || k >= len(fn.GetSignature().GetInputArg()) || slices.ContainsFunc(fn.GetSignature().GetInputArg(), isList) {
			return fmt.Sprintf("is used in a function of %q (%s) that cannot be followed", n.GetName(), n.GetOp())
		}
		if why := g.notOnlyReadBy(fn, k, c.loop, depth); why != "" {
			return why
		}
	}
	return ""
}

// notOnlyReadBy is notOnlyReadIn for one function and its k-th argument.
func (g *graph) notOnlyReadBy(fn *functionpb.FunctionDef, k int, loop bool, depth int) string {
	handles := aliases(fn, []string{fn.GetSignature().GetInputArg()[k].GetName()})
	for _, n := range fn.GetNodeDef() {
		position := -1
		for _, in := range n.GetInput() {
			if strings.HasPrefix(in, "^") {
				continue
			}
			position++
			if !handles[in] || n.GetOp() == "Identity" || reads[n.GetOp()] {
				continue
			}
			if len(mentioned(n)) == 0 {
				return fmt.Sprintf("%s in function %q", handled(n, "is passed on by"), fn.GetSignature().GetName())
			}
			if why := g.notOnlyReadIn(n, position, depth+1); why != "" {
				return why
			}
			if capturing[n.GetOp()].loop && taken(fn, n.GetName(), position) {
				return fmt.Sprintf("comes out of %q (%s)", n.GetName(), n.GetOp())
			}
		}
	}
	for i, out := range fn.GetSignature().GetOutputArg() {
		if handles[fn.GetRet()[out.GetName()]] && (!loop || i != k) {
			return fmt.Sprintf("is returned by function %q", fn.GetSignature().GetName())
		}
	}
	return ""
}

// aliases are the tensors of a body that are one of the arguments, through Identities.
func aliases(fn *functionpb.FunctionDef, arguments []string) map[string]bool {
	known := make(map[string]bool)
	for _, name := range arguments {
		known[name], known[name+":0"] = true, true
	}
	for changed := true; changed; {
		changed = false
		for _, n := range fn.GetNodeDef() {
			out := n.GetName() + ":output:0"
			if n.GetOp() == "Identity" && len(n.GetInput()) > 0 && known[n.GetInput()[0]] && !known[out] {
				known[out], changed = true, true
			}
		}
	}
	return known
}

// taken reports whether a body uses an output of a loop in it.
func taken(fn *functionpb.FunctionDef, loop string, index int) bool {
	output := fmt.Sprintf("%s:output:%d", loop, index)
	for _, n := range fn.GetNodeDef() {
		if slices.Contains(n.GetInput(), output) {
			return true
		}
	}
	for _, tensor := range fn.GetRet() {
		if tensor == output {
			return true
		}
	}
	return false
}

// specialize gives n functions of its own that take values where they took handles.
// dtypes are the types of the values by the position of the input.
func (g *graph) specialize(n *nodepb.NodeDef, dtypes map[int]*attrpb.AttrValue) {
	c := capturing[n.GetOp()]
	n.Attr = cloneAttrs(n.GetAttr())
	types := n.Attr[c.types].GetList().GetType()
	shapes := n.Attr["output_shapes"].GetList().GetShape()
	arguments := make(map[int]*attrpb.AttrValue, len(dtypes))
	for position, dtype := range dtypes {
		k := position - c.skipped
		types[k] = dtype.GetType()
		arguments[k] = dtype
		if c.loop && k < len(shapes) {
			shapes[k] = &shapepb.TensorShapeProto{UnknownRank: true}
		}
	}
	delete(n.Attr, "_read_only_resource_inputs")
	for _, called := range c.called(n) {
		called.Name = g.specialized(g.ops.functions[called.GetName()], arguments, c.loop)
	}
}

func cloneAttrs(attrs map[string]*attrpb.AttrValue) map[string]*attrpb.AttrValue {
	cloned := make(map[string]*attrpb.AttrValue, len(attrs))
	for name, value := range attrs {
		cloned[name] = proto.CloneOf(value)
	}
	return cloned
}

// specialized adds a copy of a function whose arguments are values of the given types,
// and is its name.
func (g *graph) specialized(fn *functionpb.FunctionDef, arguments map[int]*attrpb.AttrValue, loop bool) string {
	fn = proto.CloneOf(fn)
	signature := fn.GetSignature()
	original := signature.GetName()
	signature.Name = g.freeFunction(signature.GetName() + "_packed")
	fn.ResourceArgUniqueId = nil
	delete(fn.GetAttr(), "_input_shapes")        // a handle is a scalar, its value is not
	values := make(map[string]*attrpb.AttrValue) // tensors that were handles
	for k, dtype := range arguments {
		arg := signature.GetInputArg()[k]
		arg.Type, arg.HandleData = dtype.GetType(), nil
		delete(fn.GetArgAttr(), uint32(k))
		for tensor := range aliases(fn, []string{arg.GetName()}) {
			values[tensor] = dtype
		}
		if loop && k < len(signature.GetOutputArg()) && values[fn.GetRet()[signature.GetOutputArg()[k].GetName()]] != nil {
			out := signature.GetOutputArg()[k]
			out.Type, out.HandleData = dtype.GetType(), nil
		}
	}
	renamed := make(map[string]string)
	for _, n := range fn.GetNodeDef() {
		g.specializeNode(fn, n, values, renamed)
	}
	for _, n := range fn.GetNodeDef() {
		for i, in := range n.GetInput() {
			if to, ok := renamed[in]; ok {
				n.Input[i] = to
			}
		}
	}
	for out, tensor := range fn.GetRet() {
		if to, ok := renamed[tensor]; ok {
			fn.Ret[out] = to
		}
	}
	g.bodies[signature.GetName()] = g.bodies[original]
	g.ops.functions[signature.GetName()] = fn
	g.def.Library.Function = append(g.def.Library.Function, fn)
	return signature.GetName()
}

func (g *graph) specializeNode(fn *functionpb.FunctionDef, n *nodepb.NodeDef, values map[string]*attrpb.AttrValue, renamed map[string]string) {
	delete(n.GetAttr(), "_output_shapes")
	if c, ok := capturing[n.GetOp()]; ok {
		dtypes := make(map[int]*attrpb.AttrValue)
		for position, in := range n.GetInput() { // control inputs come last
			if dtype := values[in]; dtype != nil && position >= c.skipped {
				dtypes[position] = dtype
			}
		}
		if len(dtypes) > 0 {
			g.specialize(n, dtypes)
		}
		return
	}
	if len(n.GetInput()) == 0 || values[n.GetInput()[0]] == nil {
		return
	}
	dtype := values[n.GetInput()[0]]
	if n.GetOp() == "Identity" {
		n.Attr["T"] = dtype
		return
	}
	// Reading gives the only output another name.
	renamed[n.GetName()+":value:0"] = n.GetName() + ":output:0"
	renamed[n.GetName()+":is_initialized:0"] = n.GetName() + ":output:0"
	readValue(n, dtype, func(axis int32) string {
		name := n.GetName() + "_axis"
		attrs := scalarAttrs(axis)
		fn.NodeDef = append(fn.NodeDef, &nodepb.NodeDef{Name: name, Op: "Const", Attr: attrs})
		return name + ":output:0"
	})
}

func (g *graph) freeFunction(name string) string {
	for candidate, i := name, 1; ; i++ {
		if g.ops.lookup(candidate) == nil {
			return candidate
		}
		candidate = fmt.Sprintf("%s_%d", name, i)
	}
}
