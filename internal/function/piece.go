package function

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/batch"
	"github.com/tensorlambda/tensorlambda/internal/event"
)

// tally counts what was done, for the log.
type tally struct {
	objects, failed int // failed is pieces of work
	skipped         int // objects
	rows, errors    int64
}

func (t *tally) attrs() []slog.Attr {
	return []slog.Attr{
		slog.Int("objects", t.objects), slog.Int64("rows", t.rows), slog.Int64("errors", t.errors),
		slog.Int("skipped", t.skipped), slog.Int("failed", t.failed),
	}
}

// piece is what became of a Work.
type piece struct {
	faults []fault
	lines  []string // what was done
	reply  []byte   // of a task, as JSON
}

func (p *piece) done() event.Done {
	d := event.Done{Reply: p.reply, Text: strings.Join(p.lines, "; ")}
	switch {
	case len(p.faults) > 0:
		f := newBatchFailure(p.faults...)
		d.Err, d.Permanent, d.Text = f, decisive(p.faults).permanent, f.message
	case d.Text == "":
		d.Text = "nothing to do"
	}
	return d
}

// noModel is the fault of a piece that had no model.
func (p *piece) noModel() (fault, bool) {
	for _, f := range p.faults {
		if errors.Is(f.err, batch.ErrNoModel) {
			return f, true
		}
	}
	return fault{}, false
}

// line is what a person wants to read of a report.
func line(report batch.Report) string {
	switch {
	case report.Plan != "":
		return fmt.Sprintf("cut into %d shards by %s", report.Shards, report.Plan)
	case report.Skipped != "":
		return "nothing to do: " + report.Skipped
	default:
		return fmt.Sprintf("%d rows, %d errors", report.Rows, report.Errors)
	}
}
