package serve_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/serve"
)

const inferPath = "/v2/models/half_plus_two/infer"

func TestRoutesOfV2(t *testing.T) {
	h := handler(serve.Options{Version: "1.2.3"})
	const ask = `{"id":"7","inputs":[{"name":"x","datatype":"FP32","shape":[3],"data":[1.0,2.0,5.0]}]}`
	const answer = `{"model_name":"half_plus_two","model_version":"3","id":"7","outputs":[{"name":"y","datatype":"FP32","shape":[3],"data":[2.5,3.0,4.5]}]}`
	const metadata = `{"name":"half_plus_two","versions":["3"],"platform":"tensorflow_savedmodel",` +
		`"inputs":[{"name":"x","datatype":"FP32","shape":[-1]}],"outputs":[{"name":"y","datatype":"FP32","shape":[-1]}]}`
	testRoutes(t, h, []routeTest{
		{"server metadata", "GET", "/v2", "", 200, `{"name":"tensorlambda","version":"1.2.3","extensions":["binary_tensor_data"]}`, ""},
		{"server metadata with a slash", "GET", "/v2/", "", 200, `{"name":"tensorlambda","version":"1.2.3","extensions":["binary_tensor_data"]}`, ""},
		{"model metadata", "GET", "/v2/models/half_plus_two", "", 200, metadata, ""},
		{"metadata of a version", "GET", "/v2/models/half_plus_two/versions/3", "", 200, metadata, ""},
		{"model ready", "GET", "/v2/models/half_plus_two/ready", "", 200, `{"name":"half_plus_two","ready":true}`, ""},
		{"version ready", "GET", "/v2/models/half_plus_two/versions/3/ready", "", 200, `{"name":"half_plus_two","ready":true}`, ""},
		{"infer", "POST", inferPath, ask, 200, answer, ""},
		{"infer with a version", "POST", "/v2/models/half_plus_two/versions/3/infer", ask, 200, answer, ""},
		{"percent-encoded name", "POST", "/v2/models/half%5Fplus%5Ftwo/infer", ask, 200, answer, ""},

		{"unknown model", "POST", "/v2/models/other/infer", ask, 404, `{"error":"Request for unknown model: 'other' is not found"}`, ""},
		{"unknown version", "POST", "/v2/models/half_plus_two/versions/4/infer", ask, 404, `{"error":"Request for unknown model: 'half_plus_two' version 4 is not found"}`, ""},
		{"version that is no number", "GET", "/v2/models/half_plus_two/versions/latest", "", 404, `{"error":"Request for unknown model: 'half_plus_two' version latest is not found"}`, ""},
		{"version with a sign", "GET", "/v2/models/half_plus_two/versions/+3", "", 404, `{"error":"Request for unknown model: 'half_plus_two' version +3 is not found"}`, ""},
		{"unknown model's readiness", "GET", "/v2/models/other/ready", "", 404, `{"error":"Request for unknown model: 'other' is not found"}`, ""},
		{"no such action", "POST", "/v2/models/half_plus_two/generate", ask, 404, `{"error":"Not found: POST /v2/models/half_plus_two/generate"}`, ""},
		{"no such page", "GET", "/v2/repository", "", 404, `{"error":"Not found: GET /v2/repository"}`, ""},
		{"GET of infer", "GET", inferPath, "", 405, `{"error":"Method not allowed: GET ` + inferPath + `"}`, "POST"},
		{"POST to the metadata", "POST", "/v2/models/half_plus_two", "", 405, `{"error":"Method not allowed: POST /v2/models/half_plus_two"}`, "GET, HEAD"},
	})
}

func TestBinaryTensorsOverHTTP(t *testing.T) {
	h := handler(serve.Options{})
	header := `{"inputs":[{"name":"x","datatype":"FP32","shape":[3],"parameters":{"binary_data_size":12}}],"parameters":{"binary_data_output":true}}`
	w := post(t, h, inferPath, strings.NewReader(header+little(1, 2, 5)), "Inference-Header-Content-Length", fmt.Sprint(len(header)))
	json := `{"model_name":"half_plus_two","model_version":"3","outputs":[{"name":"y","datatype":"FP32","shape":[3],"parameters":{"binary_data_size":12}}]}`
	if w.Code != 200 || w.Body.String() != json+little(2.5, 3, 4.5) {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
	if got := w.Header().Get("Inference-Header-Content-Length"); got != fmt.Sprint(len(json)) {
		t.Errorf("the JSON's length is said to be %s, want %d", got, len(json))
	}
	if got := w.Header().Get("Content-Type"); got != "application/octet-stream" {
		t.Errorf("Content-Type = %q", got)
	}
}

func TestRawFormOfInfer(t *testing.T) {
	w := post(t, handler(serve.Options{}), inferPath, strings.NewReader(little(1, 2, 5)), "Inference-Header-Content-Length", "0")
	if w.Code != 200 || !bytes.HasSuffix(w.Body.Bytes(), []byte("}"+little(2.5, 3, 4.5))) {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
}

func TestLengthsOfTheJSONThatAreNone(t *testing.T) {
	for _, length := range []string{"-1", "+13", "x", "1.5", "13, 12", "99999999999999999999", "1000"} {
		w := post(t, handler(serve.Options{}), inferPath, strings.NewReader(`{"inputs":[]}`), "Inference-Header-Content-Length", length)
		if w.Code != 400 || !strings.Contains(w.Body.String(), "Inference-Header-Content-Length") {
			t.Errorf("%s: %d %s", length, w.Code, w.Body)
		}
	}
	r := request(t.Context(), "POST", inferPath, strings.NewReader(`{"inputs":[]}`))
	r.Header["Inference-Header-Content-Length"] = []string{"13", "12"}
	w := httptest.NewRecorder()
	handler(serve.Options{}).ServeHTTP(w, r)
	if w.Code != 400 || !strings.Contains(w.Body.String(), `is \"13, 12\", which is no number`) {
		t.Errorf("two of them: %d %s", w.Code, w.Body)
	}
}

func TestV2WithoutAModel(t *testing.T) {
	gone := infer.Errorf(infer.ErrUnavailable, "the model is still being loaded")
	h := handler(serve.Options{Model: func(context.Context) (*infer.Model, error) { return nil, gone }})
	for path, method := range map[string]string{inferPath: "POST", "/v2/models/half_plus_two": "GET", "/v2/models/half_plus_two/ready": "GET"} {
		w := do(h, method, path, `{"inputs":[]}`)
		if w.Code != 503 || w.Header().Get("Retry-After") == "" || w.Body.String() != `{"error":"the model is still being loaded"}` {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if w := do(h, "GET", "/v2", ""); w.Code != 200 {
		t.Errorf("server metadata: %d", w.Code)
	}
}
