package pack

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"

	functionpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/function_go_proto"
	modelpb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

type (
	functionDef = functionpb.FunctionDef
	gradientDef = functionpb.GradientDef
)

// ErrModel means that the model contradicts itself, so it cannot be rewritten.
var ErrModel = errors.New("malformed model")

// ErrSignature means that the model lacks a signature that is to be kept.
var ErrSignature = errors.New("the model has no signature")

// maxConstants is how many bytes constants have where Options do not say less: a
// protobuf ends at maxModel, and a model of more keeps its variables in files.
const (
	maxConstants = 1900 << 20
	maxModel     = 1<<31 - 1
)

// initOp is the name of TensorFlow's entry for what loading runs, as a signature and
// as that signature's output.
const initOp = "__saved_model_init_op"

// Options are the choices for a model and what only TensorFlow knows of it.
type Options struct {
	// Tags are those of the meta graph to pack, all of them.
	Tags []string
	// Signatures are those to keep; none means all.
	Signatures []string
	// Operations is TensorFlow's list of its operations, a serialized OpList.
	Operations []byte
	// Values reads variables by the names of the nodes that make them. A variable
	// without a value is left out of the answer. Package pack keeps the tensors
	// until Model was read.
	Values func(variables []string) (map[string]*infer.Tensor, error)
	// Evaluate gives the values of tensors ("operation:index") of a serialized
	// GraphDef that needs no input. Package pack keeps them as those of Values. Where
	// it is nil nothing is computed.
	Evaluate func(graph []byte, tensors []string) (map[string]*infer.Tensor, error)
	// MaxConstants is how many bytes all constants may have. Variables that would make
	// more of them stay variables, all of them, and what would make more is not computed.
	// 0, and more than that, mean 1900 MiB.
	MaxConstants int64
}

func (o Options) maxConstants() int64 {
	if o.MaxConstants <= 0 {
		return maxConstants
	}
	return min(o.MaxConstants, maxConstants)
}

// Packed is a rewritten model.
type Packed struct {
	Model     []byte   // saved_model.pb
	Assets    []string // files below assets/ that it needs, by slash-separated names
	Variables bool     // whether it needs the variables folder, as it was
	// Examples are the features that the graph parses out of inputs that are serialized
	// tf.train.Examples, by the name of the input's tensor.
	Examples map[string][]Feature
	Report   Report

	tensors []*infer.Tensor // of which the graph has the bytes, until it is encoded
}

// Report is what was done to the model.
type Report struct {
	NodesBefore, NodesAfter int // of the graph and its functions
	Inlined                 int // calls
	Folded                  int // variables
	FoldedBytes             int64
	Computed                int // tensors that depend on constants alone
	Shared                  []Shared
	NotComputed             string // why none were, "" where they were
	Kept                    []Kept
}

// Shared is a signature that is computed by the nodes of another, which computes the same.
type Shared struct{ Signature, By string }

// Kept is a node that stays as it was, and why.
type Kept struct{ Node, Op, Why string }

