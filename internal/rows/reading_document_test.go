package rows_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

func TestReadingJSONDocuments(t *testing.T) {
	x := declared("x", infer.Float, -1)
	s := declared("s", infer.String, -1)
	tests := []struct {
		name, doc string
		inputs    []infer.TensorInfo
		want      []string
	}{
		{"a list", "\xEF\xBB\xBF [1,\n 2, \"no\", 3]\n", []infer.TensorInfo{x}, lines("x=1", "x=2", "*", "x=3")},
		{"an empty list", "[]", []infer.TensorInfo{x}, nil},
		{"a list of objects", `[{"x": 1, "s": "a"}, {"x": 2}, {"s": "b", "x": NaN}]`, []infer.TensorInfo{x, s},
			lines(`s="a" x=1`, "*", `s="b" x=NaN`)},
		{"instances", `{"other": [], "instances": [1, [2, 3]]}`, []infer.TensorInfo{x}, lines("x=1", "x[2]=2 3")},
		{"no instances", `{"instances": []}`, []infer.TensorInfo{x}, nil},
		{"the default signature by name", `{"instances": [1], "signature_name": "serving_default"}`, []infer.TensorInfo{x}, lines("x=1")},
		{"a column", `{"inputs": [[1, 2], [3, 4], [5, 6]]}`, []infer.TensorInfo{x}, lines("x[2]=1 2", "x[2]=3 4", "x[2]=5 6")},
		{"named columns", `{"inputs": {"x": [1, 2], "s": ["a", {"b64": "/w=="}]}}`, []infer.TensorInfo{x, s}, lines(`s="a" x=1`, `s="\xff" x=2`)},
		{"Open Inference", `{"inputs": [{"name": "s", "shape": [2, 1], "datatype": "BYTES", "data": ["a", "bc"]},
			{"name": "x", "shape": [2], "datatype": "FP32", "data": [1, 2]}]}`, []infer.TensorInfo{x, s}, lines(`s[1]="a" x=1`, `s[1]="bc" x=2`)},
	}
	for _, tt := range tests {
		for _, n := range []int{1, 2, 256} {
			o := inputsOf(rows.JSON, tt.inputs...)
			o.Limits.BlockRows = n
			got, err := readAll(t, []byte(tt.doc), o)
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			for i := range got {
				if i < len(tt.want) && tt.want[i] == "*" && strings.HasPrefix(got[i], "fault: ") {
					got[i] = "*"
				}
			}
			sameRecords(t, tt.name, got, tt.want)
		}
	}
}

func TestReadingExamplesOfADocument(t *testing.T) {
	o := inputsOf(rows.JSON, declared("inputs", infer.String, -1))
	sig, _ := o.Catalog.Signature("")
	sig.Method = "tensorflow/serving/regress"
	sig.Outputs = []infer.TensorInfo{declared("outputs", infer.Float, -1)}
	for _, doc := range []string{`{"examples": [{"n": 1}, 5, {"n": 2}]}`, `{"examples": [{"n": 1}, {"n": 2}], "context": {}}`} {
		got, err := readAll(t, []byte(doc), o)
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, text := range got {
			if !strings.HasPrefix(text, "fault: ") {
				texts = append(texts, text)
			}
		}
		// The examples {"n": [1]} and {"n": [2]} as protobuf, by hand.
		sameRecords(t, doc, texts, lines(
			`inputs="\n\f\n\n\n\x01n\x12\x05\x1a\x03\n\x01\x01"`,
			`inputs="\n\f\n\n\n\x01n\x12\x05\x1a\x03\n\x01\x02"`))
	}
}

// The lines of an image's pixels are no rows.
func TestReadingRefusesDocumentsOfOneImage(t *testing.T) {
	o := inputsOf(rows.JSON, declared("image", infer.Uint8, -1, -1, 1))
	o.Catalog.Image = func(_ context.Context, _ infer.TensorInfo, image []byte) (*infer.Tensor, error) {
		return infer.NewTensor(infer.Uint8, []int64{int64(len(image)), 1, 1}, image)
	}
	for _, doc := range []string{
		`{"inputs": {"b64": "AQID"}}`, `{"inputs": {"image": {"b64": "AQID"}}}`,
		`{"inputs": [{"name": "image", "shape": [1], "datatype": "BYTES", "data": ["AQID"]}]}`,
	} {
		if _, err := readAll(t, []byte(doc), o); !errors.Is(err, rows.ErrFormat) || !strings.Contains(err.Error(), "score the image's own file") {
			t.Errorf("%s: got %v", doc, err)
		}
	}
}

func TestReadingRefusesDocuments(t *testing.T) {
	x, s := declared("x", infer.Float, -1), declared("s", infer.String, -1)
	tests := []struct {
		doc  string
		kind error
		want string
	}{
		{``, rows.ErrCorrupt, "empty"},
		{`[1, 2`, rows.ErrCorrupt, "at offset: 5"},
		{`[1, 2] 3`, rows.ErrCorrupt, "at offset: 7"},
		{`{"instances": [1}`, rows.ErrCorrupt, "at offset: 16"},
		{`5`, rows.ErrFormat, "neither a list of rows nor a request"},
		{`{"x": 1}`, rows.ErrFormat, "JSON lines"},
		{`{"instances": 1}`, rows.ErrFormat, "instances"},
		{`{"instances": [1], "inputs": [1]}`, rows.ErrFormat, "only one of"},
		{`{"instances": [1], "signature_name": "other"}`, rows.ErrFormat, `"other"`},
		{`{"instances": [1], "output_filter": ["y"]}`, rows.ErrFormat, "output_filter"},
		{`{"inputs": {"x": [1, 2], "s": ["a"]}}`, rows.ErrFormat, `input "x" has 2 rows, and "s" has 1`},
		{`{"inputs": {"x": 1, "s": ["a"]}}`, rows.ErrFormat, `input "x" is a scalar`},
		{`{"inputs": [{"name": "x", "shape": [9000000000, 0], "datatype": "FP32", "data": []}, {"name": "s", "shape": [9000000000, 0], "datatype": "BYTES", "data": []}]}`,
			rows.ErrFormat, ""},
		{`{"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [1]}, {"name": "s", "shape": [1], "datatype": "BYTES", "data": ["a"]}], "parameters": {"signature_name": "other"}}`,
			rows.ErrFormat, "other"},
		{`[` + strings.Repeat(" ", 2000) + `]`, rows.ErrTooLarge, "a JSON document must be in memory as a whole and has more than 1000 bytes (MAX_TENSOR_BYTES)"},
	}
	for _, tt := range tests {
		o := inputsOf(rows.JSON, x, s)
		o.Limits.MaxTensor = 1000
		_, err := readAll(t, []byte(tt.doc), o)
		if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.60s: got %v, want %v with %q", tt.doc, err, tt.kind, tt.want)
		}
	}
}
