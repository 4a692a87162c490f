package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// Kinds of failure that only HTTP has.
var (
	errMethodNotAllowed     = errors.New("method not allowed")
	errUnsupportedMediaType = errors.New("unsupported media type")
)

// unavailable is any reason why there is no model, for which the status is 503
// even where the cause has a kind of its own (the model's object is not found).
type unavailable struct{ cause error }

func (e *unavailable) Error() string { return "model is not available: " + e.cause.Error() }

// Unwrap lets message find the text for the client.
func (e *unavailable) Unwrap() []error { return []error{infer.ErrUnavailable, e.cause} }

// statusClientClosedRequest is TensorFlow Serving's status for CANCELLED; the
// client that it is for has gone.
const statusClientClosedRequest = 499

// statuses maps kinds of errors to HTTP statuses, as TensorFlow Serving does
// where it has the kind. The first that matches counts: ErrUnavailable stands
// first because it wraps causes of other kinds.
var statuses = []struct {
	kind   error
	status int
}{
	{infer.ErrUnavailable, http.StatusServiceUnavailable},
	{infer.ErrTooLarge, http.StatusRequestEntityTooLarge},
	{infer.ErrInvalidArgument, http.StatusBadRequest},
	{infer.ErrFailedPrecondition, http.StatusBadRequest},
	{infer.ErrNotFound, http.StatusNotFound},
	{errForbidden, http.StatusForbidden},
	{errMethodNotAllowed, http.StatusMethodNotAllowed},
	{errUnsupportedMediaType, http.StatusUnsupportedMediaType},
	{infer.ErrUnimplemented, http.StatusNotImplemented},
	{infer.ErrResourceExhausted, http.StatusTooManyRequests},
	{infer.ErrDeadlineExceeded, http.StatusGatewayTimeout},
	{context.DeadlineExceeded, http.StatusGatewayTimeout},
	{context.Canceled, statusClientClosedRequest},
}

// classify is the status and the kind of an error.
func classify(err error) (status int, kind error) {
	for _, s := range statuses {
		if errors.Is(err, s.kind) {
			return s.status, s.kind
		}
	}
	return http.StatusInternalServerError, infer.ErrInternal
}

// level is how loud the log says that a request failed: a client's fault is no
// event in the operator's log.
func level(status int) slog.Level {
	if status >= http.StatusInternalServerError && status != http.StatusNotImplemented {
		return slog.LevelError
	}
	return slog.LevelDebug
}

// message is what the client sees of an error: what an infer.Error says, and
// for all others a fixed text, because they may name buckets and paths.
func message(err error, status int) string {
	if public, ok := errors.AsType[*infer.Error](err); ok {
		return public.Message
	}
	switch status {
	case http.StatusServiceUnavailable:
		return "the model could not be loaded: the reason is in the log of the function"
	case http.StatusInternalServerError:
		return "internal error: the reason is in the log of the function"
	case statusClientClosedRequest:
		return "the client closed the request"
	default:
		return http.StatusText(status)
	}
}

// retryAfter is in seconds: what the rest of a start takes at the most, usually.
const retryAfter = "5"

// fail answers with an error and logs it, the only place that does.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, _ := classify(err)
	s.log.LogAttrs(r.Context(), level(status), "request failed",
		slog.String("method", r.Method), slog.String("path", r.URL.EscapedPath()),
		slog.Int("status", status), slog.String("error", err.Error()))
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", retryAfter)
	}
	writeJSON(w, status, codec.AppendError(nil, message(err, status)))
}

// recoverPanic turns a panic into a 500: on Lambda it would cost the process,
// and with it the loaded model. Replies are written at the very end, so nothing
// has been sent.
func (s *Server) recoverPanic(w http.ResponseWriter, r *http.Request) {
	cause := recover()
	if cause == nil {
		return
	}
	if cause == http.ErrAbortHandler { //nolint:errorlint // net/http compares it like this, too
		panic(cause)
	}
	s.log.LogAttrs(r.Context(), slog.LevelError, "panic", slog.Any("cause", cause), slog.String("stack", string(debug.Stack())))
	s.fail(w, r, fmt.Errorf("panic: %v", cause))
}
