package function

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/batch"
	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/event"
)

// What must be left of an invocation for anything to be begun: a little more than
// package batch keeps for ending what it does. Lambda would end the process in the
// middle of the work, and report nothing of what was done. As only a part of the time
// is kept back, the first piece of work is always begun.
const (
	reserve      = 20 * time.Second
	reserveParts = 3 // of the time of the invocation at the most one of so many
)

// latestStart is when it is too late to begin; the zero time means never.
func latestStart(ctx context.Context, now time.Time) time.Time {
	deadline, ok := ctx.Deadline()
	if !ok {
		return time.Time{}
	}
	return deadline.Add(-min(reserve, deadline.Sub(now)/reserveParts))
}

// run is the batch work of one invocation.
type run struct {
	*Handler
	queued bool
	latest time.Time
	begun  bool
	tally  tally
}

// piece does a Work: all of its objects, whatever becomes of the others.
func (r *run) piece(ctx context.Context, w event.Work) *piece {
	p := &piece{}
	if w.Err != nil {
		p.faults = append(p.faults, fault{err: w.Err, permanent: true})
	}
	for _, o := range w.Objects {
		uri := blob.URI{Scheme: blob.S3Scheme, Bucket: o.Bucket, Key: o.Key}
		r.attempt(ctx, p, uri.String(), func() error { return r.object(ctx, p, uri, o) })
		if _, ok := p.noModel(); ok {
			return p
		}
	}
	if w.Task != nil {
		r.attempt(ctx, p, subject(w.Task), func() error { return r.task(ctx, p, w.Task) })
	}
	return p
}

// attempt does one object or task, if there is time. What it panics with is its
// fault, and nobody else's.
func (r *run) attempt(ctx context.Context, p *piece, subject string, do func() error) {
	first := !r.begun
	if !r.latest.IsZero() && !time.Now().Before(r.latest) {
		p.faults = append(p.faults, fault{err: errNotBegun, subject: subject})
		return
	}
	r.begun = true
	defer func() {
		if cause := recover(); cause != nil {
			r.logPanic(ctx, cause)
			p.faults = append(p.faults, fault{err: errPanic, subject: subject})
		}
	}()
	if err := do(); err != nil {
		p.faults = append(p.faults, fault{err, permanent(err, first), subject})
	}
}

// permanent reports whether another try cannot help. It may where there was no
// model, which is no fault of the object, and where an object that is not the first
// had only the rest of an invocation.
func permanent(err error, first bool) bool {
	switch {
	case errors.Is(err, batch.ErrNoModel), errors.Is(err, batch.ErrTooSlow) && !first:
		return false
	default:
		return batch.Permanent(err)
	}
}

func (r *run) object(ctx context.Context, p *piece, uri blob.URI, o event.Object) error {
	r.tally.objects++
	if err := check(uri); err != nil {
		return err
	}
	report, err := r.batch.Object(ctx, batch.Object{URI: uri, VersionID: o.VersionID, ETag: o.ETag, Sequencer: o.Sequencer})
	r.tally.rows += report.Rows
	r.tally.errors += report.Errors
	if report.Skipped != "" {
		r.tally.skipped++
	}
	if err == nil {
		p.lines = append(p.lines, line(report))
	}
	return err
}

// check refuses what an event may hold and a URI cannot.
func check(uri blob.URI) error {
	parsed, err := blob.ParseURI(uri.String())
	if err != nil {
		return err
	}
	if parsed != uri { // with a slash in the bucket it is another bucket
		return fmt.Errorf("%w %q: %q cannot be the name of a bucket", blob.ErrInvalidURI, uri, uri.Bucket)
	}
	return nil
}

func (r *run) task(ctx context.Context, p *piece, task []byte) error {
	reply, err := r.batch.Task(ctx, task, r.queued)
	if err != nil {
		return err
	}
	if p.reply, err = json.Marshal(reply); err != nil {
		return fmt.Errorf("encode the reply of a task: %w", err)
	}
	var counts batch.Report // the names of its members are those of every reply
	if json.Unmarshal(p.reply, &counts) == nil {
		r.tally.rows += counts.Rows
		r.tally.errors += counts.Errors
	}
	return nil
}

// subject is the object that a task is about.
func subject(task []byte) string {
	var t batch.Task
	if json.Unmarshal(task, &t) != nil {
		return ""
	}
	return t.Input + t.Plan // a task has one of them
}

// failed logs a Work that failed, in one line.
func (r *run) failed(ctx context.Context, w event.Work, faults []fault) {
	r.tally.failed++
	f, d := newBatchFailure(faults...), decisive(faults)
	r.log.LogAttrs(ctx, slog.LevelError, "batch work failed",
		slog.String("id", w.ID), slog.String("object", d.subject), slog.String("kind", f.kind),
		slog.Bool("permanent", d.permanent), slog.String("error", f.message))
}
