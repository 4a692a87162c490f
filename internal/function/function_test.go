package function_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/tensorlambda/tensorlambda/internal/event"
	"github.com/tensorlambda/tensorlambda/internal/function"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/serve"
	"golang.org/x/sys/unix"
)

// runner stands in for a graph that computes y = x/2 + 2.
type runner struct{}

func (runner) Close() error { return nil }

func (runner) Catalog() *infer.Catalog {
	return &infer.Catalog{
		Default: "serving_default",
		Signatures: map[string]*infer.Signature{"serving_default": {
			Name:    "serving_default",
			Inputs:  []infer.TensorInfo{{Name: "x", Tensor: "x:0", DType: infer.Float, Shape: infer.Shape{-1}}},
			Outputs: []infer.TensorInfo{{Name: "y", Tensor: "y:0", DType: infer.Float, Shape: infer.Shape{-1}}},
		}},
	}
}

func (runner) Run(_ context.Context, feeds []infer.Feed, _ []infer.TensorInfo) ([]*infer.Tensor, error) {
	x := feeds[0].Value
	data := make([]byte, len(x.Data))
	for i := 0; i < len(data); i += 4 {
		v := math.Float32frombits(binary.LittleEndian.Uint32(x.Data[i:]))
		binary.LittleEndian.PutUint32(data[i:], math.Float32bits(v/2+2))
	}
	y, err := infer.NewTensor(infer.Float, x.Shape, data)
	return []*infer.Tensor{y}, err
}

func halfPlusTwo() *serve.Server {
	model := &infer.Model{Name: "half_plus_two", Version: "123", Runner: runner{}}
	return serve.New(serve.Options{
		Model:  func(context.Context) (*infer.Model, error) { return model, nil },
		Logger: slog.New(slog.DiscardHandler),
	})
}

// handler handles invocations and writes its log to log, if that is not nil.
func handler(serve http.Handler, log io.Writer, sources ...event.Class) *function.Handler {
	opts := function.Options{Serve: serve, Sources: sources, Logger: slog.New(slog.DiscardHandler)}
	if log != nil {
		opts.Logger = slog.New(slog.NewJSONHandler(log, nil))
	}
	return function.New(opts)
}

func read(tb testing.TB, path string) []byte {
	tb.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// The payloads and replies that the whole program is held to, but for those that
// ask another model.
func TestEveryPayloadHasItsReply(t *testing.T) {
	const folder = "../../test/events/"
	files, err := filepath.Glob(folder + "*.reply.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d replies: %v", len(files), err)
	}
	server := halfPlusTwo()
	h := function.New(function.Options{Serve: server, Direct: server, Logger: slog.New(slog.DiscardHandler)})
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".reply.json")
		if name == "direct-examples" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			got, err := h.Invoke(t.Context(), read(t, folder+name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			if want := bytes.TrimSuffix(read(t, file), []byte("\n")); !bytes.Equal(got, want) {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// invoke sends an event over HTTP and reads the reply.
func invoke(t *testing.T, h *function.Handler, payload string) events.APIGatewayV2HTTPResponse {
	t.Helper()
	reply, err := h.Invoke(t.Context(), []byte(payload))
	if err != nil {
		t.Fatalf("an HTTP invocation returned the error %v", err)
	}
	var r events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(reply, &r); err != nil {
		t.Fatalf("reply %s: %v", reply, err)
	}
	return r
}

const get = `{"version":"2.0","rawPath":"/v2/health/live","headers":{"authorization":"secret"},"rawQueryString":"token=secret","requestContext":{"stage":"$default","http":{"method":"GET"}},"body":"secret"}`

const loadBalancer = `{"httpMethod":"GET","path":"/v2/health/live","headers":{"user-agent":"ELB-HealthChecker/2.0"},"requestContext":{"elb":{"targetGroupArn":"arn"}},"body":"","isBase64Encoded":false}`

func TestEventSources(t *testing.T) {
	const (
		s3     = `{"Records":[{"eventSource":"aws:s3"}]}`
		direct = `{"instances":[1]}`
	)
	t.Run("HTTP is refused by a reply", func(t *testing.T) {
		for _, payload := range []string{get, loadBalancer} {
			r := invoke(t, handler(halfPlusTwo(), nil, event.ClassS3, event.ClassDirect), payload)
			if r.StatusCode != http.StatusForbidden || !strings.Contains(r.Body, "EVENT_SOURCES") {
				t.Errorf("got %d %s, want 403", r.StatusCode, r.Body)
			}
		}
	})
	t.Run("others are refused by an error", func(t *testing.T) {
		h := handler(halfPlusTwo(), nil, event.ClassHTTP)
		for _, payload := range []string{s3, direct} {
			_, err := h.Invoke(t.Context(), []byte(payload))
			if _, ok := err.(*function.SourceRefused); !ok { //nolint:errorlint // aws-lambda-go looks at the outermost error
				t.Errorf("%s: %v, want a SourceRefused", payload, err)
			}
		}
	})
	t.Run("what is named is answered", func(t *testing.T) {
		if r := invoke(t, handler(halfPlusTwo(), nil, event.ClassHTTP), loadBalancer); r.StatusCode != http.StatusOK {
			t.Errorf("load balancer: %d %s", r.StatusCode, r.Body)
		}
		if _, err := directly(&model{}, nil, event.ClassDirect).Invoke(t.Context(), []byte(direct)); err != nil {
			t.Errorf("direct: %v", err)
		}
	})
	t.Run("what is accepted and not served yet says so", func(t *testing.T) {
		_, err := handler(halfPlusTwo(), nil).Invoke(t.Context(), []byte(s3))
		if _, ok := err.(*function.SourceUnsupported); !ok { //nolint:errorlint // as above
			t.Errorf("got %v, want a SourceUnsupported", err)
		}
	})
	t.Run("an unknown payload is named", func(t *testing.T) {
		_, err := handler(halfPlusTwo(), nil).Invoke(t.Context(), []byte(`{"hello":1}`))
		if _, ok := err.(*event.UnknownPayload); !ok || !strings.Contains(err.Error(), `"hello"`) { //nolint:errorlint // as above
			t.Errorf("got %v, want an UnknownPayload", err)
		}
	})
}

func TestHTTPInvocationsAlwaysHaveAReply(t *testing.T) {
	writes := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	noBase64 := strings.Replace(get, `"body":"secret"`, `"body":"%","isBase64Encoded":true`, 1)
	head := strings.Replace(get, `"GET"`, `"HEAD"`, 1)
	for _, tt := range []struct {
		name, payload string
		serve         http.HandlerFunc
		status        int
		body          string
	}{
		{"nothing written", get, func(http.ResponseWriter, *http.Request) {}, 200, ""},
		{"in pieces", get, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "a")
			_, _ = io.WriteString(w, "b")
		}, 200, "ab"},
		{"status", get, writes(418, "teapot"), 418, "teapot"},
		{"body of a HEAD request", head, writes(200, "x"), 200, ""},
		{"body that cannot be decoded", noBase64, writes(200, ""), 400, "is said to be base64"},
		{"method that is none and long", strings.Replace(get, "GET", strings.Repeat("G ", 3<<20), 1), writes(200, ""), 400, "is none"},
		{"panic", get, func(http.ResponseWriter, *http.Request) { panic("secret") }, 500, "internal error"},
		{"reply over Lambda's limit", get, writes(200, strings.Repeat("x", 6<<20+200)), 413, "ask for fewer rows"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := invoke(t, handler(tt.serve, nil), tt.payload)
			if r.StatusCode != tt.status || !strings.Contains(r.Body, tt.body) || tt.body == "" && r.Body != "" || strings.Contains(r.Body, "secret") {
				t.Errorf("got %d %q, want %d %q", r.StatusCode, r.Body, tt.status, tt.body)
			}
		})
	}
}

