package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/batch"
)

// A block every second for half a minute: three lines and the last one, with rates
// that count from the model's arrival.
func TestElsewhereThanOnATerminalALineEveryTenSeconds(t *testing.T) {
	var log bytes.Buffer
	s := newScoring(&log, slog.New(slog.NewTextHandler(&log, nil)))
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	s.now = func() time.Time { return now }
	s.started()
	for i := range int64(34) {
		now = now.Add(time.Second)
		s.progress(batch.Progress{Rows: 100 * (i + 1), Errors: i, Read: 1000 * (i + 1), Size: 40_000})
	}
	s.done()
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	want := []string{
		"rows=1000 errors=9 rowsPerSecond=100 bytes=10000 of=40000 secondsLeft=30",
		"rows=2000 errors=19 rowsPerSecond=100 bytes=20000 of=40000 secondsLeft=20",
		"rows=3000 errors=29 rowsPerSecond=100 bytes=30000 of=40000 secondsLeft=10",
		"rows=3400 errors=33 rowsPerSecond=100 bytes=34000 of=40000 secondsLeft=6",
	}
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d:\n%s", len(lines), len(want), log.String())
	}
	for i := range want {
		if !strings.HasSuffix(lines[i], want[i]) {
			t.Errorf("line %d is %q, want %q", i, lines[i], want[i])
		}
	}
	if got, want := s.summary(batch.Report{Output: "s3://outbox/a", Rows: 3400, Errors: 33}), "s3://outbox/a: 3400 rows, 33 errors, 34.0 s, 100 rows/s"; got != want {
		t.Errorf("the summary is %q, want %q", got, want)
	}
}

// A terminal gets a bar, drawn a few times a second whatever the number of blocks.
func TestOnATerminalABar(t *testing.T) {
	var terminal bytes.Buffer
	s := &scoring{w: &terminal}
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	s.now = func() time.Time { return now }
	s.started()
	drawn := map[string]bool{}
	for i := range int64(1000) { // one second
		now = now.Add(time.Millisecond)
		s.progress(batch.Progress{Rows: i + 1, Errors: 2, Read: 1 << 10 * (i + 1), Size: 4000 << 10})
		drawn[terminal.String()] = true
	}
	for _, part := range []string{"1000 rows, 2 errors, 1000 rows/s, 3s left", "MB"} {
		if !strings.Contains(terminal.String(), part) {
			t.Errorf("the terminal got %q, want %q in it", terminal.String(), part)
		}
	}
	if n := len(drawn) - 1; n != 5 { // it was empty first
		t.Errorf("drawn %d times in a second, want 5", n)
	}
}

func TestAnOutputThatIsThereIsSaidToBe(t *testing.T) {
	s := newScoring(new(bytes.Buffer), slog.New(slog.DiscardHandler))
	for skipped, want := range map[string]string{batch.Done: "already done; --force", batch.Superseded: "newer version of the input; --force"} {
		if got := s.summary(batch.Report{Output: "s3://outbox/a", Skipped: skipped}); !strings.Contains(got, want) || !strings.HasPrefix(got, "s3://outbox/a: ") {
			t.Errorf("%s: the summary is %q, want %q in it", skipped, got, want)
		}
	}
}
