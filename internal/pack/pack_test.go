package pack_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	graphpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	oppb "github.com/galeone/tensorflow/tensorflow/go/core/framework/op_def_go_proto"
	modelpb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/pack"
)

// operations are the definitions of TensorFlow that the graphs below need.
const operations = `
op { name: "Placeholder" output_arg { name: "output" type_attr: "dtype" } }
op { name: "Const" output_arg { name: "output" type_attr: "dtype" } }
op { name: "Identity" input_arg { name: "input" type_attr: "T" } output_arg { name: "output" type_attr: "T" } }
op { name: "IdentityN" input_arg { name: "input" type_list_attr: "T" } output_arg { name: "output" type_list_attr: "T" } }
op { name: "NoOp" }
op { name: "Neg" input_arg { name: "x" type_attr: "T" } output_arg { name: "y" type_attr: "T" } }
op { name: "AddV2" input_arg { name: "x" type_attr: "T" } input_arg { name: "y" type_attr: "T" } output_arg { name: "z" type_attr: "T" } }
op { name: "Split" input_arg { name: "split_dim" type: DT_INT32 } input_arg { name: "value" type_attr: "T" }
     output_arg { name: "output" type_attr: "T" number_attr: "num_split" } attr { name: "num_split" type: "int" } }
op { name: "Unique" input_arg { name: "x" type_attr: "T" } output_arg { name: "y" type_attr: "T" } output_arg { name: "idx" type_attr: "out_idx" } }
op { name: "VarHandleOp" is_stateful: true output_arg { name: "resource" type: DT_RESOURCE } }
op { name: "ReadVariableOp" is_stateful: true input_arg { name: "resource" type: DT_RESOURCE } output_arg { name: "value" type_attr: "dtype" } }
op { name: "AssignAddVariableOp" is_stateful: true input_arg { name: "resource" type: DT_RESOURCE } input_arg { name: "value" type_attr: "dtype" } }
op { name: "Switch" input_arg { name: "data" type_attr: "T" } input_arg { name: "pred" type: DT_BOOL }
     output_arg { name: "output_false" type_attr: "T" } output_arg { name: "output_true" type_attr: "T" } }
op { name: "PartitionedCall" input_arg { name: "args" type_list_attr: "Tin" } output_arg { name: "output" type_list_attr: "Tout" } }
op { name: "StatefulPartitionedCall" is_stateful: true input_arg { name: "args" type_list_attr: "Tin" } output_arg { name: "output" type_list_attr: "Tout" } }
op { name: "While" is_stateful: true input_arg { name: "input" type_list_attr: "T" } output_arg { name: "output" type_list_attr: "T" } }
`

