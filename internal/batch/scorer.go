package batch

import (
	"context"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// New makes a Scorer.
func New(o Options) *Scorer { panic("lead") }

// Object does what an event about an object asks for: it scores the object, or, where
// that is large and there is a queue, cuts it up and sends the shards to the queue.
// The report is also set where the error is ErrAllRowsFailed.
func (s *Scorer) Object(ctx context.Context, o Object) (Report, error) { panic("lead") }

// Task does a batch task, given as JSON, and returns its reply. queued says that the
// task came through a queue: what it leaves undone goes back there.
func (s *Scorer) Task(ctx context.Context, task []byte, queued bool) (any, error) { panic("lead") }

// Request is a call of Score, as `bootstrap score` makes it.
type Request struct {
	Object
	// Output is the object to be written; a prefix gets the input's name and the
	// extension of outputs.
	Output blob.URI
	Format rows.Format // empty means by Output's extension, else that of the options
	// Force scores again what is done already.
	Force    bool
	Progress func(Progress)
}

// Score scores one object into one other, whatever its size.
func (s *Scorer) Score(ctx context.Context, r Request) (Report, error) { panic("lead") }
