package tensorflow_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/infer/tensorflow"
)

// exampleExpectation is a case of expected_examples.json: a request of classify or
// regress, and what Python makes of it.
type exampleExpectation struct {
	Model    string
	Method   string
	Request  string
	Examples [][]byte // as they are fed
	Outputs  map[string]value
	Error    string
}

func TestExamplesAreAnsweredAsPythonDoes(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(models, "expected_examples.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expected struct{ Cases []exampleExpectation }
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	if err := decoder.Decode(&expected); err != nil {
		t.Fatal(err)
	}
	for i, c := range expected.Cases {
		t.Run(fmt.Sprintf("%d %s %s", i, c.Model, c.Method), func(t *testing.T) {
			text, err := answerExamples(t, c)
			if c.Error != "" {
				if !errors.Is(err, kinds[c.Error]) || kinds[c.Error] == nil {
					t.Errorf("got %q, %v, want %s", text, err, c.Error)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if want := c.results(t); string(text) != want {
				t.Errorf("got  %s\nwant %s", text, want)
			}
		})
	}
}

// answerExamples takes a request all the way through, and compares what it feeds
// on that way.
func answerExamples(t *testing.T, c exampleExpectation) ([]byte, error) {
	t.Helper()
	m := &infer.Model{Name: c.Model, Runner: load(t, c.Model)}
	req, err := codec.DecodeExamples([]byte(c.Request), m.Catalog(), c.Method, codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	fed := req.Feeds[0].Value
	if fed.Len() != len(c.Examples) {
		t.Fatalf("feeds %d examples, want %d", fed.Len(), len(c.Examples))
	}
	for i, want := range c.Examples {
		if !bytes.Equal(fed.Element(i), want) {
			t.Errorf("example %d is %x, want %x", i, fed.Element(i), want)
		}
	}
	results, err := m.Predict(t.Context(), req.Request)
	if err != nil {
		return nil, err
	}
	return codec.AppendResults(nil, c.Method, results, fed.Len())
}

// results is the reply that Python's outputs ask for. Its floats are written by
// AppendPredict, whose own text the codec's tests hold to TensorFlow Serving's.
func (c exampleExpectation) results(t *testing.T) string {
	t.Helper()
	texts := make(map[string][]json.RawMessage)
	for name, v := range c.Outputs {
		text, err := codec.AppendPredict(nil, []infer.Result{{TensorInfo: infer.TensorInfo{Name: name}, Value: flat(v).tensor(t)}}, false)
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = elements(text)
	}
	if c.Method == codec.Regress {
		return `{"results":[` + join(texts["outputs"]) + `]}`
	}
	labels, scores := texts["classes"], texts["scores"]
	n := len(c.Examples)
	rows := make([]json.RawMessage, n)
	width := max(len(labels), len(scores)) / n
	for i := range rows {
		var pairs []json.RawMessage
		for k := i * width; k < (i+1)*width; k++ {
			label, score := json.RawMessage(`""`), json.RawMessage("0.0")
			if labels != nil {
				label = labels[k]
			}
			if scores != nil {
				score = scores[k]
			}
			pairs = append(pairs, json.RawMessage("["+join([]json.RawMessage{label, score})+"]"))
		}
		rows[i] = json.RawMessage("[" + join(pairs) + "]")
	}
	return `{"results":[` + join(rows) + `]}`
}

func flat(v value) value {
	v.Shape = []int64{int64(len(v.Values))}
	return v
}

// elements takes the texts of the elements out of {"outputs":[…]}. None of the
// models' labels has a comma in it.
func elements(text []byte) []json.RawMessage {
	list := bytes.TrimSuffix(bytes.TrimPrefix(text, []byte(`{"outputs":[`)), []byte("]}"))
	var all []json.RawMessage
	for _, e := range bytes.Split(list, []byte(",")) {
		all = append(all, e)
	}
	return all
}

func join(texts []json.RawMessage) string {
	var b []byte
	for i, text := range texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, text...)
	}
	return string(b)
}

// Results that the method does not allow are the model's fault, told to the client
// as TensorFlow Serving does.
func TestExamplesWhoseResultsBreakTheContract(t *testing.T) {
	for signature, want := range map[string]string{
		"flat": "Expected Tensor shape: [batch_size num_classes] but got [3]",
		"wide": "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got [1,3]",
	} {
		c := exampleExpectation{Model: "classify_labels", Method: map[string]string{"flat": codec.Classify, "wide": codec.Regress}[signature]}
		c.Request = fmt.Sprintf(`{"signature_name": %q, "examples": [{"base": [0.2, 0.7, 0.1]}]}`, signature)
		encoded, err := base64.StdEncoding.DecodeString("ChoKGAoEYmFzZRIQEg4KDM3MTD4zMzM/zczMPQ==") // by Python
		if err != nil {
			t.Fatal(err)
		}
		c.Examples = [][]byte{encoded}
		if _, err := answerExamples(t, c); !errors.Is(err, infer.ErrInvalidArgument) || err.Error() != want {
			t.Errorf("%s: got %v, want %s", signature, err, want)
		}
	}
}

// A signature whose input is no string is fed strings all the same, and TensorFlow
// refuses them.
func TestExamplesForAnInputOfFloats(t *testing.T) {
	m := &infer.Model{Runner: load(t, "half_plus_two/00000123")}
	req, err := codec.DecodeExamples([]byte(`{"signature_name": "regress_x2_to_y3", "examples": [{"x": 1.0}]}`), m.Catalog(), codec.Regress, codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Predict(t.Context(), req.Request); !errors.Is(err, infer.ErrInvalidArgument) {
		t.Errorf("got %v", err)
	}
}

// expected_metadata.json is the JSON form that Python's protobuf gives to the
// signatures of every model.
func TestMetadataIsThatOfPython(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(models, "expected_metadata.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expected map[string]any
	if err := json.Unmarshal(content, &expected); err != nil {
		t.Fatal(err)
	}
	for model, signatures := range expected {
		t.Run(model, func(t *testing.T) {
			opts := tensorflow.Options{AllowUnsafeOps: true}
			definition, err := tensorflow.ReadSavedModel(filepath.Join(models, model), opts)
			if err != nil {
				t.Fatal(err)
			}
			var got any
			if err := json.Unmarshal(codec.AppendMetadata(nil, "m", "123", definition.Catalog()), &got); err != nil {
				t.Fatal(err)
			}
			want := map[string]any{
				"model_spec": map[string]any{"name": "m", "signature_name": "", "version": "123"},
				"metadata":   map[string]any{"signature_def": map[string]any{"signature_def": signatures}},
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}
