package serve_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/serve"
)

// runner is a struct of funcs that stands in for a graph.
type runner struct {
	catalog *infer.Catalog
	run     func(context.Context, []infer.Feed) ([]*infer.Tensor, error)
}

func (r runner) Catalog() *infer.Catalog { return r.catalog }
func (r runner) Close() error            { return nil }
func (r runner) Run(ctx context.Context, feeds []infer.Feed, _ []infer.TensorInfo) ([]*infer.Tensor, error) {
	return r.run(ctx, feeds)
}

// halfPlusTwo is version 3 of a model with y = x/2 + 2.
func halfPlusTwo(name string) *infer.Model {
	return &infer.Model{Name: name, Version: "3", Format: "savedmodel", Runner: runner{halfPlusTwoCatalog(), runHalfPlusTwo}}
}

func halfPlusTwoCatalog() *infer.Catalog {
	return &infer.Catalog{
		Default: "serving_default",
		Signatures: map[string]*infer.Signature{"serving_default": {
			Name:    "serving_default",
			Inputs:  []infer.TensorInfo{{Name: "x", Tensor: "x:0", DType: infer.Float, Shape: infer.Shape{-1}}},
			Outputs: []infer.TensorInfo{{Name: "y", Tensor: "y:0", DType: infer.Float, Shape: infer.Shape{-1}}},
		}},
	}
}

func runHalfPlusTwo(_ context.Context, feeds []infer.Feed) ([]*infer.Tensor, error) {
	x := feeds[0].Value
	data := make([]byte, len(x.Data))
	for i := 0; i < len(data); i += 4 {
		v := math.Float32frombits(binary.LittleEndian.Uint32(x.Data[i:]))
		binary.LittleEndian.PutUint32(data[i:], math.Float32bits(v/2+2))
	}
	y, err := infer.NewTensor(infer.Float, x.Shape, data)
	return []*infer.Tensor{y}, err
}

func having(m *infer.Model) func(context.Context) (*infer.Model, error) {
	return func(context.Context) (*infer.Model, error) { return m, nil }
}

// handler serves half_plus_two and logs nothing.
func handler(opts serve.Options) *serve.Server {
	if opts.Model == nil {
		opts.Model = having(halfPlusTwo("half_plus_two"))
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	return serve.New(opts)
}

func request(ctx context.Context, method, path string, body io.Reader) *http.Request {
	return httptest.NewRequestWithContext(ctx, method, path, body)
}

func do(h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request(context.Background(), method, path, strings.NewReader(body)))
	return w
}

// Whoever compares answers while a version is brought out has to know whose they are.
func TestWhatTheModelAnswersOrRefusesNamesItsVersion(t *testing.T) {
	const model = "/v2/models/half_plus_two"
	gone := handler(serve.Options{Model: func(context.Context) (*infer.Model, error) { return nil, infer.ErrNotFound }})
	for _, tt := range []struct {
		h                        http.Handler
		method, path, body, want string
	}{
		{handler(serve.Options{}), http.MethodPost, predictPath, `{"instances":[1]}`, "3"},
		{handler(serve.Options{}), http.MethodPost, predictPath, `{"instances":["x"]}`, "3"},
		{handler(serve.Options{}), http.MethodPost, "/v1/models/half_plus_two/versions/3:predict", `{"instances":[1]}`, "3"},
		{handler(serve.Options{}), http.MethodPost, "/v1/models/half_plus_two/versions/2:predict", `{"instances":[1]}`, ""},
		{handler(serve.Options{}), http.MethodGet, "/v2/models/other", "", ""},
		{handler(serve.Options{}), http.MethodPost, model + "/infer", `{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1]}]}`, "3"},
		{handler(serve.Options{}), http.MethodGet, "/v1/models/half_plus_two", "", "3"},
		{handler(serve.Options{}), http.MethodGet, "/v1/models/half_plus_two/metadata", "", "3"},
		{handler(serve.Options{}), http.MethodGet, model, "", "3"},
		{handler(serve.Options{}), http.MethodGet, model + "/ready", "", "3"},
		{handler(serve.Options{}), http.MethodGet, "/v2", "", ""},
		{gone, http.MethodPost, predictPath, `{"instances":[1]}`, ""},
	} {
		if got := do(tt.h, tt.method, tt.path, tt.body).Header().Get("Model-Version"); got != tt.want {
			t.Errorf("%s %s %s: Model-Version %q, want %q", tt.method, tt.path, tt.body, got, tt.want)
		}
	}
}