func TestTheDeadlineIsTheFrontDoorsOrTheFunctions(t *testing.T) {
	for _, tt := range []struct {
		name     string
		timeout  time.Duration // of the function
		min, max time.Duration
	}{
		{"API Gateway gives up first", 15 * time.Minute, 28 * time.Second, 29 * time.Second},
		{"the function times out first", 10 * time.Second, 9 * time.Second, 10 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var left time.Duration
			h := handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if deadline, ok := r.Context().Deadline(); ok {
					left = time.Until(deadline)
				}
			}), nil)
			ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
			defer cancel()
			if _, err := h.Invoke(ctx, []byte(get)); err != nil {
				t.Fatal(err)
			}
			if left < tt.min || left > tt.max {
				t.Errorf("%s left, want %s to %s", left, tt.min, tt.max)
			}
		})
	}
}

func TestOneLogLineForAnInvocationAndNoSecrets(t *testing.T) {
	for _, tt := range []struct {
		name, payload, source, level string
		status                       float64 // 0 for none
	}{
		{"HTTP", get, "apigateway-v2", "INFO", 200},
		{"refused", `{"task":"score","input":"s3://secret/key"}`, "task", "ERROR", 0},
		{"unknown", `{"hello":"secret"}`, "unknown", "ERROR", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			reply, err := handler(halfPlusTwo(), &log, event.ClassHTTP).Invoke(t.Context(), []byte(tt.payload))
			var line struct {
				Msg, Level, Source, Error string
				Status, MS                float64
				BytesIn, BytesOut         int
			}
			if err := json.Unmarshal(log.Bytes(), &line); err != nil {
				t.Fatalf("not one line of JSON: %q", log.String())
			}
			if line.Msg != "invocation" || line.Level != tt.level || line.Source != tt.source || line.Status != tt.status {
				t.Errorf("got %+v", line)
			}
			if line.BytesIn != len(tt.payload) || line.BytesOut != len(reply) || (line.Error != "") != (err != nil) {
				t.Errorf("got %+v for %d bytes in, %d out, error %v", line, len(tt.payload), len(reply), err)
			}
			if strings.Contains(log.String(), "secret") {
				t.Errorf("the log holds a secret: %s", log.String())
			}
		})
	}
}

func TestAPanicIsLoggedWithItsStack(t *testing.T) {
	var log bytes.Buffer
	h := handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(errors.New("boom")) }), &log)
	invoke(t, h, get)
	if !strings.Contains(log.String(), "boom") || !strings.Contains(log.String(), "function_test.go") {
		t.Errorf("log: %s", log.String())
	}
}

// No payload is known to make the recogniser panic. One in memory that cannot be
// read does.
func TestAPanicBeforeTheSourceIsKnownIsAnError(t *testing.T) {
	payload, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_NONE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(payload)
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	var log bytes.Buffer
	_, err = handler(halfPlusTwo(), &log).Invoke(t.Context(), payload)
	if _, ok := errors.AsType[*function.Panic](err); !ok || !strings.Contains(err.Error(), "unknown") {
		t.Errorf("error %v, want a Panic of an unknown source", err)
	}
	if !strings.Contains(log.String(), `"msg":"panic"`) || !strings.Contains(log.String(), `"msg":"invocation"`) {
		t.Errorf("log: %s", log.String())
	}
}

func BenchmarkInvoke(b *testing.B) {
	h := handler(halfPlusTwo(), io.Discard)
	payload := read(b, "../../test/events/apigateway-v1.json")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Invoke(b.Context(), payload); err != nil {
			b.Fatal(err)
		}
	}
}
