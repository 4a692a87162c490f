package coldstart

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// Options are the steps of a start. Each may be called again after a failure.
type Options struct {
	// Started is when the process started, the zero of the timeline; default
	// is when the pipeline starts.
	Started time.Time
	// Open makes the TensorFlow library usable. It runs beside Read, and goes
	// on where that fails: a library that was half opened cannot be opened
	// again, and the next attempt needs it too.
	Open func(context.Context, *Timeline) error
	// Read fetches the model and reads its definition. It ends early where
	// Open fails.
	Read func(context.Context, *Timeline) (Prepared, error)
	// Transient says whether a failure may be gone when tried again; nil
	// means that none is.
	Transient func(error) bool
	// Ended, if not nil, is told how each attempt went, before anybody who
	// waits for the model is.
	Ended func(Report, error)
	// Stage, if not nil, is told of each stage once it has ended, by several
	// goroutines at a time.
	Stage func(Stage)
}

// Prepared is a model that was read and not yet loaded.
type Prepared interface {
	// Load makes the model, ready to answer. It is called once the library is
	// open.
	Load(context.Context, *Timeline) (*infer.Model, error)
	// Close lets go of what Load needed. It is called once, whether there was
	// a Load or not.
	Close() error
}

// Pipeline starts a model and keeps it. It is safe for concurrent use.
type Pipeline struct {
	opts   Options
	ctx    context.Context // ends with Close
	cancel context.CancelFunc

	mu      sync.Mutex
	current *attempt
}

// attempt is one run of all steps. Its fields but done are set before done is
// closed, and not changed after.
type attempt struct {
	done   chan struct{}
	model  *infer.Model
	err    error
	report Report
}

// New starts the steps in the background. Close ends what it started.
func New(opts Options) *Pipeline {
	ctx, cancel := context.WithCancel(context.Background())
	p := &Pipeline{opts: opts, ctx: ctx, cancel: cancel}
	if p.opts.Started.IsZero() {
		p.opts.Started = time.Now()
	}
	p.current = p.begin(p.opts.Started)
	return p
}

// Model waits for the model. It fails with infer.ErrUnavailable when ctx ends
// first; the steps go on, since the next caller needs them too. After a
// transient failure a call starts the steps again; any other failure stays.
func (p *Pipeline) Model(ctx context.Context) (*infer.Model, error) {
	a := p.attempt()
	select {
	case <-a.done:
		return a.model, a.err
	default: // the usual case is over: ctx need not be asked
	}
	select {
	case <-a.done:
		return a.model, a.err
	case <-ctx.Done():
		return nil, infer.Errorf(infer.ErrUnavailable, "the model is still being loaded: try again in a few seconds")
	}
}

// Report says how the latest attempt went; ok is false while it is under way.
func (p *Pipeline) Report() (r Report, ok bool) {
	p.mu.Lock()
	a := p.current
	p.mu.Unlock()
	select {
	case <-a.done:
		return a.report, true
	default:
		return Report{}, false
	}
}

// Close ends an attempt that is under way, waits for it, and frees the model.
func (p *Pipeline) Close() error {
	p.cancel()
	p.mu.Lock()
	a := p.current
	p.mu.Unlock()
	<-a.done
	if a.model != nil {
		return a.model.Runner.Close()
	}
	return nil
}

// attempt is the one to wait for: the current one, or a new one where that
// failed in a way that may pass.
func (p *Pipeline) attempt() *attempt {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.current.done:
		if p.current.err != nil && p.transient(p.current.err) && p.ctx.Err() == nil {
			p.current = p.begin(time.Now())
		}
	default:
	}
	return p.current
}

func (p *Pipeline) transient(err error) bool {
	return p.opts.Transient != nil && p.opts.Transient(err)
}

func (p *Pipeline) begin(start time.Time) *attempt {
	a := &attempt{done: make(chan struct{})}
	go func() {
		defer close(a.done)
		timeline := &Timeline{report: Report{Start: start}, added: p.opts.Stage}
		a.model, a.err = p.run(timeline)
		timeline.Note(func(r *Report) { r.End = time.Now() })
		a.report = timeline.Report()
		if p.opts.Ended != nil {
			p.opts.Ended(a.report, a.err)
		}
	}()
	return a
}

// run runs all steps once. A panic in one, tfgo's way to fail, is an error.
func (p *Pipeline) run(timeline *Timeline) (model *infer.Model, err error) {
	group, ctx := errgroup.WithContext(p.ctx)
	var prepared Prepared
	group.Go(func() error { return guard("open", func() error { return p.opts.Open(p.ctx, timeline) }) })
	group.Go(func() error {
		return guard("read", func() (err error) {
			prepared, err = p.opts.Read(ctx, timeline)
			return err
		})
	})
	err = group.Wait()
	if prepared != nil {
		defer func() {
			if err := prepared.Close(); err != nil {
				timeline.Note(func(r *Report) { r.Warnings = append(r.Warnings, err.Error()) })
			}
		}()
	}
	if err != nil {
		return nil, err
	}
	err = guard("load", func() (err error) {
		model, err = prepared.Load(p.ctx, timeline)
		return err
	})
	if err != nil {
		return nil, err
	}
	timeline.Note(func(r *Report) { r.Model, r.Version = model.Name, model.Version })
	return model, nil
}

var errPanic = errors.New("panic")

// guard makes an error of a panic. Its stack goes into the message, which ends up
// in the log: clients see none of it.
func guard(step string, run func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%s: %w: %v\n%s", step, errPanic, v, debug.Stack())
		}
	}()
	return run()
}
