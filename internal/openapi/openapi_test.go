package openapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/openapi"
)

var update = flag.Bool("update", false, "write testdata anew")

// runner is a graph that nobody runs.
type runner struct{ catalog infer.Catalog }

func (r *runner) Catalog() *infer.Catalog { return &r.catalog }
func (r *runner) Close() error            { return nil }
func (r *runner) Run(context.Context, []infer.Feed, []infer.TensorInfo) ([]*infer.Tensor, error) {
	return nil, infer.Errorf(infer.ErrInternal, "nobody runs this graph")
}

// model has the given signatures, of which the first is the default.
func model(name string, signatures ...*infer.Signature) *infer.Model {
	c := infer.Catalog{Default: signatures[0].Name, Signatures: map[string]*infer.Signature{}}
	for _, s := range signatures {
		c.Signatures[s.Name] = s
	}
	return &infer.Model{Name: name, Version: "3", Format: "savedmodel", Runner: &runner{c}}
}

func tensor(name string, d infer.DType, shape infer.Shape) infer.TensorInfo {
	return infer.TensorInfo{Name: name, Tensor: name + ":0", DType: d, Shape: shape}
}

func tensors(infos ...infer.TensorInfo) []infer.TensorInfo { return infos }

// document is a document as JSON: objects, lists and values.
func document(t *testing.T, m *infer.Model) map[string]any {
	t.Helper()
	text, err := openapi.Document(m, 10<<20)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var d map[string]any
	if err := decoder.Decode(&d); err != nil {
		t.Fatal(err)
	}
	return d
}

// at is what stands in a document at a path of keys, as JSON; "" for nothing.
func at(d any, keys ...string) string {
	for _, key := range keys {
		object, _ := d.(map[string]any)
		if d = object[key]; d == nil {
			return ""
		}
	}
	text, _ := json.Marshal(d) // it came out of JSON
	return string(text)
}

func keysAt(d any, keys ...string) []string {
	for _, key := range keys {
		d = d.(map[string]any)[key]
	}
	return slices.Sorted(maps.Keys(d.(map[string]any)))
}

// digits is the demo model, models/digits.
func digits() *infer.Model {
	m := model("digits", &infer.Signature{
		Name: "serving_default", Method: "tensorflow/serving/predict",
		Inputs:  tensors(tensor("image", infer.Float, infer.Shape{-1, 8, 8, 1})),
		Outputs: tensors(tensor("probabilities", infer.Float, infer.Shape{-1, 10})),
	})
	m.Version = "1"
	m.Catalog().Image = func(context.Context, infer.TensorInfo, []byte) (*infer.Tensor, error) { return nil, nil }
	return m
}

// The document of the demo model, whole, for reading the difference.
func TestDocumentOfTheDemoModel(t *testing.T) {
	text, err := openapi.Document(digits(), 10<<20)
	if err != nil {
		t.Fatal(err)
	}
	got, file := indented(t, text), filepath.Join("testdata", "digits.json")
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the document is not that of %s: write it with `go test ./internal/openapi -update` and read what git says of it", file)
	}
}

// flat is a list or object that holds no other.
var flat = regexp.MustCompile(`([\[{])\s+([^\[\]{}]*?)\s+([\]}])`)

// indented is JSON over several lines, with a line for each of its smallest parts.
func indented(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		t.Fatal(err)
	}
	return flat.ReplaceAllFunc(b.Bytes(), func(part []byte) []byte { return bytes.Join(bytes.Fields(part), []byte(" ")) })
}

