package savedmodel

import (
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel/internal/wire"
)

// tracer finds out where the value of an input comes from, back through
// Identity nodes and through the arguments of functions to all their callers.
type tracer struct {
	*calls
	assets map[string]bool // tensors of the graph that hold an asset's path
}

// initialisesFromAsset is the rule for the init op: a table may be filled from
// a file that is an asset of the model.
func (t *tracer) initialisesFromAsset(s site) bool {
	if s.node.Op != "InitializeTableFromTextFile" && s.node.Op != "InitializeTableFromTextFileV2" {
		return false
	}
	return t.comesFrom(s, 1, func(fn *Function, ref string) bool {
		return fn == nil && t.assets[infer.TensorName(ref)]
	})
}

// cachesInMemory is the rule for a dataset's cache: without a file name it
// keeps its elements in memory. The empty name must stand in a function: a
// constant of the graph itself can be fed where MODEL_ANY_TENSOR is set.
func (t *tracer) cachesInMemory(s site) bool {
	if s.node.Op != "CacheDataset" && s.node.Op != "CacheDatasetV2" {
		return false
	}
	return t.comesFrom(s, 1, func(fn *Function, ref string) bool {
		n, ok := t.node(fn, producer(ref))
		return fn != nil && ok && n.Op == "Const" && isEmptyString(n)
	})
}

// maxTrace bounds how far a value is followed; real ones come from a few steps
// away.
const maxTrace = 200

// comesFrom reports whether the given data input of a node is surely a value
// that accept takes.
func (t *tracer) comesFrom(s site, input int, accept func(fn *Function, ref string) bool) bool {
	tr := trace{tracer: t, accept: accept, seen: make(map[place]bool)}
	return tr.input(s.fn, s.node, input)
}

type place struct {
	fn  *Function
	ref string
}

type trace struct {
	*tracer
	accept func(*Function, string) bool
	seen   map[place]bool
}

func (t *trace) input(fn *Function, n *Node, index int) bool {
	if index >= len(n.Inputs) || strings.HasPrefix(n.Inputs[index], "^") {
		return false
	}
	return t.ref(fn, n.Inputs[index])
}

func (t *trace) ref(fn *Function, ref string) bool {
	at := place{fn, ref}
	if t.seen[at] {
		return true // decided where it was first seen
	}
	t.seen[at] = true
	if len(t.seen) > maxTrace {
		return false
	}
	if t.accept(fn, ref) {
		return true
	}
	if fn != nil {
		if i, ok := argument(fn, ref); ok {
			return t.argument(fn, i)
		}
	}
	n, ok := t.node(fn, producer(ref))
	switch {
	case !ok:
		return false
	case n.Op == "Identity":
		return t.input(fn, n, 0)
	case n.Op == "ReadVariableOp" && fn == nil:
		return t.variable(n)
	}
	return false
}

// argument follows the index-th argument of a function to its callers, which
// must all be plain calls, so that inputs and arguments correspond.
func (t *trace) argument(fn *Function, index int) bool {
	sites := t.sites[fn.Name]
	for _, s := range sites {
		if !isPlainCall(s.node, fn.Name) || !t.input(s.fn, s.node, index) {
			return false
		}
	}
	return len(sites) > 0
}

func isPlainCall(n *Node, function string) bool {
	if n == nil {
		return false
	}
	if n.Op == function {
		return true
	}
	a, _ := n.Attr("f")
	f, _ := a.Func()
	return (n.Op == "PartitionedCall" || n.Op == "StatefulPartitionedCall") && f == function
}

// argument finds the argument that a reference inside a function names.
func argument(fn *Function, ref string) (int, bool) {
	for i, a := range fn.Inputs {
		if a.NumberAttr != "" || a.TypeListAttr != "" {
			return 0, false // several tensors: later arguments have no fixed place
		}
		if a.Name == ref {
			return i, true
		}
	}
	return 0, false
}

// node finds a node of a function, or of the graph. A name that two nodes of a
// function have is not found.
func (c *calls) node(fn *Function, name string) (*Node, bool) {
	if fn == nil {
		return c.graph.Node(name)
	}
	var found *Node
	for i := range fn.Nodes {
		if fn.Nodes[i].Name == name {
			if found != nil {
				return nil, false
			}
			found = &fn.Nodes[i]
		}
	}
	return found, found != nil
}

// isEmptyString reports whether a Const is empty strings and nothing else. A
// tensor can hold its value in more than one field, so any other than these is
// taken for one.
func isEmptyString(n *Node) bool {
	a, _ := n.Attr("value")
	tensor, ok := a.Tensor()
	for f, err := range wire.Fields(tensor) {
		if err != nil {
			return false
		}
		switch f.Tag {
		case tensorType, tensorShape, tensorVersion:
		case tensorString:
			if len(f.Bytes) > 0 {
				return false
			}
		default:
			return false
		}
	}
	return ok
}
