// Package serve answers everything that comes over HTTP, whatever the front
// door: TensorFlow Serving's REST API and the health of the Open Inference
// Protocol so far.
package serve

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// DefaultMaxBodyBytes bounds a request's body where Options says nothing.
const DefaultMaxBodyBytes = 10 << 20

// modelMargin is what a request keeps of its time when it waits for a model:
// enough to say 503 while the front door still listens.
const modelMargin = 500 * time.Millisecond

// Options configures New.
type Options struct {
	// Model waits for the model until ctx ends. It is called for every
	// request, and is quick when the model is there. Required.
	Model func(ctx context.Context) (*infer.Model, error)
	// MaxBodyBytes bounds a request's body; 0 means DefaultMaxBodyBytes.
	MaxBodyBytes int64
	// Limits bounds what a body may decode to.
	Limits codec.Limits
	// ColdStart is the report that GET /debug/coldstart shows as JSON; nil
	// means that there is no such page.
	ColdStart func() any
	// Logger gets one line for each request that fails; nil means
	// slog.Default().
	Logger *slog.Logger
}

type server struct {
	model    func(context.Context) (*infer.Model, error)
	maxBody  int64
	limits   codec.Limits
	log      *slog.Logger
	pages    map[string]http.HandlerFunc // by path, everything outside /v1/; GET only
	report   func() any
	requests buffers
	replies  buffers
}

// New makes the handler. It may be used by any number of goroutines at once. A
// request whose context has a deadline waits for the model until shortly before
// it; one without waits as long as its client.
func New(opts Options) http.Handler {
	s := &server{model: opts.Model, maxBody: opts.MaxBodyBytes, limits: opts.Limits, log: opts.Logger, report: opts.ColdStart}
	if s.maxBody <= 0 {
		s.maxBody = DefaultMaxBodyBytes
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	s.pages = map[string]http.HandlerFunc{"/v2/health/live": s.live, "/v2/health/ready": s.ready}
	if s.report != nil {
		s.pages["/debug/coldstart"] = s.coldStart
	}
	return s
}

// ServeHTTP looks paths up as they stand. A ServeMux would answer some of them in
// its own words: by a redirect to a cleaner path, where TensorFlow Serving says
// that the request is malformed, or by plain text where errors are JSON.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer s.recoverPanic(w, r)
	path := r.URL.EscapedPath()
	if len(path) >= len("/v1/") && strings.EqualFold(path[:len("/v1/")], "/v1/") {
		s.v1(w, r)
		return
	}
	page, ok := s.pages[path]
	switch {
	case !ok:
		s.fail(w, r, infer.Errorf(infer.ErrNotFound, "Not found: %s %s", r.Method, path))
	case s.allow(w, r, http.MethodGet, http.MethodHead):
		page(w, r)
	}
}

// allow refuses a request whose method is none of the given ones.
func (s *server) allow(w http.ResponseWriter, r *http.Request, methods ...string) bool {
	for _, m := range methods {
		if r.Method == m {
			return true
		}
	}
	w.Header().Set("Allow", strings.Join(methods, ", "))
	s.fail(w, r, infer.Errorf(errMethodNotAllowed, "Method not allowed: %s %s", r.Method, r.URL.EscapedPath()))
	return false
}

// live says that the process answers, with or without a model.
func (s *server) live(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, []byte(`{"live":true}`))
}

// ready says whether there is a model. It does not wait for one: whoever asks
// will ask again.
func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	now, cancel := context.WithCancel(r.Context())
	cancel()
	if _, err := s.model(now); err != nil {
		// Not logged: a probe asks every second, and the start logs its end.
		w.Header().Set("Retry-After", retryAfter)
		writeJSON(w, http.StatusServiceUnavailable, codec.AppendError(nil, message(&unavailable{err}, http.StatusServiceUnavailable)))
		return
	}
	writeJSON(w, http.StatusOK, []byte(`{"ready":true}`))
}

func (s *server) coldStart(w http.ResponseWriter, r *http.Request) {
	text, err := json.Marshal(s.report())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, text)
}
