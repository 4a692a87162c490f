package savedmodel_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/savedmodel"
)

// What TensorFlow exported: ordinary models load, with their savers and the
// tables that they fill from their own files; those whose signature does more
// do not, however deep it is hidden.
func TestGuardJudgesExportedModels(t *testing.T) {
	for _, c := range []struct {
		file string
		op   string // that is refused; empty for a model that is safe
	}{
		{"ordinary.saved_model.pb", ""},
		{"ranks.saved_model.pb", ""},
		{"sparse.saved_model.pb", ""},
		{"tags.saved_model.pb", ""},
		{"table.saved_model.pb", ""},
		{"table_v1.saved_model.pb", ""},
		{"saves.saved_model.pb", "SaveV2"},
		{"loops.saved_model.pb", "ReadFile"},
		{"maps.saved_model.pb", "WriteFile"},
		{"python.saved_model.pb", "PyFunc"},
	} {
		t.Run(c.file, func(t *testing.T) {
			m := readMetaGraph(t, testdata(t, c.file))
			checkUnsafe(t, m.Guard().Check(), `signature "serving_default"`, c.op)
		})
	}
}

func checkUnsafe(t *testing.T, err error, entry, op string) {
	t.Helper()
	if op == "" {
		if err != nil {
			t.Errorf("refused: %v", err)
		}
		return
	}
	var unsafe *savedmodel.UnsafeError
	if !errors.As(err, &unsafe) || !errors.Is(err, savedmodel.ErrUnsafe) {
		t.Fatalf("error %v, want an UnsafeError about %s", err, op)
	}
	if unsafe.Entry != entry || unsafe.Op != op {
		t.Errorf("%s runs %s, want %s and %s: %v", unsafe.Entry, unsafe.Op, entry, op, err)
	}
	if op != customOp && !strings.Contains(err.Error(), "MODEL_ALLOW_UNSAFE_OPS=true") {
		t.Errorf("%q does not say what to do", err)
	}
}

// customOp is no operation of TensorFlow's.
const customOp = "FrobnicateFast"

// Trust makes no kernel: what cannot run here is not said to be a matter of a setting.
func TestUnsafeErrorTellsWhatCannotRun(t *testing.T) {
	for op, want := range map[string]string{
		customOp:      `signature "s" runs FrobnicateFast, which is not an operation of TensorFlow's own library (node "out"): it cannot run here, where no libraries of custom operations are loaded: export the model without it`,
		"EagerPyFunc": `signature "s" runs EagerPyFunc, which calls code outside the graph (node "out"): it cannot run here, where there is no Python: export the model without it, or set MODEL_ALLOW_UNSAFE_OPS=true to serve what else the model has`,
	} {
		err := readMetaGraph(t, savedModel(message{}.bytes(5, signature("s", "out:0")).bytes(2, graph(nodes(node("out", op))...)))).Guard().Check()
		if err == nil || err.Error() != want {
			t.Errorf("error %q, want %q", err, want)
		}
		var unsafe *savedmodel.UnsafeError
		if !errors.As(err, &unsafe) || !strings.HasPrefix(want, unsafe.Reason()) || !strings.HasSuffix(unsafe.Reason(), `(node "out")`) {
			t.Errorf("reason of %v is not its beginning", err)
		}
	}
}

func TestUnsafeErrorNamesTheWayToTheOperation(t *testing.T) {
	b := savedModel(message{}.bytes(5, signature("score", "call:0")).bytes(2, graph(append(nodes(
		node("call", "PartitionedCall").attr("f", attrFunc("outer"))),
		function("outer", nil, node("again", "inner")),
		function("inner", nil, node("read", "ReadFile")))...)))
	err := readMetaGraph(t, b).Guard().Check()
	want := `signature "score" runs ReadFile, which reads files (node "read" in function outer > inner): ` +
		`set MODEL_ALLOW_UNSAFE_OPS=true if you trust this model`
	if err == nil || err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
}

