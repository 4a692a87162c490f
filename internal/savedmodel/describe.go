package savedmodel

import (
	"maps"
	"slices"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// Description is what inspect tells about a model. Its JSON form is a promise
// to users.
type Description struct {
	Format string `json:"format"` // "savedmodel" or "graphdef"
	// Version is the model's version, which the model itself does not hold:
	// whoever opened it fills it in.
	Version int `json:"version"`
	// Size is how large the model is, in words for people, and as Version not for the
	// model to say.
	Size       string                          `json:"-"`
	Tags       []string                        `json:"tags"`
	TensorFlow string                          `json:"tensorflow"` // empty where the model does not say
	Signatures map[string]SignatureDescription `json:"signatures"`
	// Operations are the nodes of the graph in stored order, then those of its
	// functions by function. OpCounts counts them all by type.
	Operations []Operation    `json:"operations"`
	OpCounts   map[string]int `json:"op_counts"`
	// Unsafe says why the guard refuses the model; empty if it does not.
	Unsafe string `json:"unsafe,omitempty"`
}

// SignatureDescription is a signature in a Description.
type SignatureDescription struct {
	Method  string                       `json:"method"`
	Inputs  map[string]TensorDescription `json:"inputs"`
	Outputs map[string]TensorDescription `json:"outputs"`
}

// TensorDescription is an input or output in a Description. A nil Shape, null
// in JSON, has unknown rank; an unknown dimension is -1.
type TensorDescription struct {
	Tensor string      `json:"tensor"`
	DType  string      `json:"dtype"` // "DT_FLOAT"
	Shape  infer.Shape `json:"shape"`
}

// Operation is a node in a Description.
type Operation struct {
	Name     string   `json:"name"`
	Op       string   `json:"op"`
	Device   string   `json:"device"`
	Outputs  []string `json:"outputs"`            // the types of its outputs: "DT_FLOAT"
	Function string   `json:"function,omitempty"` // the function it is in; empty for the graph itself
}

// Describe tells what the meta graph is, also where its Guard refuses it.
func (m *MetaGraph) Describe() *Description {
	d := m.Graph.describe("savedmodel")
	d.Tags = append(d.Tags, m.Tags...)
	d.TensorFlow = m.TensorFlow
	for name, s := range m.Signatures {
		d.Signatures[name] = describeSignature(s)
	}
	d.judge(m.Guard())
	return d
}

// Describe tells what a frozen graph is. s is its signature, or nil for a graph
// that has none.
func (g *Graph) Describe(s *infer.Signature) *Description {
	d := g.describe("graphdef")
	if s != nil {
		d.Signatures[s.Name] = describeSignature(s)
	}
	d.judge(g.Guard(s))
	return d
}

func (d *Description) judge(gd *Guard) {
	if err := gd.Check(); err != nil {
		d.Unsafe = err.Error()
	}
}

func (g *Graph) describe(format string) *Description {
	d := &Description{
		Format:     format,
		Tags:       []string{},
		Signatures: make(map[string]SignatureDescription),
		Operations: make([]Operation, 0, len(g.Nodes)),
		OpCounts:   make(map[string]int),
	}
	w := describer{d: d, ops: g.operations(), outputs: make(map[string][]string)}
	w.nodes("", g.Nodes)
	for _, name := range slices.Sorted(maps.Keys(g.Functions)) {
		w.nodes(name, g.Functions[name].Nodes)
	}
	return d
}

// describer fills a Description with nodes. Most nodes have the same few lists
// of output types, which it shares, so that a node with many outputs costs
// memory once and not at each of its likes.
type describer struct {
	d       *Description
	ops     *operations
	outputs map[string][]string
	key     []byte
}

func (w *describer) nodes(function string, nodes []Node) {
	for i := range nodes {
		n := &nodes[i]
		w.d.Operations = append(w.d.Operations, Operation{
			Name:     n.Name,
			Op:       n.Op,
			Device:   n.Device,
			Outputs:  w.enums(w.ops.outputs(n)),
			Function: function,
		})
		w.d.OpCounts[n.Op]++
	}
}

func (w *describer) enums(types []infer.DType) []string {
	w.key = w.key[:0]
	for _, t := range types {
		w.key = append(w.key, byte(t), byte(t>>8), byte(t>>16), byte(t>>24))
	}
	if list, ok := w.outputs[string(w.key)]; ok {
		return list
	}
	list := make([]string, len(types))
	for i, t := range types {
		list[i] = t.Enum()
	}
	w.outputs[string(w.key)] = list
	return list
}

func describeSignature(s *infer.Signature) SignatureDescription {
	return SignatureDescription{
		Method:  s.Method,
		Inputs:  describeTensors(s.Inputs),
		Outputs: describeTensors(s.Outputs),
	}
}

func describeTensors(infos []infer.TensorInfo) map[string]TensorDescription {
	m := make(map[string]TensorDescription, len(infos))
	for _, info := range infos {
		m[info.Name] = TensorDescription{Tensor: info.Tensor, DType: info.DType.Enum(), Shape: info.Shape}
	}
	return m
}
