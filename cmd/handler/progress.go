package main

import (
	"io"
	"os"
	"sync"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows on a terminal how far the library is inflated, by far the
// largest part of a start. Elsewhere it shows nothing: the chart says it after.
type progress struct {
	w    io.Writer
	once sync.Once
	bar  *progressbar.ProgressBar
}

// newProgress is nil, which shows nothing, where w is no terminal.
func newProgress(w io.Writer) *progress {
	if f, ok := w.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return &progress{w: w}
}

// inflated counts bytes of the library's total. It is safe for concurrent use.
func (p *progress) inflated(bytes, total int64) {
	if p == nil {
		return
	}
	p.once.Do(func() {
		p.bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(p.w), progressbar.OptionShowBytes(true),
			progressbar.OptionSetDescription("inflating libtensorflow"), progressbar.OptionClearOnFinish())
	})
	p.bar.Add64(bytes) //nolint:errcheck // a bar that cannot be drawn is not drawn
}

// done takes the bar away.
func (p *progress) done() {
	if p != nil && p.bar != nil {
		p.bar.Clear()
	}
}
