package batch

import (
	"context"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// input is a version of an object that is about to be scored.
type input struct {
	object    blob.Object
	sequencer string
	encoding  rows.Encoding
}

// tally is what a stream has done.
type tally struct {
	rows, errors int64
	// next is where the rest begins; rest says that there is one.
	next rows.Position
	rest bool
}

// stream is rows of an input on their way to a sink.
type stream struct {
	in     *input
	part   rows.Part
	model  *infer.Model
	format rows.Format
	sink   rows.Sink
	// until is when to stop reading and leave the rest; zero means never.
	until time.Time
	// progress, where set, is called after each block, by one goroutine. An error
	// ends the stream.
	progress func(Progress) error
}

// open looks an input up.
func (s *Scorer) open(ctx context.Context, o Object) (*input, error) { panic("lead") }

// readOptions are those of rows for this input.
func (s *Scorer) readOptions(in *input, model *infer.Model, part rows.Part) rows.Options {
	panic("lead")
}

// source is the bytes of the input.
func (s *Scorer) source(in *input) rows.Source { panic("lead") }

// run moves a stream to its sink.
func (s *Scorer) run(ctx context.Context, st stream) (tally, error) { panic("lead") }

// model waits for the model; the error is ErrNoModel, retried as a whole.
func (s *Scorer) model(ctx context.Context) (*infer.Model, error) { panic("lead") }

// identity is what an output of this input by this model carries as metadata:
// tensorlambda-input, -input-version, -input-modified, -sequencer, -model, -settings.
func (s *Scorer) identity(in *input, model *infer.Model, format rows.Format) identity {
	panic("lead")
}

// identity is the metadata of an output.
type identity map[string]string

// same reports whether an output with metadata m is the answer that id would be.
func (id identity) same(m map[string]string) bool { panic("lead") }

// olderThan reports whether m is of a newer version of the same input than id.
func (id identity) olderThan(m map[string]string) bool { panic("lead") }

// outputURI is OUTPUT_URI + input key + suffix.
func (s *Scorer) outputURI(in *input, suffix string) blob.URI { panic("lead") }

// deadline is when to stop working so that Margin is left; zero where ctx has none.
func (s *Scorer) deadline(ctx context.Context) time.Time { panic("lead") }