// text is how a graph reads in the cases: a node a line, "name = Op(inputs)", sorted.
func text(g *graphpb.GraphDef) string {
	var lines []string
	for _, n := range g.GetNode() {
		lines = append(lines, fmt.Sprintf("%s = %s(%s)", n.GetName(), n.GetOp(), strings.Join(n.GetInput(), ", ")))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// packGraph packs a graph in which x is the input and tensor the output of a signature.
func packGraph(t *testing.T, graph, tensor string) (*modelpb.MetaGraphDef, *pack.Packed, error) {
	t.Helper()
	return packWith(t, graph, tensor, nil)
}

// ones are variables that are 1.
func ones(names []string) (map[string]*infer.Tensor, error) {
	values := make(map[string]*infer.Tensor)
	for _, name := range names {
		values[name] = &infer.Tensor{DType: infer.Float, Shape: infer.Shape{}, Data: []byte{0, 0, 0x80, 0x3f}}
	}
	return values, nil
}

// packWith is packGraph with something to compute constants.
func packWith(t *testing.T, graph, tensor string, evaluate func([]byte, []string) (map[string]*infer.Tensor, error)) (*modelpb.MetaGraphDef, *pack.Packed, error) {
	t.Helper()
	return packOf(t, graph, tensor, pack.Options{Values: ones, Evaluate: evaluate})
}

// packOf is packGraph with what o gives for variables and computes.
func packOf(t *testing.T, graph, tensor string, o pack.Options) (*modelpb.MetaGraphDef, *pack.Packed, error) {
	t.Helper()
	return packMeta(t, graph, tensor, "", o)
}

// packMeta is packOf with more of the meta graph than its graph and its signature.
func packMeta(t *testing.T, graph, tensor, more string, o pack.Options) (*modelpb.MetaGraphDef, *pack.Packed, error) {
	t.Helper()
	var ops oppb.OpList
	meta := new(modelpb.MetaGraphDef)
	for _, err := range []error{
		prototext.Unmarshal([]byte(operations), &ops),
		prototext.Unmarshal(fmt.Appendf(nil, `meta_info_def { tags: "serve" } graph_def { %s }
			signature_def { key: "serving_default" value {
				inputs { key: "x" value { name: "x:0" dtype: DT_FLOAT } }
				outputs { key: "y" value { name: %q dtype: DT_FLOAT } } } } %s`, graph, tensor, more), meta),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	list, err := proto.Marshal(&ops)
	if err != nil {
		t.Fatal(err)
	}
	content, err := proto.Marshal(&modelpb.SavedModel{MetaGraphs: []*modelpb.MetaGraphDef{meta}})
	if err != nil {
		t.Fatal(err)
	}
	o.Tags, o.Operations = []string{"serve"}, list
	packed, err := pack.SavedModel(content, o)
	if err != nil {
		return nil, nil, err
	}
	var model modelpb.SavedModel
	if err := proto.Unmarshal(packed.Model, &model); err != nil {
		t.Fatal(err)
	}
	return model.GetMetaGraphs()[0], packed, nil
}

const placeholder = `node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } }`

// call is a node that calls function f with x.
const call = `node { name: "call" op: "PartitionedCall" input: "x" attr { key: "f" value { func { name: "f" } } }
	attr { key: "Tin" value { list { type: DT_FLOAT } } } attr { key: "Tout" value { list { type: DT_FLOAT } } } }`

func TestCallsBecomeBodies(t *testing.T) {
	const signature = `signature { name: "f" input_arg { name: "a" type: DT_FLOAT } output_arg { name: "r" type: DT_FLOAT } }`
	for _, c := range []struct{ name, graph, tensor, want string }{
		{
			"whatever takes the output takes it from the body",
			placeholder + call + `
			node { name: "y" op: "Neg" input: "call" attr { key: "T" value { type: DT_FLOAT } } }
			library { function { ` + signature + ` ret { key: "r" value: "inner:y:0" }
				node_def { name: "inner" op: "Neg" input: "a" attr { key: "T" value { type: DT_FLOAT } } } } }`,
			"y:0", `
			call/inner = Neg(x)
			x = Placeholder()
			y = Neg(call/inner)`,
		},
		{
			"a signature that names the call still does",
			placeholder + call + `
			library { function { ` + signature + ` ret { key: "r" value: "inner:y:0" }
				node_def { name: "inner" op: "Neg" input: "a" attr { key: "T" value { type: DT_FLOAT } } } } }`,
			"call:0", `
			call = Identity(call/inner)
			call/inner = Neg(x)
			x = Placeholder()`,
		},
		{
			"outputs by name become positions among all outputs",
			placeholder + call + `
			node { name: "y" op: "Neg" input: "call" attr { key: "T" value { type: DT_FLOAT } } }
			library { function { ` + signature + ` ret { key: "r" value: "sum:z:0" }
				node_def { name: "axis" op: "Const" attr { key: "dtype" value { type: DT_INT32 } } }
				node_def { name: "parts" op: "Split" input: "axis:output:0" input: "a" attr { key: "num_split" value { i: 3 } } attr { key: "T" value { type: DT_FLOAT } } }
				node_def { name: "unique" op: "Unique" input: "parts:output:2" attr { key: "T" value { type: DT_FLOAT } } attr { key: "out_idx" value { type: DT_FLOAT } } }
				node_def { name: "sum" op: "AddV2" input: "parts:output:1" input: "unique:idx:0" attr { key: "T" value { type: DT_FLOAT } } } } }`,
			"y:0", `
			call/axis = Const()
			call/parts = Split(call/axis, x)
			call/sum = AddV2(call/parts:1, call/unique:1)
			call/unique = Unique(call/parts:2)
			x = Placeholder()
			y = Neg(call/sum)`,
		},
		{
			"calls in bodies too",
			placeholder + call + `
			node { name: "y" op: "Neg" input: "call" attr { key: "T" value { type: DT_FLOAT } } }
			library { function { ` + signature + ` ret { key: "r" value: "again:output:0" }
				node_def { name: "again" op: "PartitionedCall" input: "a" attr { key: "f" value { func { name: "g" } } }
					attr { key: "Tin" value { list { type: DT_FLOAT } } } attr { key: "Tout" value { list { type: DT_FLOAT } } } } }
			function { signature { name: "g" input_arg { name: "b" type: DT_FLOAT } output_arg { name: "s" type: DT_FLOAT } } ret { key: "s" value: "deep:y:0" }
				node_def { name: "deep" op: "Neg" input: "b" attr { key: "T" value { type: DT_FLOAT } } } } }`,
			"y:0", `
			call/again/deep = Neg(x)
			x = Placeholder()
			y = Neg(call/again/deep)`,
		},
		{
			"an effect happens whichever output is asked for",
			placeholder + `node { name: "v" op: "VarHandleOp" attr { key: "dtype" value { type: DT_FLOAT } } }
			node { name: "call" op: "StatefulPartitionedCall" input: "x" input: "v" attr { key: "f" value { func { name: "f" } } }
				attr { key: "Tin" value { list { type: DT_FLOAT type: DT_RESOURCE } } } attr { key: "Tout" value { list { type: DT_FLOAT } } } }
			node { name: "y" op: "Neg" input: "call" attr { key: "T" value { type: DT_FLOAT } } }
			library { function { signature { name: "f" input_arg { name: "a" type: DT_FLOAT } input_arg { name: "h" type: DT_RESOURCE }
				output_arg { name: "r" type: DT_FLOAT } } ret { key: "r" value: "inner:y:0" } control_ret { key: "count" value: "count" }
				node_def { name: "inner" op: "Neg" input: "a" attr { key: "T" value { type: DT_FLOAT } } }
				node_def { name: "count" op: "AssignAddVariableOp" input: "h" input: "a" attr { key: "dtype" value { type: DT_FLOAT } } } } }`,
			"y:0", `
			call = Identity(call/inner, ^call/count)
			call/count = AssignAddVariableOp(v, x)
			call/inner = Neg(x)
			v = VarHandleOp()
			x = Placeholder()
			y = Neg(call)`,
		},
		{
			"what the call waits for, its body waits for",
			placeholder + `node { name: "before" op: "NoOp" }
			node { name: "call" op: "PartitionedCall" input: "x" input: "^before" attr { key: "f" value { func { name: "f" } } }
				attr { key: "Tin" value { list { type: DT_FLOAT } } } attr { key: "Tout" value { list { type: DT_FLOAT } } } }
			node { name: "y" op: "Neg" input: "call" attr { key: "T" value { type: DT_FLOAT } } }
			library { function { ` + signature + ` ret { key: "r" value: "two:y:0" }
				node_def { name: "one" op: "Neg" input: "a" attr { key: "T" value { type: DT_FLOAT } } }
				node_def { name: "two" op: "Neg" input: "one:y:0" attr { key: "T" value { type: DT_FLOAT } } } } }`,
			"y:0", `
			before = NoOp()
			call/one = Neg(x, ^before)
			call/two = Neg(call/one)
			x = Placeholder()
			y = Neg(call/two)`,
		},
		{
			"a function that calls itself stays a call",
			placeholder + call + `
			node { name: "y" op: "Neg" input: "call" attr { key: "T" value { type: DT_FLOAT } } }
			library { function { ` + signature + ` ret { key: "r" value: "again:output:0" }
				node_def { name: "again" op: "PartitionedCall" input: "a" attr { key: "f" value { func { name: "f" } } }
					attr { key: "Tin" value { list { type: DT_FLOAT } } } attr { key: "Tout" value { list { type: DT_FLOAT } } } } } }`,
			"y:0", `
			call/again = PartitionedCall(x)
			x = Placeholder()
			y = Neg(call/again)`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			meta, _, err := packGraph(t, c.graph, c.tensor)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := text(meta.GetGraphDef()), trimmed(c.want); got != want {
				t.Errorf("graph:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func trimmed(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "\n")
}

const variable = placeholder + `
	node { name: "v" op: "VarHandleOp" attr { key: "dtype" value { type: DT_FLOAT } } }
	node { name: "read" op: "ReadVariableOp" input: "v" attr { key: "dtype" value { type: DT_FLOAT } } }`

func TestVariableThatIsOnlyReadBecomesConstant(t *testing.T) {
	meta, packed, err := packGraph(t, variable+`
		node { name: "y" op: "AddV2" input: "x" input: "read" attr { key: "T" value { type: DT_FLOAT } } }`, "y:0")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := text(meta.GetGraphDef()), "v = Const()\nx = Placeholder()\ny = AddV2(x, v)"; got != want {
		t.Errorf("graph:\n%s\nwant:\n%s", got, want)
	}
	if packed.Variables || packed.Report.Folded != 1 || packed.Report.FoldedBytes != 4 {
		t.Errorf("variables %v, report %+v", packed.Variables, packed.Report)
	}
}

// Two variables of four bytes each: a protobuf has room for all of them or for none.
func TestVariablesThatAreTooLargeTogetherStay(t *testing.T) {
	graph := variable + `
		node { name: "w" op: "VarHandleOp" attr { key: "dtype" value { type: DT_FLOAT } } }
		node { name: "read_w" op: "ReadVariableOp" input: "w" attr { key: "dtype" value { type: DT_FLOAT } } }
		node { name: "sum" op: "AddV2" input: "read" input: "read_w" attr { key: "T" value { type: DT_FLOAT } } }
		node { name: "y" op: "AddV2" input: "x" input: "sum" attr { key: "T" value { type: DT_FLOAT } } }`
	for limit, folded := range map[int64]int{8: 2, 7: 0} {
		_, packed, err := packOf(t, graph, "y:0", pack.Options{Values: ones, MaxConstants: limit})
		if err != nil {
			t.Fatal(err)
		}
		kept := packed.Report.Kept
		if packed.Report.Folded != folded || len(kept) != 2-folded {
			t.Errorf("with %d bytes: report %+v", limit, packed.Report)
		}
		for _, k := range kept {
			if want := "is one of 8 bytes of variables; with them constants would have 8, where 7 may be"; k.Why != want {
				t.Errorf("it %s, want that it %s", k.Why, want)
			}
		}
	}
}

func TestVariableThatASignatureAssignsStays(t *testing.T) {
	meta, packed, err := packGraph(t, variable+`
		node { name: "assign" op: "AssignAddVariableOp" input: "v" input: "x" attr { key: "dtype" value { type: DT_FLOAT } } }
		node { name: "y" op: "AddV2" input: "x" input: "read" input: "^assign" attr { key: "T" value { type: DT_FLOAT } } }`, "y:0")
	if err != nil {
		t.Fatal(err)
	}
	if got := text(meta.GetGraphDef()); !strings.Contains(got, "v = VarHandleOp()") {
		t.Errorf("graph:\n%s", got)
	}
	kept := packed.Report.Kept
	if len(kept) != 1 || kept[0].Node != "v" || !strings.Contains(kept[0].Why, `written by "assign"`) {
		t.Errorf("kept %+v", kept)
	}
}

// A Switch writes nothing, but what becomes of the handle behind it is not followed.
func TestReasonsOfVariablesThatStayAreTrue(t *testing.T) {
	for op, want := range map[string]string{
		"Switch":              `is passed on by "taker" (Switch)`,
		"AssignAddVariableOp": `is written by "taker" (AssignAddVariableOp)`,
	} {
		_, packed, err := packGraph(t, variable+fmt.Sprintf(`
			node { name: "taker" op: %q input: "v" input: "x" attr { key: "dtype" value { type: DT_FLOAT } } attr { key: "T" value { type: DT_RESOURCE } } }
			node { name: "y" op: "AddV2" input: "x" input: "read" input: "^taker" attr { key: "T" value { type: DT_FLOAT } } }`, op), "y:0")
		if err != nil {
			t.Fatal(err)
		}
		if kept := packed.Report.Kept; len(kept) != 1 || kept[0].Why != want {
			t.Errorf("kept %+v, want that it %s", kept, want)
		}
	}
}

// Signatures may feed any tensor, so an Identity that one feeds is no detour.
func TestIdentityThatARequestFeedsStays(t *testing.T) {
	meta, _, err := packGraph(t, `
		node { name: "source" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } }
		node { name: "x" op: "Identity" input: "source" attr { key: "T" value { type: DT_FLOAT } } }
		node { name: "y" op: "Neg" input: "x" attr { key: "T" value { type: DT_FLOAT } } }`, "y:0")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := text(meta.GetGraphDef()), "source = Placeholder()\nx = Identity(source)\ny = Neg(x)"; got != want {
		t.Errorf("graph:\n%s\nwant:\n%s", got, want)
	}
}

func TestColocationsFollowTheirNodesAndEndWithThem(t *testing.T) {
	meta, _, err := packGraph(t, placeholder+`
		node { name: "gone" op: "Const" attr { key: "dtype" value { type: DT_FLOAT } } }
		node { name: "y" op: "Neg" input: "x" attr { key: "T" value { type: DT_FLOAT } }
			attr { key: "_class" value { list { s: "loc:@gone" s: "loc:@x" } } } }`, "y:0")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range meta.GetGraphDef().GetNode() {
		if n.GetName() == "y" {
			if got := fmt.Sprintf("%s", n.GetAttr()["_class"].GetList().GetS()); got != "[loc:@x]" {
				t.Errorf("colocations %s, want [loc:@x]", got)
			}
		}
	}
}

// In a function "loc:@" may name an argument; a name that the function does not have
// may be that of some other node of the graph.
func TestColocationsOfFunctionsMeanTheirOwnNames(t *testing.T) {
	meta, _, err := packGraph(t, placeholder+call+`
		node { name: "source" op: "Const" attr { key: "dtype" value { type: DT_FLOAT } } }
		node { name: "y" op: "AddV2" input: "call" input: "source" attr { key: "T" value { type: DT_FLOAT } } }
		library { function { signature { name: "f" input_arg { name: "a" type: DT_FLOAT } output_arg { name: "r" type: DT_FLOAT } } ret { key: "r" value: "two:y:0" }
			node_def { name: "one" op: "Neg" input: "a" attr { key: "T" value { type: DT_FLOAT } } }
			node_def { name: "two" op: "Neg" input: "one:y:0" attr { key: "T" value { type: DT_FLOAT } }
				attr { key: "_class" value { list { s: "loc:@a" s: "loc:@one" s: "loc:@source" } } } } } }`, "y:0")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range meta.GetGraphDef().GetNode() {
		if n.GetName() == "call/two" {
			if got := fmt.Sprintf("%s", n.GetAttr()["_class"].GetList().GetS()); got != "[loc:@x loc:@call/one]" {
				t.Errorf("colocations %s, want those with x and call/one", got)
			}
			return
		}
	}
	t.Errorf("graph:\n%s", text(meta.GetGraphDef()))
}

func TestModelsThatContradictThemselves(t *testing.T) {
	bodyless := `library { function { signature { name: "f" input_arg { name: "a" type: DT_FLOAT } output_arg { name: "r" type: DT_FLOAT } } ret { key: "r" value: "nowhere:y:0" } } }`
	neg := `node { name: "y" op: "Neg" input: "call" attr { key: "T" value { type: DT_FLOAT } } }`
	for name, graph := range map[string]string{
		"two nodes of one name":       placeholder + placeholder,
		"a result from nowhere":       placeholder + call + neg + bodyless,
		"inputs without an argument":  placeholder + strings.Replace(call, `input: "x"`, `input: "x" input: "x"`, 1) + neg + bodyless,
		"identities in a circle":      placeholder + `node { name: "a" op: "Identity" input: "b" } node { name: "b" op: "Identity" input: "a" } node { name: "y" op: "Neg" input: "a" }`,
		"inputs that are not a graph": placeholder + `node { name: "y" op: "Neg" input: "missing" }`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := packGraph(t, graph, "y:0"); !errors.Is(err, pack.ErrModel) {
				t.Errorf("error %v, want ErrModel", err)
			}
		})
	}
}
