package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// packStages is how many stages a packing has, for the bar.
const packStages = 4

// packing shows how far a packing is: a bar on a terminal; elsewhere a line for each
// stage that has ended, and one every ten seconds of comparing. It is for one
// goroutine.
type packing struct {
	log *slog.Logger // nil on a terminal
	w   io.Writer
	now func() time.Time

	bar   *progressbar.ProgressBar
	ended int
	stage string
	begin time.Time // of the stage
	shown time.Time
}

func newPacking(w io.Writer, log *slog.Logger) *packing {
	p := &packing{log: log, w: w, now: time.Now}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.log = nil
	}
	return p
}

// start begins a stage.
func (p *packing) start(stage string) {
	p.stage, p.begin = stage, p.now()
	p.shown = p.begin
	p.draw(stage)
}

// asked is told of every request that models were compared by.
func (p *packing) asked(done, total int) {
	now, every := p.now(), drawEvery
	if p.log != nil {
		every = logEvery
	}
	if now.Sub(p.shown) < every {
		return
	}
	p.shown = now
	if p.log == nil {
		p.draw(fmt.Sprintf("%s: %d of %d requests", p.stage, done, total))
		return
	}
	p.log.Info("packing", "stage", p.stage, "requests", done, "of", total)
}

func (p *packing) draw(text string) {
	if p.log != nil {
		return
	}
	if p.bar == nil {
		p.bar = progressbar.NewOptions(packStages, progressbar.OptionSetWriter(p.w),
			progressbar.OptionSetPredictTime(false), progressbar.OptionClearOnFinish())
	}
	p.bar.Describe(text)
	_ = p.bar.Set(p.ended) // a bar that cannot be drawn is not drawn
}

// end ends a stage, and takes the bar away until the next one.
func (p *packing) end() {
	if p.log != nil {
		p.log.Info("packing", "stage", p.stage, "ms", p.now().Sub(p.begin).Milliseconds())
		return
	}
	p.ended++
	p.clear()
}

// clear takes the bar away.
func (p *packing) clear() {
	if p.bar != nil {
		_ = p.bar.Clear() // see draw
		p.bar = nil
	}
}
