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

	tf "github.com/galeone/tensorflow/tensorflow/go"

	"github.com/tensorlambda/tensorlambda/internal/function"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/infer/tensorflow"
	"github.com/tensorlambda/tensorlambda/internal/libtensorflow"
	"github.com/tensorlambda/tensorlambda/internal/serve"
)

const warmRounds = 4000

// benchWarm measures what a warm request costs beyond the run of the session:
// the whole of an invocation (event, JSON, tensors, reply) and the bare
// Session.Run, in turns, in this process.
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
	bare, err := bareSession(graph)
	if err != nil {
		return err
	}
	event, err := os.ReadFile(eventFile)
	if err != nil {
		return err
	}
	handler := function.New(function.Options{
		Serve: serve.New(serve.Options{Model: func(context.Context) (*infer.Model, error) {
			return &infer.Model{Name: "digits", Version: "1", Runner: runner}, nil
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
		start = time.Now()
		if err := bare(); err != nil {
			return err
		}
		run := time.Since(start)
		whole, session, overhead = append(whole, took), append(session, run), append(overhead, took-run)
	}
	fmt.Printf("| warm request, demo model, %d pairs | median | 90th percentile |\n|---|---|---|\n", warmRounds)
	for _, row := range []struct {
		name  string
		times []time.Duration
	}{{"whole invocation", whole}, {"bare Session.Run", session}, {"overhead", overhead}} {
		slices.Sort(row.times)
		fmt.Printf("| %s | %.0f µs | %.0f µs |\n", row.name, us(row.times[warmRounds/2]), us(row.times[warmRounds*9/10]))
	}
	fmt.Println()
	return nil
}

// bareSession is the same graph in a session of the binding, run on one image
// that is in C memory already.
func bareSession(graphdef []byte) (run func() error, err error) {
	graph := tf.NewGraph()
	if err := graph.Import(graphdef, ""); err != nil {
		return nil, err
	}
	session, err := tf.NewSession(graph, nil) // the process's thread pools are those of the first
	if err != nil {
		return nil, err
	}
	image, err := tf.NewTensor([1][8][8][1]float32{})
	if err != nil {
		return nil, err
	}
	feeds := map[tf.Output]*tf.Tensor{graph.Operation("image").Output(0): image}
	fetches := []tf.Output{graph.Operation("probabilities").Output(0)}
	return func() error {
		_, err := session.Run(feeds, fetches, nil)
		return err
	}, nil
}

func us(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
