package batch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

const (
	// maxShards is how many shards a plan has: larger objects get larger shards.
	// With its receipt each takes two names, and a listing ends at 100 000.
	maxShards = 10_000
	// maxPlan is the bytes of a plan, some 40 times what maxShards take.
	maxPlan = 32 << 20
	// metaPlan is the metadata that says to which plan an object of a job belongs.
	metaPlan = "tensorlambda-plan"
)

// plan says how an input is cut into shards and what they are scored with. It lies
// in the bucket, as _PLAN.json, and is never changed there, only replaced.
type plan struct {
	// ID is a checksum over all the rest. Whatever shards write carries it, so that
	// what another plan left under the same names is not taken for theirs.
	ID           string      `json:"id"`
	Input        string      `json:"input"`
	VersionID    string      `json:"versionId,omitempty"` // only where reads ask for it
	ETag         string      `json:"etag"`
	Size         int64       `json:"size"`
	InputFormat  rows.Format `json:"inputFormat"`
	Model        modelName   `json:"model"`
	OutputFormat rows.Format `json:"outputFormat"`
	Join         bool        `json:"join"`
	// Identity is the metadata of the parts.
	Identity identity    `json:"identity"`
	Shards   []rows.Part `json:"shards"`

	uri  blob.URI
	etag string // of the object that was read or written
}

// modelName is how people call a model.
type modelName struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
}

// plan cuts an input into shards, or finds the plan of an earlier delivery, and says
// which tasks are still to be done. sealed is set where there is nothing left to do:
// the job is finished, or the plan that is there is of a newer version of the input.
// The error is rows.ErrNoSplit for an input that has to be scored as a whole.
func (s *Scorer) plan(ctx context.Context, in *input, model *infer.Model) (uri string, shards int, tasks []Task, sealed *Report, err error) {
	p, how, err := s.settle(ctx, in, model)
	if err != nil {
		return "", 0, nil, nil, err
	}
	switch how {
	case superseded:
		sealed = &Report{Output: p.at(successName).String(), Skipped: Superseded}
	case resumed:
		tasks, sealed, err = s.resume(ctx, p)
	case planned:
		for i := range p.Shards {
			tasks = append(tasks, p.task(hop{shard: i}))
		}
	}
	return p.uri.String(), len(p.Shards), tasks, sealed, err
}

// settlement is how the plan for an input was found.
type settlement int

const (
	planned    settlement = iota // made now
	resumed                      // made by an earlier delivery
	superseded                   // there is one for a newer version
)

// settle finds the plan that holds, and writes it where that is a new one. The
// conditions of the write hold the decision: where somebody else has written
// meanwhile, it is made again.
func (s *Scorer) settle(ctx context.Context, in *input, model *infer.Model) (*plan, settlement, error) {
	at, err := s.outputURI(in.object.URI, partsSuffix+planName)
	if err != nil {
		return nil, 0, err
	}
	id := s.identity(in, model, s.o.Format)
	var mine *plan
	for range attempts {
		there, err := s.find(ctx, at)
		if err != nil {
			return nil, 0, err
		}
		if id.same(there.object.Metadata) || id.olderThan(there.object.Metadata) {
			p, err := s.readPlan(ctx, at)
			switch {
			case errors.Is(err, blob.ErrNotFound):
				continue
			case err != nil:
				return nil, 0, err
			case id.same(p.Identity):
				return p, resumed, nil
			case id.olderThan(p.Identity):
				return p, superseded, nil
			}
			continue // replaced since
		}
		if mine == nil {
			if mine, err = s.cut(ctx, in, model, id, at); err != nil {
				return nil, 0, err
			}
		}
		err = s.write(ctx, mine, there)
		if !errors.Is(err, blob.ErrConflict) {
			return mine, planned, err
		}
	}
	return nil, 0, fmt.Errorf("plan %s: %w", at, ErrConflict)
}

