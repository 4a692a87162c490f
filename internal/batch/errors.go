package batch

import (
	"context"
	"errors"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// The kinds of failure. Others come from the store (blob) and the input (rows).
var (
	// ErrNoModel is a model that could not be had: the invocation should fail as a
	// whole and be tried again, whatever the reason.
	ErrNoModel = errors.New("no model")
	// ErrAllRowsFailed is an object without a row that could be answered. Its output
	// is written and holds the reasons; another try finds it and does nothing.
	ErrAllRowsFailed = errors.New("every row failed")
	// ErrNoOutput is an object without a place for its answers.
	ErrNoOutput = errors.New("OUTPUT_URI is not set: it says where the answers go (s3://bucket/prefix/)")
	// ErrLoop is an input that lies where outputs go.
	ErrLoop = errors.New("it lies where outputs go")
	// ErrTask is a task object that is wrong.
	ErrTask = errors.New("wrong task")
	// ErrTooSlow is an object that cannot be finished before the deadline.
	ErrTooSlow = errors.New("cannot be finished in time")
	// ErrOtherModel is a shard of a plan for another model than the one loaded here.
	ErrOtherModel = errors.New("another model is loaded")
	// ErrUnsealed is a job with shards that are not finished.
	ErrUnsealed = errors.New("shards are missing")
	// ErrConflict is an output that somebody else kept writing at the same time.
	ErrConflict = errors.New("output is being written by another invocation")
)

// permanent are the kinds that another try cannot cure.
var permanent = []error{
	ErrAllRowsFailed, ErrNoOutput, ErrLoop, ErrTask, ErrTooSlow,
	rows.ErrFormat, rows.ErrCorrupt, rows.ErrTooLarge, rows.ErrNoSplit, rows.ErrOutput,
	blob.ErrInvalidURI, blob.ErrNotFound, blob.ErrChanged,
}

// Permanent reports whether another try cannot help. Access denied may: the cure is
// a policy, and the object is still there.
func Permanent(err error) bool {
	// ErrNoModel may well wrap a store's ErrNotFound: that is about the model.
	if errors.Is(err, ErrNoModel) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return false
	}
	for _, kind := range permanent {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}
