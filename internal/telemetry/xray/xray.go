// Package xray sends spans to AWS X-Ray, through its SDK. Nothing else knows the SDK, so
// that another tracer can take its place: its support ends in February 2027.
package xray

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-xray-sdk-go/v2/header"
	"github.com/aws/aws-xray-sdk-go/v2/instrumentation/awsv2"
	"github.com/aws/aws-xray-sdk-go/v2/strategy/exception"
	"github.com/aws/aws-xray-sdk-go/v2/xray"
	"github.com/aws/aws-xray-sdk-go/v2/xraylog"
	"github.com/aws/smithy-go/middleware"

	"github.com/tensorlambda/tensorlambda/internal/telemetry"
	"github.com/tensorlambda/tensorlambda/internal/telemetry/xray/daemon"
)

// Tracer sends spans to X-Ray's daemon. A nil one does nothing. It may be used by several
// goroutines. There should be one in a process: the SDK has one emitter.
type Tracer struct {
	emitter *xray.DefaultEmitter
	log     *slog.Logger
}

// New makes a Tracer for the daemon of AWS_XRAY_DAEMON_ADDRESS. It is nil where there is no
// daemon, or AWS_XRAY_SDK_DISABLED is true. The daemon is neither waited for nor asked
// whether it is there: spans are datagrams. log is told once what is wrong with the
// address, and once when spans cannot be sent.
func New(log *slog.Logger) *Tracer {
	address, err := daemon.Address()
	if err != nil {
		log.Warn("tracing is off", "error", err)
	}
	if address == "" || xray.SdkDisabled() {
		return nil
	}
	xray.SetLogger(&firstError{log: log}) // the SDK's own writes plain text to standard output
	emitter, err := xray.NewDefaultEmitter(nil)
	if err == nil {
		err = xray.Configure(xray.Config{Emitter: emitter}) // which reads the address
	}
	if err != nil {
		log.Warn("tracing is off", "error", err)
		return nil
	}
	return &Tracer{emitter, log}
}

// Instrument is the middleware that makes a segment of each call of an AWS client, where
// the call's context is that of an invocation that is traced. It is for the clients'
// APIOptions.
func (t *Tracer) Instrument() []func(*middleware.Stack) error {
	if t == nil {
		return nil
	}
	var options []func(*middleware.Stack) error
	awsv2.AWSV2Instrumentor(&options)
	return options
}

// Trace sends a span as a subsegment of the invocation's segment, which Lambda writes,
// where the invocation is sampled; else it does not ask for it. Nothing that goes wrong
// here reaches the caller. The span is one datagram: of more than 64 kB it is lost.
//
// The SDK's own way, to begin a segment and end it around what is measured, would be in
// the way of each request, and replaces a panic by its own where there is no segment. This
// one begins once the answer is there.
func (t *Tracer) Trace(ctx context.Context, span func() telemetry.Span) {
	if t == nil {
		return
	}
	trace := traceOf(ctx)
	if trace == nil {
		return
	}
	defer func() {
		if cause := recover(); cause != nil {
			t.log.Error("panic in X-Ray's SDK", "cause", cause)
		}
	}()
	s, err := segment(span())
	if err != nil {
		t.log.Error("trace of the invocation", "error", err)
		return
	}
	s.TraceID, s.ParentID, s.Type = trace.TraceID, trace.ParentID, "subsegment"
	s.ParentSegment, s.Sampled = s, true
	t.emitter.Emit(s)
}

// traceOf is the trace of an invocation, nil where it has none or is not sampled.
func traceOf(ctx context.Context) *header.Header {
	text, _ := ctx.Value(xray.LambdaTraceHeaderKey).(string)
	if !strings.Contains(text, string(header.Sampled)) { // before any work: most are not
		return nil
	}
	h := header.FromString(text)
	if h.SamplingDecision != header.Sampled || h.TraceID == "" || h.ParentID == "" {
		return nil
	}
	return h
}

// segment is a span in X-Ray's form
// (https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html).
func segment(span telemetry.Span) (*xray.Segment, error) {
	s := &xray.Segment{
		ID: xray.NewSegmentID(), Name: span.Name, StartTime: seconds(span.Start), EndTime: seconds(span.End),
		Fault: span.Failed, Error: span.Refused,
	}
	if len(span.Notes) > 0 {
		s.Annotations = make(map[string]any, len(span.Notes))
		for name, value := range span.Notes {
			s.Annotations[annotation(name)] = value
		}
	}
	if span.Err != nil {
		s.Cause = &xray.CauseData{Exceptions: []exception.Exception{{
			ID: xray.NewSegmentID(), Type: "error", Message: span.Err.Error(),
		}}}
	}
	for _, part := range span.Parts {
		p, err := segment(part)
		if err != nil {
			return nil, err
		}
		text, err := json.Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("span %s: %w", part.Name, err)
		}
		s.Subsegments = append(s.Subsegments, text)
	}
	return s, nil
}

// seconds is X-Ray's form of a time.
func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// annotation is a name as X-Ray takes them: of letters, digits and underscores.
func annotation(name string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' {
			return r
		}
		return '_'
	}, name)
}

// firstError is the SDK's log: the first error of a process. Without a daemon there is one
// for each segment, and the others say the same.
type firstError struct {
	log  *slog.Logger
	once sync.Once
}

// Log is xraylog.Logger's.
func (l *firstError) Log(level xraylog.LogLevel, message fmt.Stringer) {
	if level < xraylog.LogLevelError {
		return
	}
	l.once.Do(func() {
		l.log.Warn("X-Ray: what cannot be sent is lost, and this is not said again", "error", message.String())
	})
}

var _ xraylog.Logger = (*firstError)(nil)
