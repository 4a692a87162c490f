package libtensorflow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
)

// errRefused marks that the system would not let us have or map a memfd, which
// a file in the temporary folder may cure.
var errRefused = errors.New("memory files are refused here")

// inflateAndMap chooses the place, falls back to the temporary folder where
// memory files are refused, and records what it did in info.
func inflateAndMap(ctx context.Context, library *packed.Library, opts Options, info *Info) error {
	// What a start is not likely to need takes memory only where it is needed after all.
	inPlace := canPlace(library.Manifest())
	size := info.Bytes - library.Manifest().ZeroSize()
	if inPlace == nil {
		size -= library.Manifest().ColdSize()
	}
	place, why := choose(opts, size)
	if why != "" {
		info.Notes = append(info.Notes, why)
	}
	if place == Memory {
		err := inMemory(ctx, library, opts, info, inPlace)
		if !errors.Is(err, errRefused) {
			return err
		}
		if mapped || opts.Place == Memory {
			return fmt.Errorf("%w: %w", err, ErrUnusable)
		}
		info.Notes = append(info.Notes, err.Error())
	}
	return inTemporary(ctx, library, opts, info)
}

func choose(opts Options, size int64) (place Place, why string) {
	switch {
	case opts.Place != "":
		return opts.Place, ""
	case opts.MemoryBudget > 0 && opts.MemoryBudget < size+headroom:
		return Temporary, fmt.Sprintf("library goes to the temporary folder: %d MB of memory are fewer than its %d MB and %d MB to work in",
			opts.MemoryBudget/1e6, size/1e6, int64(headroom)/1e6)
	}
	return Memory, ""
}

// inMemory inflates into memfds. inPlace says why memory cannot take the place of a
// library's pages, nil where it can.
func inMemory(ctx context.Context, library *packed.Library, opts Options, info *Info, inPlace error) error {
	files := make(map[string]*os.File)
	defer func() {
		for _, f := range files {
			f.Close() // the mapping holds the memory
		}
	}()
	dst := func(e packed.Entry) (io.WriterAt, error) {
		f, err := memfd(e.Name, e.Size)
		if err != nil {
			return nil, err
		}
		files[e.Name] = f
		return f, nil
	}
	if err := inflate(ctx, library, opts, info, inPlace, dst, func(name string) *os.File { return files[name] }); err != nil {
		if errors.Is(err, ErrUnusable) && !mapped {
			return fmt.Errorf("%w: %w", errRefused, err)
		}
		return err
	}
	info.Place = Memory
	return nil
}

// memfd makes an anonymous file. Newer kernels want to be told that it will be
// executed (MFD_EXEC, since 6.3), older ones do not know the flag.
func memfd(name string, size int64) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) {
		fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	}
	if err != nil {
		return nil, fmt.Errorf("memfd for %s: %w: %w", name, err, errRefused)
	}
	f := os.NewFile(uintptr(fd), name)
	if err := f.Truncate(size); err != nil {
		return nil, errors.Join(fmt.Errorf("memfd for %s: %w: %w", name, err, errRefused), f.Close())
	}
	return f, nil
}

// inflate runs the frames into dst, maps each library and makes it ready for calls.
// Where memory can be put in the place of a mapped library's pages, a library is
// mapped as soon as the loader has all that it reads, and the rest is inflated
// meanwhile, straight into memory that then takes its place; cold code is left for when
// it is needed.
func inflate(ctx context.Context, library *packed.Library, opts Options, info *Info, inPlace error,
	dst func(packed.Entry) (io.WriterAt, error), file func(name string) *os.File,
) error {
	o := newOpening(library, file)
	defer func() {
		info.cold = o.cold
		o.close()
	}()
	size := info.Bytes
	options := packed.InflateOptions{NewDecoder: newDecoder, Workers: opts.Workers}
	if inPlace != nil {
		info.Notes = append(info.Notes, fmt.Sprintf("the library is inflated before it is mapped, which takes longer: %v", inPlace))
	} else {
		options = o.options(options)
		size -= library.Manifest().ColdSize()
	}
	options.Progress = opts.progress(size)
	start := time.Now()
	if err := library.Inflate(ctx, dst, options); err != nil {
		return err
	}
	inflated := Stage{Name: "inflate", Start: start, End: time.Now(), Bytes: size}
	if err := o.finish(); err != nil {
		return err
	}
	info.Stages = append(append(info.Stages, inflated), o.stages()...)
	return nil
}
