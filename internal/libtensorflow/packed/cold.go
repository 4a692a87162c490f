package packed

import (
	"errors"
	"fmt"
)

// errNoRegion is a fault of the caller.
var errNoRegion = errors.New("no such cold region")

// Regions inflates cold regions one at a time, for a caller who did not take them with
// Inflate. It is for one goroutine and needs the open Library.
type Regions struct {
	worker worker
	frames map[string]map[int]task // by library and index in Entry.Late
}

// Regions is ready for use. newDecoder is that of InflateOptions.
func (l *Library) Regions(newDecoder func() Decoder) *Regions {
	r := &Regions{
		worker: worker{decoder: InflateOptions{NewDecoder: newDecoder}.newDecoder()},
		frames: make(map[string]map[int]task),
	}
	for i, e := range l.manifest.Libraries {
		to, frames := &target{Entry: e, pack: l.packs[i]}, make(map[int]task)
		for t := range to.tasks() {
			if t.cold() {
				frames[t.region] = t
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
	t, ok := r.frames[library][region]
	if !ok || t.Size != int64(len(memory)) {
		return fmt.Errorf("%s, %d, of %d bytes: %w", library, region, len(memory), errNoRegion)
	}
	if err := r.worker.decode(&t, memory); err != nil {
		return fmt.Errorf("%s, frame %d at offset %d: %w", t.to.PackName(), t.index, t.packedAt, err)
	}
	return nil
}

// Close lets go of the decoder.
func (r *Regions) Close() { r.worker.decoder.Close() }
