package test

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"
	"testing"
)

// journal keeps what a process writes. It may be read while the process writes.
type journal struct {
	mu      sync.Mutex
	text    []byte
	changed chan struct{} // closed, and made anew, at each Write
}

func newJournal() *journal { return &journal{changed: make(chan struct{})} }

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.text = append(j.text, p...)
	close(j.changed)
	j.changed = make(chan struct{})
	return len(p), nil
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return string(j.text)
}

// await waits until found is true of the text; it is false when ctx ended first.
func (j *journal) await(ctx context.Context, found func(text string) bool) bool {
	for {
		j.mu.Lock()
		text, changed := string(j.text), j.changed
		j.mu.Unlock()
		if found(text) {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// logLine is a line of the function's log, as far as tests look at it.
type logLine struct {
	Level     string      `json:"level"`
	Message   string      `json:"message"`
	RequestID string      `json:"requestId"`
	Source    string      `json:"source"`
	Status    int         `json:"status"`
	Report    *coldReport `json:"report"`

	fields map[string]any
}

// coldReport is the shape that the documentation promises for a cold start.
type coldReport struct {
	TensorFlow  string
	Model       string
	TotalMs     float64
	LibraryFrom string
	ModelFrom   string
	Warnings    []string
	Stages      []coldStage
}

type coldStage struct {
	Name           string
	StartMs, EndMs float64
	Bytes          int64
	Overlaps       []string
}

func (r *coldReport) stage(name string) (coldStage, bool) {
	for _, s := range r.Stages {
		if s.Name == name {
			return s, true
		}
	}
	return coldStage{}, false
}

// lines parses the log, each line of which must be JSON.
func (j *journal) lines(t *testing.T) (lines []logLine) {
	t.Helper()
	for line := range bytes.Lines([]byte(j.String())) {
		var l logLine
		if err := json.Unmarshal(line, &l); err != nil {
			t.Errorf("log line %q: %v", line, err)
			continue
		}
		if err := json.Unmarshal(line, &l.fields); err != nil {
			t.Errorf("log line %q: %v", line, err)
		}
		lines = append(lines, l)
	}
	return lines
}

// withMessage are the lines with a message.
func withMessage(lines []logLine, message string) (some []logLine) {
	for _, l := range lines {
		if l.Message == message {
			some = append(some, l)
		}
	}
	return some
}