// SavedModel packs a saved_model.pb. The error wraps ErrModel where the model makes no
// sense, else it is that of Values.
func SavedModel(content []byte, o Options) (*Packed, error) {
	var model modelpb.SavedModel
	if err := proto.Unmarshal(content, &model); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModel, err)
	}
	meta, err := metaGraph(&model, o.Tags)
	if err != nil {
		return nil, err
	}
	p := new(Packed)
	if err := p.rewrite(meta, o); err != nil {
		return nil, err
	}
	model.MetaGraphs = []*modelpb.MetaGraphDef{meta}
	p.Model, err = (proto.MarshalOptions{Deterministic: true}).Marshal(&model)
	// The constants alias C memory that goes with these.
	runtime.KeepAlive(p.tensors)
	p.tensors = nil
	if err == nil && len(p.Model) > maxModel {
		err = fmt.Errorf("the packed model has %d bytes, and a protobuf at most %d: %w", len(p.Model), maxModel, infer.ErrTooLarge)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

func metaGraph(model *modelpb.SavedModel, tags []string) (*modelpb.MetaGraphDef, error) {
	want := slices.Sorted(slices.Values(tags))
	for _, meta := range model.GetMetaGraphs() {
		if slices.Equal(slices.Sorted(slices.Values(meta.GetMetaInfoDef().GetTags())), want) {
			return meta, nil
		}
	}
	return nil, fmt.Errorf("no meta graph has the tags %s: %w", strings.Join(tags, ","), ErrModel)
}

func (p *Packed) rewrite(meta *modelpb.MetaGraphDef, o Options) error {
	ops, err := newOperations(o.Operations, meta.GetGraphDef().GetLibrary())
	if err != nil {
		return err
	}
	p.Report.NodesBefore = count(meta)
	g, err := newGraph(meta.GetGraphDef(), ops, &p.Report)
	if err != nil {
		return err
	}
	if err := selectSignatures(meta, o.Signatures); err != nil {
		return err
	}
	g.roots = entries(meta)
	g.fed = make(map[string]bool)
	served := make(map[string]bool) // what signatures take and answer
	for name, signature := range meta.GetSignatureDef() {
		addTensors(g.fed, signature.GetInputs())
		if name != initOp {
			addTensors(served, signature.GetInputs())
			addTensors(served, signature.GetOutputs())
		}
	}
	restore := meta.GetSaverDef().GetRestoreOpName()
	saver := map[string]bool{restore: true, parseEndpoint(meta.GetSaverDef().GetFilenameTensorName()).node: true}
	if restore == "" {
		saver = nil
	}
	// Loading gives these their values.
	g.fed[parseEndpoint(meta.GetSaverDef().GetFilenameTensorName()).node] = true
	for _, asset := range append(slices.Clone(meta.GetAssetFileDef()), collectedAssets(meta)...) {
		g.fed[parseEndpoint(asset.GetTensorInfo().GetName()).node] = true
	}
	// What neither loading nor a signature needs is dropped before it is unfolded.
	g.drop(union(g.roots, saver))
	if err := g.inline(); err != nil {
		return err
	}
	if err := g.inlineBodies(); err != nil {
		return err
	}
	g.dropIdle(served)
	variables := g.variables(g.live(g.roots))
	folded, err := g.choose(variables, o)
	if err != nil {
		return err
	}
	for _, value := range folded.values {
		p.tensors = append(p.tensors, value)
	}
	if restore != "" && g.forget(folded, restore) > 0 {
		// The files of variables stay, with what restores those that are left.
		p.Variables = true
		g.roots = union(g.roots, saver)
	} else {
		meta.SaverDef = nil
	}
	if err := g.fold(folded.list, folded.values); err != nil {
		return err
	}
	if o.Evaluate != nil {
		values, err := g.compute(o.Evaluate, o.maxConstants()-g.constants())
		if err != nil {
			return err
		}
		p.tensors = append(p.tensors, values...)
	}
	g.share(meta)
	g.roots = entries(meta)
	if p.Variables {
		g.roots = union(g.roots, saver)
	}
	g.drop(g.roots)
	if err := g.trimRestores(); err != nil {
		return err
	}
	g.prune()
	g.settleReport()
	p.Examples = g.examples()
	p.tidy(meta, g)
	p.Report.NodesAfter = count(meta)
	return nil
}

// selectSignatures drops the signatures that are not kept, and those for training.
func selectSignatures(meta *modelpb.MetaGraphDef, keep []string) error {
	signatures := meta.GetSignatureDef()
	for _, name := range keep {
		if signatures[name] == nil {
			return fmt.Errorf("%w %q, only %s", ErrSignature, name, served(signatures))
		}
	}
	maps.DeleteFunc(signatures, func(name string, _ *modelpb.SignatureDef) bool {
		return name == "__saved_model_train_op" || name != initOp && len(keep) > 0 && !slices.Contains(keep, name)
	})
	return nil
}

// served are the names of the signatures that can be kept.
func served(signatures map[string]*modelpb.SignatureDef) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(signatures)) {
		if name != initOp && name != "__saved_model_train_op" {
			names = append(names, strconv.Quote(name))
		}
	}
	if names == nil {
		return "none at all"
	}
	return strings.Join(names, ", ")
}

// entries are the nodes that hold what signatures take and answer and what loading runs.
func entries(meta *modelpb.MetaGraphDef) map[string]bool {
	roots := make(map[string]bool)
	for _, signature := range meta.GetSignatureDef() {
		addTensors(roots, signature.GetInputs())
		addTensors(roots, signature.GetOutputs())
	}
	for name, collection := range meta.GetCollectionDef() {
		if initCollections[name] {
			for _, node := range collection.GetNodeList().GetValue() {
				roots[parseEndpoint(node).node] = true
			}
		}
	}
	return roots
}

func addTensors(nodes map[string]bool, infos map[string]*modelpb.TensorInfo) {
	for _, info := range infos {
		for _, tensor := range tensors(info) {
			if tensor != "" {
				nodes[parseEndpoint(strings.TrimPrefix(tensor, "^")).node] = true
			}
		}
	}
}

// initCollections name what loading runs in models of TensorFlow 1.
var initCollections = map[string]bool{"saved_model_main_op": true, "legacy_init_op": true}

// tensors are those that an input or output of a signature consists of.
func tensors(info *modelpb.TensorInfo) []string {
	sparse := info.GetCooSparse()
	names := []string{info.GetName(), sparse.GetValuesTensorName(), sparse.GetIndicesTensorName(), sparse.GetDenseShapeTensorName()}
	for _, component := range info.GetCompositeTensor().GetComponents() {
		names = append(names, tensors(component)...)
	}
	return names
}

func count(meta *modelpb.MetaGraphDef) int {
	n := len(meta.GetGraphDef().GetNode())
	for _, fn := range meta.GetGraphDef().GetLibrary().GetFunction() {
		n += len(fn.GetNodeDef())
	}
	return n
}

func union(a, b map[string]bool) map[string]bool {
	both := maps.Clone(a)
	maps.Copy(both, b)
	return both
}
