package tensorflow

import (
	"runtime"
	"sync/atomic"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// garbageBudget is how many bytes of C memory runs may leave to finalizers
// before the collector is made to run.
const garbageBudget = 128 << 20

// pacer makes Go's collector run after a certain amount of C memory was handed
// out. Tensors of the C library are freed by finalizers only, and the collector
// does not see their bytes: without a push a batch of large tensors would grow
// without bound while Go's own heap stays small.
type pacer struct {
	since atomic.Int64 // bytes since the last collection
}

// allocated counts tensors that are garbage soon. It collects, in the caller's
// time (under a millisecond for a small heap), when the budget is used up.
func (p *pacer) allocated(tensors []*infer.Tensor) {
	var bytes int64
	for _, t := range tensors {
		bytes += int64(len(t.Data)) + 24*int64(len(t.Offsets)) // sizeof(TF_TString)
	}
	if p.since.Add(bytes) > garbageBudget {
		p.since.Store(0)
		runtime.GC()
	}
}
