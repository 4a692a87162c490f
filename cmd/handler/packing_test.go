package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// A request every second for 25 seconds: a line for the tenth and for the twentieth.
func TestPackingTellsOfStagesThatEnded(t *testing.T) {
	var log bytes.Buffer
	p := newPacking(&log, slog.New(slog.NewTextHandler(&log, nil)))
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	p.now = func() time.Time { return now }
	p.start("folding")
	now = now.Add(1500 * time.Millisecond)
	p.end()
	p.start("comparing")
	for i := range 25 {
		now = now.Add(time.Second)
		p.asked(i+1, 30)
	}
	p.end()
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	want := []string{
		"stage=folding ms=1500", "stage=comparing requests=10 of=30", "stage=comparing requests=20 of=30", "stage=comparing ms=25000",
	}
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d:\n%s", len(lines), len(want), log.String())
	}
	for i := range want {
		if !strings.HasSuffix(lines[i], want[i]) {
			t.Errorf("line %d is %q, want %q", i, lines[i], want[i])
		}
	}
}
