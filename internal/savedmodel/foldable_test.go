package savedmodel_test

import (
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/savedmodel"
)

func TestFoldable(t *testing.T) {
	node := func(name, op string, inputs ...string) savedmodel.Node {
		return savedmodel.Node{Name: name, Op: op, Inputs: inputs}
	}
	for _, c := range []struct {
		name  string
		nodes []savedmodel.Node
		want  bool
	}{
		{"weights are constants", []savedmodel.Node{node("x", "Placeholder"), node("w", "Const"), node("y", "MatMul", "x", "w")}, false},
		{"a cast of weights", []savedmodel.Node{node("x", "Placeholder"), node("w", "Const"), node("f", "Cast", "w"), node("y", "MatMul", "x", "f")}, true},
		{"two constants", []savedmodel.Node{node("a", "Const"), node("s", "AddV2", "a:0", "b:0"), node("b", "Const")}, true},
		{"a constant that waits for another", []savedmodel.Node{node("a", "Const"), node("b", "Const", "^a"), node("n", "NoOp", "^a", "^b")}, false},
		{"nothing", nil, false},
	} {
		if got := (&savedmodel.Graph{Nodes: c.nodes}).Foldable(); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
		fn := map[string]*savedmodel.Function{"f": {Nodes: c.nodes}}
		if got := (&savedmodel.Graph{Functions: fn}).Foldable(); got != c.want {
			t.Errorf("%s, in a function: %t", c.name, got)
		}
	}
}
