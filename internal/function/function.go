// Package function handles one Lambda invocation: it recognises the event, has
// it served, answers in the dialect of the sender, and logs one line about it.
package function

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/event"
)

// Options configures New.
type Options struct {
	// Serve answers what comes over HTTP. Required.
	Serve http.Handler
	// Sources is the classes of sources that are accepted; nil means all.
	Sources []event.Class
	// Logger gets one line for each invocation; nil means slog.Default(). A
	// handler of lambdacontext adds the request id, which is in the context.
	Logger *slog.Logger
}

// Handler handles invocations, any number of them at once. It takes and returns
// raw bytes, for which aws-lambda-go needs neither reflection nor a second pass
// over the JSON.
type Handler struct {
	serve   http.Handler
	sources []event.Class
	log     *slog.Logger
}

var _ lambda.Handler = (*Handler)(nil)

// New makes a Handler.
func New(opts Options) *Handler {
	h := &Handler{serve: opts.Serve, sources: opts.Sources, log: opts.Logger}
	if h.sources == nil {
		h.sources = event.Classes()
	}
	if h.log == nil {
		h.log = slog.Default()
	}
	return h
}

// outcome is what becomes of an invocation.
type outcome struct {
	reply  []byte
	status int // of HTTP, 0 for other sources
	err    error
}

// Invoke handles one invocation. One that came over HTTP always has a reply and
// no error. The errors of others are *event.UnknownPayload, *SourceRefused,
// *SourceUnsupported and *Panic; their names are the errorType of the
// invocation. The payload is not kept.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	start := time.Now()
	source, out := h.handle(ctx, payload)
	h.logInvocation(ctx, start, source, len(payload), out)
	return out.reply, out.err
}

// unknown stands for the source of a payload that was not recognised.
const unknown event.Source = "unknown"

// handle does not let a panic through, whatever the payload: it would cost the
// process, and with it the loaded model.
func (h *Handler) handle(ctx context.Context, payload []byte) (source event.Source, out outcome) {
	source = unknown
	var e *event.Event
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		h.log.LogAttrs(ctx, slog.LevelError, "panic", slog.Any("cause", cause), slog.String("stack", string(debug.Stack())))
		if e != nil && e.HTTP() {
			out = refuse(e, http.StatusInternalServerError, "internal error: the reason is in the log of the function")
		} else {
			out = outcome{err: &Panic{Source: source}}
		}
	}()
	e, err := event.Parse(payload)
	if err != nil {
		return source, outcome{err: err}
	}
	source = e.Source
	return source, h.answer(ctx, e)
}

func (h *Handler) answer(ctx context.Context, e *event.Event) outcome {
	accepted := slices.Contains(h.sources, e.Source.Class())
	switch {
	case e.HTTP() && accepted:
		return h.http(ctx, e)
	case e.HTTP():
		return refuse(e, http.StatusForbidden, "this function does not answer HTTP requests (EVENT_SOURCES)")
	case !accepted:
		return outcome{err: &SourceRefused{Source: e.Source}}
	default:
		return outcome{err: &SourceUnsupported{Source: e.Source}}
	}
}

// http serves an event as an HTTP request, under the deadline of the front door
// where that is before the function's own.
func (h *Handler) http(ctx context.Context, e *event.Event) outcome {
	if deadline, ok := e.Deadline(time.Now()); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline)
		defer cancel()
	}
	r, err := e.Request(ctx)
	if err != nil {
		return refuse(e, http.StatusBadRequest, err.Error())
	}
	var w recorder
	h.serve.ServeHTTP(&w, r)
	if r.Method == http.MethodHead {
		w.body = nil
	}
	reply, err := e.Reply(w.statusCode(), w.Header(), w.body)
	if tooLarge, ok := errors.AsType[*event.ReplyTooLarge](err); ok {
		return refuse(e, http.StatusRequestEntityTooLarge, tooLarge.Error())
	}
	return outcome{reply: reply, status: w.statusCode(), err: err}
}

// refuse answers an HTTP event with an error of this package's.
func refuse(e *event.Event, status int, message string) outcome {
	header := http.Header{"Content-Type": {"application/json"}}
	reply, err := e.Reply(status, header, codec.AppendError(nil, message))
	return outcome{reply: reply, status: status, err: err}
}

// logInvocation writes the line. It holds sizes and never bodies, headers or
// query strings, where secrets may be.
func (h *Handler) logInvocation(ctx context.Context, start time.Time, source event.Source, size int, out outcome) {
	attrs := []slog.Attr{
		slog.String("source", string(source)),
		slog.Float64("ms", float64(time.Since(start).Microseconds())/1000),
		slog.Int("bytesIn", size),
		slog.Int("bytesOut", len(out.reply)),
	}
	level := slog.LevelInfo
	if out.status != 0 {
		attrs = append(attrs, slog.Int("status", out.status))
	}
	if out.err != nil {
		level = slog.LevelError
		attrs = append(attrs, slog.String("error", out.err.Error()))
	}
	h.log.LogAttrs(ctx, level, "invocation", attrs...)
}
