package pack_test

import (
	"slices"
	"strings"
	"testing"

	modelpb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"

	"github.com/tensorlambda/tensorlambda/internal/pack"
)

const float = `attr { key: "dtype" value { type: DT_FLOAT } }`

// twins is two signatures, each with a graph of its own: second is that of "serve", with
// the input x2 and the output y2.
func twins(t *testing.T, second, signature string) (*modelpb.MetaGraphDef, *pack.Packed) {
	t.Helper()
	if signature == "" {
		signature = `inputs { key: "x" value { name: "x2:0" dtype: DT_FLOAT } } outputs { key: "y" value { name: "y2:0" dtype: DT_FLOAT } }`
	}
	meta, packed, err := packMeta(t, `
		node { name: "x" op: "Placeholder" `+float+` }
		node { name: "two" op: "Const" `+float+` attr { key: "value" value { tensor { dtype: DT_FLOAT float_val: 2 } } } }
		node { name: "sum" op: "AddV2" input: "x" input: "two" }
		node { name: "y" op: "Neg" input: "sum" }
		node { name: "x2" op: "Placeholder" `+float+` attr { key: "_user_specified_name" value { s: "x" } } }`+second, "y:0",
		`signature_def { key: "serve" value { `+signature+` } }`, pack.Options{Values: ones})
	if err != nil {
		t.Fatal(err)
	}
	return meta, packed
}

func TestSignaturesThatComputeTheSameShareTheirOperations(t *testing.T) {
	meta, packed := twins(t, `
		node { name: "two_1" op: "Const" `+float+` attr { key: "value" value { tensor { dtype: DT_FLOAT float_val: 2 } } } }
		node { name: "sum_1" op: "AddV2" input: "x2" input: "two_1" attr { key: "_class" value { list { s: "loc:@two_1" } } } }
		node { name: "y2" op: "Neg" input: "sum_1" }`, "")
	// The first by name is the one that stays.
	if got, want := text(meta.GetGraphDef()), "sum_1 = AddV2(x2, two_1)\ntwo_1 = Const()\nx2 = Placeholder()\ny2 = Neg(sum_1)"; got != want {
		t.Errorf("packed to\n%s\nwant\n%s", got, want)
	}
	for name, s := range meta.GetSignatureDef() {
		if x, y := s.GetInputs()["x"].GetName(), s.GetOutputs()["y"].GetName(); x != "x2:0" || y != "y2:0" {
			t.Errorf("%s takes %s and answers %s", name, x, y)
		}
	}
	if want := []pack.Shared{{Signature: "serving_default", By: "serve"}}; !slices.Equal(packed.Report.Shared, want) {
		t.Errorf("%v are reported, want %v", packed.Report.Shared, want)
	}
}

func TestSignaturesThatDifferKeepTheirOperations(t *testing.T) {
	const two = `node { name: "two_1" op: "Const" ` + float + ` attr { key: "value" value { tensor { dtype: DT_FLOAT float_val: 2 } } } }`
	for name, c := range map[string]struct{ graph, signature string }{
		"another constant": {graph: `node { name: "y2" op: "Neg" input: "sum_1" } node { name: "sum_1" op: "AddV2" input: "x2" input: "three" }
			node { name: "three" op: "Const" ` + float + ` attr { key: "value" value { tensor { dtype: DT_FLOAT float_val: 3 } } } }`},
		"another operation":        {graph: two + `node { name: "y2" op: "Identity" input: "sum_1" } node { name: "sum_1" op: "AddV2" input: "x2" input: "two_1" }`},
		"another order":            {graph: two + `node { name: "y2" op: "Neg" input: "sum_1" } node { name: "sum_1" op: "AddV2" input: "two_1" input: "x2" }`},
		"the first one's input":    {graph: `node { name: "y2" op: "Neg" input: "sum" }`},
		"a control edge":           {graph: two + `node { name: "y2" op: "Neg" input: "sum_1" input: "^two_1" } node { name: "sum_1" op: "AddV2" input: "x2" input: "two_1" }`},
		"a variable of its own":    {graph: `node { name: "y2" op: "Neg" input: "sum_1" } node { name: "sum_1" op: "AddV2" input: "x2" input: "read" } node { name: "v" op: "VarHandleOp" } node { name: "read" op: "ReadVariableOp" input: "v" ` + float + ` } node { name: "add" op: "AssignAddVariableOp" input: "v" input: "x2" }`},
		"other names of its input": {graph: two + `node { name: "y2" op: "Neg" input: "sum_1" } node { name: "sum_1" op: "AddV2" input: "x2" input: "two_1" }`, signature: `inputs { key: "z" value { name: "x2:0" dtype: DT_FLOAT } } outputs { key: "y" value { name: "y2:0" dtype: DT_FLOAT } }`},
		"another shape": {graph: two + `node { name: "y2" op: "Neg" input: "sum_1" } node { name: "sum_1" op: "AddV2" input: "x2" input: "two_1" }`,
			signature: `inputs { key: "x" value { name: "x2:0" dtype: DT_FLOAT tensor_shape { dim { size: 2 } } } } outputs { key: "y" value { name: "y2:0" dtype: DT_FLOAT } }`},
	} {
		t.Run(name, func(t *testing.T) {
			meta, packed := twins(t, c.graph, c.signature)
			if len(packed.Report.Shared) > 0 || !strings.Contains(text(meta.GetGraphDef()), "y2 = ") || !strings.Contains(text(meta.GetGraphDef()), "y = ") {
				t.Errorf("%v share, packed to\n%s", packed.Report.Shared, text(meta.GetGraphDef()))
			}
		})
	}
}

// Two inputs of one signature that are one tensor of the other take two values there.
func TestInputsAreOneToOne(t *testing.T) {
	meta, packed := twins(t, `
		node { name: "x3" op: "Placeholder" `+float+` }
		node { name: "y2" op: "AddV2" input: "x2" input: "x3" }
		node { name: "y3" op: "AddV2" input: "x" input: "x" }`,
		`inputs { key: "a" value { name: "x2:0" dtype: DT_FLOAT } } inputs { key: "b" value { name: "x3:0" dtype: DT_FLOAT } } outputs { key: "y" value { name: "y2:0" dtype: DT_FLOAT } } } }
		signature_def { key: "twice" value { inputs { key: "a" value { name: "x:0" dtype: DT_FLOAT } } inputs { key: "b" value { name: "x:0" dtype: DT_FLOAT } } outputs { key: "y" value { name: "y3:0" dtype: DT_FLOAT } }`)
	if len(packed.Report.Shared) > 0 {
		t.Errorf("packed to\n%s", text(meta.GetGraphDef()))
	}
}
