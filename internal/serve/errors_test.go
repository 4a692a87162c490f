package serve_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/serve"
)

// failing is a model whose run ends with err.
func failing(err error) *infer.Model {
	return running(func(context.Context, []infer.Feed) ([]*infer.Tensor, error) { return nil, err })
}

func running(run func(context.Context, []infer.Feed) ([]*infer.Tensor, error)) *infer.Model {
	return &infer.Model{Name: "half_plus_two", Version: "3", Runner: runner{halfPlusTwoCatalog(), run}}
}

func TestStatusesOfFailedRuns(t *testing.T) {
	const secret = "s3://bucket/key"
	for _, tt := range []struct {
		err    error
		status int
		want   string
	}{
		{infer.Errorf(infer.ErrInvalidArgument, "wrong shape"), 400, "wrong shape"},
		{infer.Errorf(infer.ErrFailedPrecondition, "not for this model"), 400, "not for this model"},
		{infer.Errorf(infer.ErrNotFound, "no such tensor"), 404, "no such tensor"},
		{infer.Errorf(infer.ErrTooLarge, "too many bytes"), 413, "too many bytes"},
		{infer.Errorf(infer.ErrResourceExhausted, "out of memory"), 429, "out of memory"},
		{infer.Errorf(infer.ErrInternal, "kernel failed"), 500, "kernel failed"},
		{infer.Errorf(infer.ErrUnimplemented, "no such op"), 501, "no such op"},
		{infer.Errorf(infer.ErrUnavailable, "closing"), 503, "closing"},
		{infer.Errorf(infer.ErrDeadlineExceeded, "too slow"), 504, "too slow"},
		{fmt.Errorf("run: %w", infer.Errorf(infer.ErrInvalidArgument, "wrapped")), 400, "wrapped"},
		{fmt.Errorf("run %s: %w", secret, infer.ErrDeadlineExceeded), 504, "Gateway Timeout"},
		{fmt.Errorf("run %s: %w", secret, context.DeadlineExceeded), 504, "Gateway Timeout"},
		{fmt.Errorf("run %s: %w", secret, context.Canceled), 499, "the client closed the request"},
		{fmt.Errorf("run %s: %w", secret, infer.ErrInternal), 500, "internal error: the reason is in the log of the function"},
		{errors.New("disk full at " + secret), 500, "internal error: the reason is in the log of the function"},
	} {
		t.Run(tt.err.Error(), func(t *testing.T) {
			var log bytes.Buffer
			h := handler(serve.Options{
				Model:  having(failing(tt.err)),
				Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
			})
			w := do(h, "POST", predictPath, `{"instances": [1]}`)
			var body struct{ Error string }
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
				t.Fatal(err)
			}
			if w.Code != tt.status || body.Error != tt.want {
				t.Errorf("got %d %q, want %d %q", w.Code, body.Error, tt.status, tt.want)
			}
			if lines := strings.Count(log.String(), "\n"); lines != 1 || !strings.Contains(log.String(), tt.err.Error()) {
				t.Errorf("%d log lines, want 1 with the whole error: %s", lines, log.String())
			}
		})
	}
}

func TestFaultsOfTheRequestAreToldWithTheirPlace(t *testing.T) {
	h := handler(serve.Options{})
	for _, body := range []string{``, `{`, `[]`, `{"instances": []}`, `{"instances": ["a"]}`, `{"signature_name": "other", "instances": [1]}`} {
		w := do(h, "POST", predictPath, body)
		var reply struct{ Error string }
		if err := json.Unmarshal(w.Body.Bytes(), &reply); w.Code != 400 || err != nil || reply.Error == "" {
			t.Errorf("body %q: %d %s (%v), want 400 and a message", body, w.Code, w.Body, err)
		}
	}
}

