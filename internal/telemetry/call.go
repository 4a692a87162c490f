package telemetry

import (
	"context"
	"time"
)

// Call is what is measured of one use of the model: a request, or the batch work of an
// invocation. Who wants to know puts one into the context; who answers fills it. What
// was not reached is zero. It belongs to the goroutine that answers, and costs it the
// look at a clock for each stage and no lock.
type Call struct {
	// Model and Version are those of the loaded model, empty where it was not reached.
	Model, Version string
	// Signature is the one of the model that was asked, and nothing that a client wrote.
	// It is empty for batch work, and where the request was refused before.
	Signature string

	// Asked is when a request asked for the model.
	Asked time.Time
	// Wait is how long the model was waited for.
	Wait time.Duration
	// Decode, Run and Encode are the stages of a request: with Wait, which comes first,
	// they follow one another without a gap.
	Decode, Run, Encode time.Duration
	// Read, Score and Write are how long batch work read the input, decoded, ran and
	// encoded, and wrote the output. These go on beside each other, and Score is of
	// several processors together, so their sum is more than the time that passed.
	Read, Score, Write time.Duration

	// Runs is how often the model was run, and Rows how many rows it got in all of them.
	Runs, Rows int64
}

type callKey struct{}

// WithCall is a context in which CallOf is c.
func WithCall(ctx context.Context, c *Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// CallOf is what to note measurements in: that of WithCall, or where nobody wants to
// know a new one.
func CallOf(ctx context.Context) *Call {
	if c, ok := ctx.Value(callKey{}).(*Call); ok {
		return c
	}
	return new(Call)
}
