package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	tf "github.com/galeone/tensorflow/tensorflow/go"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/infer/tensorflow"
)

const (
	steadyRuns   = 150
	steadyRounds = 7
)

// benchSteady measures what the options of a session and packing do to requests after
// the first: runs of the exported model in a session as TensorFlow makes it by default,
// and runs of the exported and the packed one as this program loads them. Each is a
// process of its own, in turns: the first session of a process fixes the thread pools.
func benchSteady(ctx context.Context) (err error) {
	if err := makeModels(ctx); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "tensorlambda-bench-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	digits, root, err := digitsFolder()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(root)) }()
	fmt.Printf("| a run after the first, medians of %d alternating processes | default session | as exported | packed | beside default |\n|---|---|---|---|---|\n", steadyRounds)
	for _, model := range []struct{ name, folder string }{{"demo model", digits}, {"MobileNetV2", filepath.Join(benchModels, "mobilenet")}} {
		packed := filepath.Join(dir, model.name)
		if err := runQuietly(ctx, "build/bootstrap", "pack", model.folder, packed); err != nil {
			return err
		}
		ways := [][2]string{{"default", model.folder}, {"ours", model.folder}, {"ours", packed}}
		times := make([][]time.Duration, len(ways))
		for range steadyRounds {
			for i, way := range ways {
				took, err := steadyProcess(ctx, way[0], way[1])
				if err != nil {
					return fmt.Errorf("%s: %w", model.name, err)
				}
				times[i] = append(times[i], took)
			}
		}
		plain, exported, small := ms(median(times[0])), ms(median(times[1])), ms(median(times[2]))
		fmt.Printf("| %s | %.3f ms | %.3f ms | %.3f ms | %+.1f %%, %+.1f %% |\n", model.name, plain, exported, small, 100*(exported/plain-1), 100*(small/plain-1))
	}
	fmt.Println()
	return nil
}

// steadyProcess runs this program again to measure one way.
func steadyProcess(ctx context.Context, way, folder string) (time.Duration, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, self, "-steady", way, "-model", folder)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, err
	}
	ns, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	return time.Duration(ns), err
}

// steady is what such a process does: it prints the median time of a run.
func steady(way, folder string) error {
	if err := openLibrary(); err != nil {
		return err
	}
	definition, err := tensorflow.ReadSavedModel(folder, tensorflow.Options{InterOpThreads: 1})
	if err != nil {
		return err
	}
	signature, err := definition.Catalog().Signature("")
	if err != nil {
		return err
	}
	run, err := ourRun(definition, signature)
	if way == "default" {
		run, err = defaultRun(folder, definition.Tags(), signature)
	}
	if err != nil {
		return err
	}
	var times []time.Duration
	for i := range 20 + steadyRuns {
		start := time.Now()
		if err := run(); err != nil {
			return err
		}
		if i >= 20 {
			times = append(times, time.Since(start))
		}
	}
	_, err = fmt.Println(median(times).Nanoseconds())
	return err
}

// one is zeros for the only input of a signature, with a batch of one.
func one(signature *infer.Signature) (*infer.Tensor, error) {
	shape := append(infer.Shape{1}, signature.Inputs[0].Shape[1:]...)
	n, err := infer.Elements(shape)
	if err != nil {
		return nil, err
	}
	return infer.NewTensor(infer.Float, shape, make([]byte, 4*n))
}

func ourRun(definition *tensorflow.Definition, signature *infer.Signature) (func() error, error) {
	value, err := one(signature)
	if err != nil {
		return nil, err
	}
	runner, err := definition.Load()
	if err != nil {
		return nil, err
	}
	feeds := []infer.Feed{{TensorInfo: signature.Inputs[0], Value: value}}
	return func() error {
		_, err := runner.Run(context.Background(), feeds, signature.Outputs)
		return err
	}, nil
}

// defaultRun is of the binding's own loader with TensorFlow's default options. It copies
// its input like ours.
func defaultRun(folder string, tags []string, signature *infer.Signature) (func() error, error) {
	value, err := one(signature)
	if err != nil {
		return nil, err
	}
	model, err := tf.LoadSavedModel(folder, tags, nil)
	if err != nil {
		return nil, err
	}
	input, err := endpoint(model.Graph, signature.Inputs[0].Tensor)
	if err != nil {
		return nil, err
	}
	output, err := endpoint(model.Graph, signature.Outputs[0].Tensor)
	if err != nil {
		return nil, err
	}
	return func() error {
		tensor, err := tf.ReadTensor(tf.Float, value.Shape, bytes.NewReader(value.Data))
		if err != nil {
			return err
		}
		_, err = model.Session.Run(map[tf.Output]*tf.Tensor{input: tensor}, []tf.Output{output}, nil)
		return err
	}, nil
}
