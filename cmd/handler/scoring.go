package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/tensorlambda/tensorlambda/internal/batch"
)

// How often progress is shown. Blocks come a hundred times a second, and drawing
// would take its part of the processors.
const (
	drawEvery = 200 * time.Millisecond
	logEvery  = 10 * time.Second
)

// scoring shows how far a scoring is: a bar on a terminal, a line in the log
// elsewhere. It is for one goroutine.
type scoring struct {
	w   io.Writer
	log *slog.Logger // nil on a terminal
	now func() time.Time

	bar          *progressbar.ProgressBar
	begin, shown time.Time
	latest       batch.Progress
}

func newScoring(w io.Writer, log *slog.Logger) *scoring {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		log = nil
	}
	return &scoring{w: w, log: log, now: time.Now}
}

// started is told when the model is there: rates count from then on.
func (s *scoring) started() {
	s.begin = s.now()
	s.shown = s.begin
}

// progress is told of every block.
func (s *scoring) progress(p batch.Progress) {
	now := s.now()
	s.latest = p
	every := drawEvery
	if s.log != nil {
		every = logEvery
	}
	if now.Sub(s.shown) >= every {
		s.shown = now
		s.show(now)
	}
}

func (s *scoring) show(now time.Time) {
	if s.log != nil {
		s.log.Info("scoring", "rows", s.latest.Rows, "errors", s.latest.Errors, "rowsPerSecond", int64(s.rate(now)),
			"bytes", s.latest.Read, "of", s.latest.Size, "secondsLeft", int64(s.left(now).Seconds()))
		return
	}
	if s.bar == nil {
		s.bar = progressbar.NewOptions64(s.latest.Size, progressbar.OptionSetWriter(s.w), progressbar.OptionShowBytes(true), progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(false), progressbar.OptionClearOnFinish())
	}
	s.bar.Describe(fmt.Sprintf("%d rows, %d errors, %.0f rows/s, %s left", s.latest.Rows, s.latest.Errors, s.rate(now), s.left(now).Round(time.Second)))
	_ = s.bar.Set64(s.latest.Read) // a bar that cannot be drawn is not drawn
}

// rate is in rows a second.
func (s *scoring) rate(now time.Time) float64 {
	return float64(s.latest.Rows) / max(now.Sub(s.begin), time.Microsecond).Seconds()
}

// left is about how much longer it takes.
func (s *scoring) left(now time.Time) time.Duration {
	if s.latest.Read == 0 {
		return 0
	}
	return time.Duration(float64(now.Sub(s.begin)) * float64(s.latest.Size-s.latest.Read) / float64(s.latest.Read))
}

// done takes the bar away. The log gets a last line.
func (s *scoring) done() {
	switch {
	case s.log != nil && s.latest.Rows > 0:
		s.show(s.now())
	case s.bar != nil:
		_ = s.bar.Clear() // see show
	}
}

// summary is what a call of score did, in one line.
func (s *scoring) summary(r batch.Report) string {
	switch r.Skipped {
	case batch.Done:
		return fmt.Sprintf("%s: already done; --force scores again", r.Output)
	case batch.Superseded:
		return fmt.Sprintf("%s: holds the answers to a newer version of the input; --force scores again", r.Output)
	}
	took := max(s.now().Sub(s.begin), time.Microsecond).Seconds()
	return fmt.Sprintf("%s: %d rows, %d errors, %.1f s, %.0f rows/s", r.Output, r.Rows, r.Errors, took, float64(r.Rows)/took)
}
