package function

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/event"
	"github.com/tensorlambda/tensorlambda/internal/telemetry"
)

// ended is an invocation that is over, for the log, the metrics and the trace.
type ended struct {
	outcome
	source event.Source
	size   int // of the payload in bytes
	start  time.Time
	took   time.Duration // the whole of it
	call   *telemetry.Call
}

// stage is a part of an invocation: its name in the log and in the metrics. One that
// was not reached takes no time, and is nowhere.
type stage struct {
	attr, metric string
	took         time.Duration
}

func (e *ended) stages() [7]stage {
	c := e.call
	return [...]stage{
		{"waitMs", "ModelWait", c.Wait},
		{"decodeMs", "Decode", c.Decode}, {"runMs", "Run", c.Run}, {"encodeMs", "Encode", c.Encode},
		{"readMs", "BatchRead", c.Read}, {"scoreMs", "BatchScore", c.Score}, {"writeMs", "BatchWrite", c.Write},
	}
}

// failed says that it failed, and nobody else is to blame.
func (e *ended) failed() bool { return e.err != nil || e.status >= http.StatusInternalServerError }

// refused says that a client over HTTP is to blame.
func (e *ended) refused() bool {
	return e.status >= http.StatusBadRequest && e.status < http.StatusInternalServerError
}

// attrs is the fields of the log's line. They hold names of the model, sizes and times,
// and never bodies, headers or query strings, where secrets may be.
func (e *ended) attrs() []slog.Attr {
	attrs := make([]slog.Attr, 0, 16)
	attrs = append(attrs,
		slog.String("source", string(e.source)), slog.Float64("ms", ms(e.took)),
		slog.Int("bytesIn", e.size), slog.Int("bytesOut", e.reply.Len()))
	if e.call.Signature != "" {
		attrs = append(attrs, slog.String("signature", e.call.Signature))
	}
	for _, s := range e.stages() {
		if s.took > 0 {
			attrs = append(attrs, slog.Float64(s.attr, ms(s.took)))
		}
	}
	if e.status != 0 {
		attrs = append(attrs, slog.Int("status", e.status))
	}
	if e.tally != nil {
		attrs = append(attrs, e.tally.attrs()...)
	} else if e.call.Runs > 0 {
		attrs = append(attrs, slog.Int64("rows", e.call.Rows))
	}
	if e.err != nil {
		attrs = append(attrs, slog.String("error", e.err.Error()))
	}
	return attrs
}

func (e *ended) metrics() []telemetry.Metric {
	metrics := make([]telemetry.Metric, 0, 16)
	count := func(name string, n int64) {
		metrics = append(metrics, telemetry.Metric{Name: name, Unit: telemetry.Count, Value: float64(n)})
	}
	duration := func(name string, d time.Duration) {
		metrics = append(metrics, telemetry.Metric{Name: name, Unit: telemetry.Milliseconds, Value: ms(d)})
	}
	duration("Latency", e.took)
	count("Errors", one(e.failed()))
	if e.status != 0 {
		count("ClientErrors", one(e.refused()))
	}
	for _, s := range e.stages() {
		if s.took > 0 {
			duration(s.metric, s.took)
		}
	}
	switch t := e.tally; {
	case t != nil:
		count("Rows", t.rows)
		count("RowErrors", t.errors)
		count("WorkFailed", int64(t.failed))
	case e.call.Runs > 0:
		count("Rows", e.call.Rows)
	}
	if e.call.Runs > 0 {
		mean := float64(e.call.Rows) / float64(e.call.Runs)
		metrics = append(metrics, telemetry.Metric{Name: "BatchSize", Unit: telemetry.Count, Value: mean})
	}
	return metrics
}

// dimensions have few values each: a process has one model, and there are as many
// sources as package event knows.
func (e *ended) dimensions() []telemetry.Dimension {
	return []telemetry.Dimension{
		{Name: "model", Value: e.call.Model}, {Name: "version", Value: e.call.Version},
		{Name: "source", Value: string(e.source)},
	}
}

// writeMetrics writes the line of metrics, where somebody wants it. One that cannot be
// written costs nobody an answer.
func (h *Handler) writeMetrics(ctx context.Context, e *ended) {
	if h.metrics == nil {
		return
	}
	if err := telemetry.WriteEMF(h.metrics, h.namespace, time.Now(), e.dimensions(), e.metrics()); err != nil {
		h.log.LogAttrs(ctx, slog.LevelError, "metrics of the invocation", slog.String("error", err.Error()))
	}
}

// ms is a duration in milliseconds, to the microsecond.
func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func one(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}
