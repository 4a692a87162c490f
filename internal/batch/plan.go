package batch

import (
	"context"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// plan cuts an input into shards, or finds the plan of an earlier delivery, and says
// which tasks are still to be done. sealed is a job that is finished. The error is
// rows.ErrNoSplit for an input that has to be scored as a whole.
func (s *Scorer) plan(ctx context.Context, in *input, model *infer.Model) (uri string, shards int, tasks []Task, sealed *Report, err error) {
	panic("helper H")
}

// shardTask scores one shard. Where a rest is left and queued is set the rest goes to
// the queue, else next is its task.
func (s *Scorer) shardTask(ctx context.Context, t Task, queued bool) (reply any, err error) {
	panic("helper H")
}

// sealTask ends a job whose shards are all done.
func (s *Scorer) sealTask(ctx context.Context, t Task) (reply any, err error) {
	panic("helper H")
}
