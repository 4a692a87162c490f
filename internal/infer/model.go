package infer

import (
	"context"
	"fmt"
)

// Feed is a value for an input of a run.
type Feed struct {
	TensorInfo
	Value *Tensor
}

// Request is a decoded request: which signature, the values for its inputs, the
// outputs wanted. Codecs make it from a body and a Catalog.
type Request struct {
	Signature *Signature
	Feeds     []Feed
	Fetches   []TensorInfo // in reply order; never empty
	// Whole says that the request is one row as a whole: its feeds have no dimension for
	// rows, and its results need none.
	Whole bool
}

// Result is one output of a run.
type Result struct {
	TensorInfo
	Value *Tensor
}

// Runner runs a loaded graph. Implementations are safe for concurrent Run, and
// Close waits for runs under way.
type Runner interface {
	// Catalog is what requests are decoded against. It never changes.
	Catalog() *Catalog
	// Run computes fetches from feeds and returns one tensor a fetch, in
	// their order. It does not keep the feeds. ctx is looked at before the run
	// only: TensorFlow cannot be interrupted. The error is one of the kinds of
	// this package, or context.Canceled; a feed whose shape the graph cannot take is
	// ErrInvalidArgument.
	Run(ctx context.Context, feeds []Feed, fetches []TensorInfo) ([]*Tensor, error)
	// Close frees the graph. A second Close does nothing.
	Close() error
}

// Model is a loaded model and its identity. It is safe for concurrent use.
type Model struct {
	Name    string
	Version string
	// Format is "savedmodel" or "graphdef".
	Format string
	// SHA256 is the checksum of the archive or graph the model was loaded
	// from, in hex; empty where there is no such single file.
	SHA256 string
	// Identity tells the files that the model was loaded from apart from others: the
	// SHA256, or for a folder a checksum over names, sizes and ETags.
	Identity string
	// Bytes is the size of those files as they were fetched; 0 where nobody knows.
	Bytes int64
	// Labels are the names of the classes that the scores of an output are of, in their
	// order; nil where nobody said.
	Labels []string

	Runner Runner
}

// Catalog is what requests to this model are decoded against.
func (m *Model) Catalog() *Catalog { return m.Runner.Catalog() }

// Predict runs a request. Results are in the order of req.Fetches.
func (m *Model) Predict(ctx context.Context, req *Request) ([]Result, error) {
	values, err := m.Runner.Run(ctx, req.Feeds, req.Fetches)
	if err != nil {
		return nil, err
	}
	if len(values) != len(req.Fetches) {
		return nil, fmt.Errorf("run of %q returned %d tensors for %d fetches: %w", m.Name, len(values), len(req.Fetches), ErrInternal)
	}
	results := make([]Result, len(values))
	for i, v := range values {
		results[i] = Result{TensorInfo: req.Fetches[i], Value: v}
	}
	return results, nil
}
