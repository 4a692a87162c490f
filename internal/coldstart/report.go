package coldstart

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// reportJSON is a Report on paper: times are milliseconds since its start, with
// one decimal.
type reportJSON struct {
	TensorFlow  string      `json:"tensorflow"`
	Model       string      `json:"model"`
	Version     string      `json:"version,omitempty"`
	TotalMs     float64     `json:"totalMs"`
	Stages      []stageJSON `json:"stages"`
	LibraryFrom string      `json:"libraryFrom"`
	ModelFrom   string      `json:"modelFrom"`
	Warnings    []string    `json:"warnings,omitempty"`
}

type stageJSON struct {
	Name    string  `json:"name"`
	StartMs float64 `json:"startMs"`
	EndMs   float64 `json:"endMs"`
	Bytes   int64   `json:"bytes,omitempty"`
	// Overlaps names the stages that ran at the same time.
	Overlaps []string `json:"overlaps,omitempty"`
	// Requests is how many of the model's own a warm-up replayed.
	Requests int `json:"requests,omitempty"`
}

// MarshalJSON writes the report with times in milliseconds since its start.
func (r Report) MarshalJSON() ([]byte, error) {
	stages := make([]stageJSON, len(r.Stages))
	for i, s := range r.Stages {
		stages[i] = stageJSON{s.Name, r.ms(s.Start), r.ms(s.End), s.Bytes, r.Overlaps(s), s.Requests}
	}
	return json.Marshal(reportJSON{r.TensorFlow, r.Model, r.Version, r.ms(r.End), stages, r.LibraryFrom, r.ModelFrom, r.Warnings})
}

func (r Report) ms(t time.Time) float64 {
	return math.Round(t.Sub(r.Start).Seconds()*1e4) / 10
}

// UnmarshalJSON reads what MarshalJSON writes. The start is lost: it becomes the
// zero time.
func (r *Report) UnmarshalJSON(data []byte) error {
	var on reportJSON
	if err := json.Unmarshal(data, &on); err != nil {
		return fmt.Errorf("report of a cold start: %w", err)
	}
	at := func(ms float64) time.Time { return time.Time{}.Add(time.Duration(ms * float64(time.Millisecond))) }
	*r = Report{
		End: at(on.TotalMs), TensorFlow: on.TensorFlow, Model: on.Model, Version: on.Version,
		LibraryFrom: on.LibraryFrom, ModelFrom: on.ModelFrom, Warnings: on.Warnings,
	}
	for _, s := range on.Stages {
		r.Stages = append(r.Stages, Stage{Name: s.Name, Start: at(s.StartMs), End: at(s.EndMs), Bytes: s.Bytes, Requests: s.Requests})
	}
	return nil
}

// chartWidth is the length in characters of a bar that takes all of the time.
const chartWidth = 48

// WriteChart draws the report for people: a line a stage, with a bar from its
// start to its end, so that what overlaps is seen to overlap.
func (r Report) WriteChart(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "cold start of %q in %.0f ms: TensorFlow %s (library from %s), model from %s\n",
		r.Model, r.ms(r.End), r.TensorFlow, r.LibraryFrom, r.ModelFrom)
	name := 0
	for _, s := range r.Stages {
		name = max(name, utf8.RuneCountInString(s.Name))
	}
	for _, s := range r.Stages {
		fmt.Fprintf(&b, "  %-*s %s %7.1f – %6.1f ms%s\n", name, s.Name, r.bar(s), r.ms(s.Start), r.ms(s.End), size(s.Bytes)+requests(s.Requests))
	}
	for _, warning := range r.Warnings {
		fmt.Fprintf(&b, "  note: %s\n", warning)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// bar is chartWidth wide; a stage is at least one character long.
func (r Report) bar(s Stage) string {
	total := max(r.End.Sub(r.Start).Seconds(), 1e-9)
	column := func(t time.Time) int {
		return min(max(int(math.Round(t.Sub(r.Start).Seconds()/total*chartWidth)), 0), chartWidth)
	}
	from, to := min(column(s.Start), chartWidth-1), column(s.End)
	to = max(to, from+1)
	return "│" + strings.Repeat(" ", from) + strings.Repeat("█", to-from) + strings.Repeat(" ", chartWidth-to) + "│"
}

func size(n int64) string {
	switch {
	case n == 0:
		return ""
	case n < 1e6:
		return fmt.Sprintf("  %6.1f kB", float64(n)/1e3)
	default:
		return fmt.Sprintf("  %6.1f MB", float64(n)/1e6)
	}
}

func requests(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return "  1 request"
	default:
		return fmt.Sprintf("  %d requests", n)
	}
}