// The ways in which a node of a signature can run another one.
func TestGuardFollowsWhatTensorFlowWouldRun(t *testing.T) {
	evil := function("evil", nil, node("w", "WriteFile"))
	nested := message{}.bytes(10, message{}.string(1, "good").entry(2, "f", attrFunc("evil")))
	list := message{}.bytes(1, message{}.bytes(9, message{}.string(1, "evil")))
	implements := func(api, name, op string) part {
		return library(functionDef(name, nil, node("n", op)).attr("api_implements", attrString(api)))
	}
	good := function("good", nil, node("n", "NoOp"))
	for _, c := range []struct {
		name  string
		parts []part
		safe  bool
	}{
		{"nothing else", nodes(node("out", "NoOp")), true},
		{"an unsafe node beside it", nodes(node("out", "NoOp"), node("w", "WriteFile")), true},
		{"an unsafe node that consumes it", nodes(node("out", "NoOp"), node("w", "WriteFile", "out")), true},
		{"a function that nobody calls", append(nodes(node("out", "NoOp")), evil), true},
		{"itself", nodes(node("out", "ReadFile")), false},
		{"a data input", nodes(node("out", "Identity", "r"), node("r", "ReadFile")), false},
		{"a second output", nodes(node("out", "Identity", "r:1"), node("r", "ReadFile")), false},
		{"a control input", nodes(node("out", "NoOp", "^w"), node("w", "WriteFile")), false},
		{"an input of an input, against stored order", nodes(node("out", "Identity", "m"), node("m", "Identity", "r"), node("r", "ReadFile")), false},
		{"a cycle", nodes(node("out", "Merge", "next"), node("next", "NextIteration", "out"), node("m", "Identity", "w")), true},
		{"a cycle with an unsafe node", nodes(node("out", "Merge", "next"), node("next", "NextIteration", "r"), node("r", "ReadFile", "out")), false},
		{"a call", append(nodes(node("out", "StatefulPartitionedCall").attr("f", attrFunc("evil"))), evil), false},
		{"a call by the function's name", append(nodes(node("out", "evil")), evil), false},
		{"a loop", append(nodes(node("out", "While").attr("cond", attrFunc("good")).attr("body", attrFunc("evil"))), good, evil), false},
		{"a list of branches", append(nodes(node("out", "Case").attr("branches", list)), evil), false},
		{"a function in a function's attributes", append(nodes(node("out", "PartitionedCall").attr("f", nested)), good, evil), false},
		{"an attribute of any name", append(nodes(node("out", "NoOp").attr("_x", attrFunc("evil"))), evil), false},
		{"recursion", append(nodes(node("out", "a")), function("a", nil, node("n", "b")), function("b", nil, node("n", "a"), node("w", "WriteFile"))), false},
		{"a gradient", append(nodes(node("out", "SymbolicGradient").attr("f", attrFunc("good"))), good, evil,
			part{2, message{}.bytes(2, message{}.string(1, "good").string(2, "evil"))}), false},
		{"another implementation of the interface", append(nodes(node("out", "good")),
			implements("lstm", "good", "NoOp"), implements("lstm", "evil", "WriteFile")), false},
		{"an implementation of another interface", append(nodes(node("out", "good")),
			implements("lstm", "good", "NoOp"), implements("gru", "evil", "WriteFile")), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := readMetaGraph(t, savedModel(message{}.bytes(5, signature("s", "out:0")).bytes(2, graph(c.parts...))))
			if err := m.Guard().Check(); (err == nil) != c.safe {
				t.Errorf("Check() = %v, want safe: %v", err, c.safe)
			}
		})
	}
}

// TensorFlow merges a field that occurs twice. What it would see in the second
// occurrence, the guard must see too.
func TestGuardSeesMergedMessages(t *testing.T) {
	first := graph(nodes(node("out", "Identity", "r"))...)
	second := graph(nodes(node("r", "ReadFile"))...)
	m := readMetaGraph(t, savedModel(message{}.bytes(2, first).bytes(5, signature("s", "out")).bytes(2, second)))
	checkUnsafe(t, m.Guard().Check(), `signature "s"`, "ReadFile")
}

