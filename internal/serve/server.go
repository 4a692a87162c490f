// Package serve answers everything that comes over HTTP, whatever the front
// door: TensorFlow Serving's REST API and the Open Inference Protocol.
package serve

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/openapi"
	"github.com/tensorlambda/tensorlambda/internal/telemetry"
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
	// Version is this program's, for the server's metadata.
	Version string
	// MaxBodyBytes bounds a request's body, as it arrives and inflated; 0
	// means DefaultMaxBodyBytes.
	MaxBodyBytes int64
	// Limits bounds what a body may decode to.
	Limits codec.Limits
	// ColdStart is the report that GET /debug/coldstart shows as JSON; nil
	// means that there is no such page.
	ColdStart func() any
	// Requests counts the requests over HTTP that ask the model, and is the page at
	// TensorFlow Serving's path for Prometheus; nil means that there is no such page.
	Requests *telemetry.Requests
	// Playground is the page at / on which people try the model; nil means that there is
	// no such page.
	Playground *Playground
	// Logger gets one line for each request that fails; nil means
	// slog.Default().
	Logger *slog.Logger
}

// Server is the handler of every request over HTTP, and answers the bare
// requests of direct invocations. It may be used by any number of goroutines at
// once.
type Server struct {
	model    func(context.Context) (*infer.Model, error)
	version  string
	maxBody  int64
	limits   codec.Limits
	log      *slog.Logger
	report   func() any
	counts   *telemetry.Requests
	page     *Playground
	guard    guard
	requests buffers
	replies  buffers
	packed   buffers

	described atomic.Pointer[described]
	pictured  atomic.Pointer[pictured]
}

var _ http.Handler = (*Server)(nil)

// New makes a Server. A request whose context has a deadline waits for the model
// until shortly before it; one without waits as long as its client.
func New(opts Options) *Server {
	s := &Server{
		model: opts.Model, version: opts.Version, maxBody: opts.MaxBodyBytes, limits: opts.Limits,
		log: opts.Logger, report: opts.ColdStart, counts: opts.Requests, page: opts.Playground,
	}
	if s.page != nil {
		s.guard = newGuard(s.page.Address)
	}
	if s.maxBody <= 0 {
		s.maxBody = DefaultMaxBodyBytes
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	return s
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer s.recoverPanic(w, r)
	if err := s.route(w, r); err != nil {
		s.fail(w, r, err)
	}
}

// route looks paths up as they stand. A ServeMux would answer some of them in
// its own words: by a redirect to a cleaner path, where TensorFlow Serving says
// that the request is malformed, or by plain text where errors are JSON.
//
// It returns an error only before anything has been written.
func (s *Server) route(w http.ResponseWriter, r *http.Request) error {
	path := r.URL.EscapedPath()
	if s.page != nil {
		own := path == "/" || strings.HasPrefix(path, "/playground/")
		if err := s.guard.check(r, own || path == "/debug/coldstart"); err != nil {
			return err
		}
		if own {
			return s.playground(w, r, path)
		}
	}
	switch {
	case len(path) >= len("/v1/") && strings.EqualFold(path[:len("/v1/")], "/v1/"):
		return s.v1(w, r, path)
	case path == "/v2" || strings.HasPrefix(path, "/v2/"):
		return s.v2(w, r, path)
	case path == openapi.Path:
		return s.openAPI(w, r)
	case path == "/debug/coldstart" && s.report != nil:
		return s.coldStart(w, r)
	case path == "/monitoring/prometheus/metrics" && s.counts != nil:
		return s.metrics(w, r)
	default:
		return notFound(r, path)
	}
}

func notFound(r *http.Request, path string) error {
	return infer.Errorf(infer.ErrNotFound, "Not found: %s %s", r.Method, path)
}

// allow refuses a request whose method is none of the given ones.
func allow(w http.ResponseWriter, r *http.Request, methods ...string) error {
	if slices.Contains(methods, r.Method) {
		return nil
	}
	w.Header().Set("Allow", strings.Join(methods, ", "))
	return infer.Errorf(errMethodNotAllowed, "Method not allowed: %s %s", r.Method, r.URL.EscapedPath())
}

func allowGet(w http.ResponseWriter, r *http.Request) error {
	return allow(w, r, http.MethodGet, http.MethodHead)
}

func (s *Server) coldStart(w http.ResponseWriter, r *http.Request) error {
	if err := allowGet(w, r); err != nil {
		return err
	}
	text, err := json.Marshal(s.report())
	if err != nil {
		return err
	}
	return s.send(w, r, jsonReply(text))
}

// metrics is at the path at which TensorFlow Serving is usually told to have it.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) error {
	if err := allowGet(w, r); err != nil {
		return err
	}
	return s.send(w, r, &codec.Reply{ContentType: telemetry.PrometheusType, Pieces: [][]byte{s.counts.Append(nil)}})
}

// loaded waits for the model, and ends the wait early enough to say so while
// the front door still listens. The error is an *unavailable whatever the
// cause: the client can only try again.
func (s *Server) loaded(ctx context.Context) (*infer.Model, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-modelMargin))
		defer cancel()
	}
	m, err := s.model(ctx)
	if err != nil {
		return nil, &unavailable{err}
	}
	return m, nil
}
