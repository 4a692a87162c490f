package packed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Source is a library to pack.
type Source struct {
	Name   string // file name of the library
	Size   int64  // bytes to read from Reader
	Reader io.ReaderAt
	Late   []Region // see Entry
}

// frame is how many bytes from an offset on make a frame: as many as a frame may
// have, up to the next end of a late region.
func (s Source) frame(at int64, most int) int64 {
	end := min(s.Size, at+int64(most))
	for _, r := range s.Late {
		if r.Offset > end {
			break // they are in order
		}
		for _, border := range []int64{r.Offset, r.End()} {
			if border > at {
				end = min(end, border)
			}
		}
	}
	return end - at
}

// Part says how a part of a library is used.
type Part int

// The parts in the order in which a start needs them.
const (
	Early Part = iota // what the loader reads
	Late              // what is read once the library is open
	Cold              // what most processes never read
)

// Encoder makes zstd frames, one at a time.
type Encoder interface {
	// Encode is a frame that holds plain, a piece of such a part.
	Encode(plain []byte, part Part) ([]byte, error)
	Close()
}

// part is that of the byte at an offset.
func (s Source) part(at int64) Part {
	for _, r := range s.Late {
		if r.Holds(at, 1) {
			if r.Cold {
				return Cold
			}
			return Late
		}
	}
	return Early
}

// PackOptions are the choices of Pack. The zero value is ready for use.
type PackOptions struct {
	// Workers is how many goroutines compress; 0 means GOMAXPROCS. Each needs
	// about 150 MB.
	Workers int
	// FrameSize is how many bytes of a library go into one frame, at most
	// 32 MiB; 0 means FrameSize.
	FrameSize int
	// NewEncoder makes what a worker compresses with; nil means NewGoEncoder.
	NewEncoder func() Encoder
	// Progress is told how many bytes of how many are packed, after each
	// frame, by one goroutine.
	Progress func(done, total int64)
}

func (o PackOptions) withDefaults() PackOptions {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.FrameSize == 0 {
		o.FrameSize = FrameSize
	}
	if o.NewEncoder == nil {
		o.NewEncoder = NewGoEncoder
	}
	if o.Progress == nil {
		o.Progress = func(int64, int64) {}
	}
	return o
}

// Pack writes sources, in their order, into dir, which must exist and hold no
// manifest (fs.ErrExist). The manifest is written last, so a folder that an
// interruption leaves behind is no library; after an error the files that Pack
// wrote are removed. Equal sources make equal files, however many workers
// there are.
func Pack(ctx context.Context, dir string, build Build, sources []Source, opts PackOptions) (Manifest, error) {
	m, err := pack(ctx, dir, build, sources, opts.withDefaults())
	if err != nil {
		return Manifest{}, fmt.Errorf("pack library into %s: %w", dir, err)
	}
	return m, nil
}

func pack(ctx context.Context, dir string, build Build, sources []Source, opts PackOptions) (_ Manifest, err error) {
	if opts.FrameSize < 1 || opts.FrameSize > maxFrame {
		return Manifest{}, fmt.Errorf("frame size %d is not in 1..%d", opts.FrameSize, maxFrame)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Manifest{}, err
	}
	defer root.Close()
	if _, err := root.Lstat(ManifestName); !errors.Is(err, fs.ErrNotExist) {
		return Manifest{}, fmt.Errorf("%s: %w", ManifestName, errors.Join(err, fs.ErrExist))
	}
	m := Manifest{Format: format, Build: build}
	var written []string
	defer func() {
		if err != nil {
			err = errors.Join(err, removeAll(root, written))
		}
	}()
	report := reporter(sources, opts.Progress)
	for _, s := range sources {
		if !plainName(s.Name) {
			return Manifest{}, fmt.Errorf("library %q: not a plain file name", s.Name)
		}
		written = append(written, s.Name+packSuffix)
		e, err := packLibrary(ctx, root, s, opts, report)
		if err != nil {
			return Manifest{}, fmt.Errorf("%s: %w", s.Name, err)
		}
		m.Libraries = append(m.Libraries, e)
	}
	data, err := json.Marshal(m)
	if err != nil {
		return Manifest{}, err
	}
	if m, err = ParseManifest(data); err != nil { // it is checked, and as a reader has it
		return Manifest{}, err
	}
	written = append(written, ManifestName)
	return m, writeManifest(root, data)
}

// reporter sums the bytes of frames over all sources.
func reporter(sources []Source, progress func(done, total int64)) func(bytes int64) {
	var done, total int64
	for _, s := range sources {
		total += s.Size
	}
	return func(bytes int64) {
		done += bytes
		progress(done, total)
	}
}

func packLibrary(ctx context.Context, root *os.Root, s Source, opts PackOptions, report func(int64)) (_ Entry, err error) {
	f, err := root.Create(s.Name + packSuffix)
	if err != nil {
		return Entry{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	e, err := compress(ctx, f, s, opts, report)
	if err != nil {
		return Entry{}, err
	}
	return e, f.Sync()
}

// writeManifest makes the folder a library, by a rename: a crash leaves either
// the whole manifest or none.
func writeManifest(root *os.Root, data []byte) error {
	const draft = ManifestName + ".tmp"
	f, err := root.Create(draft)
	if err != nil {
		return err
	}
	_, err = f.Write(append(data, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = root.Rename(draft, ManifestName)
	}
	if err != nil {
		return errors.Join(err, removeAll(root, []string{draft}))
	}
	return nil
}

func removeAll(root *os.Root, names []string) error {
	var errs []error
	for _, name := range names {
		if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("remove %s: %w", filepath.Join(root.Name(), name), err))
		}
	}
	return errors.Join(errs...)
}
