package coldstart

import (
	"slices"
	"sync"
	"time"
)

// Stage is one part of a start. Stages may overlap.
type Stage struct {
	Name       string // "inflate", "dlopen", "fetch", "unpack", "load", "warm-up", …
	Start, End time.Time
	Bytes      int64 // what it worked on, 0 where that says nothing
	Requests   int   // of the model's own that a warm-up replayed
}

// Timeline collects the stages of a start and what else is worth knowing about
// it. It is safe for concurrent use.
type Timeline struct {
	mu     sync.Mutex
	report Report
	added  func(Stage) // may be nil
}

// Report says what a start did. It is a copy: it does not change. As JSON it is
// what GET /debug/coldstart shows and the log line "cold start" holds.
type Report struct {
	Start       time.Time // of the process, or of the attempt that succeeded
	End         time.Time
	TensorFlow  string // version of the library
	Model       string // name of the model
	Version     string // of the model, "" where it has none
	LibraryFrom string // "memfd", "tmp", "raw"
	ModelFrom   string // "s3", "file", "tmp"
	Stages      []Stage
	Warnings    []string
}

// Overlaps are the names of the stages that ran beside one of the report.
func (r Report) Overlaps(s Stage) []string {
	var names []string
	for _, other := range r.Stages {
		if other != s && other.Start.Before(s.End) && s.Start.Before(other.End) {
			names = append(names, other.Name)
		}
	}
	return names
}

// Begin starts a stage. The func that it returns ends it.
func (t *Timeline) Begin(name string) (end func(bytes int64)) {
	start := time.Now()
	return func(bytes int64) { t.Add(Stage{Name: name, Start: start, End: time.Now(), Bytes: bytes}) }
}

// Add adds a stage that was timed elsewhere. One that began before the start is
// left out: the library of an earlier attempt costs this one nothing.
func (t *Timeline) Add(s Stage) {
	t.mu.Lock()
	if s.Start.Before(t.report.Start) {
		t.mu.Unlock()
		return
	}
	t.report.Stages = append(t.report.Stages, s)
	t.mu.Unlock()
	if t.added != nil {
		t.added(s)
	}
}

// Note changes the parts of the report that are not stages.
func (t *Timeline) Note(change func(*Report)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.report)
}

// Report is what is known so far, stages by their start.
func (t *Timeline) Report() Report {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.report
	r.Stages = slices.Clone(r.Stages)
	r.Warnings = slices.Clone(r.Warnings)
	slices.SortStableFunc(r.Stages, func(a, b Stage) int { return a.Start.Compare(b.Start) })
	return r
}
