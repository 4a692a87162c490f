package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"slices"
	"time"
)

const throughputRounds = 9

// workload is what one row of the table measures.
type workload struct {
	name     string
	body     []byte
	workers  int
	requests int // a round
}

// benchThroughput measures requests a second over HTTP beside a Python server,
// with TensorFlow Serving's row form.
func benchThroughput(ctx context.Context) error {
	digits, root, err := digitsFolder()
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	digit, err := oneDigit()
	if err != nil {
		return err
	}
	var images [2][]byte
	if images[0], err = rows(newPixels[float32]()); err != nil {
		return err
	}
	if images[1], err = rows(newPixels[float64]()); err != nil {
		return err
	}
	fmt.Printf("| requests a second, medians of %d alternating rounds | tensorlambda | FastAPI + uvicorn + TensorFlow | ratio |\n|---|---|---|---|\n", throughputRounds)
	err = errors.Join(
		compare(ctx, digits, []workload{
			{"demo model, 1 client", digit, 1, 1000},
			{"demo model, 4 clients", digit, 4, 1000},
		}),
		compare(ctx, imageModel, []workload{
			{"224×224×3 image, numbers as float32, 1 client", images[0], 1, 25},
			{"the same, as Python writes them, 1 client", images[1], 1, 25},
		}))
	fmt.Println()
	return err
}

// compare has both servers serve a model and prints a row for each workload.
func compare(ctx context.Context, folder string, workloads []workload) (err error) {
	ours, python, err := startServers(ctx, folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ours.close(), python.close()) }()
	for _, w := range workloads {
		rates, err := w.measure(ctx, ours, python)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		fmt.Printf("| %s | %.0f | %.0f | **%.1f×** |\n", w.name, rates[0], rates[1], rates[0]/rates[1])
	}
	return nil
}

// measure gives the median of requests a second for each server. They take
// turns, so that a slow spell of the machine hits both.
func (w workload) measure(ctx context.Context, servers ...*server) ([]float64, error) {
	request, err := rawRequest("/v1/models/bench:predict", http.Header{"Content-Type": {"application/json"}}, w.body)
	if err != nil {
		return nil, err
	}
	times, answers := make([][]time.Duration, len(servers)), make([][]float64, len(servers))
	for round := range throughputRounds + 1 {
		for i, s := range servers {
			took, reply, err := load(ctx, s.addr, request, w.workers, w.requests)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
			if answers[i], err = prediction(reply); err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
			if round > 0 { // the first warms up
				times[i] = append(times[i], took)
			}
		}
		if !near(answers[0], answers[1]) {
			return nil, fmt.Errorf("the answers differ: %v and %v", answers[0], answers[1])
		}
	}
	rates := make([]float64, len(servers))
	for i := range servers {
		rates[i] = float64(w.requests) / median(times[i]).Seconds()
	}
	return rates, nil
}

// prediction is the only row of a reply.
func prediction(reply []byte) ([]float64, error) {
	var decoded struct{ Predictions [][]float64 }
	if err := json.Unmarshal(reply, &decoded); err != nil || len(decoded.Predictions) != 1 {
		return nil, fmt.Errorf("reply %.200q is not one prediction", reply)
	}
	return decoded.Predictions[0], nil
}

// near allows for sums that were added up in another order.
func near(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return math.Abs(x-y) < 1e-5 })
}
