package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/coldstart"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/infer/tensorflow"
	"github.com/tensorlambda/tensorlambda/internal/libtensorflow"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel"
	"github.com/tensorlambda/tensorlambda/internal/warmup"
)

// startOptions wires the steps of a start: the library's opening beside the
// model's fetching and reading, then the load and the warm-up. bar may be nil.
func startOptions(cfg config, stores blob.Stores, bar *progress) (coldstart.Options, error) {
	fetch, err := fetchOptions(cfg, stores)
	if err != nil {
		return coldstart.Options{}, err
	}
	fetch.Progress = bar.fetched
	return coldstart.Options{
		Started:   started,
		Transient: coldstart.IsTransient,
		Stage:     bar.stage,
		Open: func(ctx context.Context, timeline *coldstart.Timeline) error {
			return openLibrary(ctx, cfg, timeline, bar)
		},
		Read: func(ctx context.Context, timeline *coldstart.Timeline) (coldstart.Prepared, error) {
			return prepare(ctx, cfg, fetch, timeline)
		},
	}, nil
}

// prepared is a model that was fetched and read.
type prepared struct {
	cfg        config
	fetched    *coldstart.Fetched
	definition *tensorflow.Definition
	labels     []string
}

func prepare(ctx context.Context, cfg config, fetch coldstart.FetchOptions, timeline *coldstart.Timeline) (coldstart.Prepared, error) {
	fetched, err := coldstart.Fetch(ctx, fetch)
	if err != nil {
		return nil, err
	}
	for _, stage := range fetched.Stages {
		timeline.Add(stage)
	}
	timeline.Note(func(r *coldstart.Report) {
		r.ModelFrom, r.Warnings = fetched.From, append(r.Warnings, fetched.Warnings...)
		if len(cfg.Inputs)+len(cfg.Outputs) > 0 && fetched.Format == coldstart.SavedModel {
			r.Warnings = append(r.Warnings, "MODEL_INPUTS and MODEL_OUTPUTS are for frozen graphs, and this is a SavedModel, whose signatures name its tensors: they have no effect")
		}
	})
	definition, err := readModel(cfg, fetched)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", cfg.ModelURI, err), fetched.Close())
	}
	var labels []string
	if cfg.Labels != "" {
		if labels, err = coldstart.ReadLabels(ctx, fetched, fetch, cfg.Labels); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", cfg.ModelURI, err), fetched.Close())
		}
	}
	return &prepared{cfg, fetched, definition, labels}, nil
}

func (p *prepared) Close() error { return p.fetched.Close() }

// Load makes the session and warms it up.
func (p *prepared) Load(ctx context.Context, timeline *coldstart.Timeline) (*infer.Model, error) {
	loaded := timeline.Begin("load")
	runner, err := p.definition.Load()
	loaded(0)
	if err != nil {
		return nil, explained(err)
	}
	model := &infer.Model{
		Name: cmp.Or(p.cfg.ModelName, p.fetched.Name), Version: cmp.Or(p.cfg.ModelVersion, p.fetched.Version),
		Format: p.fetched.Format, SHA256: p.fetched.SHA256, Identity: p.fetched.Identity, Labels: p.labels, Bytes: p.fetched.Bytes, Runner: runner,
	}
	if warning := coldstart.LabelWarning(p.labels, runner.Catalog()); warning != "" {
		timeline.Note(func(r *coldstart.Report) { r.Warnings = append(r.Warnings, warning) })
	}
	if err := p.warmUp(ctx, model, timeline); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", p.cfg.ModelURI, err), runner.Close())
	}
	return model, nil
}

// warmUp runs the model before anybody asks. An error is one of the model's own
// requests that fails, for which TensorFlow Serving does not load a model either.
func (p *prepared) warmUp(ctx context.Context, model *infer.Model, timeline *coldstart.Timeline) error {
	dir := ""
	if p.fetched.Format == coldstart.SavedModel {
		dir = p.fetched.Dir
	}
	start := time.Now()
	report, err := warmup.Run(ctx, warmup.Options{
		Model: model, Dir: dir, HasEffects: p.hasEffects, MarkerDir: cacheDir(),
		Limits: warmUpLimits(p.cfg),
	})
	if report.Replayed+report.Guessed > 0 {
		timeline.Add(coldstart.Stage{Name: "warm-up", Start: start, End: time.Now(), Requests: report.Replayed})
	}
	timeline.Note(func(r *coldstart.Report) { r.Warnings = append(r.Warnings, report.Notes...) })
	return err
}

