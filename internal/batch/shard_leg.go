package batch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// leg is a hop that is being scored.
type leg struct {
	p     *plan
	hop   hop
	from  rows.Position
	until time.Time // when to stop and leave a rest; zero means never

	in    *input // nil until needed
	model *infer.Model
}

// finish scores a hop, unless that is done. Where somebody else has done it or a
// part of it meanwhile, it looks again.
func (s *Scorer) finish(ctx context.Context, l *leg) (*receipt, error) {
	for range attempts {
		r, err := s.try(ctx, l)
		if !errors.Is(err, blob.ErrConflict) {
			return r, err
		}
		if err := s.current(ctx, l.p); err != nil {
			return nil, err
		}
	}
	return nil, ErrConflict
}

// try scores a hop once. The error is blob.ErrConflict where somebody else was
// quicker.
//
// The part's place is looked at before the scoring, and the part takes only the
// place of what was seen then: it does not overwrite what a newer plan has put there.
func (s *Scorer) try(ctx context.Context, l *leg) (r *receipt, err error) {
	given, _, err := s.receipt(ctx, l.p, l.hop, l.from)
	if err != nil {
		return nil, err
	}
	there, err := s.find(ctx, l.p.at(l.p.partName(l.hop)))
	if err != nil {
		return nil, err
	}
	if given != nil && there.of(l.p) {
		return given, nil
	}
	if l.in == nil {
		if l.in, l.model, err = s.prepare(ctx, l.p); err != nil {
			return nil, err
		}
	}
	upload, err := s.o.Store.Create(ctx, l.p.at(l.p.partName(l.hop)), there.condition(l.p.metadata(), contentTypes[l.p.OutputFormat]))
	if err != nil {
		return nil, fmt.Errorf("part: %w", err)
	}
	defer func() { err = errors.Join(err, upload.Abort()) }() // nothing, once it is committed
	r, err = s.scoreHop(ctx, l, given, upload)
	if err != nil {
		return nil, err
	}
	if err := commit(ctx, upload); err != nil {
		return nil, fmt.Errorf("part: %w", err)
	}
	return r, s.stand(ctx, l.p, l.hop)
}

// stand checks that a part which has just become visible may stay. Where the plan was
// replaced meanwhile it is removed, unless it belongs to a name that the new plan has
// too: whoever works for that replaces it, or removes it before the seal. Readers of
// the prefix would take it for an answer otherwise.
func (s *Scorer) stand(ctx context.Context, p *plan, h hop) error {
	replaced := s.current(ctx, p)
	if !errors.Is(replaced, ErrConflict) {
		return replaced
	}
	now, err := s.readPlan(ctx, p.uri)
	if err != nil && !errors.Is(err, blob.ErrNotFound) {
		return err
	}
	part := p.at(p.partName(h))
	if err == nil && now.partName(h) == p.partName(h) {
		done, err := s.sealed(ctx, now)
		if err != nil {
			return err
		}
		if done == nil || slices.ContainsFunc(done.Parts, func(s successPart) bool { return s.Key == part.Key }) {
			return replaced
		}
	}
	if err := s.o.Store.Delete(ctx, []blob.URI{part, p.at(p.receiptName(h))}); err != nil {
		return fmt.Errorf("part of a plan that was replaced: %w", err)
	}
	return replaced
}

// scoreHop writes the rows of a hop to a part and returns the receipt that says so.
// Where one is given its rows are written, neither less nor more; else as many as
// there is time for.
func (s *Scorer) scoreHop(ctx context.Context, l *leg, given *receipt, part rows.Sink) (*receipt, error) {
	st := stream{
		in: l.in, model: l.model, format: l.p.OutputFormat, sink: part,
		part: rows.Part{From: l.from, To: l.p.Shards[l.hop.shard].To}, until: l.until,
	}
	if given != nil {
		st.until = late(ctx, l.until)
		if given.Next != nil {
			st.part.To = *given.Next
		}
	}
	t, err := s.run(ctx, st)
	if err != nil {
		return nil, err
	}
	rest := t.rest && !l.atEnd(st.part.To, t.next)
	if given != nil {
		return given, repeated(given, t.rows, rest)
	}
	mine := receipt{Plan: l.p.ID, Shard: l.hop.shard, Hop: l.hop.n, From: l.from, Rows: t.rows, Errors: t.errors, Part: l.p.at(l.p.partName(l.hop)).Key}
	if rest {
		if err := s.mayHandOn(l.hop, t.rows); err != nil {
			return nil, err
		}
		mine.Next = &t.next
	}
	winner, err := s.claim(ctx, l.p, l.hop, mine)
	if err != nil {
		return nil, err
	}
	if !winner.same(mine) {
		return nil, fmt.Errorf("%w: another invocation ended the hop elsewhere", blob.ErrConflict)
	}
	return &winner, nil
}

// late is when to stop writing rows that a receipt promises: halfway between the
// time to stop and the deadline, since nothing else can be done with what is there.
func late(ctx context.Context, until time.Time) time.Time {
	end, ok := ctx.Deadline()
	if !ok || until.IsZero() {
		return until
	}
	return until.Add(end.Sub(until) / 2)
}

// atEnd reports whether nothing is left of a range that ends at to: the time was
// over right behind its last record.
func (l *leg) atEnd(to, next rows.Position) bool {
	if to == (rows.Position{}) {
		return l.p.InputFormat != rows.Parquet && next.Offset >= l.p.Size
	}
	return !behind(to, next)
}

// repeated checks rows that were written after a receipt.
func repeated(given *receipt, n int64, rest bool) error {
	switch {
	case rest:
		return fmt.Errorf("%w: %d of the %d rows that its receipt promises: it begins again with the next try", context.DeadlineExceeded, n, given.Rows)
	case n != given.Rows:
		return fmt.Errorf("%w: %d rows, and its receipt says %d", infer.ErrInternal, n, given.Rows)
	}
	return nil
}

// mayHandOn decides whether a hop of n rows may leave a rest. One without rows is
// not a slow one: blocks that were begun are finished, so its time was over before it
// began, as happens to the last of several messages of an invocation.
func (s *Scorer) mayHandOn(h hop, n int64) error {
	switch {
	case n == 0:
		return errNoTime
	case h.n == s.lastHop():
		return fmt.Errorf("%w: this was the last of %d hops: set a smaller BATCH_SHARD_BYTES, or give the function more memory or a longer timeout", ErrTooSlow, h.n+1)
	}
	return nil
}
