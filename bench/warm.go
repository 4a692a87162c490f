package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/function"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/infer/tensorflow"
	"github.com/tensorlambda/tensorlambda/internal/libtensorflow"
	"github.com/tensorlambda/tensorlambda/internal/serve"
)

const warmRounds = 4000

// benchWarm measures what a warm request costs beyond the run of the session:
// the whole of an invocation (event, JSON, tensors, reply) less Session.Run on
// the same tensor, in turns, in this process.
func benchWarm(ctx context.Context) error {
	if _, err := libtensorflow.Open(ctx, libtensorflow.Options{Dir: filepath.Join("build", "layer", "lib")}); err != nil {
		return err
	}
	// The frozen form of the demo model is the same computation and needs no
	// unpacking here.
	graph, err := os.ReadFile(filepath.Join("models", "digits", "digits.pb"))
	if err != nil {
		return err
	}
	definition, err := tensorflow.ReadGraph(graph, tensorflow.Options{InterOpThreads: 1})
	if err != nil {
		return err
	}
	runner, err := definition.Load()
	if err != nil {
		return err
	}
	defer runner.Close()
	event, err := os.ReadFile(eventFile)
	if err != nil {
		return err
	}
	timed := &timedRunner{Runner: runner}
	handler := function.New(function.Options{
		Serve: serve.New(serve.Options{Model: func(context.Context) (*infer.Model, error) {
			return &infer.Model{Name: "digits", Version: "1", Runner: timed}, nil
		}}),
		Logger: slog.New(slog.NewJSONHandler(io.Discard, nil)),
	})
	var whole, session, overhead []time.Duration
	for range warmRounds {
		start := time.Now()
		reply, err := handler.Invoke(ctx, event)
		took := time.Since(start)
		if err != nil {
			return err
		}
		if err := checkAnswer(reply); err != nil {
			return err
		}
		whole, session, overhead = append(whole, took), append(session, timed.last), append(overhead, took-timed.last)
	}
	fmt.Printf("| warm request, demo model, %d invocations | median | 90th percentile |\n|---|---|---|\n", warmRounds)
	for _, row := range []struct {
		name  string
		times []time.Duration
	}{{"whole invocation", whole}, {"of it the run: copy in, Session.Run, copy out", session}, {"overhead over the run", overhead}} {
		slices.Sort(row.times)
		fmt.Printf("| %s | %.0f µs | %.0f µs |\n", row.name, us(row.times[warmRounds/2]), us(row.times[warmRounds*9/10]))
	}
	fmt.Println()
	return nil
}

func us(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// timedRunner notes how long each run takes.
type timedRunner struct {
	infer.Runner
	last time.Duration
}

func (r *timedRunner) Run(ctx context.Context, feeds []infer.Feed, fetches []infer.TensorInfo) ([]*infer.Tensor, error) {
	start := time.Now()
	results, err := r.Runner.Run(ctx, feeds, fetches)
	r.last = time.Since(start)
	return results, err
}
