package batch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tensorlambda/tensorlambda/internal/blob"
)

// maxSuccess is the bytes of _SUCCESS, whose parts may each name a key of 1 KB.
const maxSuccess = 128 << 20

// success is what _SUCCESS holds.
type success struct {
	Input        string        `json:"input"`
	InputVersion string        `json:"inputVersion"`
	Model        modelName     `json:"model"`
	Parts        []successPart `json:"parts"` // in the order of the rows
	Rows         int64         `json:"rows"`
	Errors       int64         `json:"errors"`
}

type successPart struct {
	Key    string `json:"key"`
	Rows   int64  `json:"rows"`
	Errors int64  `json:"errors"`
}

// SealReply is what a seal task answers.
type SealReply struct {
	Rows    int64  `json:"rows"`
	Errors  int64  `json:"errors"`
	Success string `json:"success"`
}

// sealTask ends a job whose shards are all done. The error is ErrUnsealed where they
// are not; ErrAllRowsFailed comes with a reply and whenever the task is repeated.
func (s *Scorer) sealTask(ctx context.Context, t Task) (reply any, err error) {
	p, err := s.planOf(ctx, t.Plan)
	if err != nil {
		return nil, err
	}
	done, err := s.sealed(ctx, p)
	if err != nil {
		return nil, err
	}
	if done == nil {
		if done, err = s.sealAll(ctx, p); err != nil {
			return nil, err
		}
	}
	return SealReply{Rows: done.Rows, Errors: done.Errors, Success: p.at(successName).String()}, done.verdict(p)
}

// sealAll seals a job or says what is missing.
func (s *Scorer) sealAll(ctx context.Context, p *plan) (*success, error) {
	there, err := s.list(ctx, p)
	if err != nil {
		return nil, err
	}
	chains, err := s.survey(ctx, p, there, 0, false)
	if err != nil {
		return nil, err
	}
	if err := p.complete(chains); err != nil {
		return nil, err
	}
	return s.seal(ctx, p, there, chains)
}

// sealIfComplete seals a job where the shard that has just been finished was the
// last one. Whoever finishes the last part sees all the others, since S3 lists what
// is written at once. nil is a job with shards to come, or one that was sealed
// before.
//
// It costs one listing for each shard. Receipts are read only once all shards have a
// part, and those behind this shard first: shards are begun in order, so they are
// the most likely to be missing.
func (s *Scorer) sealIfComplete(ctx context.Context, p *plan, shard int) (*success, error) {
	there, err := s.list(ctx, p)
	if err != nil || !there.suffices(p) {
		return nil, err
	}
	seal, err := s.find(ctx, p.at(successName))
	if err != nil || seal.of(p) {
		return nil, err
	}
	chains, err := s.survey(ctx, p, there, shard+1, true)
	if err != nil || chains == nil {
		return nil, err
	}
	return s.seal(ctx, p, there, chains)
}

// seal writes _SUCCESS for a job whose chains are complete. there was listed before
// p is seen to be the plan still, so what is removed from it was not written for a
// newer one.
func (s *Scorer) seal(ctx context.Context, p *plan, there listing, chains []chain) (*success, error) {
	done := p.summary(chains)
	text, err := json.MarshalIndent(done, "", " ")
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", p.uri, err)
	}
	for range attempts {
		seal, err := s.find(ctx, p.at(successName))
		if err != nil {
			return nil, err
		}
		if seal.of(p) {
			return done, nil
		}
		if err := s.current(ctx, p); err != nil {
			return nil, err
		}
		if err := s.o.Store.Delete(ctx, p.foreign(there, chains)); err != nil {
			return nil, fmt.Errorf("parts of older plans: %w", err)
		}
		_, err = s.put(ctx, p.at(successName), text, seal.condition(p.metadata(), jsonType))
		if err == nil {
			s.o.Logger.InfoContext(ctx, "job sealed", "input", p.Input, "rows", done.Rows, "errors", done.Errors, "parts", len(done.Parts))
			return done, nil
		}
		if !errors.Is(err, blob.ErrConflict) {
			return nil, fmt.Errorf("seal: %w", err)
		}
	}
	return nil, fmt.Errorf("seal %s: %w", p.uri, ErrConflict)
}

// sealed reads the seal of a plan, nil where there is none or another plan's.
func (s *Scorer) sealed(ctx context.Context, p *plan) (*success, error) {
	text, object, err := s.fetch(ctx, p.at(successName), maxSuccess)
	switch {
	case errors.Is(err, blob.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("seal: %w", err)
	case object.Metadata[metaPlan] != p.ID:
		return nil, nil
	}
	var done success
	if err := json.Unmarshal(text, &done); err != nil {
		return nil, fmt.Errorf("seal %s: %w", object.URI, err)
	}
	return &done, nil
}

// summary is what the chains of all shards add up to.
func (p *plan) summary(chains []chain) *success {
	done := &success{Input: p.Input, InputVersion: p.Identity[metaVersion], Model: p.Model}
	for _, c := range chains {
		for _, r := range c.receipts {
			done.Parts = append(done.Parts, successPart{Key: r.Part, Rows: r.Rows, Errors: r.Errors})
			done.Rows += r.Rows
			done.Errors += r.Errors
		}
	}
	return done
}

// verdict is ErrAllRowsFailed for a job without an answer.
func (d *success) verdict(p *plan) error {
	if d.Rows > 0 && d.Errors == d.Rows {
		return fmt.Errorf("input %s: %w, all %d of them: the parts hold the reasons", p.Input, ErrAllRowsFailed, d.Rows)
	}
	return nil
}
