package libtensorflow

import (
	"context"
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
)

// opening is the two libraries on their way from frames to functions that can be
// called. Workers of Inflate call early, place and whole at the same time.
type opening struct {
	library   *packed.Library
	file      func(name string) *os.File
	libraries map[string]*arrival
	order     []*arrival
	cold      *coldCode // nil where nothing arrives later
}

// arrival is one of them. What is behind mapped is set before that is closed.
type arrival struct {
	name   string
	mapped chan struct{}
	handle unsafe.Pointer
	late   []*region
	stages []Stage
}

// region is a late region of a mapped library. Until it arrives its place can be neither
// read, written nor executed, by anybody: a page that shows its bytes shows the right
// ones.
type region struct {
	packed.Region
	place  unsafe.Pointer
	memory []byte // of constants, and of cold code on its way: it takes the place, and is nil then
}

func newOpening(library *packed.Library, file func(string) *os.File) *opening {
	o := &opening{library: library, file: file, libraries: make(map[string]*arrival)}
	for _, e := range library.Manifest().Libraries {
		a := &arrival{name: e.Name, mapped: make(chan struct{})}
		o.libraries[e.Name], o.order = a, append(o.order, a)
	}
	return o
}

// options are what Inflate needs to open the libraries while it goes on.
func (o *opening) options(opts packed.InflateOptions) packed.InflateOptions {
	opts.Early, opts.Place, opts.LeaveCold = o.early, o.place, true
	return opts
}

// close frees the memory that did not come into its place.
func (o *opening) close() {
	for _, a := range o.order {
		for _, r := range a.late {
			if !r.Cold { // that is coldCode's
				r.free()
			}
		}
	}
}

func (o *opening) stages() []Stage {
	var stages []Stage
	for _, a := range o.order {
		stages = append(stages, a.stages...)
	}
	return stages
}

// early maps a library of which the late regions are still to come. The loader reads
// only what is there; nobody else knows of the library yet.
func (o *opening) early(ctx context.Context, e packed.Entry) error {
	if e.Name == packed.CC { // whose symbols framework defines
		if err := o.libraries[packed.Framework].await(ctx); err != nil {
			return err
		}
	}
	a := o.libraries[e.Name]
	if err := deferInit(o.file(a.name)); err != nil {
		return err
	}
	if err := o.open(a); err != nil {
		return err
	}
	start, err := base(a.handle)
	if err != nil {
		return err
	}
	if err := a.closeLate(e.Late, start); err != nil {
		return fmt.Errorf("%s: %w", e.Name, err)
	}
	close(a.mapped)
	return nil
}

func (o *opening) open(a *arrival) error {
	handle, stage, err := mapLibrary(a.name, fmt.Sprintf("/proc/self/fd/%d", o.file(a.name).Fd()))
	if err != nil {
		return err
	}
	a.handle, a.stages = handle, append(a.stages, stage)
	return nil
}

// await waits until a library is mapped.
func (a *arrival) await(ctx context.Context) error {
	select {
	case <-a.mapped:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// place is the memory for a frame. It waits for the library to be mapped.
func (o *opening) place(ctx context.Context, e packed.Entry, region int, offset, size int64) ([]byte, error) {
	a := o.libraries[e.Name]
	if err := a.await(ctx); err != nil {
		return nil, err
	}
	r := a.late[region]
	if r.memory == nil {
		return nil, nil
	}
	memory := r.memory[offset-r.Offset:][:size]
	// All its pages in one call are a quarter of the time of a fault for each. Kernels
	// before 5.14 do not know it, and take the faults.
	_ = unix.Madvise(memory, unix.MADV_POPULATE_WRITE)
	return memory, nil
}

// finish makes the libraries ready for calls, when all of them is there but for what is
// cold. Nothing else runs meanwhile: each change of a mapping would wait for the others.
func (o *opening) finish() (err error) {
	if o.cold, err = newColdCode(o); err != nil {
		return err
	}
	if o.cold != nil {
		go o.cold.bring() // constructors may come to code that it brings
	}
	for _, name := range []string{packed.Framework, packed.CC} {
		a := o.libraries[name]
		if a.handle == nil { // nothing was mapped early
			if err := o.open(a); err != nil {
				return err
			}
		}
		for _, r := range a.late {
			if err := r.arrive(); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		stages, err := initialize(name, a.handle)
		a.stages = append(a.stages, stages...)
		if err != nil {
			return err
		}
	}
	return nil
}

// closeLate makes the places of late regions inaccessible, and memory for those that are
// to arrive before the library is used.
func (a *arrival) closeLate(late []packed.Region, start unsafe.Pointer) error {
	for i := 0; i < len(late); {
		first, size := late[i], int64(0) // neighbours are closed by one call
		for ; i < len(late) && late[i].Offset == first.Offset+size && late[i].Address == first.Address+size; i++ {
			a.late = append(a.late, &region{Region: late[i], place: unsafe.Add(start, late[i].Address)})
			size += late[i].Size
		}
		if err := unix.Mprotect(unsafe.Slice((*byte)(unsafe.Add(start, first.Address)), size), unix.PROT_NONE); err != nil {
			return fmt.Errorf("close the place of %d MB of code: %w", size/1e6, err)
		}
	}
	for _, r := range a.late {
		if r.Cold || r.Executable {
			continue
		}
		if err := r.allocate(); err != nil {
			return err
		}
	}
	return nil
}

// allocate makes the memory of a region.
//
// Huge pages would be fewer faults, 227 for 454 MB, and are not asked for: beside a host
// that takes back what its guests have freed, as Lambda's does, only small pages can be
// those that were in use a moment ago. With huge ones the medians of cold starts were
// the same, the slowest took twice as long.
func (r *region) allocate() (err error) {
	r.memory, err = unix.Mmap(-1, 0, int(r.Size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return fmt.Errorf("memory for %d bytes of code: %w: %w", r.Size, err, ErrNoSpace)
	}
	return nil
}

// arrive shows a region that is not cold to everybody, in one step.
func (r *region) arrive() error {
	switch {
	case r.Cold:
		return nil // it comes later
	case r.memory != nil:
		return r.move()
	}
	// Code is in the file that is mapped there: it is in hundreds of regions, and to
	// open one takes less than half the time of moving one.
	if err := unix.Mprotect(unsafe.Slice((*byte)(r.place), r.Size), r.protection()); err != nil {
		return fmt.Errorf("open the place of %d bytes of code: %w: %w", r.Size, err, ErrUnusable)
	}
	return nil
}

func (r *region) protection() int {
	if r.Executable {
		return unix.PROT_READ | unix.PROT_EXEC
	}
	return unix.PROT_READ
}

// move puts the memory in its place. Where instructions are not read through the cache of
// data, on arm64, the kernel sees to it that both agree when a page becomes executable for
// the first time, as each of these does once.
func (r *region) move() error {
	if err := unix.Mprotect(r.memory, r.protection()); err != nil {
		return fmt.Errorf("make memory executable: %w: %w", err, ErrUnusable)
	}
	size := uintptr(r.Size)
	if _, err := unix.MremapPtr(unsafe.Pointer(&r.memory[0]), size, r.place, size, unix.MREMAP_MAYMOVE|unix.MREMAP_FIXED); err != nil {
		return fmt.Errorf("move code to its place: %w: %w", err, ErrUnusable)
	}
	r.memory = nil
	return nil
}

func (r *region) free() {
	if r.memory != nil {
		_ = unix.MunmapPtr(unsafe.Pointer(&r.memory[0]), uintptr(r.Size))
		r.memory = nil
	}
}

// canPlace tries what move does: a sandbox may refuse memory that was written to and
// is then executed, and once a library is mapped it is too late to do it otherwise. Where
// pages are larger than Lambda's, as some kernels for arm64 have them, a region may share
// one with what is there from the start.
func canPlace(m packed.Manifest) error {
	size := unix.Getpagesize()
	if !m.LateIsOfPages(int64(size)) {
		return fmt.Errorf("pages of this system have %d bytes, and parts of the library are smaller", size)
	}
	memory, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return err
	}
	memory[0] = 1
	err = unix.Mprotect(memory, unix.PROT_READ|unix.PROT_EXEC)
	return errors.Join(err, unix.Munmap(memory))
}
