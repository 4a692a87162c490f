package savedmodel_test

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/savedmodel"
)

// small is a SavedModel with every kind of thing that a description shows.
func small(op string) []byte {
	tensor := func(name string, dtype uint64, shape message) message {
		return message{}.string(1, name).varint(2, dtype).bytes(3, shape)
	}
	unknownRank := message{}.varint(3, 1)
	matrix := message{}.bytes(2, message{}.varint(1, 1<<64-1)).bytes(2, message{}.varint(1, 8))
	sig := message{}.string(1, "serving_default").bytes(2, message{}.
		entry(1, "image", tensor("x:0", 1, matrix)).
		entry(2, "any", tensor("y:0", 7, unknownRank)).
		string(3, "tensorflow/serving/predict"))
	return savedModel(message{}.
		bytes(1, message{}.string(4, "serve").string(4, "cpu").string(5, "2.18.0")).
		bytes(2, graph(append(nodes(
			node("x", "Placeholder").attr("dtype", attrType(1)),
			node("y", "f", "x").string(4, "/cpu:0"),
		), library(message{}.bytes(1, message{}.string(1, "f").bytes(3, message{}.string(1, "out").varint(3, 7))).
			bytes(3, node("inner", op))))...)).
		bytes(5, sig))
}

func TestDescriptionIsThePromisedJSON(t *testing.T) {
	d := readMetaGraph(t, small("NoOp")).Describe()
	d.Version = 7
	got, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"format":"savedmodel","version":7,"tags":["serve","cpu"],"tensorflow":"2.18.0",` +
		`"signatures":{"serving_default":{"method":"tensorflow/serving/predict",` +
		`"inputs":{"image":{"tensor":"x:0","dtype":"DT_FLOAT","shape":[-1,8]}},` +
		`"outputs":{"any":{"tensor":"y:0","dtype":"DT_STRING","shape":null}}}},` +
		`"operations":[{"name":"x","op":"Placeholder","device":"","outputs":["DT_FLOAT"]},` +
		`{"name":"y","op":"f","device":"/cpu:0","outputs":["DT_STRING"]},` +
		`{"name":"inner","op":"NoOp","device":"","outputs":[],"function":"f"}],` +
		`"op_counts":{"NoOp":1,"Placeholder":1,"f":1}}`
	if string(got) != want {
		t.Errorf("JSON\n%s\nwant\n%s", got, want)
	}
}

func TestDescriptionOfAFrozenGraph(t *testing.T) {
	g := readGraph(t, testdata(t, "constant.pb"))
	got, err := json.Marshal(g.Describe(nil))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"format":"graphdef","version":0,"tags":[],"tensorflow":"","signatures":{},`
	if !strings.HasPrefix(string(got), want) {
		t.Errorf("JSON\n%s\nwant it to start with\n%s", got, want)
	}

	g = readGraph(t, testdata(t, "old.pb"))
	s, err := g.Signature(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	z := g.Describe(s).Signatures["serving_default"].Outputs["z"]
	if z.Tensor != "z:0" || z.DType != "DT_FLOAT" || z.Shape != nil {
		t.Errorf("output z is %+v", z)
	}
}

func TestDescriptionOfAnUnsafeModelSaysWhy(t *testing.T) {
	d := readMetaGraph(t, small("ReadFile")).Describe()
	want := `signature "serving_default" runs ReadFile, which reads files (node "inner" in function f): ` +
		`set MODEL_ALLOW_UNSAFE_OPS=true if you trust this model`
	if d.Unsafe != want {
		t.Errorf("unsafe %q, want %q", d.Unsafe, want)
	}
	if d.OpCounts["ReadFile"] != 1 {
		t.Errorf("op counts %v, want one ReadFile", d.OpCounts)
	}
}

func TestWriteTable(t *testing.T) {
	d := readMetaGraph(t, small("ReadFile")).Describe()
	d.Version, d.Size = 7, "1.5 kB"
	var b strings.Builder
	if err := d.WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	want := `format      savedmodel
version     7
tags        serve,cpu
tensorflow  2.18.0
size        1.5 kB
unsafe      signature "serving_default" runs ReadFile, which reads files (node "inner" in function f): set MODEL_ALLOW_UNSAFE_OPS=true if you trust this model

signature serving_default (tensorflow/serving/predict)
  input   image  DT_FLOAT   [?,8]      x:0
  output  any    DT_STRING  <unknown>  y:0

3 operations of 3 types
  1  Placeholder
  1  ReadFile
  1  f
`
	if b.String() != want {
		t.Errorf("table\n%s\nwant\n%s", b.String(), want)
	}
}

// No line ends in spaces, also where an operation has no outputs.
func TestWriteOperations(t *testing.T) {
	var b strings.Builder
	if err := readMetaGraph(t, small("NoOp")).Describe().WriteOperations(&b); err != nil {
		t.Fatal(err)
	}
	want := `
operations
  x  Placeholder  DT_FLOAT
  y  f            DT_STRING  /cpu:0

operations of function f
  inner  NoOp
`
	if b.String() != want {
		t.Errorf("operations\n%s\nwant\n%s", b.String(), want)
	}
}

// A name in a model may hold what a terminal acts upon.
func TestWriteTableQuotesWhatATerminalWouldActUpon(t *testing.T) {
	g := readGraph(t, graph(append(nodes(node("x", "d\x9b2J")), function("f", nil, node("a\x1b[2Jb\tc\n", "NoOp")))...))
	var b strings.Builder
	d := g.Describe(nil)
	if err := errors.Join(d.WriteTable(&b), d.WriteOperations(&b)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"a\x1b[2Jb\tc\n"`, `"d\x9b2J"`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("table %q, want the name %s", b.String(), want)
		}
	}
	if strings.Contains(b.String(), "\x1b") || strings.Contains(b.String(), "\x9b") {
		t.Errorf("table %q holds control characters", b.String())
	}
	if !strings.Contains(b.String(), "no signatures") {
		t.Errorf("table %q does not say that there are no signatures", b.String())
	}
}

func TestWriteTableReturnsTheWritersError(t *testing.T) {
	r, w := io.Pipe()
	broken := errors.New("broken pipe")
	r.CloseWithError(broken)
	for _, write := range []func(io.Writer) error{new(savedmodel.Description).WriteTable, new(savedmodel.Description).WriteOperations} {
		if err := write(w); !errors.Is(err, broken) {
			t.Errorf("error %v, want %v", err, broken)
		}
	}
}

func TestASparseTensorIsListedButCannotBeServed(t *testing.T) {
	m := readMetaGraph(t, testdata(t, "sparse.saved_model.pb"))
	x, ok := m.Signatures["serving_default"].Input("x")
	if !ok || x.Tensor != "" {
		t.Errorf("input x is %+v, %v, want it without a tensor", x, ok)
	}
	var b strings.Builder
	if err := m.Describe().WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "cannot be served") {
		t.Errorf("table\n%s\ndoes not say that x cannot be served", b.String())
	}
}
