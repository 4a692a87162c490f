package batch

import (
	"context"
	"log/slog"
	"runtime"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// Options configures New. Store and Model are required.
type Options struct {
	Store blob.Stores
	// Model waits for the model.
	Model func(context.Context) (*infer.Model, error)
	// Output is the prefix under which the outputs of events and tasks go,
	// OUTPUT_URI; where it is the zero URI they are refused.
	Output blob.URI
	// Format is that of outputs; empty means rows.JSONLines.
	Format rows.Format
	// Join writes the instances into the output too.
	Join bool
	// Header is that of rows.Options.
	Header string
	Limits rows.Limits
	// ShardBytes is the size above which an object is cut into shards where there is
	// a Queue; 0 means 256 MiB.
	ShardBytes int64
	Queue      Queue // nil means none
	// Settings are settings of others that shape the answers, as text; part of an
	// output's identity.
	Settings string
	// Workers is how many blocks are worked on at once; 0 means one more than the
	// processors of the machine.
	Workers int
	// Margin is what is left before the deadline of an invocation to end an upload
	// and write the reply; 0 means 15 s, or a quarter of the time if that is less.
	Margin time.Duration
	// MaxHops is how often a shard may hand its rest on, 99 times at most, since names
	// have two digits for it; 0 means that.
	MaxHops int
	// Trim, where set, gives memory that C code has freed back to the system. It is
	// called several times a second as long as a stream runs.
	Trim   func()
	Logger *slog.Logger // nil means slog.Default()
}

func (o Options) withDefaults() Options {
	orDefault(&o.Format, rows.JSONLines)
	orDefault(&o.ShardBytes, 256<<20)
	orDefault(&o.Workers, runtime.NumCPU()+1)
	orDefault(&o.Margin, 15*time.Second)
	orDefault(&o.MaxHops, lastHop)
	orDefault(&o.Logger, slog.Default())
	return o
}

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// Queue takes tasks for other invocations. A task may be delivered more than once
// and in any order.
type Queue interface {
	// Send returns when all tasks are in the queue.
	Send(ctx context.Context, tasks []Task) error
}

// Scorer scores objects. It is safe for concurrent use.
type Scorer struct {
	o Options
}

// New makes a Scorer.
func New(o Options) *Scorer { return &Scorer{o.withDefaults()} }
