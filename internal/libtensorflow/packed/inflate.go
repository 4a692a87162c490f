package packed

import (
	"context"
	"fmt"
	"io"
	"iter"
	"runtime"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// InflateOptions are the choices of Inflate. The zero value is ready for use.
type InflateOptions struct {
	// Workers is how many goroutines inflate; 0 means GOMAXPROCS. Each needs
	// about 12 MB.
	Workers int
	// NewDecoder makes what a worker decodes with; nil means a decoder in Go.
	NewDecoder func() Decoder
	// Place, where set, is asked for the memory of each frame of a late region, by its
	// index in e.Late: size bytes, for those of the library from offset on, which go
	// there instead of to the writer; nil leaves them to the writer. It is called on
	// workers' goroutines and may wait until ctx ends. What it gives holds the frame's
	// bytes before their checksum is known.
	Place func(ctx context.Context, e Entry, region int, offset, size int64) ([]byte, error)
	// LeaveCold, where Place is set, leaves out the frames of cold regions: they are
	// for Regions. A library is whole without them.
	LeaveCold bool
	// Early, where Place is set, is told of each library as soon as all but its
	// late regions is written, on a worker's goroutine. Its error ends Inflate.
	Early func(context.Context, Entry) error
	// Progress is told of each frame's bytes once they are written, by several
	// goroutines at a time.
	Progress func(bytes int64)
}

// Decoder decodes zstd frames, one at a time.
type Decoder interface {
	// Decode puts the content of a frame into dst, which has as many bytes as the
	// manifest says, and returns how many it has. It never writes beyond dst. It is
	// an error if they do not fit.
	Decode(dst, frame []byte) (int, error)
	Close()
}

// Inflate writes every library of the folder to the writer that dst gives for
// it, checking each frame's CRC32C before a byte of it is written. dst is
// called once for each library, in the manifest's order, before the first
// frame. The frames of a library are taken up before those of the next, so the
// first is whole early; with Place, those of all late regions come last.
//
// The writers are written to at several offsets at a time and are not closed. They
// must read as zeros where nothing was written: long runs of zeros are not.
// After an error what they hold is unspecified. The error is ErrDamaged, with
// the pack file, the frame and its offset, where a frame is not what was
// packed; that of dst, of one of the funcs or of a writer; or that of ctx. All goroutines have
// ended when Inflate returns.
func (l *Library) Inflate(ctx context.Context, dst func(Entry) (io.WriterAt, error), opts InflateOptions) error {
	frames, err := l.plan(dst)
	if err != nil {
		return fmt.Errorf("inflate library in %s: %w", l.dir, err)
	}
	if err := l.inflate(ctx, frames, opts); err != nil {
		return fmt.Errorf("inflate library in %s: %w", l.dir, err)
	}
	return nil
}

// target is one library being inflated.
type target struct {
	Entry
	pack  io.ReaderAt
	dst   io.WriterAt
	early atomic.Int64 // frames outside late regions that are not written yet
}

// task is one frame, at its places in the pack file and in the library.
type task struct {
	Frame
	to       *target
	index    int
	packedAt int64
	at       int64
	region   int // of the library's late ones, -1 for none
}

func (t *task) late() bool { return t.region >= 0 }

func (t *task) cold() bool { return t.late() && t.to.Late[t.region].Cold }

// plan lists all frames in the order in which they are taken up. A library
// without bytes is one task without bytes, so that it is reported like others.
func (l *Library) plan(dst func(Entry) (io.WriterAt, error)) ([]task, error) {
	var tasks []task
	for i, e := range l.manifest.Libraries {
		w, err := dst(e)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name, err)
		}
		to := &target{Entry: e, pack: l.packs[i], dst: w}
		if len(e.Frames) == 0 {
			tasks = append(tasks, task{to: to, region: -1})
		}
		for t := range to.tasks() {
			if !t.late() {
				to.early.Add(1)
			}
			tasks = append(tasks, t)
		}
	}
	return tasks, nil
}

// tasks are one a frame, in the order of the library.
func (to *target) tasks() iter.Seq[task] {
	return func(yield func(task) bool) {
		var packedAt, at int64
		for n, f := range to.Frames {
			if !yield(task{Frame: f, to: to, index: n, packedAt: packedAt, at: at, region: to.region(at, f.Size)}) {
				return
			}
			packedAt += f.Packed
			at += f.Size
		}
	}
}

func (l *Library) inflate(ctx context.Context, tasks []task, opts InflateOptions) error {
	workers := opts.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	if opts.Place != nil {
		// While one library is being mapped, frames are left that need not wait
		// for that.
		slices.SortStableFunc(tasks, func(a, b task) int { return order(a.late()) - order(b.late()) })
		if opts.LeaveCold {
			tasks = slices.DeleteFunc(tasks, func(t task) bool { return t.cold() })
		}
	}
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range min(workers, len(tasks)) {
		group.Go(func() error {
			d := worker{decoder: opts.newDecoder()}
			defer d.decoder.Close()
			for ctx.Err() == nil {
				i := next.Add(1) - 1
				if i >= int64(len(tasks)) {
					return nil
				}
				if err := d.inflate(ctx, &tasks[i], opts); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
	}
	return group.Wait()
}

func (o InflateOptions) newDecoder() Decoder {
	if o.NewDecoder == nil {
		return new(goDecoder)
	}
	return o.NewDecoder()
}

func order(late bool) int {
	if late {
		return 1
	}
	return 0
}
