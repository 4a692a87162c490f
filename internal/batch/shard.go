package batch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// What another try may cure.
var (
	errEarly   = errors.New("the hop before has not ended")
	errNoQueue = errors.New("no queue for the rest: set BATCH_QUEUE_URL")
	errNoTime  = fmt.Errorf("%w: no time was left to begin", context.DeadlineExceeded)
)

// ShardReply is what a shard task answers.
type ShardReply struct {
	Rows   int64  `json:"rows"`
	Errors int64  `json:"errors"`
	Part   string `json:"part"`
	// Next is the task for the rest, where there is one and it was not sent to the
	// queue.
	Next *Task `json:"next,omitempty"`
}

// shardTask scores one hop of a shard. Where a rest is left, it goes to the queue if
// the task came from there, else next is its task. A hop that is finished is not
// scored again; but what comes after it is done, since the invocation that finished
// it may have died before.
func (s *Scorer) shardTask(ctx context.Context, t Task, queued bool) (reply any, err error) {
	return s.shard(ctx, t, queued, s.deadline(ctx))
}

// shard does a shard task and leaves a rest at until; zero means never.
func (s *Scorer) shard(ctx context.Context, t Task, queued bool, until time.Time) (reply any, err error) {
	p, err := s.planOf(ctx, t.Plan)
	if err != nil {
		return nil, err
	}
	h := hop{t.Index, t.Hop}
	if h.shard < 0 || h.shard >= len(p.Shards) || h.n < 0 || h.n > s.lastHop() {
		return nil, fmt.Errorf("%w: %s: plan %s has shards 0 to %d, and hops are 0 to %d", ErrTask, h, p.uri, len(p.Shards)-1, s.lastHop())
	}
	from, err := s.begin(ctx, p, h)
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", h, p.uri, err)
	}
	r, err := s.finish(ctx, &leg{p: p, hop: h, from: from, until: until})
	if Permanent(err) {
		// A newer version of the input may be the reason. The message stands for a
		// shard of its plan then.
		if replaced := s.current(ctx, p); replaced != nil {
			err = replaced
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", h, p.uri, err)
	}
	next, err := s.goOn(ctx, p, h, r, queued)
	if err != nil && !errors.Is(err, ErrAllRowsFailed) {
		return nil, fmt.Errorf("%s of %s: %w", h, p.uri, err)
	}
	return ShardReply{Rows: r.Rows, Errors: r.Errors, Part: p.at(p.partName(h)).String(), Next: next}, err
}

// lastHop is the number of the last hop that a shard may have.
func (s *Scorer) lastHop() int { return min(s.o.MaxHops, lastHop) }

// begin is where a hop begins. Earlier hops are looked at from the first on, since
// only a chain without gaps says so.
func (s *Scorer) begin(ctx context.Context, p *plan, h hop) (rows.Position, error) {
	from := p.Shards[h.shard].From
	for n := range h.n {
		r, _, err := s.receipt(ctx, p, hop{h.shard, n}, from)
		switch {
		case err != nil:
			return from, err
		case r == nil:
			return from, fmt.Errorf("%w: hop %d", errEarly, n)
		case r.Next == nil:
			return from, fmt.Errorf("%w: the shard ends with hop %d", ErrTask, n)
		}
		from = *r.Next
	}
	return from, nil
}

// goOn does what follows a finished hop: the rest is handed on, or the job sealed if
// this was the last piece of it. Messages come more than once, so a rest that is
// finished is not sent again.
func (s *Scorer) goOn(ctx context.Context, p *plan, h hop, r *receipt, queued bool) (next *Task, err error) {
	if r.Next != nil {
		h := hop{h.shard, h.n + 1}
		task := p.task(h)
		if !queued {
			return &task, nil
		}
		done, err := s.finished(ctx, p, h, *r.Next)
		if err != nil {
			return nil, err
		}
		if !done {
			return nil, s.send(ctx, task)
		}
	}
	done, err := s.sealIfComplete(ctx, p, h.shard)
	if err != nil || done == nil || !queued {
		return nil, err
	}
	return nil, done.verdict(p) // nobody else will tell
}

func (s *Scorer) send(ctx context.Context, t Task) error {
	if s.o.Queue == nil {
		return errNoQueue
	}
	if err := s.o.Queue.Send(ctx, []Task{t}); err != nil {
		return fmt.Errorf("send the rest: %w", err)
	}
	return nil
}
