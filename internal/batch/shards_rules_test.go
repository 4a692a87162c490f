package batch

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// A listing of the parts is in the order of the rows, and readers that leave out what
// begins with an underscore see nothing else.
func TestNamesSortAsRows(t *testing.T) {
	p := &plan{
		uri:    blob.URI{Scheme: blob.S3Scheme, Bucket: "outbox", Key: "day/rows.csv.parts/_PLAN.json"},
		Shards: make([]rows.Part, 32), OutputFormat: rows.CSV,
	}
	var names []string
	for _, h := range []hop{{0, 0}, {7, 0}, {7, 1}, {7, 2}, {7, 10}, {7, lastHop}, {8, 0}, {31, 0}} {
		names = append(names, p.partName(h))
		if !stems.MatchString(p.partName(h)) || !stems.MatchString(p.receiptName(h)) {
			t.Errorf("%s is not seen to be a part", p.partName(h))
		}
	}
	if !slices.IsSorted(names) {
		t.Errorf("not sorted: %q", names)
	}
	for got, want := range map[string]string{
		names[1]:                      "part-00007-of-00032.csv",
		names[2]:                      "part-00007.01-of-00032.csv",
		p.receiptName(hop{7, 1}):      "_part-00007.01-of-00032.json",
		p.at(names[1]).String():       "s3://outbox/day/rows.csv.parts/part-00007-of-00032.csv",
		p.at(successName).String():    "s3://outbox/day/rows.csv.parts/_SUCCESS",
		p.task(hop{7, 2}).Plan:        "s3://outbox/day/rows.csv.parts/_PLAN.json",
		p.prefix().Join("x").String(): "s3://outbox/day/rows.csv.parts/x",
	} {
		if got != want {
			t.Errorf("name %q, want %q", got, want)
		}
	}
	for _, other := range []string{planName, successName, "part-7-of-9.csv", "part-00007-of-00032", "xpart-00007-of-00032.csv", "part-00007-of-00032.csv.bak"} {
		if stems.MatchString(other) {
			t.Errorf("%s is taken for a part", other)
		}
	}
}

// A receipt counts for one hop of one plan, and must lead on within the shard.
func TestReceiptsThatCount(t *testing.T) {
	at := func(offset, row int64) rows.Position { return rows.Position{Offset: offset, Row: row} }
	next := func(offset, row int64) *rows.Position { p := at(offset, row); return &p }
	p := &plan{ID: "a", Shards: []rows.Part{{To: at(40, 0)}, {From: at(40, 0)}}}
	for _, tt := range []struct {
		name string
		r    receipt
		want bool
	}{
		{"to the end of the shard", receipt{Plan: "a"}, true},
		{"with a rest", receipt{Plan: "a", Next: next(20, 0)}, true},
		{"with a rest within a row group", receipt{Plan: "a", Next: next(0, 5)}, true},
		{"of another plan", receipt{Plan: "b"}, false},
		{"of another shard", receipt{Plan: "a", Shard: 1}, false},
		{"of another hop", receipt{Plan: "a", Hop: 1}, false},
		{"from elsewhere on", receipt{Plan: "a", From: at(1, 0)}, false},
		{"without progress", receipt{Plan: "a", Next: next(0, 0)}, false},
		{"with a rest of nothing", receipt{Plan: "a", Next: next(40, 0)}, false},
		{"into the next shard", receipt{Plan: "a", Next: next(41, 0)}, false},
	} {
		if got := tt.r.of(p, hop{}, rows.Position{}); got != tt.want {
			t.Errorf("receipt %s counts: %t, want %t", tt.name, got, tt.want)
		}
	}
	last := receipt{Plan: "a", Shard: 1, From: at(40, 0), Next: next(1e12, 0)}
	if !last.of(p, hop{shard: 1}, at(40, 0)) {
		t.Error("the last shard has no end to keep to")
	}
}

// When the time is over right behind the last record, no hop for nothing follows.
func TestNothingIsLeftAtTheEnd(t *testing.T) {
	at := func(offset, row int64) rows.Position { return rows.Position{Offset: offset, Row: row} }
	for _, tt := range []struct {
		format   rows.Format
		to, next rows.Position
		want     bool
	}{
		{rows.JSONLines, at(40, 0), at(39, 0), false},
		{rows.JSONLines, at(40, 0), at(40, 0), true},
		{rows.JSONLines, at(40, 0), at(44, 0), true}, // a record that begins before and ends behind
		{rows.JSONLines, at(0, 0), at(99, 0), false},
		{rows.JSONLines, at(0, 0), at(100, 0), true},
		{rows.Parquet, at(2, 0), at(1, 500), false},
		{rows.Parquet, at(2, 0), at(2, 0), true},
		{rows.Parquet, at(0, 0), at(200, 0), false}, // a row group, not a byte
	} {
		l := &leg{p: &plan{InputFormat: tt.format, Size: 100}}
		if got := l.atEnd(tt.to, tt.next); got != tt.want {
			t.Errorf("%s, to %v, at %v: at the end %t, want %t", tt.format, tt.to, tt.next, got, tt.want)
		}
	}
}

// Rows that a receipt promises must be written: they get half of the margin too.
func TestLateIsHalfwayToTheDeadline(t *testing.T) {
	end := time.Now().Add(time.Hour)
	ctx, cancel := context.WithDeadline(t.Context(), end)
	defer cancel()
	if got := late(ctx, end.Add(-time.Minute)); !got.Equal(end.Add(-30 * time.Second)) {
		t.Errorf("late is %s before the deadline, want 30 s", end.Sub(got))
	}
	if got := late(t.Context(), time.Time{}); !got.IsZero() {
		t.Errorf("without a deadline late is %s", got)
	}
}

func TestRowsThatAReceiptPromises(t *testing.T) {
	given := &receipt{Rows: 10}
	for _, tt := range []struct {
		name string
		n    int64
		rest bool
		ok   bool
	}{
		{"all of them", 10, false, true},
		{"out of time", 4, true, false},
		{"too few", 9, false, false},
		{"too many", 11, false, false},
	} {
		err := repeated(given, tt.n, tt.rest)
		if (err == nil) != tt.ok || Permanent(err) {
			t.Errorf("%s: %v, want none: %t, and never for good", tt.name, err, tt.ok)
		}
	}
}

// The error names the first parts that are missing, not thousands.
func TestMissingPartsAreNamed(t *testing.T) {
	p := &plan{Shards: make([]rows.Part, 12), OutputFormat: rows.JSONLines}
	chains := make([]chain, 12)
	chains[0].ended = true
	err := p.complete(chains)
	if !errors.Is(err, ErrUnsealed) || !contains(err, "11 of 12: part-00001-of-00012.jsonl, ") || !contains(err, "part-00005-of-00012.jsonl and 6 more") {
		t.Errorf("error is %v", err)
	}
}
