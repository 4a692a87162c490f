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
	"slices"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/coldstart"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/infer/tensorflow"
	"github.com/tensorlambda/tensorlambda/internal/libtensorflow"
	"github.com/tensorlambda/tensorlambda/internal/pack"
	"github.com/tensorlambda/tensorlambda/internal/warmup/predictionlog"
)

// packCall is what a call of pack asks for.
type packCall struct {
	output     blob.URI
	signatures []string
}

func parsePack(cfg *config, args []string) (packCall, error) {
	var call packCall
	flags := flag.NewFlagSet("pack", flag.ContinueOnError)
	flags.Func("signature", "keep the signature of this `name` and leave the others behind; may be given several times", func(s string) error {
		call.signatures = append(call.signatures, s)
		return nil
	})
	input, output, faults, err := parseInputOutput(flags, args)
	if err != nil {
		return call, err
	}
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
	shown := newPacking(stderr, log)
	defer shown.clear()
	shown.start("reading")
	fetched, err := fetchModel(ctx, cfg, stores)
	if err != nil {
		return err
	}
	defer fetched.Close()
	shown.end()
	if fetched.Format == coldstart.GraphDef {
		return fmt.Errorf("%s is a frozen graph, which starts fast as it is: pack takes a SavedModel", cfg.ModelURI)
	}
	if err := openLibrary(ctx, cfg, new(coldstart.Timeline), bar); err != nil {
		return err
	}
	bar.done()
	return call.run(ctx, cfg, fetched, stores, shown, stdout)
}

func (c packCall) run(ctx context.Context, cfg config, fetched *coldstart.Fetched, stores blob.Stores, shown *packing, stdout io.Writer) error {
	folder, err := os.MkdirTemp("", "tensorlambda-pack-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	labels, err := keepLabels(ctx, cfg, fetched, stores, folder)
	if err != nil {
		return err
	}
	shown.start("folding")
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
	files, err := layOut(packed, fetched.Dir, folder, labels)
	if err != nil {
		return err
	}
	rewritten, err := readModel(cfg, &coldstart.Fetched{Format: coldstart.SavedModel, Dir: folder})
	if err != nil {
		return fmt.Errorf("the packed model: %w", err)
	}
	requests := ownRequests{dir: fetched.Dir, limits: warmUpLimits(cfg)}
	left, err := requests.copy(ctx, folder, definition.Catalog(), rewritten.Catalog())
	if err != nil {
		return err
	}
	if left {
		files = slices.DeleteFunc(files, func(name string) bool { return name == predictionlog.Path })
	}
	shown.end()
	shown.start("comparing")
	agreement, err := compare(ctx, definition, rewritten, fetched, pack.Questions{
		Given: requests.all(ctx, rewritten.Catalog(), folder), Examples: packed.Examples, Progress: shown.asked,
	})
	if err != nil {
		return err
	}
	shown.end()
	shown.start("writing")
	size, err := publish(ctx, stores, c.output, folder, files)
	if err != nil {
		return err
	}
	shown.end()
	return writePackReport(stdout, c.output, size, fetched.Bytes, packed.Report, agreement)
}

// compare asks the packed model and the original the same.
func compare(ctx context.Context, original, packed *tensorflow.Definition, fetched *coldstart.Fetched, questions pack.Questions) (*pack.Agreement, error) {
	var models [3]*infer.Model
	for i, d := range []*tensorflow.Definition{original, original, packed} {
		runner, err := d.Load()
		if err != nil {
			return nil, err
		}
		defer runner.Close()
		models[i] = &infer.Model{Name: fetched.Name, Version: fetched.Version, Format: coldstart.SavedModel, Runner: runner}
	}
	return pack.Compare(ctx, pack.Models{Original: models[0], Again: models[1], Packed: models[2]}, questions)
}

func writePackReport(w io.Writer, output blob.URI, size, before int64, r pack.Report, a *pack.Agreement) error {
	_, err := fmt.Fprintf(w, "packed %s: %s, from %s\n", output, inBytes(size), inBytes(before))
	fmt.Fprintf(w, "  operations  %d, from %d\n", r.NodesAfter, r.NodesBefore)
	fmt.Fprintf(w, "  inlined     %d calls of functions\n", r.Inlined)
	fmt.Fprintf(w, "  folded      %d variables, %s\n", r.Folded, inBytes(r.FoldedBytes))
	fmt.Fprintf(w, "  computed    %d tensors from constants\n", r.Computed)
	for _, s := range r.Shared {
		fmt.Fprintf(w, "  shared      signature %q is computed by the operations of %q\n", s.Signature, s.By)
	}
	if r.NotComputed != "" {
		fmt.Fprintf(w, "  note        nothing was computed from constants: %s\n", r.NotComputed)
	}
	for _, k := range r.Kept {
		fmt.Fprintf(w, "  kept        %q (%s): it %s\n", k.Node, k.Op, k.Why)
	}
	given := ""
	if a.Given > 0 {
		given = fmt.Sprintf("%d of the model's own and ", a.Given)
	}
	fmt.Fprintf(w, "  verified    %s%d random requests, %d outputs: %d equal bit by bit", given, a.Runs-a.Given, a.Outputs, a.Equal)
	if a.Largest > 0 {
		fmt.Fprintf(w, ", the largest difference %.1g of the largest element", a.Largest)
	}
	fmt.Fprintln(w)
	if a.Refused > 0 {
		fmt.Fprintf(w, "  note        %d requests were refused by both models\n", a.Refused)
	}
	for _, line := range a.Unproven {
		fmt.Fprintf(w, "  warning     %s; requests in %s are compared too\n", line, predictionlog.Path)
	}
	for _, line := range a.Excluded {
		fmt.Fprintf(w, "  note        %s\n", line)
	}
	return err
}
