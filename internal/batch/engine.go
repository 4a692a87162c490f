package batch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
	"github.com/tensorlambda/tensorlambda/internal/telemetry"
)

// stream is rows of an input on their way to a sink.
type stream struct {
	in     *input
	part   rows.Part
	model  *infer.Model
	format rows.Format
	sink   rows.Sink
	// until is when to stop reading and leave the rest; zero means never.
	until time.Time
	// progress, where set, is called after each block, by the goroutine that called
	// run. An error ends the stream.
	progress func(Progress) error
}

// tally is what a stream has done.
type tally struct {
	rows, errors int64
	// first is the error of the first row that failed.
	first string
	// next is where the rest begins; rest says that there is one.
	next rows.Position
	rest bool
}

// run moves a stream to its sink. One goroutine cuts the input into blocks, Workers
// decode them, run the model and encode the answers, and the caller's writes them in
// order. Memory is that of the blocks under way, which is bounded, and of the buffers
// of reader and sink.
//
// An error leaves the sink with a part of the rows: it is to be thrown away.
func (s *Scorer) run(ctx context.Context, st stream) (tally, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	reader, err := rows.Open(ctx, s.source(st.in), s.readOptions(st.in, st.model, st.part))
	if err != nil {
		return tally{}, fmt.Errorf("input %s: %w", st.in.object.URI, err)
	}
	defer reader.Close()
	catalog := st.model.Catalog()
	if st.in.encoding.Format == rows.Image {
		catalog = rows.ImageRows(catalog)
	}
	output, err := rows.NewOutput(st.sink, rows.OutputOptions{Format: st.format, Catalog: catalog, Join: s.o.Join, Joined: rows.JoinedOf(reader)})
	if err != nil {
		return tally{}, fmt.Errorf("output for %s: %w", st.in.object.URI, err)
	}
	p := &pipeline{
		s: s, stream: st, reader: reader, output: output,
		work: make(chan *item, s.o.Workers), order: make(chan *item, 2*s.o.Workers),
	}
	t, err := p.run(ctx, cancel)
	p.measured(telemetry.CallOf(ctx))
	return t, err
}

// item is a block on its way through the pipeline. Workers set what is below done
// before they close it.
type item struct {
	block *rows.Block
	rows  int64 // of block
	read  int64 // up to the end of block, in bytes of the input
	done  chan struct{}

	chunk  rows.Chunk
	failed int
	first  string
	err    error
}

type pipeline struct {
	s *Scorer
	stream
	reader rows.Reader
	output rows.Output

	work  chan *item // to the workers
	order chan *item // the same items in order, to the writer
	tasks sync.WaitGroup

	// Of the reading goroutine, once order is closed.
	readErr error
	next    rows.Position
	rest    bool

	tally tally

	// What is measured. reading is the reading goroutine's, writing the writer's.
	reading, writing time.Duration
	scoring          atomic.Int64 // nanoseconds of all workers
	runs, ran        atomic.Int64 // runs of the model, and the rows in them
}

// measured adds what a pipeline that has ended took.
func (p *pipeline) measured(c *telemetry.Call) {
	c.Read += p.reading
	c.Score += time.Duration(p.scoring.Load())
	c.Write += p.writing
	c.Runs += p.runs.Load()
	c.Rows += p.ran.Load()
}

func (p *pipeline) run(ctx context.Context, cancel context.CancelCauseFunc) (tally, error) {
	p.tasks.Go(func() { p.read(ctx) })
	for range p.s.o.Workers {
		p.tasks.Go(func() { p.answer(ctx) })
	}
	defer p.tasks.Wait()
	defer cancel(nil) // first, so that those who are waited for end
	err := p.write()
	switch {
	case ctx.Err() != nil: // the reason for whatever else has failed
		err = fmt.Errorf("input %s, behind row %d: %w", p.in.object.URI, p.tally.rows, context.Cause(ctx))
	case err != nil:
	case p.readErr != nil:
		err = fmt.Errorf("input %s, behind row %d: %w", p.in.object.URI, p.tally.rows, p.readErr)
	default:
		start := time.Now()
		err = p.output.Close()
		p.writing += time.Since(start)
		if err != nil {
			err = fmt.Errorf("output for %s: %w", p.in.object.URI, err)
		}
		p.tally.next, p.tally.rest = p.next, p.rest
	}
	return p.tally, err
}

