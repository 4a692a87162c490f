package function

import (
	"context"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/batch"
	"github.com/tensorlambda/tensorlambda/internal/event"
)

// Batch does batch work, as *batch.Scorer does. Its errors are the kinds of packages
// batch, blob and rows, and name the object.
type Batch interface {
	// Object scores an object. The report counts beside an error, too.
	Object(ctx context.Context, o batch.Object) (batch.Report, error)
	// Task does a batch task, given as JSON. Its reply is encoded as JSON. queued
	// says that the task came through a queue.
	Task(ctx context.Context, task []byte, queued bool) (any, error)
}

// work does the batch work that an event asks for, one piece after another: each
// keeps all processors busy.
func (h *Handler) work(ctx context.Context, e *event.Event) outcome {
	works, err := e.Work()
	if err != nil {
		return outcome{err: newBatchFailure(fault{err: err, permanent: true})}
	}
	r := &run{Handler: h, queued: e.Source == event.SQS, latest: latestStart(ctx, time.Now())}
	done := make([]event.Done, len(works))
	var faults []fault
	for i, w := range works {
		p := r.piece(ctx, w)
		if f, ok := p.noModel(); ok {
			// A bad model must not use up the messages one by one.
			return outcome{tally: &r.tally, err: newBatchFailure(f)}
		}
		done[i] = p.done()
		if len(p.faults) > 0 {
			r.failed(ctx, w, p.faults)
			faults = append(faults, p.faults...)
		}
	}
	if len(faults) > 0 && !e.ReportsFailures() {
		f := newBatchFailure(faults...)
		f.log = f.kind // the reasons have lines of their own
		return outcome{tally: &r.tally, err: f}
	}
	reply, err := e.Report(done)
	if err != nil {
		return outcome{tally: &r.tally, err: newFailure(err)}
	}
	return outcome{tally: &r.tally, reply: newReply(jsonType, reply)}
}
