package savedmodel_test

import (
	"slices"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

func attrInt(n uint64) message { return message{}.varint(3, n) }

func attrTypes(types ...byte) message { return message{}.bytes(1, message{}.bytes(6, types)) }

func TestOutputsOfANode(t *testing.T) {
	for _, c := range []struct {
		name string
		node message
		want []infer.DType
	}{
		{"a fixed type", node("n", "ReadFile"), []infer.DType{infer.String}},
		{"an attribute", node("n", "MatMul").attr("T", attrType(2)), []infer.DType{infer.Double}},
		{"a reference is its value's type", node("n", "Variable").attr("dtype", attrType(101)), []infer.DType{infer.Float}},
		{"a default left out", node("n", "ArgMax").attr("T", attrType(1)), []infer.DType{infer.Int64}},
		{"a count", node("n", "Split").attr("T", attrType(1)).attr("num_split", attrInt(3)), []infer.DType{infer.Float, infer.Float, infer.Float}},
		{"a list", node("n", "IdentityN").attr("T", attrTypes(1, 7, 9)), []infer.DType{infer.Float, infer.String, infer.Int64}},
		{"no outputs", node("n", "NoOp"), nil},
		{"a missing attribute", node("n", "MatMul"), nil},
		{"an attribute of another kind", node("n", "MatMul").attr("T", attrInt(1)), nil},
		{"a negative count", node("n", "Split").attr("T", attrType(1)).attr("num_split", attrInt(1<<63)), nil},
		{"a count beyond reason", node("n", "Split").attr("T", attrType(1)).attr("num_split", attrInt(1<<40)), nil},
		{"an unknown operation with dtype", node("n", "Mine").attr("dtype", attrType(1)).attr("T", attrType(2)), []infer.DType{infer.Float}},
		{"an unknown operation with a list", node("n", "Mine").attr("Tout", attrTypes(1, 3)), []infer.DType{infer.Float, infer.Int32}},
		{"an unknown operation", node("n", "Mine"), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := readGraph(t, graph(nodes(c.node)...))
			if got := g.Outputs(&g.Nodes[0]); !slices.Equal(got, c.want) {
				t.Errorf("outputs %v, want %v", got, c.want)
			}
		})
	}
}

func TestOutputsOfACallAreTheFunctions(t *testing.T) {
	signature := message{}.string(1, "f").bytes(3, message{}.string(1, "y").varint(3, 9)).bytes(3, message{}.string(1, "z").string(4, "T"))
	g := readGraph(t, graph(append(nodes(node("n", "f").attr("T", attrType(10))), library(message{}.bytes(1, signature)))...))
	if got, want := g.Outputs(&g.Nodes[0]), []infer.DType{infer.Int64, infer.Bool}; !slices.Equal(got, want) {
		t.Errorf("outputs %v, want %v", got, want)
	}
}

// A model brings the definitions of its operations along, so those of a custom
// library have outputs, too.
func TestOutputsOfAnOperationThatTheModelDefines(t *testing.T) {
	mine := message{}.string(1, "Mine").bytes(3, message{}.string(1, "y").varint(3, 3)).bytes(3, message{}.string(1, "z").string(4, "U"))
	m := readMetaGraph(t, savedModel(message{}.
		bytes(1, message{}.bytes(2, message{}.bytes(1, mine))).
		bytes(2, graph(nodes(node("n", "Mine").attr("U", attrType(7)).attr("dtype", attrType(1)))...))))
	if got, want := m.Graph.Outputs(&m.Graph.Nodes[0]), []infer.DType{infer.Int32, infer.String}; !slices.Equal(got, want) {
		t.Errorf("outputs %v, want %v", got, want)
	}
}