// read cuts the input into blocks until it ends, fails, or the time is over.
func (p *pipeline) read(ctx context.Context) {
	defer close(p.order)
	defer close(p.work)
	defer func() {
		if cause := recover(); cause != nil {
			p.readErr = p.panicked(cause)
		}
	}()
	next := p.part.From
	for {
		if !p.until.IsZero() && time.Now().After(p.until) {
			p.next, p.rest = next, true
			return
		}
		start := time.Now()
		block, err := p.reader.Next()
		p.reading += time.Since(start)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			p.readErr = err
			return
		}
		next = block.Next
		it := &item{block: block, rows: int64(block.N), read: block.Read, done: make(chan struct{})}
		select {
		case p.order <- it: // bounds how many blocks there are
		case <-ctx.Done():
			return
		}
		p.work <- it // never for long: every item in order is taken by a worker
	}
}

// answer works on blocks until there are no more.
func (p *pipeline) answer(ctx context.Context) {
	decoder := sync.OnceValue(p.reader.Decoder)
	for it := range p.work {
		if ctx.Err() != nil {
			it.err = context.Cause(ctx)
		} else {
			p.block(ctx, it, decoder)
		}
		it.block = nil
		close(it.done)
	}
}

// block decodes a block, asks the model and encodes the answers.
func (p *pipeline) block(ctx context.Context, it *item, decoder func() rows.Decoder) {
	start := time.Now()
	defer func() {
		p.scoring.Add(int64(time.Since(start)))
		if cause := recover(); cause != nil {
			it.err = p.panicked(cause)
		}
	}()
	decoded, err := decoder().Decode(it.block)
	if err != nil {
		it.err = fmt.Errorf("input %s, rows from %d on: %w", p.in.object.URI, it.block.First+1, err)
		return
	}
	outcome, err := p.predict(ctx, decoded)
	if err != nil {
		it.err = fmt.Errorf("input %s, rows from %d on: %w", p.in.object.URI, it.block.First+1, err)
		return
	}
	if p.part == (rows.Part{}) { // of others nobody knows what comes before
		outcome.Place = it.block.Place
	}
	for i := range outcome.Rows {
		if outcome.Rows[i].Err != nil {
			if it.failed == 0 {
				it.first = outcome.Message(i)
			}
			it.failed++
		}
	}
	if it.chunk, err = p.output.Encode(outcome); err != nil {
		it.err = fmt.Errorf("output for %s, rows from %d on: %w", p.in.object.URI, it.block.First+1, err)
	}
}

// trimEvery is how often the size of the process is looked at.
const trimEvery = 100 * time.Millisecond

// write writes blocks in order until there are no more.
func (p *pipeline) write() error {
	var trimmed time.Time
	for it := range p.order {
		<-it.done
		if p.s.o.Trim != nil && time.Since(trimmed) > trimEvery {
			p.s.o.Trim()
			trimmed = time.Now()
		}
		if it.err != nil {
			return it.err
		}
		start := time.Now()
		unfit, err := p.output.Write(it.chunk)
		p.writing += time.Since(start)
		if err != nil {
			return fmt.Errorf("output for %s: %w", p.in.object.URI, err)
		}
		p.count(it, unfit)
		if p.progress == nil {
			continue
		}
		if err := p.progress(Progress{p.tally.rows, p.tally.errors, it.read, p.in.object.Size}); err != nil {
			return err
		}
	}
	return nil
}

func (p *pipeline) count(it *item, unfit int) {
	if p.tally.first == "" {
		p.tally.first = it.first
	}
	p.tally.rows += it.rows
	p.tally.errors += int64(it.failed + unfit)
}

// panicked is the error for a fault of this program, which must not cost the process.
func (p *pipeline) panicked(cause any) error {
	p.s.o.Logger.Error("panic", "cause", cause, "input", p.in.object.URI.String(), "stack", string(debug.Stack()))
	return fmt.Errorf("input %s: %w: the reason is in the log", p.in.object.URI, infer.ErrInternal)
}
