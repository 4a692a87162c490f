package test

import (
	"strings"
	"testing"
)

// What is wrong with a request is said with the place, and the same process
// answers the next request.
func TestBadRequestsAreRefusedAndTheNextOneIsAnswered(t *testing.T) {
	t.Parallel()
	d := sample(t)
	f := readyFunction(t, "MODEL_URI="+uri(t, digitsInStore))
	row := func(pixels string) string { return `{"instances":[` + pixels + `]}` }
	image := string(d.Images[0])
	const predict = "/v1/models/digits:predict"
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		fragment                 string
	}{
		{"no body", post, predict, "", 400, "The document is empty"},
		{"malformed JSON", post, predict, `{"instances":[1,]}`, 400, "at offset: 16"},
		{"cut off JSON", post, predict, d.Request[:200], 400, "JSON Parse error"},
		{"bytes after the document", post, predict, d.Request + "x", 400, "JSON Parse error"},
		{"a duplicate key", post, predict, `{"instances":[],"instances":[` + image + `]}`, 400, "instances"},
		{"not an object", post, predict, `[1,2]`, 400, "Is not object"},
		{"neither form", post, predict, `{"x":1}`, 400, "Missing 'inputs' or 'instances' key"},
		{"both forms", post, predict, `{"inputs":1,"instances":[1]}`, 400, "only one of 'inputs' or 'instances'"},
		{"no rows", post, predict, `{"instances":[]}`, 400, "No values in 'instances' array"},
		{"text for a number", post, predict, row(strings.Replace(image, "0.4375", `"ink"`, 1)), 400, "is not of expected type: float"},
		{"null for a number", post, predict, row(strings.Replace(image, "0.4375", "null", 1)), 400, "Type: Null is not of expected type: float"},
		{"a number over the range", post, predict, row(strings.Replace(image, "0.4375", "1e999", 1)), 400, "Number too big to be stored in double."},
		{"a ragged row", post, predict, row(strings.Replace(image, "[0.4375]", "[0.4375,1]", 1)), 400, "unexpected size: 2"},
		{"a list where a number belongs", post, predict, row(strings.Replace(image, "0.4375", "[0.4375]", 1)), 400, "unexpected level"},
		{"rows of different sizes", post, predict, row(image + `,[[[1]]]`), 400, "Expecting tensor size: 64 but got: 1"},
		{"a shape the model does not take", post, predict, row(`[[[1,2]]]`), 400, "shape"},
		{"pixels without their list", post, predict, row("[" + strings.TrimSuffix(strings.Repeat("[0,0,0,0,0,0,0,0],", 8), ",") + "]"), 400, "has shape [1,8,8], the model takes [?,8,8,1]: write [3], a list of one, and not 3"},
		{"a wrong name", post, predict, `{"instances":[{"picture":` + image + `}]}`, 400, "does not have named input: picture"},
		{"a missing name", post, predict, `{"inputs":{"picture":[` + image + `]}}`, 400, "Missing named input: image"},
		{"an unknown signature", post, predict, `{"signature_name":"classify","instances":[1]}`, 400, `Serving signature name: "classify" not found`},
		{"a signature that is no text", post, predict, `{"signature_name":1,"instances":[1]}`, 400, "'signature_name' key must be a string value"},
		{"an unknown output", post, predict, `{"output_filter":["logits"],"instances":[` + image + `]}`, 400, "output tensor alias not found in signature: logits"},
		{"a document nested beyond all measure", post, predict, `{"instances":` + strings.Repeat("[", 100_000), 400, "MAX_JSON_DEPTH"},
		{"the wrong method", get, predict, "", 405, "Method not allowed"},
		{"another model", post, "/v1/models/letters:predict", d.Request, 404, "Servable not found for request: Latest(letters)"},
		{"another version", post, "/v1/models/digits/versions/2:predict", d.Request, 404, "Servable not found for request: Specific(digits, 2)"},
		{"a version that is no number", post, "/v1/models/digits/versions/new:predict", d.Request, 400, "Malformed request"},
		{"a label", post, "/v1/models/digits/labels/stable:predict", d.Request, 400, "Unrecognized servable version label: stable"},
		{"an unknown verb", post, "/v1/models/digits:explain", d.Request, 400, "Malformed request"},
		{"an unknown page", get, "/metrics", "", 404, "Not found"},
		{"status of another model", get, "/v1/models/letters", "", 404, "Could not find any versions of model letters"},
	} {
		t.Run(c.name, func(t *testing.T) {
			refused(t, f.ask(c.method, c.path, c.body), c.status, c.fragment)
			d.check(t, f.ask(post, predict, d.image(1)), 1, 1)
		})
	}
	if allowed := f.ask(get, predict, "").Headers["Allow"]; allowed != post {
		t.Errorf("Allow: %q, want %q", allowed, post)
	}
}

// The place of what is wrong is in the message: which input, which row.
func TestErrorsNameThePlace(t *testing.T) {
	t.Parallel()
	s := startServer(t, absolute(t, "models/multi"), raw(t))
	for _, x := range []exchange{
		{`{"instances":[{"a":[1,2,3],"b":1},{"a":[1,2,3]}]}`, 400, "Failed to process element: 1 of 'instances' list"},
		{`{"instances":[{"a":[1,2,3],"b":1},{"a":[1,2,3],"b":1.5}]}`, 400, "is not of expected type: int32"},
		{`{"inputs":{"a":[[1,2,3]],"b":[3000000000]}}`, 400, "is not of expected type: int32"},
		{`{"instances":[1,2]}`, 400, "expecting list of objects"},
		{`{"inputs":{"a":[[1,2,3]]}}`, 400, "Missing named input: b"},
		{`{"inputs":{"a":[[1,2,3]],"b":[1]}}`, 200, `{"outputs":{"product":[[1.0,2.0,3.0]],"rounded":[[1,2,3]],"sum":[7.0]}}`},
	} {
		x.check(t, s.predict(x.request))
	}
}
