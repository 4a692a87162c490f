package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/tensorlambda/tensorlambda/internal/coldstart"
	"github.com/tensorlambda/tensorlambda/internal/infer/tensorflow"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel"
)

// inspectCommand says what a model is. It reads the model's files and needs
// neither the TensorFlow library nor the model to be safe or loadable. For a
// frozen graph it asks the library, where there is one, what shapes the outputs
// have: such a graph says it of its inputs only.
func inspectCommand(ctx context.Context, cfg config, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("inspect", flag.ContinueOnError)
	asJSON := flags.Bool("json", false, "print JSON, with every operation")
	operations := flags.Bool("ops", false, "list every operation too, by function")
	uri, err := parseURI(flags, args, cfg.ModelURI)
	if err != nil {
		return err
	}
	cfg.ModelURI = uri
	stores, err := openStores(ctx, cfg)
	if err != nil {
		return usageError{err}
	}
	fetched, err := fetchModel(ctx, cfg, stores)
	if err != nil {
		return err
	}
	defer fetched.Close()
	description, err := describe(ctx, cfg, fetched)
	if err != nil {
		return err
	}
	if *asJSON {
		return writeJSON(stdout, description)
	}
	description.Size = inBytes(fetched.Bytes)
	if err := description.WriteTable(stdout); err != nil || !*operations {
		return err
	}
	return description.WriteOperations(stdout)
}

func writeJSON(w io.Writer, description *savedmodel.Description) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(description)
}

func describe(ctx context.Context, cfg config, fetched *coldstart.Fetched) (*savedmodel.Description, error) {
	if fetched.Format == coldstart.GraphDef {
		return describeGraph(ctx, cfg, fetched)
	}
	content, err := os.ReadFile(filepath.Join(fetched.Dir, "saved_model.pb"))
	if err != nil {
		return nil, err
	}
	model, err := savedmodel.ReadSavedModel(content)
	if err != nil {
		return nil, err
	}
	meta, err := model.Select(cfg.Tags)
	if err != nil {
		return nil, err
	}
	return withVersion(meta.Describe(), cfg, fetched)
}

func describeGraph(ctx context.Context, cfg config, fetched *coldstart.Fetched) (*savedmodel.Description, error) {
	graph, err := savedmodel.ReadGraph(fetched.Graph)
	if err != nil {
		return nil, err
	}
	signature, err := graph.Signature(cfg.Inputs, cfg.Outputs)
	if err != nil {
		if len(cfg.Inputs)+len(cfg.Outputs) > 0 {
			return nil, err
		}
		signature = nil // no placeholders: the operations are what inspect can show
	}
	if signature != nil && openLibrary(ctx, cfg, new(coldstart.Timeline), nil) == nil {
		if complete, err := tensorflow.InferShapes(fetched.Graph, signature); err == nil {
			signature = complete
		}
	}
	return withVersion(graph.Describe(signature), cfg, fetched)
}

// inBytes is a size for people.
func inBytes(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d bytes", n)
	case n < 1e6:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

func withVersion(d *savedmodel.Description, cfg config, fetched *coldstart.Fetched) (*savedmodel.Description, error) {
	version := cmp.Or(cfg.ModelVersion, fetched.Version)
	var err error
	if d.Version, err = strconv.Atoi(version); err != nil {
		return nil, fmt.Errorf("model version %q: %w", version, err)
	}
	return d, nil
}