const predictPath = "/v1/models/half_plus_two:predict"

// routeTest is a request and its answer, which is JSON.
type routeTest struct {
	name, method, path, body string
	status                   int
	want                     string
	allow                    string // the header, "" for none
}

func testRoutes(t *testing.T, h http.Handler, tests []routeTest) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := do(h, tt.method, tt.path, tt.body)
			if w.Code != tt.status || w.Body.String() != tt.want {
				t.Errorf("got %d %s\nwant %d %s", w.Code, w.Body, tt.status, tt.want)
			}
			if got := w.Header().Get("Content-Type"); got != "application/json" {
				t.Errorf("Content-Type = %q", got)
			}
			if got := w.Header().Get("Allow"); got != tt.allow {
				t.Errorf("Allow = %q, want %q", got, tt.allow)
			}
		})
	}
}

func TestRoutes(t *testing.T) {
	h := handler(serve.Options{ColdStart: func() any { return map[string]int{"totalMs": 5} }})
	const rows = `{"instances": [1.0, 2.0, 5.0]}`
	const answer = `{"predictions":[2.5,3.0,4.5]}`
	const status = `{"model_version_status":[{"version":"3","state":"AVAILABLE","status":{"error_code":"OK","error_message":""}}]}`
	testRoutes(t, h, []routeTest{
		{"predict by row", "POST", predictPath, rows, 200, answer, ""},
		{"predict by column", "POST", predictPath, `{"inputs": {"x": [1.0, 2.0, 5.0]}}`, 200, `{"outputs":[2.5,3.0,4.5]}`, ""},
		{"predict with a version", "POST", "/v1/models/half_plus_two/versions/3:predict", rows, 200, answer, ""},
		{"leading zeros of a version", "POST", "/v1/models/half_plus_two/versions/003:predict", rows, 200, answer, ""},
		{"path in capitals", "POST", "/V1/Models/half_plus_two:predict", rows, 200, answer, ""},
		{"percent-encoded name", "POST", "/v1/models/half%5Fplus%5Ftwo:predict", rows, 200, answer, ""},
		{"query string", "POST", predictPath + "?x=1", rows, 200, answer, ""},
		{"status", "GET", "/v1/models/half_plus_two", "", 200, status, ""},
		{"status of a version", "GET", "/v1/models/half_plus_two/versions/3", "", 200, status, ""},
		{"live", "GET", "/v2/health/live", "", 200, `{"live":true}`, ""},
		{"ready", "GET", "/v2/health/ready", "", 200, `{"ready":true}`, ""},
		{"cold start", "GET", "/debug/coldstart", "", 200, `{"totalMs":5}`, ""},

		{"unknown model", "POST", "/v1/models/other:predict", rows, 404, `{"error":"Servable not found for request: Latest(other)"}`, ""},
		{"unknown version", "POST", "/v1/models/half_plus_two/versions/4:predict", rows, 404, `{"error":"Servable not found for request: Specific(half_plus_two, 4)"}`, ""},
		{"version beyond int64", "POST", "/v1/models/half_plus_two/versions/9223372036854775808:predict", rows, 400, `{"error":"Failed to convert version: 9223372036854775808 to numeric."}`, ""},
		{"version that is no number", "POST", "/v1/models/half_plus_two/versions/x:predict", rows, 400, `{"error":"Malformed request: POST /v1/models/half_plus_two/versions/x:predict"}`, ""},
		{"label", "POST", "/v1/models/half_plus_two/labels/canary:predict", rows, 400, `{"error":"Unrecognized servable version label: canary"}`, ""},
		{"percent-encoded label", "GET", "/v1/models/half_plus_two/labels/a%2Fb%3Ac", "", 400, `{"error":"Unrecognized servable version label: a/b:c"}`, ""},
		{"version in the singular", "POST", "/v1/models/m/version/50:predict", rows, 400, `{"error":"Malformed request: POST /v1/models/m/version/50:predict"}`, ""},
		{"label in the singular", "POST", "/v1/models/m/label/l:regress", rows, 400, `{"error":"Malformed request: POST /v1/models/m/label/l:regress"}`, ""},
		{"version beyond uint64", "GET", "/v1/models/m/versions/18446744073709551616", "", 400, `{"error":"Failed to convert version: 18446744073709551616 to numeric."}`, ""},
		{"version and label", "POST", "/v1/models/m/versions/1/labels/l:predict", rows, 400, `{"error":"Malformed request: POST /v1/models/m/versions/1/labels/l:predict"}`, ""},
		{"verb in capitals", "POST", "/v1/models/half_plus_two:PREDICT", rows, 400, `{"error":"Malformed request: POST /v1/models/half_plus_two:PREDICT"}`, ""},
		{"unknown verb", "POST", "/v1/models/half_plus_two:explain", rows, 400, `{"error":"Malformed request: POST /v1/models/half_plus_two:explain"}`, ""},
		{"double slash", "GET", "/v1//models/half_plus_two", "", 400, `{"error":"Malformed request: GET /v1//models/half_plus_two"}`, ""},
		{"no model name", "GET", "/v1/models", "", 400, `{"error":"Missing model name in request."}`, ""},
		{"no model name, in capitals", "GET", "/V1/Models", "", 400, `{"error":"Missing model name in request."}`, ""},
		{"no model name, with a slash", "GET", "/v1/models/", "", 400, `{"error":"Malformed request: GET /v1/models/"}`, ""},
		{"no model name to call", "POST", "/v1/models", "", 400, `{"error":"Malformed request: POST /v1/models"}`, ""},
		{"status of an unknown model", "GET", "/v1/models/other", "", 404, `{"error":"Could not find any versions of model other"}`, ""},
		{"status of an unknown version", "GET", "/v1/models/half_plus_two/versions/4", "", 404, `{"error":"Could not find version 4 of model half_plus_two"}`, ""},
		{"classify by a signature that cannot", "POST", "/v1/models/half_plus_two:classify", `{"examples":[{}]}`, 400, `{"error":"No classification inputs found in SignatureDef: serving_default"}`, ""},
		{"GET of a call", "GET", predictPath, "", 405, `{"error":"Method not allowed: GET ` + predictPath + `"}`, "POST"},
		{"POST to the status", "POST", "/v1/models/half_plus_two", "", 405, `{"error":"Method not allowed: POST /v1/models/half_plus_two"}`, "GET, HEAD"},
		{"POST to the metadata", "POST", "/v1/models/half_plus_two/metadata", "", 405, `{"error":"Method not allowed: POST /v1/models/half_plus_two/metadata"}`, "GET, HEAD"},
		{"POST to the health", "POST", "/v2/health/live", "", 405, `{"error":"Method not allowed: POST /v2/health/live"}`, "GET, HEAD"},
		{"elsewhere", "GET", "/favicon.ico", "", 404, `{"error":"Not found: GET /favicon.ico"}`, ""},
	})
}

