// Package batch scores objects: one input object becomes one output object, rows in
// order. It decides what is to be done for an event, does it in a pipeline of
// constant memory, and cuts large objects into shards that other invocations score.
//
// Nothing here keeps state between calls: what a job has reached stands in the
// output bucket, so that any invocation can be repeated, killed or run twice at once.
package batch

import "github.com/tensorlambda/tensorlambda/internal/blob"

// Object is a version of an input.
type Object struct {
	URI blob.URI
	// VersionID is the version to be read; empty means the one that is there now.
	VersionID string
	// ETag, without quotation marks, is what the event saw. Where it is set and there
	// is no VersionID, an object with another is blob.ErrChanged.
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
	Index     int    `json:"index"`
	Hop       int    `json:"hop"`
}

// Why an object was not scored.
const (
	Done       = "done"       // its output is there already
	Superseded = "superseded" // the output of a newer version is there
)

// Report says what was done for an object.
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
