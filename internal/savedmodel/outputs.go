package savedmodel

import (
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel/optable"
)

// operations looks operations up and remembers them, since a graph has many
// nodes of few types. It is not safe for concurrent use.
type operations struct {
	graph *Graph
	seen  map[string]*optable.Op
}

func (g *Graph) operations() *operations {
	return &operations{graph: g, seen: make(map[string]*optable.Op)}
}

// lookup finds what a node's Op is: a function of the graph, an operation of
// TensorFlow, or one that the model itself defines; else nil.
func (o *operations) lookup(name string) *optable.Op {
	if op, ok := o.seen[name]; ok {
		return op
	}
	var op *optable.Op
	if fn, ok := o.graph.Functions[name]; ok {
		op = &optable.Op{Name: name, Outputs: fn.Outputs}
	} else if known, ok := optable.Lookup(name); ok {
		op = &known
	} else if defined, ok := o.graph.definitions[name]; ok {
		op = &defined
	}
	o.seen[name] = op
	return op
}

// Outputs is the types of a node's outputs, in order, from the node and the
// definition of its operation alone. For an operation that neither TensorFlow
// nor the model defines it is a guess from the usual attributes; it is empty
// where the node's attributes make no sense.
func (g *Graph) Outputs(n *Node) []infer.DType { return g.operations().outputs(n) }

func (o *operations) outputs(n *Node) []infer.DType {
	op := o.lookup(n.Op)
	if op == nil {
		return guess(n)
	}
	var types []infer.DType
	for _, a := range op.Outputs {
		var ok bool
		if types, ok = appendTypes(types, n, op, a); !ok {
			return nil
		}
	}
	return types
}

func appendTypes(types []infer.DType, n *Node, op *optable.Op, a optable.Arg) ([]infer.DType, bool) {
	if a.TypeListAttr != "" {
		list, ok := typesAttr(n, op, a.TypeListAttr)
		return append(types, list...), ok && len(types)+len(list) <= maxOutputs
	}
	t := a.Type
	if a.TypeAttr != "" {
		var ok bool
		if t, ok = typeAttr(n, op, a.TypeAttr); !ok {
			return nil, false
		}
	}
	count := int64(1)
	if a.NumberAttr != "" {
		var ok bool
		if count, ok = intAttr(n, op, a.NumberAttr); !ok || count < 0 || count > maxOutputs-int64(len(types)) {
			return nil, false
		}
	}
	for range count {
		types = append(types, t)
	}
	return types, true
}

func typeAttr(n *Node, op *optable.Op, name string) (infer.DType, bool) {
	if a, ok := n.Attr(name); ok {
		return a.Type()
	}
	if d := op.Defaults[name]; len(d) == 1 {
		return dtype(uint64(d[0])), true // an enum
	}
	return infer.Invalid, false
}

func intAttr(n *Node, op *optable.Op, name string) (int64, bool) {
	if a, ok := n.Attr(name); ok {
		return a.Int()
	}
	if d := op.Defaults[name]; len(d) == 1 {
		return d[0], true
	}
	return 0, false
}

func typesAttr(n *Node, op *optable.Op, name string) ([]infer.DType, bool) {
	if a, ok := n.Attr(name); ok {
		return a.Types()
	}
	d, ok := op.Defaults[name]
	types := make([]infer.DType, len(d))
	for i, t := range d {
		types[i] = dtype(uint64(t)) // an enum
	}
	return types, ok
}

// guess tells the outputs of an operation that nobody defines, from the names
// that TensorFlow's own operations give to the attribute of their output type.
func guess(n *Node) []infer.DType {
	for _, name := range []string{"dtype", "Tout", "T"} {
		a, ok := n.Attr(name)
		if !ok {
			continue
		}
		if t, ok := a.Type(); ok {
			return []infer.DType{t}
		}
		if list, ok := a.Types(); ok && len(list) <= maxOutputs {
			return list
		}
	}
	return nil
}
