package function_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/tensorlambda/tensorlambda/internal/event"
	"github.com/tensorlambda/tensorlambda/internal/function"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// model stands in for the server, to answer what a test says and to see what is
// asked.
type model struct {
	reply string
	err   error

	call, body string
	deadline   bool
}

func (m *model) answer(ctx context.Context, call string, body []byte) ([]byte, error) {
	m.call, m.body = call, string(body)
	_, m.deadline = ctx.Deadline()
	return []byte(m.reply), m.err
}

func (m *model) Predict(ctx context.Context, body []byte) ([]byte, error) {
	return m.answer(ctx, "predict", body)
}

func (m *model) Examples(ctx context.Context, body []byte) ([]byte, error) {
	return m.answer(ctx, "examples", body)
}

func (m *model) Infer(ctx context.Context, body []byte) ([]byte, error) {
	return m.answer(ctx, "infer", body)
}

// directly handles direct invocations and writes its log to log, if that is not
// nil.
func directly(m function.Direct, log io.Writer, sources ...event.Class) *function.Handler {
	opts := function.Options{Serve: http.NotFoundHandler(), Direct: m, Sources: sources, Logger: slog.New(slog.DiscardHandler)}
	if log != nil {
		opts.Logger = slog.New(slog.NewJSONHandler(log, nil))
	}
	return function.New(opts)
}

func TestADirectInvocationIsTheBodyOfItsCall(t *testing.T) {
	for _, tt := range []struct{ payload, call string }{
		{`{"instances":[1]}`, "predict"},
		{`{"inputs":{"x":[1]}}`, "predict"},
		{`{"examples":[{"x":1}]}`, "examples"},
		{`{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1]}]}`, "infer"},
	} {
		t.Run(tt.payload, func(t *testing.T) {
			m := &model{reply: `{"answer":1}`}
			got, err := directly(m, nil).Invoke(t.Context(), []byte(tt.payload))
			if err != nil || string(got) != m.reply {
				t.Errorf("reply %s (%v), want %s", got, err, m.reply)
			}
			if m.call != tt.call || m.body != tt.payload || m.deadline {
				t.Errorf("asked %s with %s (deadline: %t), want %s with the payload and no deadline but the function's", m.call, m.body, m.deadline, tt.call)
			}
		})
	}
}

func TestAFailedDirectInvocationNamesTheKind(t *testing.T) {
	const internal = "internal error: the reason is in the log of the function"
	for _, tt := range []struct {
		err                error
		kind, message, log string
	}{
		{infer.Errorf(infer.ErrInvalidArgument, "no input %q", "what was sent"), "InvalidArgument", `no input "what was sent"`, "InvalidArgument"},
		{infer.Errorf(infer.ErrTooLarge, "the body is too large"), "TooLarge", "the body is too large", "TooLarge"},
		{infer.Errorf(infer.ErrNotFound, "no such signature"), "NotFound", "no such signature", "NotFound"},
		{infer.Errorf(infer.ErrFailedPrecondition, "not for this model"), "FailedPrecondition", "not for this model", "FailedPrecondition"},
		{infer.Errorf(infer.ErrUnimplemented, "no complex numbers"), "Unimplemented", "no complex numbers", "Unimplemented"},
		{infer.Errorf(infer.ErrResourceExhausted, "out of memory"), "ResourceExhausted", "out of memory", "ResourceExhausted"},
		{infer.Errorf(infer.ErrUnavailable, "no model yet"), "Unavailable", "no model yet", "Unavailable"},
		{infer.Errorf(infer.ErrDeadlineExceeded, "out of time"), "DeadlineExceeded", "out of time", "DeadlineExceeded"},
		{infer.Errorf(context.DeadlineExceeded, "out of time"), "DeadlineExceeded", "out of time", "DeadlineExceeded"},
		{infer.Errorf(context.Canceled, "given up"), "Canceled", "given up", "Canceled"},
		{infer.Errorf(infer.ErrInternal, "see the log"), "Internal", "see the log", "Internal"},
		{fmt.Errorf("run: %w", infer.Errorf(infer.ErrInvalidArgument, "wrong shape")), "InvalidArgument", "wrong shape", "InvalidArgument"},
		{fmt.Errorf("get s3://secret/key: %w", infer.ErrNotFound), "NotFound", internal, "get s3://secret/key: not found"},
		{errors.New("open /secret: no such file"), "Internal", internal, "open /secret: no such file"},
	} {
		t.Run(tt.err.Error(), func(t *testing.T) {
			var log bytes.Buffer
			_, err := directly(&model{err: tt.err}, &log).Invoke(t.Context(), []byte(`{"instances":[1]}`))
			got, ok := err.(messages.InvokeResponse_Error) //nolint:errorlint // aws-lambda-go looks at the outermost error
			if !ok || got.Type != tt.kind || got.Message != tt.message || got.ShouldExit {
				t.Errorf("error %#v, want %s: %s", err, tt.kind, tt.message)
			}
			var line struct{ Level, Source, Error string }
			if err := json.Unmarshal(log.Bytes(), &line); err != nil || line.Level != "ERROR" || line.Source != "direct" || line.Error != tt.log {
				t.Errorf("log %s, want the error %q", log.String(), tt.log)
			}
		})
	}
}

func TestADirectReplyOverLambdasLimitIsTooLarge(t *testing.T) {
	_, err := directly(&model{reply: strings.Repeat("1", 6291557)}, nil).Invoke(t.Context(), []byte(`{"instances":[1]}`))
	got, ok := errors.AsType[messages.InvokeResponse_Error](err)
	if !ok || got.Type != "TooLarge" || !strings.Contains(got.Message, "6291556") || !strings.Contains(got.Message, "fewer rows") {
		t.Errorf("error %v, want TooLarge", err)
	}
}

type panicking struct{ *model }

func (panicking) Predict(context.Context, []byte) ([]byte, error) { panic("secret") }

func TestAPanicInADirectInvocationIsAnError(t *testing.T) {
	_, err := directly(panicking{}, nil).Invoke(t.Context(), []byte(`{"instances":[1]}`))
	if _, ok := err.(*function.Panic); !ok || strings.Contains(err.Error(), "secret") { //nolint:errorlint // aws-lambda-go looks at the outermost error
		t.Errorf("error %v, want a Panic", err)
	}
}
