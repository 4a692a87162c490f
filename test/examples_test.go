package test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
)

// exampleCase is a case of models/expected_examples.json: a request of classify or
// regress, and what Python's TensorFlow makes of it.
type exampleCase struct {
	Model    string
	Method   string
	Request  string
	Examples []string // serialized
	Outputs  map[string]tensor
	Error    string
}

// Classify and regress are answered over HTTP as Python's TensorFlow answers the
// same examples.
func TestExamplesAreAnsweredAsByPython(t *testing.T) {
	t.Parallel()
	var file struct{ Cases []exampleCase }
	if err := json.Unmarshal(read(t, "models/expected_examples.json"), &file); err != nil {
		t.Fatal(err)
	}
	servers := map[string]*server{}
	for _, c := range file.Cases {
		s := servers[c.Model]
		if s == nil {
			s = startServer(t, absolute(t, "models/"+c.Model), raw(t))
			servers[c.Model] = s
		}
		c.check(t, s.request(post, s.model+":"+c.Method, c.Request))
	}
}

func (c exampleCase) check(t *testing.T, r reply) {
	t.Helper()
	if c.Error != "" {
		refused(t, r, http.StatusBadRequest, "")
		return
	}
	got := map[string]any{"outputs": body(t, r)["results"]}
	if c.Method == "classify" {
		got = classifications(body(t, r)["results"])
	}
	for name, want := range c.Outputs {
		if c.Method == "regress" { // also of a column
			want.Shape = want.Shape[:1]
		}
		if difference := want.differs(got[name], name); difference != "" {
			t.Errorf("%s: %s: %s in %.300s", c.Request, name, difference, r.Body)
		}
	}
	if c.Method == "classify" {
		c.checkLeftOut(t, got)
	}
}

// classifications takes a classification apart into the labels and the scores of
// each example, as the model's outputs have them.
func classifications(results any) map[string]any {
	classes, scores := []any{}, []any{}
	examples, _ := results.([]any)
	for _, example := range examples {
		labels, numbers := []any{}, []any{}
		pairs, _ := example.([]any)
		for _, p := range pairs {
			pair, ok := p.([]any)
			if !ok || len(pair) != 2 {
				return nil
			}
			labels, numbers = append(labels, pair[0]), append(numbers, pair[1])
		}
		classes, scores = append(classes, labels), append(scores, numbers)
	}
	return map[string]any{"classes": classes, "scores": scores}
}

// checkLeftOut holds what the model does not give to TensorFlow Serving's rule:
// labels are empty and scores are 0.0.
func (c exampleCase) checkLeftOut(t *testing.T, got map[string]any) {
	t.Helper()
	for name, want := range map[string]any{"classes": "", "scores": json.Number("0.0")} {
		if _, given := c.Outputs[name]; given {
			continue
		}
		var leaves []any
		flatten(got[name], &leaves)
		for _, leaf := range leaves {
			if leaf != want {
				t.Errorf("%s: %s holds %v, want %v", c.Request, name, leaf, want)
			}
		}
	}
}

// The requests and answers of TensorFlow Serving's http_rest_api_handler_test.cc,
// of the same model. Its malformed paths are in the tests of internal/serve.
func TestRequestsOfTensorFlowServingsOwnTest(t *testing.T) {
	t.Parallel()
	s := startServer(t, absolute(t, "models/half_plus_two_examples"), raw(t),
		"MODEL_NAME=saved_model_half_plus_two_2_versions", "MODEL_VERSION=123")
	for _, version := range []string{"", "/versions/123"} {
		for _, c := range []struct {
			method string
			exchange
		}{
			{"predict", exchange{`{"instances": [[1.0, 2.0], [3.0, 4.0]]}`, 200, `{"predictions":[[2.5,3.0],[3.5,4.0]]}`}},
			{"predict", exchange{`{"instances": [1.0, 2.0]}`, 200, `{"predictions":[2.5,3.0]}`}},
			{"predict", exchange{`{"signature_name": "serving_default", "instances": [3.0, 4.0]}`, 200, `{"predictions":[3.5,4.0]}`}},
			{"predict", exchange{`{"signature_name": "serving_default", "inputs": [3.0, 4.0]}`, 200, `{"outputs":[3.5,4.0]}`}},
			{"regress", exchange{`{"signature_name": "regress_x_to_y", "examples": [{"x": 80.0}]}`, 200, `{"results":[42.0]}`}},
			{"classify", exchange{`{"signature_name": "classify_x_to_y", "examples": [{"x": 20.0}]}`, 200, `{"results":[[["",12.0]]]}`}},
			{"classify", exchange{`{"signature_name": "classify_x_to_y", "examples": [{"x": 10.0}]}`, 200, `{"results":[[["",7.0]]]}`}},
			{"predict", exchange{``, 400, "JSON Parse error: The document is empty"}},
			{"predict", exchange{`instances = [1, 2]`, 400, "JSON Parse error: Invalid value"}},
			{"predict", exchange{`{"instances": ["x", "y"]}`, 400, "not of expected type: float"}},
			{"predict", exchange{`{"signature_name": 100, "instances": [1, 2]}`, 400, "'signature_name' key must be a string value."}},
			{"predict", exchange{`{"signature_name": "nope", "instances": [1, 2]}`, 400, `Serving signature name: "nope" not found in signature def`}},
			{"regress", exchange{`{"signature_name": "nope", "examples": [{"x": 80.0}]}`, 400, "No signature was found with the name: nope"}},
		} {
			c.check(t, s.request(post, s.model+version+":"+c.method, c.request))
		}
		status := `{"model_version_status":[{"version":"123","state":"AVAILABLE","status":{"error_code":"OK","error_message":""}}]}`
		exchange{"status" + version, 200, status}.check(t, s.request(get, s.model+version, ""))
	}
	for path, message := range map[string]string{
		"foo:predict":             "Servable not found for request: Latest(foo)",
		"foo/versions/50:predict": "Servable not found for request: Specific(foo, 50)",
		"saved_model_half_plus_two_2_versions/versions/99:predict": "Servable not found for request: Specific(saved_model_half_plus_two_2_versions, 99)",
	} {
		refused(t, s.request(post, fmt.Sprintf("%s/v1/models/%s", s.base, path), `{"instances": [1]}`), 404, message)
	}
}
