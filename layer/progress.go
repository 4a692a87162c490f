package main

import (
	"fmt"
	"io"
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress tells a person what is going on: a bar a step on a terminal, one
// line a step elsewhere.
type progress struct {
	w        io.Writer
	terminal bool
	bar      bool // the cursor is behind a bar that is not full
}

func newProgress(w io.Writer) *progress {
	f, ok := w.(*os.File)
	return &progress{w: w, terminal: ok && term.IsTerminal(int(f.Fd()))}
}

// say prints one line.
func (p *progress) say(format string, args ...any) {
	if p.bar {
		p.endBar()
	}
	fmt.Fprintf(p.w, format+"\n", args...)
}

// step begins a step over the given number of bytes. The returned function is
// told of bytes that are done; it is safe for concurrent use.
func (p *progress) step(total int64, format string, args ...any) func(bytes int64) {
	name := fmt.Sprintf(format, args...)
	if !p.terminal {
		p.say("%s (%s)", name, megabytes(total))
		return func(int64) {}
	}
	p.bar = true
	bar := progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(p.w),
		progressbar.OptionSetDescription(name),
		progressbar.OptionShowBytes(true),
		progressbar.OptionFullWidth(),
		progressbar.OptionOnCompletion(p.endBar),
	)
	return func(bytes int64) { _ = bar.Add64(bytes) } // a terminal that is gone is no reason to stop
}

func (p *progress) endBar() {
	p.bar = false
	fmt.Fprintln(p.w)
}

// megabytes writes a size with the megabyte of 10^6 bytes, in which AWS's limits
// are reached.
func megabytes(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }
