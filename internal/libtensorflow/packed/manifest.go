package packed

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// format is the version of the folder's layout. A reader refuses any other.
const format = 3

// Build says which TensorFlow was packed.
type Build struct {
	// TensorFlow is the version: "2.21.0".
	TensorFlow string `json:"tensorflow"`
	// Arch is the architecture in Go's words: "amd64", "arm64".
	Arch string `json:"arch"`
}

// Manifest says what a folder holds. Libraries are in the order in which they
// inflate.
type Manifest struct {
	Format int `json:"format"`
	Build
	Libraries []Entry `json:"libraries"`
}

// Entry is one packed library. Its frames lie one behind the other in the file
// PackName, and their contents make up the library in the same order: offsets
// are sums, so a manifest has no way to state overlaps or gaps.
type Entry struct {
	Name   string // file name of the library
	Size   int64  // bytes of the unpacked library
	SHA256 string // of the unpacked library, in hex
	Frames []Frame
	// Late are parts that only the library's own code reads: the loader can map
	// and relocate it before their bytes are there. They are in the order of their
	// offsets, and no frame reaches over an end of one.
	Late []Region
}

// Region is a part of a library that is mapped as it is, in whole pages.
type Region struct {
	Offset     int64 // in the file
	Size       int64 // bytes
	Address    int64 // from where the library is mapped
	Executable bool
	// Cold is a region that a start is not likely to need, of one frame.
	Cold bool
}

// End is the offset behind the region.
func (r Region) End() int64 { return r.Offset + r.Size }

// Holds reports whether all bytes from offset on, size of them, are in the region.
func (r Region) Holds(offset, size int64) bool { return offset >= r.Offset && offset+size <= r.End() }

const (
	// pageSize is the least that a region is a multiple of, in all three figures.
	pageSize = 4 << 10
	// maxRegions is more than there are frames.
	maxRegions = maxFrames
)

// Frame is one zstd frame.
type Frame struct {
	Packed int64  // bytes in the pack file
	Size   int64  // bytes of the library
	CRC32C uint32 // Castagnoli, of the library's bytes
	Zeros  bool   // all its bytes are zeros, so nobody need look
}

// PackName is the name of the entry's pack file.
func (e Entry) PackName() string { return e.Name + packSuffix }

// PackedSize is the size of the pack file in bytes.
func (e Entry) PackedSize() int64 {
	var n int64
	for _, f := range e.Frames {
		n += f.Packed
	}
	return n
}

// Library finds an entry by the library's file name.
func (m Manifest) Library(name string) (Entry, bool) {
	for _, e := range m.Libraries {
		if e.Name == name {
			return e, true
		}
	}
	return Entry{}, false
}

// Size is the number of bytes of all libraries, unpacked.
func (m Manifest) Size() int64 {
	var n int64
	for _, e := range m.Libraries {
		n += e.Size
	}
	return n
}

// ZeroSize is the number of bytes in frames of zeros, which take no memory.
func (m Manifest) ZeroSize() int64 {
	var n int64
	for _, e := range m.Libraries {
		for _, f := range e.Frames {
			if f.Zeros {
				n += f.Size
			}
		}
	}
	return n
}

// ColdSize is the number of bytes in cold regions of all libraries.
func (m Manifest) ColdSize() int64 {
	var n int64
	for _, e := range m.Libraries {
		n += e.ColdSize()
	}
	return n
}

// ColdSize is the number of bytes in cold regions.
func (e Entry) ColdSize() int64 {
	var n int64
	for _, r := range e.Late {
		if r.Cold {
			n += r.Size
		}
	}
	return n
}

// LateIsOfPages reports whether all late regions are whole pages where pages have a size.
func (m Manifest) LateIsOfPages(size int64) bool {
	for _, e := range m.Libraries {
		for _, r := range e.Late {
			if (r.Offset|r.Size|r.Address)%size != 0 {
				return false
			}
		}
	}
	return true
}

// PackedSize is the number of bytes of all pack files.
func (m Manifest) PackedSize() int64 {
	var n int64
	for _, e := range m.Libraries {
		n += e.PackedSize()
	}
	return n
}