func TestGuardLooksAtAttributes(t *testing.T) {
	for _, c := range []struct {
		name string
		node message
		op   string
	}{
		{"print to stderr", node("out", "PrintV2").attr("output_stream", attrString("stderr")), ""},
		{"print by default", node("out", "PrintV2"), ""},
		{"print to a file", node("out", "PrintV2").attr("output_stream", attrString("file:///tmp/x")), "PrintV2"},
		{"a later attribute counts", node("out", "PrintV2").attr("output_stream", attrString("stderr")).
			attr("output_stream", attrString("file:///tmp/x")), "PrintV2"},
		{"descriptors linked in", node("out", "DecodeProtoV2").attr("descriptor_source", attrString("local://")), ""},
		{"descriptors inline", node("out", "DecodeProtoV2").attr("descriptor_source", attrString("bytes://abc")), ""},
		{"descriptors from a file", node("out", "DecodeProtoV2").attr("descriptor_source", attrString("/etc/passwd")), "DecodeProtoV2"},
		{"sampler without a file", node("out", "FixedUnigramCandidateSampler").attr("vocab_file", attrString("")), ""},
		{"sampler with a file", node("out", "FixedUnigramCandidateSampler").attr("vocab_file", attrString("v")), "FixedUnigramCandidateSampler"},
		{"debug without addresses", node("out", "DebugIdentity"), ""},
		{"debug with addresses", node("out", "DebugIdentity").attr("debug_urls", attrStrings("file:///tmp")), "DebugIdentity"},
		{"what JAX exports", node("out", "XlaCallModule").attr("module", attrString("ML\xefRstablehlo.add")), ""},
		{"a custom call in it", node("out", "XlaCallModule").attr("module", attrString("ML\xefRstablehlo.custom_call_v1")), "XlaCallModule"},
		{"ends the process", node("out", "Abort"), "Abort"},
		{"a graph in a value", node("out", "DatasetFromGraph"), "DatasetFromGraph"},
		{"a custom library's", node("out", customOp), customOp},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := readMetaGraph(t, savedModel(message{}.bytes(5, signature("s", "out:0")).bytes(2, graph(nodes(c.node)...))))
			checkUnsafe(t, m.Guard().Check(), `signature "s"`, c.op)
		})
	}
}

