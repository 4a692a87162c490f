package savedmodel_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel"
)

// expectedGraph is what TensorFlow says about a graph: testdata/make.py asks it.
type expectedGraph struct {
	Outputs    map[string]map[string][]string // by function ("" for the graph) and node
	OpCounts   map[string]int                 `json:"op_counts"`
	Producer   int
	Tags       []string
	TensorFlow string
	Signatures map[string]savedmodel.SignatureDescription
	Saver      []string
	Assets     [][]string
}

func expected(t *testing.T) map[string][]expectedGraph {
	t.Helper()
	var models map[string][]expectedGraph
	if err := json.Unmarshal(testdata(t, "expected.json"), &models); err != nil {
		t.Fatal(err)
	}
	return models
}

// Every model of testdata is read as TensorFlow reads it: signatures with types
// and shapes, operations, and the types of all their outputs, also inside
// functions.
func TestModelsAreReadAsTensorFlowReadsThem(t *testing.T) {
	for file, metaGraphs := range expected(t) {
		t.Run(file, func(t *testing.T) {
			if strings.HasSuffix(file, ".saved_model.pb") {
				s, err := savedmodel.ReadSavedModel(testdata(t, file))
				if err != nil {
					t.Fatal(err)
				}
				if len(s.MetaGraphs) != len(metaGraphs) {
					t.Fatalf("%d meta graphs, want %d", len(s.MetaGraphs), len(metaGraphs))
				}
				for i, m := range s.MetaGraphs {
					checkMetaGraph(t, m, metaGraphs[i])
				}
				return
			}
			g := readGraph(t, testdata(t, file))
			checkGraph(t, g, g.Describe(nil), metaGraphs[0])
		})
	}
}

func checkMetaGraph(t *testing.T, m *savedmodel.MetaGraph, want expectedGraph) {
	t.Helper()
	d := m.Describe()
	checkGraph(t, m.Graph, d, want)
	if d.Format != "savedmodel" || !slices.Equal(d.Tags, want.Tags) || d.TensorFlow != want.TensorFlow {
		t.Errorf("format %q, tags %q, tensorflow %q, want savedmodel, %q, %q", d.Format, d.Tags, d.TensorFlow, want.Tags, want.TensorFlow)
	}
	if !reflect.DeepEqual(d.Signatures, want.Signatures) {
		t.Errorf("signatures\n%+v, want\n%+v", d.Signatures, want.Signatures)
	}
	if saver := []string{m.Saver.Filename, m.Saver.Save, m.Saver.Restore}; !slices.Equal(saver, want.Saver) {
		t.Errorf("saver %q, want %q", saver, want.Saver)
	}
	var assets [][]string
	for _, a := range m.Assets {
		assets = append(assets, []string{a.Tensor, a.File})
	}
	if len(assets) != len(want.Assets) || len(assets) > 0 && !reflect.DeepEqual(assets, want.Assets) {
		t.Errorf("assets %q, want %q", assets, want.Assets)
	}
}

func checkGraph(t *testing.T, g *savedmodel.Graph, d *savedmodel.Description, want expectedGraph) {
	t.Helper()
	if g.Producer != want.Producer {
		t.Errorf("producer %d, want %d", g.Producer, want.Producer)
	}
	if !reflect.DeepEqual(d.OpCounts, want.OpCounts) {
		t.Errorf("op counts\n%v, want\n%v", d.OpCounts, want.OpCounts)
	}
	outputs := make(map[string]map[string][]string)
	for _, op := range d.Operations {
		if outputs[op.Function] == nil {
			outputs[op.Function] = make(map[string][]string)
		}
		outputs[op.Function][op.Name] = op.Outputs
	}
	for function, nodes := range want.Outputs {
		for name, types := range nodes {
			got, ok := outputs[function][name]
			if !ok || !slices.Equal(got, types) {
				t.Errorf("function %q, node %q: outputs %v (found: %v), want %v", function, name, got, ok, types)
			}
		}
		if len(outputs[function]) != len(nodes) {
			t.Errorf("function %q has %d nodes, want %d", function, len(outputs[function]), len(nodes))
		}
	}
}

func TestSelectTakesTheTagSetOrTheOnlyMetaGraph(t *testing.T) {
	several, err := savedmodel.ReadSavedModel(testdata(t, "tags.saved_model.pb"))
	if err != nil {
		t.Fatal(err)
	}
	one, err := savedmodel.ReadSavedModel(testdata(t, "ordinary.saved_model.pb"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		model *savedmodel.SavedModel
		tags  []string
		width int64 // of the input "in", which tells the meta graphs of "several" apart
		err   string
	}{
		{several, []string{"serve"}, 1, ""},
		{several, []string{"gpu", "serve"}, 2, ""},
		{several, []string{"serve", "gpu", "gpu"}, 2, ""},
		{several, []string{"train"}, 3, ""},
		{several, []string{"tpu"}, 0, `no such meta graph with the tags "tpu": set MODEL_TAGS to one of "serve", "serve,gpu", "train"`},
		{several, nil, 0, `no such meta graph with the tags "": set MODEL_TAGS to one of "serve", "serve,gpu", "train"`},
		{one, []string{"elsewhere"}, 0, ""},
	} {
		m, err := c.model.Select(c.tags)
		if c.err != "" {
			if err == nil || err.Error() != c.err {
				t.Errorf("Select(%q) = %v, want %s", c.tags, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("Select(%q): %v", c.tags, err)
			continue
		}
		if c.width == 0 {
			continue
		}
		in, _ := m.Signatures["serving_default"].Input("in")
		if want := (infer.Shape{-1, c.width}); !slices.Equal(in.Shape, want) {
			t.Errorf("Select(%q) is the graph with shape %v, want %v", c.tags, in.Shape, want)
		}
	}
}
