// Package function handles one Lambda invocation: it recognises the event, has
// it served, answers in the dialect of the sender, and tells of it: a line in the log, one
// in the metrics, a span in the trace.
package function

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/tensorlambda/tensorlambda/internal/event"
	"github.com/tensorlambda/tensorlambda/internal/telemetry"
)

// Direct answers the requests of direct invocations, each by its body as the
// protocol has it over HTTP. An error that is an *infer.Error is told to the
// caller; of any other only the kind is. The replies are JSON, but for the bare NaN and
// Infinity that TensorFlow Serving writes.
type Direct interface {
	// Predict is TensorFlow Serving's :predict.
	Predict(ctx context.Context, body []byte) ([]byte, error)
	// Examples is TensorFlow Serving's :classify or :regress.
	Examples(ctx context.Context, body []byte) ([]byte, error)
	// Infer is the Open Inference Protocol's infer.
	Infer(ctx context.Context, body []byte) ([]byte, error)
}

// Options configures New.
type Options struct {
	// Serve answers what comes over HTTP. Required.
	Serve http.Handler
	// Direct answers direct invocations; nil means that they are not served.
	Direct Direct
	// Batch does the batch work of all other sources; nil means that they are not
	// served.
	Batch Batch
	// Sources is the classes of sources that are accepted; nil means all.
	Sources []event.Class
	// Logger gets one line for each invocation; nil means slog.Default(). A
	// handler of lambdacontext adds the request id, which is in the context.
	Logger *slog.Logger
	// Metrics gets a line of CloudWatch's embedded metric format for each invocation, by
	// one Write before its reply is given back, from several goroutines at once where
	// there are several invocations; nil means none.
	Metrics io.Writer
	// Namespace is CloudWatch's namespace of the metrics.
	Namespace string
	// Trace is told of each invocation once it is over, before its reply is given back, by
	// several goroutines at once where there are several. It calls its argument for the
	// span where it wants that, which most are not. nil means that nobody does.
	Trace func(context.Context, func() telemetry.Span)
}

// Handler handles invocations, any number of them at once. It has two faces for
// aws-lambda-go: as a lambda.Handler it answers whole replies, and its method
// Stream answers streamed ones.
type Handler struct {
	serve     http.Handler
	direct    Direct
	batch     Batch
	sources   []event.Class
	log       *slog.Logger
	metrics   io.Writer
	namespace string
	trace     func(context.Context, func() telemetry.Span)
}

var _ lambda.Handler = (*Handler)(nil)

// New makes a Handler.
func New(opts Options) *Handler {
	h := &Handler{
		serve: opts.Serve, direct: opts.Direct, batch: opts.Batch, sources: opts.Sources,
		log: opts.Logger, metrics: opts.Metrics, namespace: opts.Namespace, trace: opts.Trace,
	}
	if h.sources == nil {
		h.sources = event.Classes()
	}
	if h.log == nil {
		h.log = slog.Default()
	}
	return h
}

// Invoke handles one invocation and answers it by a whole reply. It takes and
// returns raw bytes, for which aws-lambda-go needs neither reflection nor a
// second pass over the JSON.
//
// An invocation that came over HTTP always has a reply and no error. A direct
// one and batch work fail with a messages.InvokeResponse_Error, whose type is the
// name of the kind of failure. Sources that take failures one by one (SQS, S3 Batch
// Operations) get them in the reply, and an error only where there is no model or
// the event is malformed. Other errors are *event.UnknownPayload, *SourceRefused,
// *SourceUnsupported and *Panic; their names are the errorType of the invocation.
// The payload is not kept.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	reply, err := h.invoke(ctx, payload, false)
	if err != nil {
		return nil, err
	}
	return reply.whole(), nil
}

// Stream is Invoke for a function whose replies are streamed: those over HTTP to
// sources that take them, so that they may have 200 MB, are; all others are the
// replies that Invoke gives. It is what lambda.Start takes.
//
// The JSON of the payload is read by aws-lambda-go for this, which has no way to
// stream without: that costs two copies and two passes, 15 ms of a processor for
// an image as JSON (1.2 MB), and nothing to speak of for small events.
func (h *Handler) Stream(ctx context.Context, payload json.RawMessage) (*Reply, error) {
	return h.invoke(ctx, payload, true)
}

// outcome is what becomes of an invocation.
type outcome struct {
	reply  *Reply
	status int    // of HTTP, 0 for other sources
	tally  *tally // of batch work, nil for other sources
	err    error
}

func (h *Handler) invoke(ctx context.Context, payload []byte, stream bool) (*Reply, error) {
	start := time.Now()
	call := new(telemetry.Call)
	source, out := h.handle(telemetry.WithCall(ctx, call), payload, stream)
	e := &ended{outcome: out, source: source, size: len(payload), start: start, took: time.Since(start), call: call}
	h.logInvocation(ctx, e)
	h.writeMetrics(ctx, e)
	if h.trace != nil {
		h.trace(ctx, e.span)
	}
	if failed, ok := errors.AsType[*failure](out.err); ok {
		return nil, failed.response()
	}
	return out.reply, out.err
}

// unknown stands for the source of a payload that was not recognised.
const unknown event.Source = "unknown"

// handle does not let a panic through, whatever the payload: it would cost the
// process, and with it the loaded model.
func (h *Handler) handle(ctx context.Context, payload []byte, stream bool) (source event.Source, out outcome) {
	source = unknown
	var e *event.Event
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		h.logPanic(ctx, cause)
		if e != nil && e.HTTP() {
			out = exchange{e, stream}.refuse(http.StatusInternalServerError, internalError)
		} else {
			out = outcome{err: &Panic{Source: source}}
		}
	}()
	e, err := event.Parse(payload)
	if err != nil {
		return source, outcome{err: err}
	}
	source = e.Source
	accepted := slices.Contains(h.sources, source.Class())
	switch {
	case e.HTTP():
		return source, h.http(ctx, exchange{e, stream}, accepted)
	case !accepted:
		return source, outcome{err: &SourceRefused{Source: source}}
	case source == event.Direct && h.direct != nil:
		return source, h.call(ctx, e, payload)
	case source != event.Direct && h.batch != nil:
		return source, h.work(ctx, e)
	default:
		return source, outcome{err: &SourceUnsupported{Source: source}}
	}
}

// logPanic is for a function that recovers, whose stack is that of the panic.
func (h *Handler) logPanic(ctx context.Context, cause any) {
	h.log.LogAttrs(ctx, slog.LevelError, "panic", slog.Any("cause", cause), slog.String("stack", string(debug.Stack())))
}

// call answers a direct invocation. Its deadline is the function's own, which is
// that of ctx.
func (h *Handler) call(ctx context.Context, e *event.Event, body []byte) outcome {
	do := h.direct.Predict
	switch e.Call() {
	case event.Examples:
		do = h.direct.Examples
	case event.Infer:
		do = h.direct.Infer
	}
	reply, err := do(ctx, body)
	if err == nil {
		err = e.Fits(len(reply))
	}
	if err != nil {
		return outcome{err: newFailure(err)}
	}
	return outcome{reply: newReply(jsonType, reply)}
}

// logInvocation writes the line of the log.
func (h *Handler) logInvocation(ctx context.Context, e *ended) {
	level := slog.LevelInfo
	if e.err != nil {
		level = slog.LevelError
	}
	h.log.LogAttrs(ctx, level, "invocation", e.attrs()...)
}