// Without its option for CORS, TensorFlow Serving's answer has no headers that let
// a page in, and looks at nothing but the origin.
func TestPreflight(t *testing.T) {
	h := handler(serve.Options{})
	for _, tt := range []struct {
		origin string
		status int
		want   string
	}{
		{"", 400, `{"error":"Origin header is missing in CORS preflight"}`},
		{"null", 400, `{"error":"Origin header is missing in CORS preflight"}`},
		{"httpx", 400, `{"error":"Origin header is missing in CORS preflight"}`},
		{"http://localhost:3000", 200, ""},
		{"https://example.com", 200, ""},
	} {
		for _, path := range []string{predictPath, "/v1/models/other", "/v1/foo"} {
			r := request(t.Context(), "OPTIONS", path, nil)
			r.Header.Set("Origin", tt.origin)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != tt.status || w.Body.String() != tt.want || w.Header().Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%q, %s: got %d %s %v, want %d %s", tt.origin, path, w.Code, w.Body, w.Header(), tt.status, tt.want)
			}
		}
	}
}

func TestNamesArePercentDecodedAfterTheMatch(t *testing.T) {
	h := handler(serve.Options{Model: having(halfPlusTwo("team/a:b 1"))})
	w := do(h, "POST", "/v1/models/team%2Fa%3Ab%201:predict", `{"instances": [2]}`)
	if w.Code != 200 || w.Body.String() != `{"predictions":[3.0]}` {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestWithoutAColdStartReportThereIsNoPage(t *testing.T) {
	if w := do(handler(serve.Options{}), "GET", "/debug/coldstart", ""); w.Code != 404 {
		t.Errorf("status = %d, want 404", w.Code)
	}
}

// inMemory is a body like that of an event.
type inMemory struct{ *bytes.Buffer }

func (inMemory) Close() error { return nil }

type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) { u.t.Error("the body was read"); return 0, io.EOF }

func TestBodyLimit(t *testing.T) {
	fits := `{"instances": [1]}`
	h := handler(serve.Options{MaxBodyBytes: int64(len(fits))})
	for _, tt := range []struct {
		name   string
		body   io.Reader
		length int64
		status int
	}{
		{"at the limit", strings.NewReader(fits), int64(len(fits)), 200},
		{"at the limit, of unknown length", strings.NewReader(fits), -1, 200},
		{"at the limit, in memory", inMemory{bytes.NewBufferString(fits)}, int64(len(fits)), 200},
		{"over, of unknown length", strings.NewReader(fits + " "), -1, 413},
		{"over, announced", unread{t}, int64(len(fits)) + 1, 413},
		{"over, in memory", inMemory{bytes.NewBufferString(fits + " ")}, int64(len(fits)) + 1, 413},
		{"over, in memory, of unknown length", inMemory{bytes.NewBufferString(fits + " ")}, -1, 413},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := request(t.Context(), "POST", predictPath, nil)
			r.Body, r.ContentLength = io.NopCloser(tt.body), tt.length
			if body, ok := tt.body.(inMemory); ok {
				r.Body = body
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != tt.status {
				t.Fatalf("got %d %s, want %d", w.Code, w.Body, tt.status)
			}
			if want := `{"error":"The body is larger than the limit of 18 bytes (MAX_BODY_BYTES)"}`; tt.status == 413 && w.Body.String() != want {
				t.Errorf("got %s, want %s", w.Body, want)
			}
		})
	}
}

func TestBodiesThatCannotBeRead(t *testing.T) {
	h := handler(serve.Options{})
	t.Run("cut off", func(t *testing.T) {
		r := request(t.Context(), "POST", predictPath, io.MultiReader(strings.NewReader(`{"inst`), broken{}))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 400 || !strings.Contains(w.Body.String(), "could not be read to its end") {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	})
	t.Run("compressed", func(t *testing.T) {
		r := request(t.Context(), "POST", predictPath, strings.NewReader("x"))
		r.Header.Set("Content-Encoding", "br")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 415 || !strings.Contains(w.Body.String(), `\"br\" is not supported`) {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	})
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("connection reset") }
