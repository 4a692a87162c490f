// Package savedmodel reads TensorFlow's models as the protobufs they are: the
// meta graphs, signatures, nodes and functions of a saved_model.pb or a frozen
// GraphDef. It tells what a model is and whether it is safe to run, without
// TensorFlow's library, and never copies a constant.
package savedmodel

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel/internal/wire"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel/optable"
)

// The kinds of failure of this package.
var (
	ErrNotModel = errors.New("not a TensorFlow model") // the bytes are not a model, or a damaged one
	ErrTags     = errors.New("no such meta graph")     // no meta graph has the tags asked for
	ErrTensor   = errors.New("no such tensor")         // an operation or output that the graph does not have, or no name of one
	ErrBinding  = errors.New("malformed binding")      // MODEL_INPUTS or MODEL_OUTPUTS cannot be read
	ErrUnsafe   = errors.New("unsafe operation")       // see UnsafeError
)

// SavedModel is the contents of a saved_model.pb. It aliases the bytes it was
// read from and is not changed once read.
type SavedModel struct {
	MetaGraphs []*MetaGraph
}

// MetaGraph is one graph of a SavedModel with its signatures.
type MetaGraph struct {
	Tags []string // as stored
	// TensorFlow is the version of TensorFlow that wrote the model; may be empty.
	TensorFlow string
	// Signatures are those that can be called: TensorFlow's own entries for
	// initialising and training are left out. A sparse or composite tensor in
	// a signature has an empty Tensor: it cannot be fed or fetched as one. Defaults
	// alias the bytes that the model was read from.
	Signatures map[string]*infer.Signature
	Graph      *Graph
	Saver      Saver
	Assets     []Asset

	fed     map[string][]string // per signature the tensors behind its inputs
	fetched map[string][]string // per signature the tensors behind its outputs
	inits   map[string]string   // the init op by the collection or signature that names it
}

// Saver names the nodes that save and restore variables: TensorFlow's SaverDef.
type Saver struct {
	Filename string // the tensor that is fed with the checkpoint's path
	Save     string // the tensor that is fetched to save
	Restore  string // the node that is run to restore
}

// Asset is a file in the model's assets folder and the tensor that TensorFlow
// feeds with its path when it runs the init op.
type Asset struct {
	Tensor string
	File   string // as stored: may be hostile
}

// The collections and signatures with a meaning to TensorFlow's loader
// (tensorflow/cc/saved_model/constants.h). Which of those that name an init op it
// runs differs between versions: all are judged.
const (
	trainOpSignature = "__saved_model_train_op"
	mainOpCollection = "saved_model_main_op"
	legacyCollection = "legacy_init_op"
	assetsCollection = "saved_model_assets"
)

// InitOp is the node that loading runs once variables are restored, "" where there is
// none: of several the one that TensorFlow's loader takes (GetInitOp in
// tensorflow/cc/saved_model/loader_util.cc).
func (m *MetaGraph) InitOp() string {
	for _, key := range []string{infer.InitOpSignature, mainOpCollection, legacyCollection} {
		if op, ok := m.inits[key]; ok {
			name, _, _ := strings.Cut(op, ":")
			return name
		}
	}
	return ""
}

var (
	errNoNodes      = errors.New("no graph in it")
	errNoMetaGraphs = errors.New("no meta graphs in it")
)

// ReadSavedModel reads a saved_model.pb. b must not be changed while the
// SavedModel is in use. The error wraps ErrNotModel and says what the bytes
// look like instead.
func ReadSavedModel(b []byte) (*SavedModel, error) {
	s, err := readSavedModel(b)
	if err != nil {
		return nil, notModel("saved_model.pb", err, sniffSavedModel(b))
	}
	return s, nil
}

func readSavedModel(b []byte) (*SavedModel, error) {
	s := &SavedModel{}
	for f, err := range wire.Fields(b) {
		if err != nil {
			return nil, err
		}
		if f.Tag != savedModelMetaGraphs {
			continue
		}
		m, err := readMetaGraph(f.Bytes)
		if err != nil {
			return nil, fmt.Errorf("meta graph %d: %w", len(s.MetaGraphs), err)
		}
		s.MetaGraphs = append(s.MetaGraphs, m)
	}
	if len(s.MetaGraphs) == 0 {
		return nil, errNoMetaGraphs
	}
	return s, nil
}