func TestTheSameModelHasTheSameDocument(t *testing.T) {
	first, err := openapi.Document(digits(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if again, err := openapi.Document(digits(), 1); err != nil || !bytes.Equal(first, again) {
			t.Fatalf("got %s, %v\nwant %s", again, err, first)
		}
	}
}

// What schemas say of the tensors of a signature.
func TestTensors(t *testing.T) {
	for _, tt := range []struct {
		dtype infer.DType
		shape infer.Shape
		want  string // the schema of the whole tensor
	}{
		{infer.Float, infer.Shape{}, `{"description":"float []","format":"float","type":"number"}`},
		{infer.Double, infer.Shape{-1}, `{"description":"double [?]","items":{"format":"double","type":"number"},"type":"array"}`},
		{infer.Half, infer.Shape{2}, `{"description":"half [2]","items":{"type":"number"},"maxItems":2,"minItems":2,"type":"array"}`},
		{infer.Bool, infer.Shape{-1, 0}, `{"description":"bool [?,0]","items":{"items":{"type":"boolean"},"maxItems":0,"type":"array"},"minItems":1,"type":"array"}`},
		{infer.Int8, infer.Shape{}, `{"description":"int8 []","format":"int8","maximum":127,"minimum":-128,"type":"integer"}`},
		{infer.Uint16, infer.Shape{}, `{"description":"uint16 []","format":"uint16","maximum":65535,"minimum":0,"type":"integer"}`},
		{infer.Int64, infer.Shape{}, `{"description":"int64 []","format":"int64","maximum":9223372036854775807,"minimum":-9223372036854775808,"type":"integer"}`},
		{infer.Uint64, infer.Shape{}, `{"description":"uint64 []","format":"uint64","maximum":18446744073709551615,"minimum":0,"type":"integer"}`},
		{infer.String, infer.Shape{}, `{"$ref":"#/components/schemas/String","description":"string []"}`},
		{infer.Float, nil, `{"$ref":"#/components/schemas/Nested_float","description":"float \u003cunknown\u003e"}`},
	} {
		d := document(t, model("m", &infer.Signature{
			Name: "s", Inputs: tensors(tensor("a", tt.dtype, tt.shape), tensor("b", infer.Float, infer.Shape{})),
			Outputs: tensors(tensor("y", infer.Float, nil)),
		}))
		got := at(d, "components", "schemas", "PredictColumns_s", "properties", "inputs", "properties", "a")
		if got != tt.want {
			t.Errorf("%s %s: got %s\nwant %s", tt.dtype, tt.shape, got, tt.want)
		}
	}
}

// Rows need a first dimension that the inputs have in common, and the outputs.
func TestFormsOfRequests(t *testing.T) {
	batch, scalar, three := infer.Shape{-1, 2}, infer.Shape{}, infer.Shape{3}
	for _, tt := range []struct {
		name    string
		inputs  []infer.Shape
		outputs []infer.Shape
		rows    bool
	}{
		{"batches", []infer.Shape{batch, batch}, []infer.Shape{batch}, true},
		{"unknown ranks", []infer.Shape{nil}, []infer.Shape{nil}, true},
		{"a fixed first dimension", []infer.Shape{three, batch}, []infer.Shape{three}, true},
		{"fixed first dimensions that differ", []infer.Shape{three, {4}}, []infer.Shape{batch}, false},
		{"a scalar input", []infer.Shape{batch, scalar}, []infer.Shape{batch}, false},
		{"a scalar output", []infer.Shape{batch}, []infer.Shape{batch, scalar}, false},
	} {
		s := &infer.Signature{Name: "s"}
		for i, shape := range tt.inputs {
			s.Inputs = append(s.Inputs, tensor(string(rune('a'+i)), infer.Float, shape))
		}
		for i, shape := range tt.outputs {
			s.Outputs = append(s.Outputs, tensor(string(rune('x'+i)), infer.Float, shape))
		}
		d := document(t, model("m", s))
		if rows := at(d, "components", "schemas", "PredictRows_s") != ""; rows != tt.rows {
			t.Errorf("%s: row form: %t, want %t", tt.name, rows, tt.rows)
		}
		if at(d, "components", "schemas", "PredictColumns_s") == "" {
			t.Errorf("%s: no column form", tt.name)
		}
	}
}

// Which bodies that are no JSON a default signature takes.
func TestBodies(t *testing.T) {
	const lines, raw, npy, csv = "application/jsonlines", "application/octet-stream", "application/x-npy", "text/csv"
	rows := tensors(tensor("y", infer.Float, infer.Shape{-1}))
	for _, tt := range []struct {
		name    string
		inputs  []infer.TensorInfo
		outputs []infer.TensorInfo
		want    []string
		header  bool // X-Tensor-Shape
	}{
		{"a batch", tensors(tensor("x", infer.Float, infer.Shape{-1, 8})), rows, []string{lines, raw, npy, csv}, false},
		{"several inputs", tensors(tensor("a", infer.Float, infer.Shape{-1}), tensor("b", infer.String, infer.Shape{-1})), rows, []string{lines, csv}, false},
		{"an unknown rank", tensors(tensor("x", infer.Float, nil)), rows, []string{lines, raw, npy, csv}, true},
		{"two open sizes", tensors(tensor("x", infer.Float, infer.Shape{-1, -1})), rows, []string{lines, raw, npy, csv}, true},
		{"three open sizes", tensors(tensor("x", infer.Float, infer.Shape{-1, -1, -1})), rows, []string{lines, raw, npy}, true},
		{"several strings a row", tensors(tensor("x", infer.String, infer.Shape{-1, 2})), rows, []string{lines, npy, csv}, false},
		{"a scalar", tensors(tensor("x", infer.Float, infer.Shape{})), rows, []string{raw, npy}, false},
		{"rows without rows in the answer", tensors(tensor("x", infer.Float, infer.Shape{-1})), tensors(tensor("y", infer.Float, infer.Shape{})), nil, false},
	} {
		d := document(t, model("m", &infer.Signature{Name: "s", Inputs: tt.inputs, Outputs: tt.outputs}))
		got := keysAt(d, "components", "requestBodies", "Predict", "content")
		if want := append([]string{"application/json"}, tt.want...); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, want)
		}
		if header := at(d, "components", "parameters", "X-Tensor-Shape") != ""; header != tt.header {
			t.Errorf("%s: X-Tensor-Shape: %t, want %t", tt.name, header, tt.header)
		}
	}
}

