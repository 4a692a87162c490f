package batch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// planOf reads the plan that a task names. It must lie where plans are written: a
// task must not make this function read or write elsewhere.
func (s *Scorer) planOf(ctx context.Context, name string) (*plan, error) {
	uri, err := blob.ParseURI(name)
	if err != nil {
		return nil, fmt.Errorf("%w: plan: %w", ErrTask, err)
	}
	if s.o.Output == (blob.URI{}) {
		return nil, fmt.Errorf("plan %s: %w", uri, ErrNoOutput)
	}
	prefix := s.o.Output.Prefix()
	if uri.Scheme != blob.S3Scheme || uri.Scheme != prefix.Scheme || uri.Bucket != prefix.Bucket || !strings.HasPrefix(uri.Key, prefix.Key) {
		return nil, fmt.Errorf("%w: plan %s: plans lie under OUTPUT_URI, %s", ErrTask, uri, prefix)
	}
	if !strings.HasSuffix(uri.Key, partsSuffix+planName) {
		return nil, fmt.Errorf("%w: plan %s: the names of plans end in %s", ErrTask, uri, partsSuffix+planName)
	}
	p, err := s.readPlan(ctx, uri)
	if err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	return p, nil
}

func (s *Scorer) readPlan(ctx context.Context, at blob.URI) (*plan, error) {
	text, object, err := s.fetch(ctx, at, maxPlan)
	if err != nil {
		return nil, err
	}
	p := &plan{uri: at, etag: object.ETag}
	if err := json.Unmarshal(text, p); err != nil {
		return nil, fmt.Errorf("%w: plan %s: %w", ErrTask, at, err)
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("%w: plan %s: %w", ErrTask, at, err)
	}
	return p, nil
}

// check finds a plan that this program cannot have written.
func (p *plan) check() error {
	uri, err := blob.ParseURI(p.Input)
	switch {
	case err != nil:
		return fmt.Errorf("input: %w", err)
	case uri.Scheme != blob.S3Scheme || uri.IsPrefix():
		return fmt.Errorf("input %q is no object in S3", p.Input)
	case p.ID == "" || p.Identity[metaVersion] == "" || p.VersionID == "" && p.ETag == "":
		return errors.New("it does not say of what it is the plan")
	case len(p.Shards) == 0:
		return errors.New("it has no shards")
	case p.Shards[len(p.Shards)-1].To != (rows.Position{}):
		return errors.New("the last shard does not reach to the end of the input")
	}
	if _, ok := contentTypes[p.OutputFormat]; !ok {
		return fmt.Errorf("%q is no format of outputs", p.OutputFormat)
	}
	for i := 1; i < len(p.Shards); i++ {
		if before := p.Shards[i-1]; before.To != p.Shards[i].From || !behind(before.To, before.From) {
			return fmt.Errorf("shard %d does not begin where the one before ends", i)
		}
	}
	return nil
}

// behind reports whether a is behind b.
func behind(a, b rows.Position) bool {
	return a.Offset > b.Offset || a.Offset == b.Offset && a.Row > b.Row
}

// current checks that p is still the plan, so that no one who works for an old plan
// writes beside a new one. It comes last before a write whose conditions are older.
func (s *Scorer) current(ctx context.Context, p *plan) error {
	now, err := s.find(ctx, p.uri)
	if err != nil {
		return err
	}
	if now.object.ETag != p.etag {
		return fmt.Errorf("plan %s: %w: it was replaced meanwhile", p.uri, ErrConflict)
	}
	return nil
}

// errOtherSettings is retried like ErrOtherModel: both are seen while a deployment
// changes over.
var errOtherSettings = errors.New("settings that shape the output are not those of the plan")

// prepare opens the input of a plan and the model, and checks that they are those
// that the plan is about.
func (s *Scorer) prepare(ctx context.Context, p *plan) (*input, *infer.Model, error) {
	uri, err := blob.ParseURI(p.Input)
	if err != nil {
		return nil, nil, err
	}
	in, err := s.open(ctx, Object{URI: uri, VersionID: p.VersionID, ETag: p.ETag})
	if err != nil {
		return nil, nil, err
	}
	if short(in.version()) != p.Identity[metaVersion] {
		return nil, nil, fmt.Errorf("input %s: %w: it is version %s, and the plan is for %s", uri, blob.ErrChanged, in.version(), p.Identity[metaVersion])
	}
	in.encoding = rows.Encoding{Format: p.InputFormat} // nothing compressed is cut
	model, err := s.model(ctx)
	if err != nil {
		return nil, nil, err
	}
	if have := short(modelIdentity(model)); have != p.Identity[metaModel] {
		return nil, nil, fmt.Errorf("plan %s: %w: it is for %s, here is %s", p.uri, ErrOtherModel, p.Identity[metaModel], have)
	}
	if s.settings(p.OutputFormat) != p.Identity[metaSettings] {
		return nil, nil, fmt.Errorf("plan %s: %w: OUTPUT_JOIN is %t there and %t here", p.uri, errOtherSettings, p.Join, s.o.Join)
	}
	return in, model, nil
}
