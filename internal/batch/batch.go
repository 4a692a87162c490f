// Package batch scores objects: one input object becomes one output object, rows in
// order. It decides what is to be done for an event, does it in a pipeline of
// constant memory, and cuts large objects into shards that other invocations score.
//
// Nothing here keeps state between calls: what a job has reached stands in the
// output bucket, so that any invocation can be repeated, killed or run twice at once.
package batch

import (
	"context"
	"log/slog"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// Queue takes tasks for other invocations. A task may be delivered more than once
// and in any order.
type Queue interface {
	// Send returns when all tasks are in the queue.
	Send(ctx context.Context, tasks []Task) error
}

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
	Join   bool
	Limits rows.Limits
	// Image is for image inputs; see rows.Options.
	Image func(ctx context.Context, input infer.TensorInfo, image []byte) (*infer.Tensor, error)
	// ShardBytes is the size above which an object is cut into shards where there is
	// a Queue; 0 means 256 MiB.
	ShardBytes int64
	Queue      Queue // nil means none
	// Settings are settings of others that shape the answers, as text; part of an
	// output's identity.
	Settings string
	// Workers is how many blocks are worked on at once; 0 means one more than the
	// processors of this process.
	Workers int
	// Margin is what is left before the deadline of an invocation to end an upload
	// and write the reply; 0 means 15 s, or a quarter of the time if that is less.
	Margin time.Duration
	// MaxHops is how often a shard may hand its rest on; 0 means 100.
	MaxHops int
	Logger  *slog.Logger // nil means slog.Default()
}

// Scorer scores objects. It is safe for concurrent use.
type Scorer struct {
	o Options
}

// Object is a version of an input.
type Object struct {
	URI blob.URI
	// VersionID is the version to be read; empty means the one that is there now.
	VersionID string
	// ETag, without quotation marks, is what the event saw. Where it is set and there
	// is no VersionID, an object with another is ErrChanged.
	ETag string
	// Sequencer orders the events of one key.
	Sequencer string
}

// Task is a batch task object, also the body of a shard message.
type Task struct {
	Task      string `json:"task"` // score, plan, shard or seal
	Input     string `json:"input,omitempty"`
	VersionID string `json:"versionId,omitempty"`
	Plan      string `json:"plan,omitempty"`
	Index     int    `json:"index,omitzero"` // MarshalJSON writes it for a shard, 0 too
	Hop       int    `json:"hop,omitzero"`
}

// Why an object was not scored.
const (
	Done       = "done"       // its output is there already
	Superseded = "superseded" // the output of a newer version is there
)

// Report says what was done.
type Report struct {
	Output  string `json:"output,omitempty"`
	Rows    int64  `json:"rows"`
	Errors  int64  `json:"errors"`
	Skipped string `json:"skipped,omitempty"` // Done, Superseded, or empty
	// Plan and Shards are set where the object was cut up and nothing scored yet.
	Plan   string `json:"plan,omitempty"`
	Shards int    `json:"shards,omitzero"`
}

// Progress is how far a stream has come.
type Progress struct {
	Rows, Errors int64
	Read, Size   int64 // bytes of the input
}
