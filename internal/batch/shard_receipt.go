package batch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// maxReceipt is the bytes of a receipt, whose only text is a key.
const maxReceipt = 16 << 10

// receipt says which rows are in the part of a hop. It is written once, right before
// the part becomes visible, and whoever writes it decides where the hop ends: two
// invocations that score the same hop stop at different rows, and the next hop must
// begin where the part ends that is there. So a part follows from plan and receipt,
// and anybody can make it again.
type receipt struct {
	Plan  string        `json:"plan"` // its ID
	Shard int           `json:"shard"`
	Hop   int           `json:"hop"`
	From  rows.Position `json:"from"`
	// Next is where the next hop begins; nil where the shard ends with this one.
	Next   *rows.Position `json:"next"`
	Rows   int64          `json:"rows"`
	Errors int64          `json:"errors"`
	Part   string         `json:"part"` // the key
}

// of reports whether r is the receipt of hop h of p, which begins at from. Those of
// other plans count as if they were not there.
func (r *receipt) of(p *plan, h hop, from rows.Position) bool {
	if r.Plan != p.ID || r.Shard != h.shard || r.Hop != h.n || r.From != from {
		return false
	}
	end := p.Shards[h.shard].To
	return r.Next == nil || behind(*r.Next, from) && (end == rows.Position{} || behind(end, *r.Next))
}

// same reports whether r and q end at the same row.
func (r *receipt) same(q receipt) bool {
	if r.Next == nil || q.Next == nil {
		return r.Next == q.Next
	}
	return *r.Next == *q.Next
}

// readReceipt reads the receipt of a hop as it was seen, nil where that is another
// plan's, or no longer there.
func (s *Scorer) readReceipt(ctx context.Context, p *plan, h hop, from rows.Position, seen blob.Object) (*receipt, error) {
	text, err := s.read(ctx, seen, maxReceipt)
	switch {
	case errors.Is(err, blob.ErrNotFound), errors.Is(err, blob.ErrChanged):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("receipt: %w", err)
	}
	if r := parseReceipt(text); r.of(p, h, from) {
		return &r, nil
	}
	return nil, nil
}

// parseReceipt reads a receipt. What is none comes out as one of no plan.
func parseReceipt(text []byte) (r receipt) {
	if json.Unmarshal(text, &r) != nil {
		return receipt{}
	}
	return r
}

// receipt looks the receipt of a hop up; nil where there is none of this plan. there
// is what a new one would take the place of.
func (s *Scorer) receipt(ctx context.Context, p *plan, h hop, from rows.Position) (r *receipt, there found, err error) {
	there, err = s.find(ctx, p.at(p.receiptName(h)))
	if err != nil || !there.exists {
		return nil, there, err
	}
	r, err = s.readReceipt(ctx, p, h, from, there.object)
	return r, there, err
}

// claim makes mine the receipt of its hop, unless there is one already: then that
// counts, and is returned.
func (s *Scorer) claim(ctx context.Context, p *plan, h hop, mine receipt) (receipt, error) {
	text, err := json.Marshal(mine)
	if err != nil {
		return mine, fmt.Errorf("receipt: %w", err)
	}
	for range attempts {
		r, there, err := s.receipt(ctx, p, h, mine.From)
		if err != nil {
			return mine, err
		}
		if r != nil {
			return *r, nil
		}
		if err := s.current(ctx, p); err != nil {
			return mine, err
		}
		_, err = s.put(ctx, p.at(p.receiptName(h)), text, there.condition(p.metadata(), jsonType))
		if err == nil {
			return mine, nil
		}
		if !errors.Is(err, blob.ErrConflict) {
			return mine, fmt.Errorf("receipt: %w", err)
		}
	}
	return mine, fmt.Errorf("receipt of %s: %w", h, ErrConflict)
}

// finished looks whether a hop is: it has a receipt, and the part is there.
func (s *Scorer) finished(ctx context.Context, p *plan, h hop, from rows.Position) (bool, error) {
	r, _, err := s.receipt(ctx, p, h, from)
	if err != nil || r == nil {
		return false, err
	}
	part, err := s.find(ctx, p.at(p.partName(h)))
	return part.of(p), err
}
