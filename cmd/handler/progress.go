package main

import (
	"io"
	"log/slog"
	"os"
	"sync"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/tensorlambda/tensorlambda/internal/coldstart"
)

// progress shows how far a start is: a bar on a terminal, a line for each stage
// that has ended elsewhere. The nil progress shows nothing. It is safe for
// concurrent use.
type progress struct {
	log *slog.Logger // nil on a terminal

	mu    sync.Mutex
	w     io.Writer
	bar   *progressbar.ProgressBar
	total int64 // of everything announced so far
	model int64 // bytes of the model that the bar knows of
	parts map[string]bool
}

func newProgress(w io.Writer, log *slog.Logger) *progress {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return &progress{w: w, parts: make(map[string]bool)}
	}
	return &progress{log: log}
}

// inflated counts bytes of the library, of which there are total.
func (p *progress) inflated(bytes, total int64) {
	if p == nil || p.log != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.advance("library", bytes, total)
}

// fetched says how many bytes of the model have arrived, of which there are
// total.
func (p *progress) fetched(done, total int64) {
	if p == nil || p.log != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.advance("model", done-p.model, total)
	p.model = done
}

// advance moves the one bar for all parts, whose sizes become known one by one.
func (p *progress) advance(part string, bytes, total int64) {
	if p.bar == nil {
		p.bar = progressbar.NewOptions64(1, progressbar.OptionSetWriter(p.w), progressbar.OptionShowBytes(true),
			progressbar.OptionSetDescription("starting"), progressbar.OptionClearOnFinish())
	}
	if !p.parts[part] {
		p.parts[part] = true
		p.total += total
		p.bar.ChangeMax64(p.total)
	}
	_ = p.bar.Add64(bytes) // a bar that cannot be drawn is not drawn
}

// stage tells of a stage that has ended.
func (p *progress) stage(s coldstart.Stage) {
	if p == nil || p.log == nil {
		return
	}
	about := []any{"stage", s.Name, "ms", s.End.Sub(s.Start).Milliseconds()}
	if s.Bytes > 0 {
		about = append(about, "bytes", s.Bytes)
	}
	p.log.Info("start", about...)
}

// done takes the bar away, once.
func (p *progress) done() {
	if p == nil || p.log != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear() // see advance
		p.bar = nil
	}
}