// ParseManifest reads a manifest and checks it: unknown fields, other formats,
// names that are not plain file names, sizes that do not add up and sizes over
// the limits of this package are refused with ErrManifest.
func ParseManifest(data []byte) (Manifest, error) {
	if len(data) > maxManifest {
		return Manifest{}, fmt.Errorf("%w: larger than %d bytes", ErrManifest, maxManifest)
	}
	var w struct {
		Format int `json:"format"`
		Build
		Libraries []wireEntry `json:"libraries"`
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&w); err != nil {
		var other struct{ Format int } // whose other members may be anything
		if json.Unmarshal(data, &other) == nil && other.Format != format {
			err = Manifest{Format: other.Format}.check()
		}
		return Manifest{}, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	m := Manifest{Format: w.Format, Build: w.Build}
	for i, e := range w.Libraries {
		entry, err := e.entry()
		if err != nil {
			return Manifest{}, fmt.Errorf("%w: library %d: %w", ErrManifest, i, err)
		}
		m.Libraries = append(m.Libraries, entry)
	}
	if _, err := dec.Token(); err != io.EOF {
		return Manifest{}, fmt.Errorf("%w: bytes after the JSON document", ErrManifest)
	}
	if err := m.check(); err != nil {
		return Manifest{}, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	return m, nil
}

func (m Manifest) check() error {
	switch {
	case m.Format != format:
		return fmt.Errorf("format %d, this program reads format %d: pack the library again", m.Format, format)
	case m.TensorFlow == "":
		return fmt.Errorf("no TensorFlow version")
	case m.Arch == "":
		return fmt.Errorf("no architecture")
	case len(m.Libraries) == 0:
		return fmt.Errorf("no libraries")
	case len(m.Libraries) > maxLibraries:
		return fmt.Errorf("%d libraries, more than %d", len(m.Libraries), maxLibraries)
	}
	seen := make(map[string]bool)
	for _, e := range m.Libraries {
		if seen[e.Name] {
			return fmt.Errorf("library %q is there twice", e.Name)
		}
		seen[e.Name] = true
		if err := e.check(); err != nil {
			return fmt.Errorf("library %q: %w", e.Name, err)
		}
	}
	return nil
}

func (e Entry) check() error {
	if !plainName(e.Name) {
		return fmt.Errorf("not a plain file name")
	}
	if sum, err := hex.DecodeString(e.SHA256); err != nil || len(sum) != 32 {
		return fmt.Errorf("%q is not a SHA-256 in hex", e.SHA256)
	}
	if e.Size < 0 || e.Size > maxLibrary {
		return fmt.Errorf("size %d is not in 0..%d", e.Size, int64(maxLibrary))
	}
	if len(e.Frames) > maxFrames {
		return fmt.Errorf("%d frames, more than %d", len(e.Frames), maxFrames)
	}
	var sum int64
	for i, f := range e.Frames {
		if err := f.check(); err != nil {
			return fmt.Errorf("frame %d: %w", i, err)
		}
		sum += f.Size
	}
	if sum != e.Size {
		return fmt.Errorf("frames hold %d bytes, the library has %d", sum, e.Size)
	}
	return e.checkLate()
}

func (e Entry) checkLate() error {
	if len(e.Late) > maxRegions {
		return fmt.Errorf("%d late regions, more than %d", len(e.Late), maxRegions)
	}
	var end int64
	for i, r := range e.Late {
		switch {
		case (r.Offset|r.Size|r.Address)&(pageSize-1) != 0:
			return fmt.Errorf("late region %d is not of whole pages", i)
		case r.Offset < end || r.Size < 1 || r.Size > e.Size-r.Offset:
			return fmt.Errorf("late region %d is not in its place", i)
		case r.Address < 0 || r.Address > maxLibrary:
			return fmt.Errorf("late region %d has the address %d, which is not in 0..%d", i, r.Address, int64(maxLibrary))
		}
		end = r.End()
	}
	var at int64
	for n, f := range e.Frames {
		for i := e.firstLate(at); i < len(e.Late) && e.Late[i].Offset < at+f.Size; i++ {
			if !e.Late[i].Holds(at, f.Size) {
				return fmt.Errorf("frame %d reaches over an end of late region %d", n, i)
			}
		}
		at += f.Size
	}
	return nil
}

// firstLate is the index of the first late region that ends behind an offset.
func (e Entry) firstLate(offset int64) int {
	i, _ := slices.BinarySearchFunc(e.Late, offset, func(r Region, offset int64) int { return cmp.Compare(r.End(), offset+1) })
	return i
}

// region is the index of the late region that a frame is in, -1 for none.
func (e Entry) region(offset, size int64) int {
	if i := e.firstLate(offset); i < len(e.Late) && e.Late[i].Holds(offset, size) {
		return i
	}
	return -1
}

func (f Frame) check() error {
	if f.Size < 1 || f.Size > maxFrame {
		return fmt.Errorf("size %d is not in 1..%d", f.Size, maxFrame)
	}
	// zstd stores what it cannot compress with three bytes a block of 128 KiB
	// and a header: a frame that is much larger than its content is a lie.
	if limit := f.Size + f.Size>>8 + 64; f.Packed < 1 || f.Packed > limit {
		return fmt.Errorf("packed size %d is not in 1..%d", f.Packed, limit)
	}
	return nil
}

// plainName keeps names inside the folder on every system.
func plainName(name string) bool {
	return filepath.IsLocal(name) && !strings.ContainsAny(name, `/\`) && !strings.HasPrefix(name, ".")
}
