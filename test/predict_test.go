package test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// predictCase is a case of models/expected.json: what Python's TensorFlow
// answers.
type predictCase struct {
	Model     string
	Signature string
	Request   string
	Inputs    map[string]tensor
	Outputs   map[string]tensor
	Error     string
}

func predictCases(t *testing.T) map[string][]predictCase {
	t.Helper()
	var file struct{ Cases []predictCase }
	if err := json.Unmarshal(read(t, "models/expected.json"), &file); err != nil {
		t.Fatal(err)
	}
	byModel := map[string][]predictCase{}
	for _, c := range file.Cases {
		byModel[c.Model] = append(byModel[c.Model], c)
	}
	return byModel
}

// noInputs is a model without anything to feed, which is refused at the start:
// see TestWhatCannotStartSaysWhy.
const noInputs = "no_placeholder.pb"

// Every case that JSON can say is answered over HTTP as Python's TensorFlow
// answers it, in column form and where it fits in row form.
func TestAnswersAreThoseOfPython(t *testing.T) {
	t.Parallel()
	cases := predictCases(t)
	for _, model := range slices.Sorted(maps.Keys(cases)) {
		if model == noInputs {
			continue
		}
		t.Run(model, func(t *testing.T) {
			t.Parallel()
			// oneDNN's kernels are those that crash; half the world's machines
			// take them by default.
			s := startServer(t, absolute(t, "models/"+model), raw(t), "TF_ENABLE_ONEDNN_OPTS=1")
			for _, c := range cases[model] {
				if c.Request != "" {
					c.checkColumns(t, s.predict(c.Request))
				}
			}
			for _, c := range cases[model] {
				if rows, ok := c.rows(); ok {
					c.checkRows(t, rows, s.predict(rows))
				}
			}
		})
	}
}

func (c predictCase) checkColumns(t *testing.T, r reply) {
	t.Helper()
	switch {
	case c.Error != "":
		refused(t, r, 400, "")
		return
	case len(c.Inputs) == 0: // TensorFlow Serving cannot call these over REST
		refused(t, r, 400, "Failed to get input map for signature: "+c.Signature)
		return
	}
	outputs, ok := body(t, r)["outputs"]
	if !ok {
		t.Errorf("%s: answer %d %.300q", c.Request, r.StatusCode, r.Body)
		return
	}
	for name, want := range c.Outputs {
		if difference := want.differs(output(outputs, name, len(c.Outputs)), name); difference != "" {
			t.Errorf("%s: output %s: %s", c.Request, name, difference)
		}
	}
}

// output is one of the named outputs of a reply, which leaves the name of an
// only one out.
func output(outputs any, name string, count int) any {
	if count == 1 {
		return outputs
	}
	named, _ := outputs.(map[string]any)
	if len(named) != count {
		return nil
	}
	return named[name]
}

func body(t *testing.T, r reply) map[string]any {
	t.Helper()
	v, err := decode(r.Body)
	if err != nil {
		t.Errorf("answer %d %.300q: %v", r.StatusCode, r.Body, err)
	}
	object, _ := v.(map[string]any)
	return object
}

// rows is the case's request in row form; false where the inputs have no rows or
// different numbers of them.
func (c predictCase) rows() (string, bool) {
	if n, ok := commonRows(c.Inputs); !ok || n == 0 || c.Request == "" {
		return "", false
	}
	n, _ := commonRows(c.Inputs)
	var rows []string
	for i := range n {
		var named []string
		for name, in := range c.Inputs {
			size := len(in.Values) / n
			element := nested(in.DType, in.Shape[1:], in.Values[i*size:(i+1)*size])
			named = append(named, quoted(name)+":"+element)
		}
		rows = append(rows, "{"+strings.Join(named, ",")+"}")
	}
	signature := ""
	if c.Signature != "" {
		signature = `"signature_name":` + quoted(c.Signature) + ","
	}
	return "{" + signature + `"instances":[` + strings.Join(rows, ",") + "]}", true
}

// commonRows is the first dimension that all tensors share.
func commonRows(tensors map[string]tensor) (n int, ok bool) {
	n = -1
	for _, in := range tensors {
		if len(in.Shape) == 0 || n >= 0 && n != in.Shape[0] {
			return 0, false
		}
		n = in.Shape[0]
	}
	return n, n >= 0
}

// nested writes a tensor as lists, for a request.
func nested(dtype string, shape []int, values []json.RawMessage) string {
	if len(shape) == 0 {
		return element(dtype, values[0])
	}
	var parts []string
	size := len(values) / max(shape[0], 1)
	for i := range shape[0] {
		parts = append(parts, nested(dtype, shape[1:], values[i*size:(i+1)*size]))
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func element(dtype string, value json.RawMessage) string {
	if dtype == "string" {
		return `{"b64":` + string(value) + `}`
	}
	return strings.Trim(string(value), `"`) // NaN and infinities
}

func quoted(s string) string {
	encoded, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string can always be encoded
	}
	return string(encoded)
}

// checkRows compares an answer in row form: its rows, put together, are the
// outputs. Outputs that have no rows, or not the same number, are refused.
func (c predictCase) checkRows(t *testing.T, request string, r reply) {
	t.Helper()
	switch _, ok := commonRows(c.Outputs); {
	case c.Error != "":
		refused(t, r, 400, "")
		return
	case !ok:
		fragment := "has no shape information"
		if c.Signature == "unequal" {
			fragment = "has inconsistent batch size"
		}
		refused(t, r, 400, fragment)
		return
	}
	predictions, ok := body(t, r)["predictions"].([]any)
	if !ok {
		t.Errorf("%s: answer %d %.300q", request, r.StatusCode, r.Body)
		return
	}
	for name, want := range c.Outputs {
		rows := make([]any, len(predictions))
		for i, p := range predictions {
			rows[i] = output(p, name, len(c.Outputs))
		}
		if difference := want.differs(rows, name); difference != "" {
			t.Errorf("%s: output %s: %s", request, name, difference)
		}
	}
}

// A message of TensorFlow's that quotes bytes which are no text still arrives as
// JSON.
func TestErrorsThatQuoteBytesAreJSON(t *testing.T) {
	t.Parallel()
	s := startServer(t, absolute(t, "models/failing"), raw(t))
	b64 := base64.StdEncoding.EncodeToString([]byte{0xff, 0xfe})
	refused(t, s.predict(`{"signature_name":"number","inputs":{"text":[{"b64":"`+b64+`"}]}}`), 400, "StringToNumberOp could not correctly convert string")
	if r := s.predict(`{"signature_name":"number","inputs":{"text":["2.5"]}}`); r.StatusCode != http.StatusOK {
		t.Errorf("the next request is answered with %d %s", r.StatusCode, r.Body)
	}
}

// Shapes that oneDNN's kernels end the process for are the client's fault.
func TestShapesThatWouldCrashTensorFlowAreRefused(t *testing.T) {
	t.Parallel()
	s := startServer(t, absolute(t, "models/conv_crash"), raw(t), "TF_ENABLE_ONEDNN_OPTS=1")
	good := predictCases(t)["conv_crash"][0]
	for _, inputs := range []string{"1.0", "[1.0,2.0]", "[[1.0,2.0],[3.0,4.0]]", "[[[1.0],[2.0]],[[3.0],[4.0]]]", "[[[[1.0,2.0]]]]", "[[[[[1.0]]]]]"} {
		refused(t, s.predict(`{"inputs":{"image":`+inputs+`}}`), 400, "image")
		good.checkColumns(t, s.predict(good.Request))
	}
}