// Requests choose a signature by its name, which may be missing for the default only.
func TestSignatures(t *testing.T) {
	x, y := tensors(tensor("x", infer.Float, infer.Shape{})), tensors(tensor("y", infer.Float, infer.Shape{}))
	examples := tensors(tensor("inputs", infer.String, infer.Shape{-1}))
	d := document(t, model("m",
		&infer.Signature{Name: "b/1", Inputs: x, Outputs: y},
		&infer.Signature{Name: "b:1", Inputs: x, Outputs: y},
		&infer.Signature{Name: "complex", Inputs: tensors(tensor("x", infer.Complex64, nil)), Outputs: y},
		&infer.Signature{Name: "labels", Method: "tensorflow/serving/classify", Inputs: examples, Outputs: tensors(tensor("scores", infer.Float, infer.Shape{-1, 2}))},
		&infer.Signature{Name: "no_inputs", Outputs: y},
	))
	for keys, want := range map[string]string{
		"PredictColumns_b_1 properties signature_name":   `{"enum":["b/1"],"type":"string"}`,
		"PredictColumns_b_1 required":                    `["inputs"]`,
		"PredictColumns_b_1_2 properties signature_name": `{"enum":["b:1"],"type":"string"}`,
		"PredictColumns_b_1_2 required":                  `["signature_name","inputs"]`,
		"PredictColumns_complex":                         "",
		"PredictColumns_no_inputs":                       "", // v1 has no request for it
		"InferRequest_no_inputs required":                `["inputs","parameters"]`,
		"ClassifyRequest required":                       `["signature_name","examples"]`,
		"RegressRequest":                                 "",
	} {
		if got := at(d, append([]string{"components", "schemas"}, strings.Fields(keys)...)...); got != want {
			t.Errorf("%s: got %s, want %s", keys, got, want)
		}
	}
	if text := at(d, "info", "description"); !strings.Contains(text, "cannot be asked") || !strings.Contains(text, ": complex.") {
		t.Errorf("the description does not name what cannot be asked: %s", text)
	}
	if got := at(d, "components", "requestBodies", "Predict", "content", "application/json", "examples", "labels_rows"); got != "" {
		t.Errorf("no text is a serialized example, but there is %s", got)
	}
}

// Whether an input takes images, what decodes them says.
func TestImages(t *testing.T) {
	m := model("m", &infer.Signature{Name: "s", Inputs: tensors(tensor("x", infer.Float, infer.Shape{-1, 8})), Outputs: tensors(tensor("y", infer.Float, infer.Shape{-1}))})
	m.Catalog().Image = func(context.Context, infer.TensorInfo, []byte) (*infer.Tensor, error) {
		return nil, infer.Errorf(infer.ErrFailedPrecondition, "takes no image")
	}
	if got := at(document(t, m), "components", "requestBodies", "Predict", "content", "image/png"); got != "" {
		t.Errorf("got %s", got)
	}
	if got := at(document(t, digits()), "components", "requestBodies", "Predict", "content", "image/png", "examples"); !strings.Contains(got, "x-base64") {
		t.Errorf("no example: %s", got)
	}
}

// An image may stand for a row of pixels in JSON, and is the example where pixels would be
// too many to be read. Strings are no pixels, though an image may be one.
func TestImagesInJSON(t *testing.T) {
	for _, tt := range []struct {
		input infer.TensorInfo
		want  bool
	}{
		{tensor("x", infer.Float, infer.Shape{2, 224, 224, 3}), true},
		{tensor("x", infer.String, infer.Shape{2}), false},
	} {
		m := model("m", &infer.Signature{Name: "s", Inputs: tensors(tt.input), Outputs: tensors(tensor("y", infer.Float, infer.Shape{-1}))})
		m.Catalog().Image = func(context.Context, infer.TensorInfo, []byte) (*infer.Tensor, error) { return nil, nil }
		d := document(t, m)
		if got := at(d, "components", "schemas", "Image") != ""; got != tt.want {
			t.Errorf("%s: schema of images: %t, want %t", tt.input.DType, got, tt.want)
		}
		for body, want := range map[string][]string{
			"Predict": {`"instances":[{"x":{"b64":"iVBORw0K`, `},{"x":{"b64":"iVBORw0K`},
			"Infer":   {`"datatype":"BYTES"`, `"shape":[2]`, `"data":["iVBORw0K`, `","iVBORw0K`},
		} {
			got := at(d, "components", "requestBodies", body, "content", "application/json", "examples", "s_images")
			if (got != "") != tt.want {
				t.Errorf("%s, %s: example %q", tt.input.DType, body, got)
			}
			for _, part := range want {
				if tt.want && !strings.Contains(got, part) {
					t.Errorf("%s: example %s has no %s", body, got, part)
				}
			}
		}
	}
}