// Select finds the meta graph that has exactly these tags, in any order. Where
// there is none and the model has only one meta graph, that is the one. Else
// the error wraps ErrTags and lists the tag sets there are.
func (s *SavedModel) Select(tags []string) (*MetaGraph, error) {
	want := tagSet(tags)
	for _, m := range s.MetaGraphs {
		if slices.Equal(tagSet(m.Tags), want) {
			return m, nil
		}
	}
	if len(s.MetaGraphs) == 1 {
		return s.MetaGraphs[0], nil
	}
	sets := make([]string, len(s.MetaGraphs))
	for i, m := range s.MetaGraphs {
		sets[i] = fmt.Sprintf("%q", strings.Join(m.Tags, ","))
	}
	return nil, fmt.Errorf("%w with the tags %q: set MODEL_TAGS to one of %s",
		ErrTags, strings.Join(tags, ","), strings.Join(sets, ", "))
}

func tagSet(tags []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(tags)))
}

func readMetaGraph(b []byte) (*MetaGraph, error) {
	m := &metaGraphReader{
		MetaGraph: &MetaGraph{
			Signatures: make(map[string]*infer.Signature),
			Graph:      newGraph(),
			fed:        make(map[string][]string),
			fetched:    make(map[string][]string),
			inits:      make(map[string]string),
		},
		nodes: newReader(),
	}
	for f, err := range wire.Fields(b) {
		if err == nil {
			err = m.field(f)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := m.Graph.finish(); err != nil {
		return nil, err
	}
	if len(m.Graph.Nodes) == 0 {
		return nil, errNoNodes
	}
	m.finish()
	return m.MetaGraph, nil
}

// metaGraphReader is a meta graph while it is read.
type metaGraphReader struct {
	*MetaGraph
	nodes     *reader
	oldAssets []Asset // from the collection of models without asset_file_def
}

func (m *metaGraphReader) field(f wire.Field) error {
	switch f.Tag {
	case metaGraphMetaInfo:
		return m.metaInfo(f.Bytes)
	case metaGraphGraphDef:
		return m.Graph.merge(m.nodes, f.Bytes)
	case metaGraphSaverDef:
		return m.saver(f.Bytes)
	case metaGraphCollections:
		return m.collection(f.Bytes)
	case metaGraphSignatures:
		return m.signature(f.Bytes)
	case metaGraphAssets:
		return m.asset(&m.Assets, f.Bytes)
	}
	return nil
}

// finish chooses between the two places where the assets may be, as
// TensorFlow's loader does.
func (m *metaGraphReader) finish() {
	if len(m.Assets) == 0 {
		m.Assets = m.oldAssets
	}
}

func (m *metaGraphReader) metaInfo(b []byte) error {
	for f, err := range wire.Fields(b) {
		if err != nil {
			return fmt.Errorf("meta info: %w", err)
		}
		switch f.Tag {
		case metaInfoTags:
			m.Tags = append(m.Tags, string(f.Bytes))
		case metaInfoTensorFlow:
			m.TensorFlow = string(f.Bytes)
		case metaInfoStrippedOps:
			if err := m.definitions(f.Bytes); err != nil {
				return fmt.Errorf("meta info: %w", err)
			}
		}
	}
	return nil
}

// definitions keeps what the model says about operations that TensorFlow does
// not have: inspect can then tell their outputs.
func (m *metaGraphReader) definitions(b []byte) error {
	ops, err := optable.ReadList(b)
	if err != nil {
		return err
	}
	for _, op := range ops {
		if optable.Known(op.Name) {
			continue
		}
		if m.Graph.definitions == nil {
			m.Graph.definitions = make(map[string]optable.Op)
		}
		m.Graph.definitions[op.Name] = op
	}
	return nil
}

func (m *metaGraphReader) saver(b []byte) error {
	for f, err := range wire.Fields(b) {
		if err != nil {
			return fmt.Errorf("saver: %w", err)
		}
		switch f.Tag {
		case saverFilename:
			m.Saver.Filename, err = readName(f.Bytes)
		case saverSave:
			m.Saver.Save, err = readName(f.Bytes)
		case saverRestore:
			m.Saver.Restore, err = readName(f.Bytes)
		}
		if err != nil {
			return fmt.Errorf("saver: %w", err)
		}
	}
	return nil
}
