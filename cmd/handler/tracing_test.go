package main

import (
	"testing"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/coldstart"
)

// An environment that Lambda started ahead of traffic has waited, for hours perhaps.
func TestAStartOfLongAgoDoesNotStretchTheTrace(t *testing.T) {
	start := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	report := coldstart.Report{
		Start: start, End: start.Add(500 * time.Millisecond), Model: "digits",
		Stages: []coldstart.Stage{{Name: "warm-up", Start: start, End: start.Add(20 * time.Millisecond)}},
	}
	for _, tt := range []struct {
		idle  time.Duration
		begin time.Time
		parts int
	}{
		{time.Second, start, 1},
		{-100 * time.Millisecond, start, 1}, // the invocation waited for the model
		{time.Hour, report.End.Add(time.Hour), 0},
	} {
		s := startSpan(report, report.End.Add(tt.idle))
		if !s.Start.Equal(tt.begin) || len(s.Parts) != tt.parts || s.Notes["warmUpMs"] != 20.0 || s.Notes["coldStartMs"] != 500.0 {
			t.Errorf("idle for %v: %+v", tt.idle, s)
		}
	}
}
