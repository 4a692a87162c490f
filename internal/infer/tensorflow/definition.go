package tensorflow

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	tf "github.com/galeone/tensorflow/tensorflow/go"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel"
)

// Definition is a model that was read and found safe, but is not loaded: making
// one needs no TensorFlow library, so it happens beside the library's opening.
type Definition struct {
	opts    Options
	catalog *infer.Catalog

	tags  []string // of the meta graph of a SavedModel
	graph []byte   // serialized
	start start    // what makes it ready, nothing for a frozen graph
	// frozen is whether shapes of outputs are to be had from TensorFlow alone.
	frozen bool

	optimize bool // there is something in the graph to be folded

	guard  *savedmodel.Guard
	unsafe error // what the guard says of it
}

// ReadSavedModel reads the saved_model.pb of a SavedModel in a folder. The error
// is savedmodel.ErrNotModel, ErrTags or ErrUnsafe, or infer.ErrFailedPrecondition
// where the default signature is not in the model. The folder must stay as it is
// until the Definition is loaded.
func ReadSavedModel(dir string, opts Options) (*Definition, error) {
	path := filepath.Join(dir, "saved_model.pb")
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	model, err := savedmodel.ReadSavedModel(content)
	if err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	tags := opts.Tags
	if len(tags) == 0 {
		tags = []string{"serve"}
	}
	meta, err := model.Select(tags)
	if err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	if len(meta.Tags) == 0 {
		return nil, fmt.Errorf("read model: its meta graph has no tags, so TensorFlow cannot load it: export it with the tag \"serve\": %w", savedmodel.ErrTags)
	}
	start := start{dir: dir, saver: meta.Saver, initOp: meta.InitOp(), assets: meta.Assets}
	if meta.Assets, err = inside(dir, meta.Assets); err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	d := &Definition{opts: opts, tags: meta.Tags, graph: meta.Graph.Encoded, start: start}
	d.catalog = &infer.Catalog{Signatures: whole(meta.Signatures), Placeholders: meta.Graph.PlaceholderShapes()}
	return d.complete(meta.Graph, meta.Guard())
}

// inside leaves out assets that are links to files outside the model's folder: a
// table may be filled from a file of the model, not from any file there is.
// Archives and S3 bring no links, a folder of this machine may.
func inside(dir string, assets []savedmodel.Asset) ([]savedmodel.Asset, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	var kept []savedmodel.Asset
	for _, asset := range assets {
		_, err := root.Stat(filepath.Join("assets", asset.File))
		if err == nil || errors.Is(err, fs.ErrNotExist) { // TensorFlow says what is missing
			kept = append(kept, asset)
		}
	}
	return kept, nil
}

// whole leaves out signatures with a tensor that has no name, a sparse or
// composite one: it can neither be fed nor fetched as one tensor.
func whole(signatures map[string]*infer.Signature) map[string]*infer.Signature {
	nameless := func(t infer.TensorInfo) bool { return t.Tensor == "" }
	kept := make(map[string]*infer.Signature, len(signatures))
	for name, s := range signatures {
		if !slices.ContainsFunc(s.Inputs, nameless) && !slices.ContainsFunc(s.Outputs, nameless) {
			s.Defaults = detached(s.Defaults)
			kept[name] = s
		}
	}
	return kept
}

// detached copies default values out of the saved_model.pb, hundreds of megabytes of
// which would otherwise live as long as the catalog for the sake of a few scalars.
func detached(defaults map[string][]byte) map[string][]byte {
	copies := maps.Clone(defaults)
	for alias, value := range copies {
		copies[alias] = slices.Clone(value)
	}
	return copies
}

// ReadGraph reads a frozen graph. Its errors are those of ReadSavedModel, and
// savedmodel.ErrTensor for MODEL_INPUTS and MODEL_OUTPUTS that do not fit it. It
// keeps graphdef, which must not be changed.
func ReadGraph(graphdef []byte, opts Options) (*Definition, error) {
	graph, err := savedmodel.ReadGraph(graphdef)
	if err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	signature, err := graph.Signature(opts.Inputs, opts.Outputs)
	if err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	d := &Definition{opts: opts, graph: graphdef, frozen: true}
	d.catalog = &infer.Catalog{Signatures: map[string]*infer.Signature{signature.Name: signature}, ByTensor: true, Placeholders: graph.PlaceholderShapes()}
	return d.complete(graph, graph.Guard(signature))
}

