package main

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/coldstart"
	"github.com/tensorlambda/tensorlambda/internal/telemetry"
	"github.com/tensorlambda/tensorlambda/internal/telemetry/xray"
)

// tracing sends the spans of invocations, and with the first one that of the cold start:
// while that goes on there is no invocation, and nobody whose trace it would be in.
type tracing struct {
	xray  *xray.Tracer
	start atomic.Pointer[coldstart.Report]
}

// trace is what function.Options has a Trace for.
func (t *tracing) trace(ctx context.Context, invocation func() telemetry.Span) {
	if report := t.start.Swap(nil); report != nil {
		t.xray.Trace(ctx, func() telemetry.Span { return startSpan(*report, invocation().Start) })
	}
	t.xray.Trace(ctx, invocation)
}

// longestIdle is how long before an invocation a start may have ended and still be drawn
// beside it. Environments that Lambda starts ahead of traffic wait for hours, and a trace
// that began with their start would show nothing but that.
const longestIdle = time.Minute

// startSpan is a cold start for the trace of an invocation: its stages as notes, and where
// it was just now as parts.
func startSpan(report coldstart.Report, invoked time.Time) telemetry.Span {
	s := telemetry.Span{Name: "cold start", Start: report.Start, End: report.End, Notes: map[string]any{
		"coldStart": true, "coldStartMs": ms(report.End.Sub(report.Start)),
		"libraryFrom": report.LibraryFrom, "modelFrom": report.ModelFrom,
		"model": report.Model, "version": report.Version,
	}}
	recent := invoked.Sub(report.End) < longestIdle
	for _, stage := range report.Stages {
		s.Notes[stageNote(stage.Name)] = ms(stage.End.Sub(stage.Start))
		if recent {
			s.Parts = append(s.Parts, telemetry.Span{Name: stage.Name, Start: stage.Start, End: stage.End})
		}
	}
	if !recent {
		s.Start, s.End = invoked, invoked
	}
	return s
}

// stageNote is the name of a stage's time among the notes: warmUpMs for "warm-up".
func stageNote(stage string) string {
	name := joined(stage)
	return strings.ToLower(name[:1]) + name[1:] + "Ms"
}
