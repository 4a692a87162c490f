package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/function"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/infer/tensorflow"
	"github.com/tensorlambda/tensorlambda/internal/serve"
)

const warmRounds = 4000

// benchWarm measures what a warm request costs beyond the run of the session:
// the whole of an invocation (event, JSON, tensors, reply) and the bare
// Session.Run, in turns, in this process.
func benchWarm(ctx context.Context) error {
	digits, root, err := digitsFolder()
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	handler, runner, err := newHandler("digits", digits)
	if err != nil {
		return err
	}
	defer runner.Close()
	bare, err := newBareSession(digits, "image", "probabilities", [1][8][8][1]float32{})
	if err != nil {
		return err
	}
	event, err := os.ReadFile(eventFile)
	if err != nil {
		return err
	}
	turns, err := takeTurns(warmRounds, bare, func() ([]byte, error) { return handler.Invoke(ctx, event) }, checkAnswer)
	if err != nil {
		return err
	}
	fmt.Printf("| warm request, demo model, %d pairs | median | 90th percentile |\n|---|---|---|\n", warmRounds)
	for _, row := range []struct {
		name  string
		times []time.Duration
	}{{"whole invocation", turns.whole}, {"bare Session.Run", turns.session}, {"overhead", turns.overhead}} {
		fmt.Printf("| %s | %.0f µs | %.0f µs |\n", row.name, us(median(row.times)), us(row.times[warmRounds*9/10]))
	}
	fmt.Println()
	return nil
}

// newHandler loads a SavedModel into this process, behind all that answers an
// invocation.
func newHandler(name, folder string) (*function.Handler, infer.Runner, error) {
	definition, err := tensorflow.ReadSavedModel(folder, tensorflow.Options{InterOpThreads: 1})
	if err != nil {
		return nil, nil, err
	}
	runner, err := definition.Load()
	if err != nil {
		return nil, nil, err
	}
	model := &infer.Model{Name: name, Version: "1", Format: "savedmodel", Runner: runner}
	return function.New(function.Options{
		Serve:  serve.New(serve.Options{Model: func(context.Context) (*infer.Model, error) { return model, nil }}),
		Logger: slog.New(slog.NewJSONHandler(io.Discard, nil)),
	}), runner, nil
}

// turns are the times of requests and of bare runs, and the differences of each
// pair.
type turns struct{ whole, session, overhead []time.Duration }

// takeTurns times requests and bare runs in turns. Each reply is checked, outside
// of the time.
func takeTurns(rounds int, bare *bareSession, request func() ([]byte, error), check func([]byte) error) (t turns, err error) {
	for range rounds {
		start := time.Now()
		reply, err := request()
		whole := time.Since(start)
		if err != nil {
			return t, err
		}
		if err := check(reply); err != nil {
			return t, err
		}
		start = time.Now()
		_, err = bare.run()
		session := time.Since(start)
		if err != nil {
			return t, err
		}
		t.whole, t.session, t.overhead = append(t.whole, whole), append(t.session, session), append(t.overhead, whole-session)
	}
	for _, times := range [][]time.Duration{t.whole, t.session, t.overhead} {
		slices.Sort(times)
	}
	return t, nil
}

func us(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
