package packed

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
)

// Frames are the bulk of a manifest, and each start reads it before it can inflate
// anything: as JSON objects 1800 of them and their regions took 8 ms, as a table of
// binary numbers they take half of one.

// wireEntry is an Entry in the manifest.
type wireEntry struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	// Frames has frameBytes bytes a frame: packed size, size, CRC32C and flags, each of
	// 32 bits, little-endian.
	Frames []byte `json:"frames"`
	// Late are the late regions, neighbours taken together. Each cold frame is a region
	// of its own, and so are the frames between two.
	Late []wireRegion `json:"late,omitempty"`
}

type wireRegion struct {
	Offset     int64 `json:"offset"`
	Size       int64 `json:"size"`
	Address    int64 `json:"address"`
	Executable bool  `json:"executable,omitempty"`
}

const (
	frameBytes = 16

	flagCold  = 1 << 0 // the frame is a cold region
	flagZeros = 1 << 1 // all its bytes are zeros
)

// MarshalJSON writes what ParseManifest reads.
func (e Entry) MarshalJSON() ([]byte, error) {
	w := wireEntry{Name: e.Name, Size: e.Size, SHA256: e.SHA256, Frames: make([]byte, 0, frameBytes*len(e.Frames))}
	var at int64
	for _, f := range e.Frames {
		var flags uint32
		if i := e.region(at, f.Size); i >= 0 && e.Late[i].Cold {
			flags |= flagCold
		}
		if f.Zeros {
			flags |= flagZeros
		}
		for _, n := range []uint32{clamp(f.Packed), clamp(f.Size), f.CRC32C, flags} {
			w.Frames = binary.LittleEndian.AppendUint32(w.Frames, n)
		}
		at += f.Size
	}
	for _, r := range e.Late {
		if n := len(w.Late); n > 0 {
			last := &w.Late[n-1]
			if r.Offset == last.Offset+last.Size && r.Address == last.Address+last.Size && r.Executable == last.Executable {
				last.Size += r.Size
				continue
			}
		}
		w.Late = append(w.Late, wireRegion{r.Offset, r.Size, r.Address, r.Executable})
	}
	return json.Marshal(w)
}

// clamp keeps a size that no frame may have one that no frame may have.
func clamp(n int64) uint32 { return uint32(min(uint64(n), 1<<32-1)) }

// entry is what a manifest says of a library. It is still to be checked.
func (w wireEntry) entry() (Entry, error) {
	e := Entry{Name: w.Name, Size: w.Size, SHA256: w.SHA256}
	if len(w.Frames)%frameBytes != 0 || len(w.Frames) > maxFrames*frameBytes {
		return Entry{}, fmt.Errorf("%d bytes of frames are not %d a frame, of at most %d", len(w.Frames), frameBytes, maxFrames)
	}
	e.Frames = make([]Frame, 0, len(w.Frames)/frameBytes)
	cold := make([]Region, 0, cap(e.Frames))
	var at int64
	for record := range slices.Chunk(w.Frames, frameBytes) {
		field := func(i int) uint32 { return binary.LittleEndian.Uint32(record[4*i:]) }
		f := Frame{Packed: int64(field(0)), Size: int64(field(1)), CRC32C: field(2), Zeros: field(3)&flagZeros != 0}
		if field(3)&^(flagCold|flagZeros) != 0 {
			return Entry{}, fmt.Errorf("frame %d has unknown flags %#x", len(e.Frames), field(3))
		}
		if field(3)&flagCold != 0 {
			cold = append(cold, Region{Offset: at, Size: f.Size, Cold: true})
		}
		e.Frames = append(e.Frames, f)
		at += f.Size
	}
	for i, r := range w.Late {
		if r.Size < 1 {
			return Entry{}, fmt.Errorf("late region %d is empty", i)
		}
		whole := Region{Offset: r.Offset, Size: r.Size, Address: r.Address, Executable: r.Executable}
		for len(cold) > 0 && cold[0].Offset >= r.Offset && cold[0].End() <= whole.End() {
			e.Late = append(e.Late, whole.part(r.Offset, cold[0].Offset)...)
			e.Late = append(e.Late, whole.part(cold[0].Offset, cold[0].End())...)
			e.Late[len(e.Late)-1].Cold = true
			r.Offset, cold = cold[0].End(), cold[1:]
		}
		e.Late = append(e.Late, whole.part(r.Offset, whole.End())...)
	}
	if len(cold) > 0 {
		return Entry{}, fmt.Errorf("cold code at %d is in no late region", cold[0].Offset)
	}
	return e, nil
}

// part is a part of a region; none where that is empty.
func (r Region) part(from, to int64) []Region {
	if from == to {
		return nil
	}
	return []Region{{Offset: from, Size: to - from, Address: r.Address + from - r.Offset, Executable: r.Executable}}
}
