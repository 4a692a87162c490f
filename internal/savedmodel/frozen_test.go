package savedmodel_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel"
)

func TestSignatureOfAFrozenGraph(t *testing.T) {
	for _, c := range []struct {
		name, file      string
		inputs, outputs string // MODEL_INPUTS, MODEL_OUTPUTS
		wantInputs      []infer.TensorInfo
		wantOutputs     []infer.TensorInfo
	}{
		{
			"placeholders and sinks, shapes where the exporter recorded them", "conv.pb", "", "",
			[]infer.TensorInfo{{Name: "image", Tensor: "image:0", DType: infer.Float, Shape: infer.Shape{-1, 4, 4, 1}}},
			[]infer.TensorInfo{
				{Name: "best", Tensor: "best:0", DType: infer.Float, Shape: infer.Shape{-1, 2}},
				{Name: "best:1", Tensor: "best:1", DType: infer.Int32, Shape: infer.Shape{-1, 2}},
			},
		},
		{
			"two placeholders; neither the optional one nor the assertion counts", "two.pb", "", "",
			[]infer.TensorInfo{
				{Name: "keep_prob", Tensor: "keep_prob:0", DType: infer.Float, Shape: infer.Shape{}},
				{Name: "x", Tensor: "x:0", DType: infer.Float, Shape: infer.Shape{-1, 3}},
			},
			[]infer.TensorInfo{
				{Name: "columns", Tensor: "columns:0", DType: infer.Float},
				{Name: "columns:1", Tensor: "columns:1", DType: infer.Float},
				{Name: "columns:2", Tensor: "columns:2", DType: infer.Float},
				{Name: "next", Tensor: "next:0", DType: infer.Int32},
				{Name: "y", Tensor: "y:0", DType: infer.Float},
			},
		},
		{
			"chosen tensors", "two.pb", "image = x, size:0", "score=product:0,columns:2",
			[]infer.TensorInfo{
				{Name: "image", Tensor: "x:0", DType: infer.Float, Shape: infer.Shape{-1, 3}},
				{Name: "size:0", Tensor: "size:0", DType: infer.Int32, Shape: infer.Shape{}},
			},
			[]infer.TensorInfo{
				{Name: "columns:2", Tensor: "columns:2", DType: infer.Float},
				{Name: "score", Tensor: "product:0", DType: infer.Float},
			},
		},
		{
			"an old producer's scalar is an unknown shape", "old.pb", "", "",
			[]infer.TensorInfo{
				{Name: "x", Tensor: "x:0", DType: infer.Float},
				{Name: "y", Tensor: "y:0", DType: infer.Float, Shape: infer.Shape{-1, 2}},
			},
			[]infer.TensorInfo{{Name: "z", Tensor: "z:0", DType: infer.Float}},
		},
		{
			"a constant fed", "constant.pb", "a=Const", "",
			[]infer.TensorInfo{{Name: "a", Tensor: "Const:0", DType: infer.Float}},
			[]infer.TensorInfo{{Name: "sum", Tensor: "sum:0", DType: infer.Float}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := readGraph(t, testdata(t, c.file)).Signature(bindings(t, c.inputs), bindings(t, c.outputs))
			if err != nil {
				t.Fatal(err)
			}
			if s.Name != "serving_default" || s.Method != "tensorflow/serving/predict" {
				t.Errorf("name %q, method %q", s.Name, s.Method)
			}
			if !reflect.DeepEqual(s.Inputs, c.wantInputs) {
				t.Errorf("inputs\n%+v, want\n%+v", s.Inputs, c.wantInputs)
			}
			if !reflect.DeepEqual(s.Outputs, c.wantOutputs) {
				t.Errorf("outputs\n%+v, want\n%+v", s.Outputs, c.wantOutputs)
			}
		})
	}
}