// cut makes a plan.
func (s *Scorer) cut(ctx context.Context, in *input, model *infer.Model, id identity, at blob.URI) (*plan, error) {
	size := max(s.o.ShardBytes, (in.object.Size+maxShards-1)/maxShards)
	shards, err := rows.Split(ctx, s.source(in), s.readOptions(in, model, rows.Part{}), size)
	if err != nil {
		return nil, fmt.Errorf("input %s: %w", in.object.URI, err)
	}
	p := &plan{
		Input: in.object.URI.String(), ETag: unquoted(in.object.ETag), Size: in.object.Size,
		InputFormat: in.encoding.Format, OutputFormat: s.o.Format, Join: s.o.Join,
		Model:    modelName{Name: model.Name, Version: model.Version, SHA256: model.SHA256},
		Identity: id, Shards: shards, uri: at,
	}
	if in.object.Pinned {
		p.VersionID = in.object.VersionID
	}
	text, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("plan %s: %w", at, err)
	}
	sum := sha256.Sum256(text)
	p.ID = hex.EncodeToString(sum[:16])
	return p, nil
}

// write makes p the plan, in the place of what is there. A job that was sealed under
// the old plan is no longer, and nobody may see its seal beside new parts: it goes
// before the plan does. It may come back from an invocation that is sealing just
// then, so it goes once more when the plan is written.
func (s *Scorer) write(ctx context.Context, p *plan, there found) error {
	text, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		return fmt.Errorf("plan %s: %w", p.uri, err)
	}
	if len(text) > maxPlan {
		return fmt.Errorf("plan %s: %w: %d bytes, at most %d: set a larger BATCH_SHARD_BYTES", p.uri, rows.ErrTooLarge, len(text), maxPlan)
	}
	if there.exists {
		old := there.object.Metadata[metaPlan]
		if err := s.unseal(ctx, p, func(id string) bool { return id == old }); err != nil {
			return err
		}
	}
	object, err := s.put(ctx, p.uri, text, there.condition(p.metadata(), jsonType))
	if err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	p.etag = object.ETag
	if there.exists {
		s.o.Logger.InfoContext(ctx, "plan replaced", "plan", p.uri.String(), "shards", len(p.Shards))
	}
	return s.unseal(ctx, p, p.isOther)
}

// unseal removes the seal where it is that of a stale plan.
func (s *Scorer) unseal(ctx context.Context, p *plan, stale func(planID string) bool) error {
	seal, err := s.find(ctx, p.at(successName))
	if err != nil || !seal.exists || !stale(seal.object.Metadata[metaPlan]) {
		return err
	}
	if err := s.o.Store.Delete(ctx, []blob.URI{seal.object.URI}); err != nil {
		return fmt.Errorf("seal of an older plan: %w", err)
	}
	return nil
}

// isOther reports whether an ID is that of another plan.
func (p *plan) isOther(id string) bool { return id != p.ID }

// metadata is that of the parts, receipts and so on of this plan.
func (p *plan) metadata() map[string]string {
	m := maps.Clone(map[string]string(p.Identity))
	m[metaPlan] = p.ID
	return m
}

// resume says what is left to do of a plan that was there.
func (s *Scorer) resume(ctx context.Context, p *plan) ([]Task, *Report, error) {
	done, err := s.sealed(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	if done != nil {
		return nil, p.report(done, Done), nil
	}
	if err := s.unseal(ctx, p, p.isOther); err != nil {
		return nil, nil, err
	}
	there, err := s.list(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	chains, err := s.survey(ctx, p, there, 0, false)
	if err != nil {
		return nil, nil, err
	}
	var tasks []Task
	for i, c := range chains {
		if !c.ended {
			tasks = append(tasks, p.task(hop{i, len(c.receipts)}))
		}
	}
	if tasks != nil {
		return tasks, nil, nil
	}
	if done, err = s.seal(ctx, p, there, chains); err != nil {
		return nil, nil, err
	}
	return nil, p.report(done, ""), done.verdict(p)
}

// report is that of a job that is sealed.
func (p *plan) report(done *success, skipped string) *Report {
	return &Report{Output: p.at(successName).String(), Rows: done.Rows, Errors: done.Errors, Skipped: skipped}
}
