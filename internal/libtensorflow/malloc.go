package libtensorflow

// #include <malloc.h>
// #include <stdlib.h>
import "C"

import (
	"bytes"
	"os"
	"strconv"
	"sync"
)

// arenas is how many heaps glibc may keep. Its own limit is eight a CPU, and each keeps
// what it once held: with batches beside each other that grows to several times what is
// in use. Two are enough for the functions Lambda gives, of two to six CPUs: TensorFlow
// allocates a few buffers an operation, not a few an element.
const arenas = 2

// limitArenas takes effect only before TensorFlow's threads have heaps.
func limitArenas() {
	if os.Getenv("MALLOC_ARENA_MAX") == "" {
		C.mallopt(C.M_ARENA_MAX, arenas)
	}
}

// Trimmer gives memory that C code has freed back to the system when the process has
// grown. glibc does so by itself only at the end of a heap. It is safe for concurrent
// use.
type Trimmer struct {
	headroom int64
	mu       sync.Mutex
	base     int64 // resident bytes at the first call
}

// NewTrimmer makes a Trimmer that lets the resident size grow by headroom bytes beyond
// what it is at the first Trim.
func NewTrimmer(headroom int64) *Trimmer { return &Trimmer{headroom: headroom} }

// Trim looks at the resident size, in microseconds, and trims if it has grown too
// much: that takes milliseconds, in which other threads wait to allocate, and pages
// that are needed again have to be mapped again.
func (t *Trimmer) Trim() {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch now := resident(); {
	case t.base == 0:
		t.base = now
	case now > t.base+t.headroom:
		C.malloc_trim(0)
		// What is in use may itself need more: then the line moves, since trimming
		// over and over would gain nothing.
		t.base = max(t.base, resident()-t.headroom/2)
	}
}

// resident is the resident size of the process in bytes, 0 where /proc does not say.
func resident() int64 {
	content, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(content)
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(string(fields[1]), 10, 64)
	return pages * int64(os.Getpagesize())
}
