package coldstart

import (
	"context"
	"sync/atomic"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// process is the pipeline of this process: the model, with its session, is
// loaded once and shared by every invocation that the process ever handles.
var process atomic.Pointer[Pipeline]

// Start starts the process's pipeline. It is called once, as early in main as
// can be.
func Start(opts Options) {
	if !process.CompareAndSwap(nil, New(opts)) {
		panic("coldstart: Start was called twice")
	}
}

// Model waits for the process's model as Pipeline.Model does.
func Model(ctx context.Context) (*infer.Model, error) { return process.Load().Model(ctx) }

// LatestReport is the process's Pipeline.Report.
func LatestReport() (Report, bool) { return process.Load().Report() }

// Close frees the process's model. Nothing may be asked of it afterwards.
func Close() error { return process.Load().Close() }
