package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/batch"
	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/coldstart"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// scoreCall is what a call of score asks for.
type scoreCall struct {
	input, output blob.URI
	format        rows.Format // empty means by the name of the output
	force         bool
	header        string // of a CSV: present, absent, or empty for what its first line looks like
}

// parseScore parses the arguments of score. Those that stand for settings change cfg.
func parseScore(cfg *config, args []string) (scoreCall, error) {
	var call scoreCall
	flags := flag.NewFlagSet("score", flag.ContinueOnError)
	flags.StringVar(&cfg.ModelURI, "model", cfg.ModelURI, "the `URI` of the model; MODEL_URI if it is not given")
	flags.BoolVar(&cfg.Join, "join", cfg.Join, "write the inputs beside the answers, as OUTPUT_JOIN=true does")
	flags.BoolVar(&call.force, "force", false, "score again what is done already; objects in S3 remember it")
	flags.Func("format", "the `format` of the output: jsonl, csv, parquet or npy; as OUTPUT's name ends or OUTPUT_FORMAT says if it is not given", func(s string) (err error) {
		call.format, err = parseFormat(s)
		return err
	})
	flags.Func("header", "whether the first line of a CSV is a header: `present or absent`", func(s string) error {
		if call.header = s; s != codec.HeaderPresent && s != codec.HeaderAbsent {
			return fmt.Errorf("%q is neither present nor absent", s)
		}
		return nil
	})
	input, output, faults, err := parseInputOutput(flags, args)
	if err != nil {
		return call, err
	}
	call.input, call.output = input, output
	faults = append(faults, call.places()...)
	if err := call.checkOutput(); err != nil {
		faults = append(faults, fmt.Errorf("OUTPUT: %w", err))
	}
	if cfg.ModelURI == "" {
		faults = append(faults, errNoModel)
	} else if _, err := blob.ParseURI(cfg.ModelURI); err != nil {
		faults = append(faults, fmt.Errorf("--model: %w", err)) // the setting was looked at when it was read
	}
	if cfg.Join && cmp.Or(call.format, batch.FormatOf(call.output), cfg.Format) == rows.NPY {
		faults = append(faults, fmt.Errorf("--join: %w", errJoinNPY))
	}
	if len(faults) > 0 {
		return call, usageError{errors.Join(faults...)}
	}
	return call, nil
}

// places are the faults of INPUT and OUTPUT, as far as their names and the files of this
// machine tell. An empty URI was faulted before.
func (c scoreCall) places() (faults []error) {
	info, err := os.Stat(c.input.Key)
	local := c.input.Scheme == blob.FileScheme && err == nil
	switch {
	case c.input == (blob.URI{}):
	case local && info.IsDir():
		faults = append(faults, fmt.Errorf("INPUT: %q is a folder: INPUT is one file", c.input))
	case c.input.IsPrefix():
		faults = append(faults, fmt.Errorf("INPUT: %q is a prefix: one object at a time", c.input))
	case c.input == c.output, local && c.output.Scheme == blob.FileScheme && isFile(c.output.Key, info):
		faults = append(faults, fmt.Errorf("OUTPUT: %q is INPUT: the answers need a place of their own", c.output))
	}
	return faults
}

// isFile reports whether path leads to the file, by whatever name.
func isFile(path string, file os.FileInfo) bool {
	other, err := os.Stat(path)
	return err == nil && os.SameFile(other, file)
}

// checkOutput refuses names of what is not written.
func (c scoreCall) checkOutput() error {
	name := path.Base(c.output.Key)
	switch ext := strings.ToLower(path.Ext(name)); {
	case c.output == blob.URI{} || c.output.IsPrefix():
		return nil
	case c.output.Scheme == blob.FileScheme && c.output.Key == "-":
		return errors.New("answers go to a file or object, and not to the standard output: give a name that ends in .jsonl, .csv, .parquet or .npy")
	case rows.Compressed(name):
		return fmt.Errorf("%q: answers are not compressed: leave out %s, and compress the file afterwards", name, ext)
	}
	return nil
}

// scoreCommand scores one object or file into one other, as the function would.
func scoreCommand(ctx context.Context, cfg config, args []string, stdout, stderr io.Writer) error {
	call, err := parseScore(&cfg, args)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	if call.format == "" && batch.FormatOf(call.output) == "" && !call.output.IsPrefix() {
		log.Warn("the output's name says no format (.jsonl, .csv, .parquet, .npy), so OUTPUT_FORMAT does", "output", call.output, "format", cfg.Format)
	}
	starting := newProgress(stderr, log)
	stores, err := openStores(ctx, cfg, call.input, call.output)
	if err != nil {
		return usageError{err}
	}
	start, err := startOptions(cfg, stores, starting)
	if err != nil {
		return usageError{err}
	}
	defer starting.done()
	coldstart.Start(start)
	defer coldstart.Close() // the process ends with it
	shown := newScoring(stderr, log)
	options := batchOptions(cfg, stores)
	options.Logger, options.Header = log, call.header
	options.Model = func(ctx context.Context) (*infer.Model, error) { // asked for once the input is looked up
		model, err := coldstart.Model(ctx)
		starting.done()
		shown.started()
		return model, err
	}
	return call.run(ctx, batch.New(options), shown, stdout)
}

// run scores and says what came of it.
func (c scoreCall) run(ctx context.Context, scorer *batch.Scorer, shown *scoring, stdout io.Writer) error {
	report, err := scorer.Score(ctx, batch.Request{
		Object: batch.Object{URI: c.input}, Output: c.output, Format: c.format, Force: c.force, Progress: shown.progress,
	})
	shown.done()
	switch {
	case err != nil && ctx.Err() != nil:
		return errInterrupted
	case errors.Is(err, coldstart.ErrPin):
		return usageError{err}
	case err == nil || errors.Is(err, batch.ErrAllRowsFailed):
		fmt.Fprintln(stdout, shown.summary(report))
	}
	return err
}

var errInterrupted = errors.New("interrupted: nothing was written")
