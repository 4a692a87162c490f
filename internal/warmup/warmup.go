// Package warmup runs a model once it is loaded and before anybody asks, since
// TensorFlow prepares a graph lazily: the first run takes tens to hundreds of times
// longer than the second. It replays the requests that travel in the model, as
// TensorFlow Serving does, or guesses some.
package warmup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/warmup/predictionlog"
)

// ErrRequest is a warm-up request of the model's own that cannot be read or that
// fails: the model is not what its owner takes it for.
var ErrRequest = errors.New("the model's own warm-up request failed")

// Options say what to warm up.
type Options struct {
	Model *infer.Model
	// Dir is the folder of a SavedModel; empty for other models, which have no
	// requests of their own.
	Dir string
	// HasEffects says why a run of a signature is not only an answer, nil where it
	// is. Such a signature is not guessed at: effects are for clients to cause.
	HasEffects func(signature string) error
	Limits     predictionlog.Limits
	// MarkerDir is a folder that outlives the process and that only this user can
	// write to; it is made if missing. A file in it marks that a guess is under way.
	MarkerDir string
}

// Report says what a warm-up did.
type Report struct {
	Replayed int // requests of the model's own
	Guessed  int // signatures that were run on zeros, whatever came of that
	// Notes are what the operator should know although nothing is wrong with the
	// model: what was not warmed up and why.
	Notes []string
}

func (r *Report) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// Run warms a model up. Where the model has requests of its own these are replayed,
// and nothing else is run; an empty file of them so turns the warm-up off. Otherwise
// each signature without effects is run once on zeros, if its shapes say which.
//
// The error is ErrRequest, or ctx's. Guesses that fail are notes: a real request may
// have a shape that nobody can guess. The report is valid beside an error.
func Run(ctx context.Context, o Options) (Report, error) {
	var r Report
	if o.Dir != "" {
		found, err := r.replay(ctx, o)
		if found || err != nil {
			return r, err
		}
	}
	return r, r.guess(ctx, o)
}

// replay runs the model's own requests, and reports whether it has any.
func (r *Report) replay(ctx context.Context, o Options) (found bool, err error) {
	file, err := predictionlog.Open(o.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return true, fmt.Errorf("warm-up: %w: %w", ErrRequest, err)
	}
	defer file.Close()
	for record, err := range file.Records(ctx, o.Model.Catalog(), o.Limits) {
		if err == nil && record.Request != nil {
			_, err = o.Model.Predict(ctx, record.Request)
			r.Replayed++
		}
		if ctx.Err() != nil {
			return true, ctx.Err()
		}
		if err != nil {
			return true, fmt.Errorf("warm-up: %s of %s: %w: %w", name(record), predictionlog.Path, ErrRequest, err)
		}
		if record.Skipped != "" {
			r.note("%s of %s was not replayed: %s", name(record), predictionlog.Path, record.Skipped)
		}
	}
	return true, nil
}

func name(r predictionlog.Record) string {
	if r.Kind == "" {
		return fmt.Sprintf("record %d", r.Number)
	}
	return fmt.Sprintf("record %d (%s)", r.Number, r.Kind)
}
