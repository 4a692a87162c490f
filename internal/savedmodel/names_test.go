package savedmodel_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tensorlambda/tensorlambda/internal/savedmodel"
)

// patched is the message with another string in the fields at the end of path
// that hold the one given. What is around them gets the right lengths.
func patched(t *testing.T, m message, was, is string, path ...protowire.Number) message {
	t.Helper()
	var out message
	for len(m) > 0 {
		num, kind, tag := protowire.ConsumeTag(m)
		n := tag + protowire.ConsumeFieldValue(num, kind, m[max(tag, 0):])
		if n <= tag {
			t.Fatalf("not a message: %v", protowire.ParseError(n-tag))
		}
		value, _ := protowire.ConsumeBytes(m[tag:n])
		switch {
		case num == path[0] && kind == protowire.BytesType && len(path) > 1:
			out = out.bytes(num, patched(t, value, was, is, path[1:]...))
		case num == path[0] && kind == protowire.BytesType && string(value) == was:
			out = out.string(num, is)
		default:
			out = append(out, m[:n]...)
		}
		m = m[n:]
	}
	return out
}

// The places of names in a saved_model.pb.
var (
	nodeNames  = []protowire.Number{2, 2, 1, 1}
	nodeOps    = []protowire.Number{2, 2, 1, 2}
	nodeInputs = []protowire.Number{2, 2, 1, 3}
	restoreOps = []protowire.Number{2, 3, 3}
	fedTensors = []protowire.Number{2, 5, 2, 1, 2, 1}
	ranTensors = []protowire.Number{2, 5, 2, 2, 2, 1} // of signatures and of the init op
)