// complete refuses what the guard refuses, unless the operator trusts the model,
// and finishes the catalog.
func (d *Definition) complete(graph *savedmodel.Graph, guard *savedmodel.Guard) (*Definition, error) {
	if d.guard, d.unsafe = guard, guard.Check(); d.unsafe != nil && !d.opts.AllowUnsafeOps {
		return nil, fmt.Errorf("read model: %w", d.unsafe)
	}
	d.optimize, d.start.idle = graph.Foldable(), graph.Idle()
	c := d.catalog
	for _, signature := range c.Signatures {
		for _, infos := range [][]infer.TensorInfo{signature.Inputs, signature.Outputs} {
			if err := canonical(graph, infos); err != nil {
				return nil, fmt.Errorf("read model: signature %q: %w", signature.Name, err)
			}
		}
	}
	if c.Default = d.opts.Signature; c.Default == "" {
		c.Default = savedmodel.DefaultSignature
	} else if _, ok := c.Signatures[c.Default]; !ok {
		return nil, infer.Errorf(infer.ErrFailedPrecondition, "MODEL_SIGNATURE: the model has no signature %q, only %s",
			c.Default, strings.Join(slices.Sorted(maps.Keys(c.Signatures)), ", "))
	}
	if d.opts.Images != nil {
		c.Image = d.opts.Images.Decode
	}
	if d.opts.AnyTensor {
		c.Tensor = func(name string) (infer.TensorInfo, bool) {
			info, err := graph.Tensor(name)
			if err == nil && !d.opts.AllowUnsafeOps {
				// No signature may reach it, so Check did not judge it.
				err = guard.Fetch(name)
			}
			return info, err == nil
		}
	}
	return d, nil
}

// canonical writes the tensors' names in the one form, operation:index, by which
// guard, shapes, feeds and fetches are compared, and refuses those of operations
// that are not in the graph.
func canonical(graph *savedmodel.Graph, infos []infer.TensorInfo) error {
	for i, info := range infos {
		name, digits, found := strings.Cut(info.Tensor, ":")
		index, err := uint64(0), error(nil)
		if found {
			index, err = strconv.ParseUint(digits, 10, 16)
		}
		if _, ok := graph.Node(name); !ok || err != nil {
			return fmt.Errorf("%q is %q: %w", info.Name, info.Tensor, savedmodel.ErrTensor)
		}
		infos[i].Tensor = name + ":" + strconv.FormatUint(index, 10)
	}
	return nil
}

// Catalog is what the loaded model will answer, without the shapes that only
// loading can tell.
func (d *Definition) Catalog() *infer.Catalog { return d.catalog }

// Tags are those of the meta graph that was chosen, all of them.
func (d *Definition) Tags() []string { return d.tags }

// InferShapes completes the signature of a frozen graph with the shapes of
// outputs that TensorFlow infers from the graph. It runs nothing.
func InferShapes(graphdef []byte, s *infer.Signature) (*infer.Signature, error) {
	graph := tf.NewGraph()
	if err := graph.Import(graphdef, ""); err != nil {
		return nil, fmt.Errorf("infer shapes: %w", err)
	}
	return withShapes(graph, s), nil
}

// HasEffects says why a run of the signature is not only an answer: it touches
// what the op guard would refuse, or changes what later calls see. It is nil for
// an ordinary signature.
func (d *Definition) HasEffects(signature string) error {
	if d.unsafe == nil && d.guard.WritesState(signature) {
		return infer.Errorf(infer.ErrFailedPrecondition, "signature %q writes variables, tables or queues", signature)
	}
	return d.unsafe
}

// Load makes a session. The caller closes the runner. A definition may be loaded
// several times.
func (d *Definition) Load() (infer.Runner, error) {
	graph, session, err := d.load()
	if err != nil {
		return nil, fmt.Errorf("load model: %w", err)
	}
	catalog := *d.catalog
	if d.frozen {
		catalog.Signatures = make(map[string]*infer.Signature)
		for name, s := range d.catalog.Signatures {
			catalog.Signatures[name] = withShapes(graph, s)
		}
	}
	r, err := newRunner(graph, session, &catalog)
	if err != nil {
		session.Close()
		return nil, fmt.Errorf("load model: %w", err)
	}
	return r, nil
}
