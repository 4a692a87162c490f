package test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"
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

// metricLine is a line of the embedded metric format, as CloudWatch takes it apart.
type metricLine struct {
	namespace  string
	dimensions map[string]string
	values     map[string]float64
	units      map[string]string
}

// metrics parses the lines that CloudWatch makes metrics of. One that it would drop is a
// fault: it wants a time stamp in milliseconds, and each dimension and metric that is
// named as a member of its own, the former as text and the latter as a number.
func (j *journal) metrics(t *testing.T) (lines []metricLine) {
	t.Helper()
	for text := range bytes.Lines([]byte(j.String())) {
		if !bytes.Contains(text, []byte(`"_aws"`)) {
			continue
		}
		var members map[string]any
		var head struct {
			AWS struct {
				Timestamp         int64
				CloudWatchMetrics []struct {
					Namespace  string
					Dimensions [][]string
					Metrics    []struct{ Name, Unit string }
				}
			} `json:"_aws"`
		}
		if err := errors.Join(json.Unmarshal(text, &members), json.Unmarshal(text, &head)); err != nil {
			t.Fatalf("metrics %q: %v", text, err)
		}
		if age := time.Since(time.UnixMilli(head.AWS.Timestamp)); age < 0 || age > time.Hour || len(head.AWS.CloudWatchMetrics) != 1 {
			t.Fatalf("metrics %q: %d directives, %v old", text, len(head.AWS.CloudWatchMetrics), age)
		}
		directive := head.AWS.CloudWatchMetrics[0]
		l := metricLine{directive.Namespace, map[string]string{}, map[string]float64{}, map[string]string{}}
		for _, name := range slices.Concat(directive.Dimensions...) {
			value, ok := members[name].(string)
			if !ok || value == "" {
				t.Errorf("metrics %q: no dimension %s", text, name)
			}
			l.dimensions[name] = value
		}
		for _, m := range directive.Metrics {
			value, ok := members[m.Name].(float64)
			if !ok {
				t.Errorf("metrics %q: no value of %s", text, m.Name)
			}
			l.values[m.Name], l.units[m.Name] = value, m.Unit
		}
		lines = append(lines, l)
	}
	return lines
}