// A frozen graph is judged by what its outputs need, and any other tensor when
// it is asked for.
func TestGuardOfAFrozenGraph(t *testing.T) {
	g := readGraph(t, graph(nodes(
		node("x", "Placeholder").attr("dtype", attrType(1)),
		node("y", "Identity", "x").attr("T", attrType(1)),
		node("name", "Const").attr("dtype", attrType(7)),
		node("r", "ReadFile", "name"),
		node("z", "Identity", "r").attr("T", attrType(7)),
	)...))
	bindings := func(s string) []savedmodel.Binding {
		b, err := savedmodel.ParseBindings(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	y, err := g.Signature(nil, bindings("y"))
	if err != nil {
		t.Fatal(err)
	}
	z, err := g.Signature(nil, bindings("text=z"))
	if err != nil {
		t.Fatal(err)
	}
	checkUnsafe(t, g.Guard(y).Check(), "", "")
	checkUnsafe(t, g.Guard(z).Check(), `signature "serving_default"`, "ReadFile")

	anyTensor := g.Guard(nil)
	checkUnsafe(t, anyTensor.Check(), "", "")
	checkUnsafe(t, anyTensor.Fetch("y:0"), "", "")
	checkUnsafe(t, anyTensor.Fetch("name"), "", "")
	if err := anyTensor.Fetch("nothing"); !errors.Is(err, savedmodel.ErrTensor) {
		t.Errorf("Fetch of an operation that does not exist: %v, want ErrTensor", err)
	}
	checkUnsafe(t, anyTensor.Fetch("r"), `operation "r"`, "ReadFile")
	checkUnsafe(t, anyTensor.Fetch("z:0"), `operation "z"`, "ReadFile")
}

// With MODEL_ANY_TENSOR a client may name the saver's tensors, which no
// signature reaches.
func TestGuardFetchRefusesTheSaver(t *testing.T) {
	m := readMetaGraph(t, testdata(t, "ordinary.saved_model.pb"))
	gd := m.Guard()
	checkUnsafe(t, gd.Check(), "", "")
	checkUnsafe(t, gd.Fetch(m.Saver.Save), `operation "StatefulPartitionedCall_1"`, "SaveV2")
	checkUnsafe(t, gd.Fetch(m.Saver.Restore), `operation "StatefulPartitionedCall_2"`, "RestoreV2")
}

// A signature writes state where a node that it needs does, however deep.
func TestWhichSignaturesWriteState(t *testing.T) {
	for _, c := range []struct {
		name  string
		parts []part
		want  bool
	}{
		{"reading a variable", nodes(node("out", "ReadVariableOp", "v"), node("v", "VarHandleOp")), false},
		{"writing beside it", nodes(node("out", "NoOp"), node("w", "AssignAddVariableOp")), false},
		{"writing before it", nodes(node("out", "Identity", "w"), node("w", "StatefulUniform")), true},
		{"a queue", nodes(node("out", "Unstage")), true},
		{"a dataset's iterator", nodes(node("out", "IteratorGetNext")), true},
		{"a call that writes", append(nodes(node("out", "StatefulPartitionedCall").attr("f", attrFunc("f"))),
			function("f", nil, node("n", "AssignVariableOp"))), true},
		{"a call that reads", append(nodes(node("out", "StatefulPartitionedCall").attr("f", attrFunc("f"))),
			function("f", nil, node("n", "ReadVariableOp"))), false},
		{"a call by the function's name", append(nodes(node("out", "f")), function("f", nil, node("n", "ReadVariableOp"))), false},
		{"an operation that nobody knows", nodes(node("out", "Frobnicate")), true},
	} {
		m := readMetaGraph(t, savedModel(message{}.bytes(5, signature("s", "out:0")).bytes(2, graph(c.parts...))))
		if got := m.Guard().WritesState("s"); got != c.want {
			t.Errorf("%s: WritesState = %v", c.name, got)
		}
	}
}

// An attribute of a node in a function may be a placeholder, which the call or a
// default of the function's signature fills in. What it becomes is nowhere in
// the body, so such a function is refused.
func TestGuardRefusesAttributesFromTheCaller(t *testing.T) {
	holder := func(name string) message { return message{}.string(9, name) }
	hidden := function("hidden", nil, node("read", "ReadFile", "name"))
	// The signature of wrap says that F is hidden unless the call says else.
	byDefault := message{}.string(1, "wrap").bytes(4, message{}.string(1, "F").string(2, "func").bytes(3, attrFunc("hidden")))
	wrap := library(message{}.bytes(1, byDefault).bytes(3, node("call", "StatefulPartitionedCall").attr("f", holder("F"))))
	prints := function("prints", nil, node("print", "PrintV2", "text").attr("output_stream", holder("S")))
	for _, c := range []struct {
		name  string
		op    string
		parts []part
	}{
		{"a function by default", "StatefulPartitionedCall", append(nodes(node("out", "wrap")), wrap, hidden)},
		{"a file's name", "PrintV2", append(nodes(node("out", "prints").attr("S", attrString("file:///tmp/x"))), prints)},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := readMetaGraph(t, savedModel(message{}.bytes(5, signature("s", "out:0")).bytes(2, graph(c.parts...))))
			checkUnsafe(t, m.Guard().Check(), `signature "s"`, c.op)
		})
	}
}
