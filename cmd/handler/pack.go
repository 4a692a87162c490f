package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/coldstart"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/infer/tensorflow"
	"github.com/tensorlambda/tensorlambda/internal/libtensorflow"
	"github.com/tensorlambda/tensorlambda/internal/pack"
)

// packCall is what a call of pack asks for.
type packCall struct {
	output     blob.URI
	signatures []string
}

func parsePack(cfg *config, args []string) (packCall, error) {
	var call packCall
	flags := flag.NewFlagSet("pack", flag.ContinueOnError)
	flags.Func("signature", "`name` of a signature to keep", func(s string) error {
		call.signatures = append(call.signatures, s)
		return nil
	})
	input, output, faults := parseInputOutput(flags, args)
	if len(faults) == 0 && output.Prefix() == input.Prefix() {
		faults = append(faults, errors.New("OUTPUT: is INPUT: the packed model needs a place of its own"))
	}
	if otherForm(output) {
		faults = append(faults, fmt.Errorf("OUTPUT: %q: write to a folder, a prefix or a .tar.gz", output))
	}
	if len(faults) > 0 {
		return call, usageError{errors.Join(faults...)}
	}
	cfg.ModelURI, call.output = input.String(), output
	return call, nil
}

// packCommand writes a model that starts faster and answers the same. What it writes
// was compared with the original; where they disagree nothing is written.
func packCommand(ctx context.Context, cfg config, args []string, stdout, stderr io.Writer) error {
	call, err := parsePack(&cfg, args)
	if err != nil {
		return err
	}
	stores, err := openStores(ctx, cfg, call.output)
	if err != nil {
		return usageError{err}
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	bar := newProgress(stderr, log)
	defer bar.done()
	fetched, err := fetchModel(ctx, cfg, stores)
	if err != nil {
		return err
	}
	defer fetched.Close()
	if fetched.Format == coldstart.GraphDef {
		return fmt.Errorf("%s is a frozen graph, which starts fast as it is: pack takes a SavedModel", cfg.ModelURI)
	}
	if err := openLibrary(ctx, cfg, new(coldstart.Timeline), bar); err != nil {
		return err
	}
	bar.done()
	return call.run(ctx, cfg, fetched, stores, stdout)
}

func (c packCall) run(ctx context.Context, cfg config, fetched *coldstart.Fetched, stores blob.Stores, stdout io.Writer) error {
	definition, err := readModel(cfg, fetched)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(filepath.Join(fetched.Dir, savedModelFile))
	if err != nil {
		return err
	}
	packed, err := pack.SavedModel(content, pack.Options{
		Tags: definition.Tags(), Signatures: c.signatures, Operations: libtensorflow.OpList(), Values: definition.Variables, Evaluate: tensorflow.Evaluate,
	})
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "tensorlambda-pack-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	files, err := layOut(packed, fetched.Dir, folder)
	if err != nil {
		return err
	}
	agreement, err := compare(ctx, cfg, definition, fetched, folder)
	if err != nil {
		return err
	}
	size, err := publish(ctx, stores, c.output, folder, files)
	if err != nil {
		return err
	}
	return writePackReport(stdout, c.output, size, fetched.Bytes, packed.Report, agreement)
}

// compare asks the model in folder and the original the same.
func compare(ctx context.Context, cfg config, original *tensorflow.Definition, fetched *coldstart.Fetched, folder string) (*pack.Agreement, error) {
	definition, err := readModel(cfg, &coldstart.Fetched{Format: coldstart.SavedModel, Dir: folder})
	if err != nil {
		return nil, fmt.Errorf("the packed model: %w", err)
	}
	// The original twice: models that draw random numbers do not agree with themselves.
	var models [3]*infer.Model
	for i, d := range []*tensorflow.Definition{original, original, definition} {
		runner, err := d.Load()
		if err != nil {
			return nil, err
		}
		defer runner.Close()
		models[i] = &infer.Model{Name: fetched.Name, Version: fetched.Version, Format: coldstart.SavedModel, Runner: runner}
	}
	return pack.Compare(ctx, models[0], models[1], models[2])
}

func writePackReport(w io.Writer, output blob.URI, size, before int64, r pack.Report, a *pack.Agreement) error {
	_, err := fmt.Fprintf(w, "packed %s: %.1f MB, from %.1f MB\n", output, float64(size)/1e6, float64(before)/1e6)
	fmt.Fprintf(w, "  operations  %d, from %d\n", r.NodesAfter, r.NodesBefore)
	fmt.Fprintf(w, "  inlined     %d calls of functions\n", r.Inlined)
	fmt.Fprintf(w, "  folded      %d variables, %.1f MB\n", r.Folded, float64(r.FoldedBytes)/1e6)
	fmt.Fprintf(w, "  computed    %d tensors from constants\n", r.Computed)
	if r.NotComputed != "" {
		fmt.Fprintf(w, "  note        nothing was computed from constants: %s\n", r.NotComputed)
	}
	for _, k := range r.Kept {
		fmt.Fprintf(w, "  kept        %q (%s): it %s\n", k.Node, k.Op, k.Why)
	}
	fmt.Fprintf(w, "  verified    %d random requests, %d outputs: %d equal bit by bit", a.Runs, a.Outputs, a.Equal)
	if a.Largest > 0 {
		fmt.Fprintf(w, ", the largest difference %.1g of the largest element", a.Largest)
	}
	fmt.Fprintln(w)
	if a.Refused > 0 {
		fmt.Fprintf(w, "  note        %d random requests were refused by both models\n", a.Refused)
	}
	for _, line := range a.Excluded {
		fmt.Fprintf(w, "  note        %s\n", line)
	}
	return err
}
