package savedmodel_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/savedmodel"
)

func TestWhatIsNoModelIsRecognised(t *testing.T) {
	tar := make([]byte, 1024)
	copy(tar[257:], "ustar\x0000")
	keras := "PK\x03\x04\x14\x00\x00\x00\x00\x00\x00\x00!\x00metadata.json{}PK\x03\x04\x14config.json"
	for _, c := range []struct {
		name, content string
		looks         string
	}{
		{"nothing", "", "an empty file"},
		{"HTML", "\n<!DOCTYPE html><html><body>Sign in</body></html>", "an HTML page"},
		{"S3's error", `<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code></Error>`, "an XML document"},
		{"JSON", `{"format": "graph-model"}`, "a JSON document"},
		{"ONNX", "\x08\x07\x12\x07pytorch\x1a\x052.1.0:\x10", "an ONNX model"},
		{"HDF5", "\x89HDF\r\n\x1a\n\x00\x00", "model.export(folder)"},
		{"Keras 3", keras, "model.export(folder)"},
		{"zip", "PK\x03\x04\x14\x00saved_model.pb", "end its name in .zip"},
		{"TFLite", "\x1c\x00\x00\x00TFL3\x14\x00", "TensorFlow Lite"},
		{"gzip", "\x1f\x8b\x08\x00", ".tar.gz"},
		{"zstd", "\x28\xb5\x2f\xfd\x00", ".tar.zst"},
		{"tar", string(tar), ".tar"},
		{"pickle", "\x80\x02}q\x00.", "PyTorch"},
		{"Git LFS", "version https://git-lfs.github.com/spec/v1\noid sha256:abc\n", "git lfs pull"},
		{"GraphDef as text", "node {\n  name: \"x\"\n}\n", "text form (.pbtxt)"},
		{"SavedModel as text", "saved_model_schema_version: 1\n", "text form (.pbtxt)"},
		{"labels", "zero\none\ntwo\n", "a text file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, graphErr := savedmodel.ReadGraph([]byte(c.content))
			_, modelErr := savedmodel.ReadSavedModel([]byte(c.content))
			for _, err := range []error{graphErr, modelErr} {
				if !errors.Is(err, savedmodel.ErrNotModel) || !strings.Contains(err.Error(), c.looks) {
					t.Errorf("error %v, want ErrNotModel and %q", err, c.looks)
				}
			}
		})
	}
}

func TestOneKindOfModelForTheOtherIsRecognised(t *testing.T) {
	_, err := savedmodel.ReadGraph(testdata(t, "ordinary.saved_model.pb"))
	if err == nil || !strings.Contains(err.Error(), "name the folder that holds it") {
		t.Errorf("ReadGraph of a SavedModel: %v", err)
	}
	_, err = savedmodel.ReadSavedModel(testdata(t, "conv.pb"))
	if err == nil || !strings.Contains(err.Error(), "a frozen graph") {
		t.Errorf("ReadSavedModel of a frozen graph: %v", err)
	}
	_, err = savedmodel.ReadGraph(message{}.bytes(1, message{}.string(4, "serve")).bytes(2, graph(nodes(node("x", "NoOp"))...)))
	if err == nil || !strings.Contains(err.Error(), "(.meta)") {
		t.Errorf("ReadGraph of a checkpoint's meta graph: %v", err)
	}
}

func TestADamagedModelIsRefused(t *testing.T) {
	whole := testdata(t, "ordinary.saved_model.pb")
	x := node("x", "NoOp")
	f := functionDef("f", nil, node("a", "NoOp"))
	for _, c := range []struct {
		name    string
		content []byte
		want    string
	}{
		{"cut short", whole[:len(whole)/2], "damaged or cut short"},
		{"no meta graph", message{}.varint(1, 1), "no meta graphs in it"},
		{"no graph", savedModel(message{}.bytes(1, message{}.string(4, "serve"))), "no graph in it"},
		{"a node without a name", savedModel(message{}.bytes(2, graph(nodes(node("", "NoOp"))...))), "node 0: node without a name"},
		{"two nodes of one name", savedModel(message{}.bytes(2, graph(nodes(x, x)...))), `two nodes are named "x"`},
		{"two functions of one name", savedModel(message{}.bytes(2, graph(append(nodes(x), library(f),
			library(functionDef("f", nil, node("b", "ReadFile"))))...))), `two functions are named "f"`},
		{"two gradients of a function", savedModel(message{}.bytes(2, graph(append(nodes(x), library(f),
			part{2, message{}.bytes(2, message{}.string(1, "f").string(2, "g")).bytes(2, message{}.string(1, "f").string(2, "h"))})...))), `two gradients for function "f"`},
		{"a shape of too many dimensions", savedModel(message{}.bytes(2, graph(nodes(x)...)).bytes(5, message{}.string(1, "s").bytes(2,
			message{}.entry(1, "x", message{}.bytes(3, bytes.Repeat(message{}.bytes(2, nil), 255)))))), "more dimensions than TensorFlow has"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := savedmodel.ReadSavedModel(c.content)
			if !errors.Is(err, savedmodel.ErrNotModel) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want ErrNotModel and %q", err, c.want)
			}
		})
	}
}

// TensorFlow accepts a library that holds a function twice.
func TestTheSameFunctionTwiceIsOne(t *testing.T) {
	f := library(functionDef("f", nil, node("a", "NoOp")))
	if g := readGraph(t, graph(append(nodes(node("x", "f")), f, f)...)); len(g.Functions) != 1 {
		t.Errorf("%d functions, want 1", len(g.Functions))
	}
}

// Nothing in a model's bytes may bring the process down: it is run to find out
// what an unknown file is.
func FuzzReadSavedModel(f *testing.F) {
	for _, name := range []string{"table.saved_model.pb", "tags.saved_model.pb", "sparse.saved_model.pb", "loops.saved_model.pb"} {
		f.Add(testdata(f, name))
	}
	f.Add(small("ReadFile"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		s, err := savedmodel.ReadSavedModel(b)
		if err != nil {
			return
		}
		for _, m := range s.MetaGraphs {
			_ = m.Describe().WriteTable(io.Discard)
			_ = m.Describe().WriteOperations(io.Discard)
			_ = m.Guard().Fetch("x")
		}
	})
}

func FuzzReadGraph(f *testing.F) {
	for _, name := range []string{"conv.pb", "two.pb", "old.pb", "frozen_v2.pb"} {
		f.Add(testdata(f, name))
	}
	f.Fuzz(func(_ *testing.T, b []byte) {
		g, err := savedmodel.ReadGraph(b)
		if err != nil {
			return
		}
		s, _ := g.Signature(nil, nil)
		_ = g.Describe(s).WriteTable(io.Discard)
		_ = g.Describe(s).WriteOperations(io.Discard)
		_ = g.PlaceholderShapes()
	})
}

func FuzzParseBindings(f *testing.F) {
	f.Add("x=input_1:0,y")
	f.Add("=:,")
	f.Fuzz(func(t *testing.T, s string) {
		bindings, err := savedmodel.ParseBindings(s)
		if err != nil && bindings != nil {
			t.Errorf("ParseBindings(%q) = %v and error %v", s, bindings, err)
		}
		for _, b := range bindings {
			if b.Name == "" || !strings.Contains(b.Tensor, ":") {
				t.Errorf("ParseBindings(%q) has the binding %+v", s, b)
			}
		}
	})
}