// An input without a batch takes one image, where its whole value stands.
func TestOneImage(t *testing.T) {
	m := model("m", &infer.Signature{
		Name: "s", Inputs: tensors(tensor("x", infer.Float, infer.Shape{-1, -1, 3})), Outputs: tensors(tensor("y", infer.Float, infer.Shape{3})),
	})
	m.Catalog().Image = func(context.Context, infer.TensorInfo, []byte) (*infer.Tensor, error) { return nil, nil }
	d := document(t, m)
	const image = `{"$ref":"#/components/schemas/Image"}`
	if got := at(d, "components", "schemas", "PredictRows_s"); got == "" || strings.Contains(got, "Image") {
		t.Errorf("rows are %s", got)
	}
	if got := at(d, "components", "schemas", "PredictColumns_s"); !strings.Contains(got, image+`,{"items":`+image+`,"maxItems":1,"minItems":1,"type":"array"}`) {
		t.Errorf("columns are %s", got)
	}
	if got := at(d, "components", "schemas", "InferRequest_s"); !strings.Contains(got, `"shape":{"items":{"const":1,"type":"integer"},"maxItems":1,"minItems":1,"type":"array"}`) {
		t.Errorf("v2 takes %s", got)
	}
	for keys, want := range map[string]string{
		"Predict content application/json examples s_images value": `"inputs":{"x":{"b64":"iVBORw0K`,
		"Infer content application/json examples s_images value":   `"shape":[1]`,
		"Predict content image/png schema":                         "The answer is in columns",
		"Predict content image/png examples s":                     "x-base64",
	} {
		if got := at(d, append([]string{"components", "requestBodies"}, strings.Fields(keys)...)...); !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %s", keys, got, want)
		}
	}
	if at(d, "components", "parameters", "top") == "" {
		t.Error("no best classes of the only vector")
	}
}

// The best classes can be asked for where it is plain which output has them.
func TestTop(t *testing.T) {
	scores, sum := tensor("scores", infer.Float, infer.Shape{-1, 3}), tensor("sum", infer.Float, infer.Shape{-1})
	for _, tt := range []struct {
		outputs []infer.TensorInfo
		want    bool
	}{
		{tensors(tensor("class", infer.Int64, infer.Shape{-1}), scores), true},
		{tensors(scores, sum), false},
		{tensors(sum), false},
	} {
		d := document(t, model("m", &infer.Signature{Name: "s", Inputs: tensors(tensor("x", infer.Float, nil)), Outputs: tt.outputs}))
		if got := at(d, "components", "parameters", "top") != ""; got != tt.want {
			t.Errorf("outputs %v: top: %t, want %t", names(tt.outputs), got, tt.want)
		}
	}
}

func names(infos []infer.TensorInfo) (list []string) {
	for _, t := range infos {
		list = append(list, t.Name)
	}
	return list
}

// A name may hold what paths escape, and the colon ends it there.
func TestNamesInPaths(t *testing.T) {
	d := document(t, model("a:b {c}/d", &infer.Signature{Name: "s", Inputs: tensors(tensor("x", infer.Float, nil)), Outputs: tensors(tensor("y", infer.Float, nil))}))
	for _, path := range keysAt(d, "paths") {
		if strings.Contains(path, "/models/") && !strings.Contains(path, "/models/a%3Ab%20%7Bc%7D%2Fd") {
			t.Errorf("path %s", path)
		}
	}
}

// Nobody reads an example of a million numbers.
func TestLongExamplesAreLeftOut(t *testing.T) {
	d := document(t, model("m", &infer.Signature{
		Name: "s", Inputs: tensors(tensor("x", infer.Float, infer.Shape{-1, 1024, 1024})), Outputs: tensors(tensor("y", infer.Float, infer.Shape{-1})),
	}))
	for _, contentType := range keysAt(d, "components", "requestBodies", "Predict", "content") {
		if got := at(d, "components", "requestBodies", "Predict", "content", contentType, "examples"); got != "" {
			t.Errorf("%s: there are examples: %.100s", contentType, got)
		}
	}
}