func TestWithoutAModel(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"the cause has a public message", infer.Errorf(infer.ErrUnavailable, "the model is still being loaded"), "the model is still being loaded"},
		{"the cause has a kind of its own", fmt.Errorf("fetch: %w", infer.Errorf(infer.ErrNotFound, "no such model")), "no such model"},
		{"the cause names a bucket", errors.New("get s3://secret/model.pb: access denied"), "the model could not be loaded: the reason is in the log of the function"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := handler(serve.Options{Model: func(context.Context) (*infer.Model, error) { return nil, tt.err }})
			for path, method := range map[string]string{predictPath: "POST", "/v1/models/half_plus_two": "GET", "/v2/health/ready": "GET"} {
				w := do(h, method, path, `{"instances": [1]}`)
				var body struct{ Error string }
				if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
					t.Fatal(err)
				}
				if w.Code != 503 || body.Error != tt.want || w.Header().Get("Retry-After") == "" {
					t.Errorf("%s: got %d %q, Retry-After %q; want 503 %q", path, w.Code, body.Error, w.Header().Get("Retry-After"), tt.want)
				}
			}
			if w := do(h, "GET", "/v2/health/live", ""); w.Code != 200 {
				t.Errorf("live = %d, want 200", w.Code)
			}
		})
	}
}

// loading is a model that does not come before ctx ends.
func loading(ctx context.Context) (*infer.Model, error) {
	<-ctx.Done()
	return nil, infer.Errorf(infer.ErrUnavailable, "still loading")
}

func TestWaitingForTheModelEndsBeforeTheDeadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	w := httptest.NewRecorder()
	handler(serve.Options{Model: loading}).ServeHTTP(w, request(ctx, "POST", predictPath, strings.NewReader(`{"instances": [1]}`)))
	if w.Code != 503 || ctx.Err() != nil {
		t.Errorf("got %d with the context at %v, want 503 before its end", w.Code, ctx.Err())
	}
}

func TestReadyDoesNotWait(t *testing.T) {
	// loading would never return if ready waited: this context has no end.
	if w := do(handler(serve.Options{Model: loading}), "GET", "/v2/health/ready", ""); w.Code != 503 {
		t.Errorf("status = %d, want 503", w.Code)
	}
}

func TestAPanicIsA500AndTheNextRequestIsAnswered(t *testing.T) {
	var log bytes.Buffer
	calls := 0
	h := handler(serve.Options{
		Model: having(running(func(ctx context.Context, feeds []infer.Feed) ([]*infer.Tensor, error) {
			if calls++; calls == 1 {
				panic("index out of range in s3://secret")
			}
			return runHalfPlusTwo(ctx, feeds)
		})),
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	w := do(h, "POST", predictPath, `{"instances": [1]}`)
	if w.Code != 500 || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "errors_test.go") || !strings.Contains(log.String(), "index out of range") {
		t.Errorf("the log has no stack or no cause: %s", log.String())
	}
	if w := do(h, "POST", predictPath, `{"instances": [1]}`); w.Code != 200 || w.Body.String() != `{"predictions":[2.5]}` {
		t.Errorf("next request: %d %s", w.Code, w.Body)
	}
}

func TestRequestsAtOnceKeepApart(t *testing.T) {
	h := handler(serve.Options{})
	var clients sync.WaitGroup
	for i := range 16 {
		clients.Go(func() {
			for range 50 {
				w := do(h, "POST", predictPath, fmt.Sprintf(`{"instances": [%d]}`, 2*i))
				if want := fmt.Sprintf(`{"predictions":[%d.0]}`, i+2); w.Body.String() != want {
					t.Errorf("x = %d: got %s, want %s", 2*i, w.Body, want)
				}
			}
		})
	}
	clients.Wait()
}

func BenchmarkPredict(b *testing.B) {
	h := handler(serve.Options{})
	body := `{"instances": [` + strings.Repeat("0.4375, ", 63) + `0.5]}`
	b.ReportAllocs()
	for b.Loop() {
		if w := do(h, "POST", predictPath, body); w.Code != 200 {
			b.Fatal(w.Body)
		}
	}
}
