package savedmodel

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/tensorlambda/tensorlambda/internal/savedmodel/internal/wire"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel/optable"
)

// Graph is TensorFlow's GraphDef. It aliases the bytes it was read from and is
// not changed once read, so any number of goroutines may use it.
type Graph struct {
	Nodes     []Node
	Functions map[string]*Function
	// Producer is the version of the GraphDef format that it was written with;
	// 0 where it does not say.
	Producer int

	// Encoded is the serialized GraphDef.
	Encoded []byte

	index map[string]int32
	// gradients holds the functions that compute a function's gradient.
	gradients map[string]string
	// definitions holds the operations that the model brings the definition
	// of and TensorFlow does not know.
	definitions map[string]optable.Op
}

// ReadGraph reads a serialized GraphDef: the contents of a frozen graph's .pb
// file. b must not be changed while the Graph is in use. The error wraps
// ErrNotModel and says what the bytes look like instead.
func ReadGraph(b []byte) (*Graph, error) {
	g := newGraph()
	r := newReader()
	err := g.merge(r, b)
	if err == nil {
		err = g.finish()
	}
	if err == nil && len(g.Nodes) == 0 {
		err = errNoNodes
	}
	if err != nil {
		return nil, notModel("frozen graph", err, sniffGraph(b))
	}
	return g, nil
}

func newGraph() *Graph {
	return &Graph{Functions: make(map[string]*Function), gradients: make(map[string]string)}
}

// merge reads one occurrence of a GraphDef into g.
func (g *Graph) merge(r *reader, b []byte) error {
	if g.Encoded == nil {
		g.Encoded = b
	} else { // protobuf merges occurrences, which is one behind the other
		g.Encoded = slices.Concat(g.Encoded, b)
	}
	for f, err := range wire.Fields(b) {
		if err != nil {
			return fmt.Errorf("graph: %w", err)
		}
		switch f.Tag {
		case graphNode:
			n, err := r.node(f.Bytes)
			if err != nil {
				return fmt.Errorf("graph: node %d: %w", len(g.Nodes), err)
			}
			g.Nodes = append(g.Nodes, n)
		case graphLibrary:
			if err := g.mergeLibrary(r, f.Bytes); err != nil {
				return fmt.Errorf("graph: library: %w", err)
			}
		case graphVersions:
			if err := g.mergeVersions(f.Bytes); err != nil {
				return fmt.Errorf("graph: versions: %w", err)
			}
		}
	}
	return nil
}

func (g *Graph) mergeVersions(b []byte) error {
	for f, err := range wire.Fields(b) {
		if err != nil {
			return err
		}
		if f.Tag == versionsProducer {
			g.Producer = int(int32(f.Value)) // protobuf's own encoding of an int32
		}
	}
	return nil
}

func (g *Graph) mergeLibrary(r *reader, b []byte) error {
	for f, err := range wire.Fields(b) {
		if err != nil {
			return err
		}
		switch f.Tag {
		case libraryFunction:
			if err := g.addFunction(r, f.Bytes); err != nil {
				return err
			}
		case libraryGradient:
			if err := g.addGradient(f.Bytes); err != nil {
				return err
			}
		}
	}
	return nil
}

// addFunction refuses two different functions of one name, as TensorFlow does:
// else the guard might judge one of them and TensorFlow run the other.
func (g *Graph) addFunction(r *reader, b []byte) error {
	fn, err := r.function(b)
	if err != nil {
		return err
	}
	if old, ok := g.Functions[fn.Name]; ok && !bytes.Equal(old.raw, fn.raw) {
		return fmt.Errorf("two functions are named %q", fn.Name)
	}
	g.Functions[fn.Name] = fn
	return nil
}

func (g *Graph) addGradient(b []byte) error {
	var function, gradient string
	for f, err := range wire.Fields(b) {
		if err != nil {
			return fmt.Errorf("gradient: %w", err)
		}
		switch f.Tag {
		case gradientFunction:
			function = string(f.Bytes)
		case gradientGradient:
			gradient = string(f.Bytes)
		}
	}
	if old, ok := g.gradients[function]; ok && old != gradient {
		return fmt.Errorf("two gradients for function %q", function)
	}
	g.gradients[function] = gradient
	return nil
}

// finish indexes the nodes. TensorFlow refuses two nodes of one name, too, and
// the names that isNodeName does.
func (g *Graph) finish() error {
	g.index = make(map[string]int32, len(g.Nodes))
	for i := range g.Nodes {
		name := g.Nodes[i].Name
		if !isNodeName(name) {
			return fmt.Errorf("graph: TensorFlow takes no node named %q", name)
		}
		if _, ok := g.index[name]; ok {
			return fmt.Errorf("graph: two nodes are named %q", name)
		}
		g.index[name] = int32(i) // maxNodes fits
	}
	return nil
}

// Node finds a node of the graph itself, not of its functions.
func (g *Graph) Node(name string) (*Node, bool) {
	i, ok := g.index[name]
	if !ok {
		return nil, false
	}
	return &g.Nodes[i], true
}