// A model whose signature reads a file is the honest one: its names are changed
// so that the guard would look elsewhere than TensorFlow, whose C API takes a
// name up to a NUL byte.
func TestHostileNamesDoNotGetAroundTheGuard(t *testing.T) {
	honest, err := os.ReadFile(filepath.Join("..", "..", "test", "models", "unsafe_read", "saved_model.pb"))
	if err != nil {
		t.Fatal(err)
	}
	checkUnsafe(t, readMetaGraph(t, honest).Guard().Check(), `signature "serving_default"`, "ReadFile")
	for _, c := range []struct {
		name    string
		was, is string
		path    []protowire.Number
		want    error
	}{
		{"an output with NUL", "PartitionedCall:0", "PartitionedCall\x00:0", ranTensors, savedmodel.ErrNotModel},
		{"an output with NUL behind it", "PartitionedCall:0", "PartitionedCall:0\x00", ranTensors, savedmodel.ErrNotModel},
		{"an output of no node", "PartitionedCall:0", "PartitionedCal:0", ranTensors, savedmodel.ErrTensor},
		{"an output of the empty name", "PartitionedCall:0", ":0", ranTensors, savedmodel.ErrTensor},
		{"an output with two indexes", "PartitionedCall:0", "PartitionedCall:0:0", ranTensors, savedmodel.ErrTensor},
		{"an output with zeros before its index", "PartitionedCall:0", "PartitionedCall:00", ranTensors, savedmodel.ErrTensor},
		{"an output with a plus before its index", "PartitionedCall:0", "PartitionedCall:+0", ranTensors, savedmodel.ErrTensor},
		{"an output as a control input", "PartitionedCall:0", "^PartitionedCall", ranTensors, savedmodel.ErrTensor},
		{"an input with NUL", "serving_default_path:0", "serving_default_path\x00:0", fedTensors, savedmodel.ErrNotModel},
		{"an input of no node", "serving_default_path:0", "path:0", fedTensors, savedmodel.ErrTensor},
		{"an input with zeros before its index", "serving_default_path:0", "serving_default_path:00", fedTensors, savedmodel.ErrTensor},
		{"an init op with NUL", "NoOp", "NoOp\x00", ranTensors, savedmodel.ErrNotModel},
		{"a restore op with NUL", "StatefulPartitionedCall_1", "StatefulPartitionedCall_1\x00", restoreOps, savedmodel.ErrNotModel},
		{"a node with NUL", "PartitionedCall", "PartitionedCall\x00", nodeNames, savedmodel.ErrNotModel},
		{"a node with a colon", "PartitionedCall", "Partitioned:Call", nodeNames, savedmodel.ErrNotModel},
		{"a node input with NUL", "serving_default_path", "serving_default_path\x00", nodeInputs, savedmodel.ErrNotModel},
		{"an operation with NUL", "PartitionedCall", "PartitionedCall\x00", nodeOps, savedmodel.ErrNotModel},
	} {
		t.Run(c.name, func(t *testing.T) {
			hostile := patched(t, honest, c.was, c.is, c.path...)
			if bytes.Equal(hostile, honest) {
				t.Fatalf("the model has no %q there", c.was)
			}
			s, err := savedmodel.ReadSavedModel(hostile)
			if err == nil {
				err = s.MetaGraphs[0].Guard().Check()
			}
			if !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
}

func TestLoadingRunsNothingThatDoesNotExist(t *testing.T) {
	honest := testdata(t, "table.saved_model.pb")
	for _, c := range []struct {
		entry   string
		was, is string
		path    []protowire.Number
	}{
		{"the init op: ", "NoOp", "NoOps", ranTensors},
		{"the restore op: ", "StatefulPartitionedCall_3", "restore", restoreOps},
	} {
		err := readMetaGraph(t, patched(t, honest, c.was, c.is, c.path...)).Guard().Check()
		if !errors.Is(err, savedmodel.ErrTensor) || !strings.HasPrefix(err.Error(), c.entry) {
			t.Errorf("%s%s: error %v, want ErrTensor", c.entry, c.is, err)
		}
	}
}

func TestNamesOfFunctionsHoldNoNUL(t *testing.T) {
	_, err := savedmodel.ReadGraph(graph(append(nodes(node("x", "NoOp")), function("f\x00", nil, node("n", "NoOp")))...))
	if !errors.Is(err, savedmodel.ErrNotModel) || !strings.Contains(err.Error(), "NUL") {
		t.Errorf("error %v, want ErrNotModel about NUL", err)
	}
}

// The rule is that of TensorFlow's IsValidNodeName; whatever TensorFlow loads is
// read.
func TestNamesOfNodesAreThoseOfTensorFlow(t *testing.T) {
	for name, want := range map[string]bool{
		"x": true, "Conv2D_1": true, "0/1": true, ".x": true, "a.b/c-d_e": true, "model/layer-1/kernel": true,
		"scope>name": true, "a>b>c": true, "_internal": true, "a/": true, "A_": true,
		"": false, "-x": false, "/x": false, ">x": false, "x>": false, "a>_b": false, "a>>b": false,
		"x:0": false, "^x": false, "a b": false, "a\n": false, "a\x00": false, "a=b": false, "é": false, "a\xff": false, "@": false, "[x]": false,
	} {
		_, err := savedmodel.ReadGraph(graph(nodes(node(name, "NoOp"))...))
		if (err == nil) != want {
			t.Errorf("a node named %q: error %v, want it read: %v", name, err, want)
		}
	}
	// Functions are named by Python's, also by those that have no name.
	for _, name := range []string{"__inference_<lambda>_12", "__forward_f$1"} {
		readGraph(t, graph(append(nodes(node("x", name)), function(name, nil, node("n", "NoOp")))...))
	}
}

func TestATensorHasOneNameOnly(t *testing.T) {
	g := readGraph(t, graph(nodes(node("x", "Identity").attr("T", attrType(1)))...))
	for name, want := range map[string]string{
		"x": "x:0", "x:0": "x:0",
		"x:00": "", "x:+0": "", "x:-0": "", "x:": "", "x:0:0": "", "^x": "", "x\x00": "", "x:0\x00": "", "x=0": "", "x:0x0": "", "x:1": "",
	} {
		info, err := g.Tensor(name)
		if info.Tensor != want || (err == nil) != (want != "") || err != nil && !errors.Is(err, savedmodel.ErrTensor) {
			t.Errorf("Tensor(%q) is %q, %v, want %q", name, info.Tensor, err, want)
		}
	}
}
