package batch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// Object does what an event about an object asks for: it scores the object, or, where
// that is large and there is a queue, cuts it up and sends the shards to the queue.
// The report is also set where the error is ErrAllRowsFailed.
//
// Whatever an earlier delivery of the event has reached is found in the bucket and
// not done again. Errors are the kinds of this package, of blob and of rows;
// Permanent tells those that another try cannot cure.
func (s *Scorer) Object(ctx context.Context, o Object) (Report, error) {
	in, output, err := s.look(ctx, o)
	if err != nil {
		return Report{}, err
	}
	model, err := s.model(ctx)
	if err != nil {
		return Report{}, err
	}
	if s.o.Queue != nil && in.object.Size > s.o.ShardBytes {
		report, err := s.spread(ctx, in, model)
		if !errors.Is(err, rows.ErrNoSplit) {
			return report, err
		}
	}
	clock := &pace{start: time.Now(), until: s.deadline(ctx), cure: s.cure(in), now: time.Now}
	j := &job{s: s, in: in, model: model, output: output, format: s.o.Format, progress: clock.check}
	return j.score(ctx)
}

// look looks up the input of an event or task, and where its answers go.
func (s *Scorer) look(ctx context.Context, o Object) (*input, blob.URI, error) {
	if o.URI.Scheme != blob.S3Scheme {
		return nil, blob.URI{}, fmt.Errorf("%w: input %q: only s3 URIs are taken from events and tasks", ErrTask, o.URI)
	}
	output, err := s.outputURI(o.URI, suffix(s.o.Format))
	if err != nil {
		return nil, blob.URI{}, err
	}
	in, err := s.open(ctx, o)
	return in, output, err
}

// spread cuts an input into shards and sends those that are not done to the queue.
func (s *Scorer) spread(ctx context.Context, in *input, model *infer.Model) (Report, error) {
	uri, shards, tasks, sealed, err := s.plan(ctx, in, model)
	if err != nil {
		return Report{}, err
	}
	if sealed != nil {
		return *sealed, nil
	}
	if err := s.o.Queue.Send(ctx, tasks); err != nil {
		return Report{}, fmt.Errorf("plan %s: send its shards: %w", uri, err)
	}
	return Report{Plan: uri, Shards: shards}, nil
}

// PlanReply is what a plan task answers.
type PlanReply struct {
	Plan   string `json:"plan"`
	Shards int    `json:"shards"`
}

// Task does a batch task, given as JSON, and returns its reply. queued says that the
// task came through a queue: what it leaves undone goes back there. The errors are
// those of Object, and ErrTask for what is no task.
func (s *Scorer) Task(ctx context.Context, task []byte, queued bool) (any, error) {
	t, err := readTask(task)
	if err != nil {
		return nil, err
	}
	switch t.Task {
	case "score", "plan":
		uri, err := blob.ParseURI(t.Input)
		if err != nil {
			return nil, fmt.Errorf("%w: input: %w", ErrTask, err)
		}
		o := Object{URI: uri, VersionID: t.VersionID}
		if t.Task == "plan" {
			return s.planTask(ctx, o)
		}
		return s.Object(ctx, o)
	case "shard":
		return s.shardTask(ctx, t, queued)
	case "seal":
		return s.sealTask(ctx, t)
	default:
		return nil, fmt.Errorf("%w: %.40q is none of score, plan, shard and seal", ErrTask, t.Task)
	}
}

func readTask(task []byte) (Task, error) {
	var t Task
	decoder := json.NewDecoder(bytes.NewReader(task))
	decoder.DisallowUnknownFields() // a misspelt versionId must not score another version
	if err := decoder.Decode(&t); err != nil {
		return t, fmt.Errorf("%w: %w", ErrTask, err)
	}
	return t, nil
}

// planTask cuts an input into shards for whoever drives them.
func (s *Scorer) planTask(ctx context.Context, o Object) (any, error) {
	in, _, err := s.look(ctx, o)
	if err != nil {
		return nil, err
	}
	model, err := s.model(ctx)
	if err != nil {
		return nil, err
	}
	uri, shards, _, _, err := s.plan(ctx, in, model)
	if err != nil {
		return nil, err
	}
	return PlanReply{Plan: uri, Shards: shards}, nil
}
