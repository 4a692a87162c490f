package packed

import (
	"errors"
	"fmt"
)

// errNoRegion is a fault of the caller.
var errNoRegion = errors.New("no such late region")

// Regions inflates late regions one at a time, for a caller who took the cold ones not
// with Inflate. It is for one goroutine and needs the open Library.
type Regions struct {
	worker worker
	frames map[string]map[int][]task // by library and index in Entry.Late
}

// Regions is ready for use. newDecoder is that of InflateOptions.
func (l *Library) Regions(newDecoder func() Decoder) *Regions {
	r := &Regions{
		worker: worker{decoder: InflateOptions{NewDecoder: newDecoder}.newDecoder()},
		frames: make(map[string]map[int][]task),
	}
	for i, e := range l.manifest.Libraries {
		to, frames := &target{Entry: e, pack: l.packs[i]}, make(map[int][]task)
		for t := range to.tasks() {
			if t.late() {
				frames[t.region] = append(frames[t.region], t)
			}
		}
		r.frames[e.Name] = frames
	}
	return r
}

// Inflate puts a region into memory of its size. The error is ErrDamaged, with the pack
// file, the frame and its offset, where a frame is not what was packed; what the memory
// holds is then unspecified.
func (r *Regions) Inflate(library string, region int, memory []byte) error {
	frames := r.frames[library][region]
	if len(frames) == 0 {
		return fmt.Errorf("%s, %d: %w", library, region, errNoRegion)
	}
	start := frames[0].at
	for i := range frames {
		t := &frames[i]
		if t.at+t.Size-start > int64(len(memory)) {
			return fmt.Errorf("%s, %d: %d bytes are too few: %w", library, region, len(memory), errNoRegion)
		}
		if err := r.worker.decode(t, memory[t.at-start:][:t.Size]); err != nil {
			return fmt.Errorf("%s, frame %d at offset %d: %w", t.to.PackName(), t.index, t.packedAt, err)
		}
	}
	return nil
}

// Close lets go of the decoder.
func (r *Regions) Close() { r.worker.decoder.Close() }
