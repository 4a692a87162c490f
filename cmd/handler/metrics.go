package main

import (
	"io"
	"strings"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/coldstart"
	"github.com/tensorlambda/tensorlambda/internal/telemetry"
)

// writeStartMetrics writes how long a start took, all of it and each stage, as metrics
// of the model.
func writeStartMetrics(w io.Writer, namespace string, report coldstart.Report) error {
	metrics := []telemetry.Metric{{Name: "ColdStart", Unit: telemetry.Milliseconds, Value: ms(report.End.Sub(report.Start))}}
	for _, s := range report.Stages {
		metrics = append(metrics, telemetry.Metric{Name: stageMetric(s.Name), Unit: telemetry.Milliseconds, Value: ms(s.End.Sub(s.Start))})
	}
	dimensions := []telemetry.Dimension{{Name: "model", Value: report.Model}, {Name: "version", Value: report.Version}}
	return telemetry.WriteEMF(w, namespace, report.End, dimensions, metrics)
}

// stageMetric is the name of a stage's metric: ColdStartWarmUp for "warm-up".
func stageMetric(stage string) string { return "ColdStart" + joined(stage) }

// joined is the words of a stage as one: WarmUp for "warm-up".
func joined(stage string) string {
	var name strings.Builder
	for _, word := range strings.FieldsFunc(stage, func(r rune) bool { return r == ' ' || r == '-' }) {
		name.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return name.String()
}

// ms is a duration in milliseconds, to the microsecond.
func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