func bindings(t testing.TB, s string) []savedmodel.Binding {
	t.Helper()
	b, err := savedmodel.ParseBindings(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSignatureSaysWhatTheGraphLacks(t *testing.T) {
	for _, c := range []struct {
		file, inputs, outputs string
		want                  string
	}{
		{"constant.pb", "", "", "no such tensor: frozen graph without placeholders: set MODEL_INPUTS"},
		{"two.pb", "x=nothing_like_it_at_all", "", `MODEL_INPUTS: x: no such tensor: the graph has no operation "nothing_like_it_at_all"`},
		{"two.pb", "keepprob", "", `MODEL_INPUTS: keepprob: no such tensor: the graph has no operation "keepprob"; did you mean "keep_prob"?`},
		{"conv.pb", "", "conv2d", `MODEL_OUTPUTS: conv2d: no such tensor: the graph has no operation "conv2d"; did you mean "conv2d/Conv2D" or "conv2d/BiasAdd"?`},
		{"two.pb", "", "columns:3", `MODEL_OUTPUTS: columns:3: no such tensor: operation "columns" (Split) has 3 outputs, so there is no "columns:3"`},
	} {
		_, err := readGraph(t, testdata(t, c.file)).Signature(bindings(t, c.inputs), bindings(t, c.outputs))
		if err == nil || err.Error() != c.want || !errors.Is(err, savedmodel.ErrTensor) {
			t.Errorf("%s with %q and %q: error\n%v, want\n%s", c.file, c.inputs, c.outputs, err, c.want)
		}
	}
}

func TestAGraphWhoseEveryOutputIsConsumedNeedsOutputs(t *testing.T) {
	g := readGraph(t, graph(nodes(
		node("x", "Placeholder").attr("dtype", attrType(1)),
		node("group", "NoOp", "^x"),
	)...))
	_, err := g.Signature(nil, nil)
	want := "no such tensor: frozen graph without an output that nothing consumes: set MODEL_OUTPUTS"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestTensorFindsAnyTensorOfTheGraph(t *testing.T) {
	g := readGraph(t, testdata(t, "conv.pb"))
	for _, c := range []struct {
		name string
		want infer.TensorInfo
		ok   bool
	}{
		{"softmax", infer.TensorInfo{Name: "softmax", Tensor: "softmax:0", DType: infer.Float, Shape: infer.Shape{-1, 27}}, true},
		{"best:1", infer.TensorInfo{Name: "best:1", Tensor: "best:1", DType: infer.Int32, Shape: infer.Shape{-1, 2}}, true},
		{"best:2", infer.TensorInfo{}, false},
		{"best:", infer.TensorInfo{}, false},
		{"best:-1", infer.TensorInfo{}, false},
		{"best:99999999999999999999", infer.TensorInfo{}, false},
		{"^best", infer.TensorInfo{}, false},
		{"", infer.TensorInfo{}, false},
	} {
		got, err := g.Tensor(c.name)
		if (err == nil) != c.ok || !reflect.DeepEqual(got, c.want) {
			t.Errorf("Tensor(%q) = %+v, %v, want %+v", c.name, got, err, c.want)
		}
		if !c.ok && !errors.Is(err, savedmodel.ErrTensor) {
			t.Errorf("Tensor(%q): error %v is not ErrTensor", c.name, err)
		}
	}
}

func TestPlaceholderShapesLeaveUnknownRanksOut(t *testing.T) {
	for _, c := range []struct {
		file string
		want map[string]infer.Shape
	}{
		{"conv.pb", map[string]infer.Shape{"image": {-1, 4, 4, 1}}},
		{"two.pb", map[string]infer.Shape{"x": {-1, 3}, "keep_prob": {}, "size": {}}},
		{"old.pb", map[string]infer.Shape{"y": {-1, 2}}},
		{"constant.pb", map[string]infer.Shape{}},
	} {
		if got := readGraph(t, testdata(t, c.file)).PlaceholderShapes(); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", c.file, got, c.want)
		}
	}
}

func TestParseBindings(t *testing.T) {
	for _, c := range []struct {
		text string
		want []savedmodel.Binding
	}{
		{"", nil},
		{"  ", nil},
		{"x=input_1:0", []savedmodel.Binding{{Name: "x", Tensor: "input_1:0"}}},
		{"x=a/b:2, y = c", []savedmodel.Binding{{Name: "x", Tensor: "a/b:2"}, {Name: "y", Tensor: "c:0"}}},
		{"dense/BiasAdd:0", []savedmodel.Binding{{Name: "dense/BiasAdd:0", Tensor: "dense/BiasAdd:0"}}},
		{"dense", []savedmodel.Binding{{Name: "dense", Tensor: "dense:0"}}},
	} {
		got, err := savedmodel.ParseBindings(c.text)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("ParseBindings(%q) = %v, %v, want %v", c.text, got, err, c.want)
		}
	}
}

func TestParseBindingsNamesTheWrongPiece(t *testing.T) {
	for text, want := range map[string]string{
		"x=a,":       `malformed binding: "": empty, want name=operation:index`,
		"=a":         `malformed binding: "=a": no name before the equals sign`,
		"x=a:b":      `malformed binding: "x=a:b": "b" is not an output's index, want operation:index`,
		"x=a,y=b:-1": `malformed binding: "y=b:-1": "-1" is not an output's index, want operation:index`,
		"x=":         `malformed binding: "x=": "" is not an operation's name`,
		"x=^a":       `malformed binding: "x=^a": "^a" is not an operation's name`,
		"x=a,x=b":    `malformed binding: "x=b": the name "x" is given twice`,
	} {
		_, err := savedmodel.ParseBindings(text)
		if err == nil || err.Error() != want || !errors.Is(err, savedmodel.ErrBinding) {
			t.Errorf("ParseBindings(%q): error\n%v, want\n%s", text, err, want)
		}
	}
}
