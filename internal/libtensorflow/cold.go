package libtensorflow

/*
#include <stdlib.h>
#include "cold.h"
*/
import "C"

import (
	"cmp"
	"fmt"
	"slices"
	"syscall"
	"unsafe"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
)

// coldCode is the cold regions of an open library: code and tables for exceptions that a
// start is not likely to need, a third of the library. Their places are inaccessible. A
// thread that comes to one waits in the handler of the fault while the region is
// inflated, about a millisecond, and most regions never are.
//
// That is safe since nothing but instructions of this process touches these pages. The
// kernel, which gets an error where a thread gets a fault, reads what it is given
// pointers to, and nobody has pointers to data in there to give: constants are no part of
// cold regions. Waiting is safe since nothing that a region waits for waits for
// TensorFlow or for a lock of the C library: frames are read, decoded and moved without.
type coldCode struct {
	library *packed.Library // open for as long as the process lives
	regions []coldRegion    // in the order of addresses, as C knows them
}

type coldRegion struct {
	*region
	library string
	index   int // of the library's late regions
}

// newColdCode is nil where there is none. From then on cold code is waited for, so bring
// must run.
func newColdCode(o *opening) (*coldCode, error) {
	c := &coldCode{library: o.library}
	for _, a := range o.order {
		for i, r := range a.late {
			if r.Cold {
				c.regions = append(c.regions, coldRegion{r, a.name, i})
			}
		}
	}
	if len(c.regions) == 0 {
		return nil, nil
	}
	slices.SortFunc(c.regions, func(a, b coldRegion) int { return cmp.Compare(uintptr(a.place), uintptr(b.place)) })
	n := len(c.regions)
	// C keeps the arrays for as long as the process lives.
	memory := C.malloc(C.size_t(2*n) * C.size_t(unsafe.Sizeof(C.uintptr_t(0))))
	bounds := unsafe.Slice((*C.uintptr_t)(memory), 2*n)
	for i, r := range c.regions {
		bounds[i] = C.uintptr_t(uintptr(r.place))
		bounds[n+i] = bounds[i] + C.uintptr_t(r.Size)
	}
	if errno := C.libtensorflow_cold_begin(C.int(n), &bounds[0], &bounds[n]); errno != 0 {
		return nil, fmt.Errorf("faults of code that is not there yet: %w: %w", syscall.Errno(errno), ErrUnusable)
	}
	return c, nil
}

// bring inflates cold regions as they are needed, for as long as the process lives: like
// TensorFlow's own threads it has nobody to wait for it. A process that cannot get code
// that it needs cannot go on, since threads may wait for it in the middle of anything. So
// a failure is a panic, which says what is wrong with the layer.
func (c *coldCode) bring() {
	frames := c.library.Regions(newDecoder)
	for {
		i := int(C.libtensorflow_cold_next())
		if err := c.arrive(frames, c.regions[i]); err != nil {
			panic(fmt.Sprintf("code of libtensorflow that is needed cannot be had: %v", err))
		}
		C.libtensorflow_cold_arrived(C.int(i))
	}
}

func (c *coldCode) arrive(frames *packed.Regions, r coldRegion) error {
	if err := r.allocate(); err != nil {
		return err
	}
	if err := frames.Inflate(r.library, r.index, r.memory); err != nil {
		return err
	}
	return r.move()
}