// hasEffects is the definition's, without the advice to let in what is in already.
func (p *prepared) hasEffects(signature string) error {
	err := p.definition.HasEffects(signature)
	var unsafe *savedmodel.UnsafeError
	if errors.As(err, &unsafe) {
		return errors.New(unsafe.Reason())
	}
	return err
}

// explained adds to TensorFlow's words for an operation that it does not know what that
// means here: they tell Python's users to load a library.
func explained(err error) error {
	if !strings.Contains(err.Error(), "Op type not registered") {
		return err
	}
	return fmt.Errorf("%w: the operation is of a newer TensorFlow or of a custom library, and none of those is loaded here: export the model without it", err)
}

// cacheDir is where models are kept between starts, and what a start leaves for the
// next.
func cacheDir() string { return filepath.Join(os.TempDir(), "models") }

func openLibrary(ctx context.Context, cfg config, timeline *coldstart.Timeline, bar *progress) error {
	info, err := libtensorflow.Open(ctx, libtensorflow.Options{
		Dir: cfg.LibraryDir, MemoryBudget: cfg.MemoryBudget, Progress: bar.inflated,
	})
	if err != nil {
		return err
	}
	for _, s := range info.Stages {
		timeline.Add(coldstart.Stage{Name: s.Name, Start: s.Start, End: s.End, Bytes: s.Bytes})
	}
	timeline.Note(func(r *coldstart.Report) {
		r.TensorFlow, r.LibraryFrom = info.Version, string(info.Place)
		r.Warnings = append(r.Warnings, info.Notes...)
	})
	return nil
}

// fetchOptions says where the model is and what limits it.
func fetchOptions(cfg config, stores blob.Stores) (coldstart.FetchOptions, error) {
	uri, err := blob.ParseURI(cfg.ModelURI)
	if err != nil {
		return coldstart.FetchOptions{}, fmt.Errorf("MODEL_URI: %w", err)
	}
	return coldstart.FetchOptions{
		URI: uri, ObjectVersion: cfg.ObjectVersion, SHA256: cfg.SHA256, Source: stores,
		CacheDir: cacheDir(),
		MaxBytes: cfg.MaxModelBytes, MaxFiles: cfg.MaxArchiveFiles, MaxRatio: cfg.MaxInflateRatio,
	}, nil
}

// fetchModel brings the model here for a subcommand that does not serve it. The caller
// closes it.
func fetchModel(ctx context.Context, cfg config, stores blob.Stores) (*coldstart.Fetched, error) {
	options, err := fetchOptions(cfg, stores)
	if err != nil {
		return nil, usageError{err}
	}
	fetched, err := coldstart.Fetch(ctx, options)
	if errors.Is(err, coldstart.ErrPin) {
		return nil, usageError{err}
	}
	return fetched, err
}

func readModel(cfg config, fetched *coldstart.Fetched) (*tensorflow.Definition, error) {
	opts := tensorflow.Options{
		Tags: cfg.Tags, Signature: cfg.Signature, Inputs: cfg.Inputs, Outputs: cfg.Outputs,
		AnyTensor: cfg.AnyTensor, AllowUnsafeOps: cfg.AllowUnsafe,
		Images:         tensorflow.NewImages(cfg.ImageScale, cfg.MaxTensorBytes),
		IntraOpThreads: cfg.IntraOpThreads, InterOpThreads: cfg.InterOpThreads,
	}
	if fetched.Format == coldstart.GraphDef {
		return tensorflow.ReadGraph(fetched.Graph, opts)
	}
	return tensorflow.ReadSavedModel(fetched.Dir, opts)
}
