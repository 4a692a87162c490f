package savedmodel

import (
	"errors"
	"fmt"
	"iter"

	"github.com/tensorlambda/tensorlambda/internal/savedmodel/internal/wire"
)

// Node is an operation of a graph or of a function's body: TensorFlow's
// NodeDef. It aliases the bytes it was read from.
type Node struct {
	Name   string
	Op     string // the type of the operation: "MatMul", or the name of a function
	Device string
	// Inputs name what the node consumes: "node", "node:1" or, for a control
	// input, "^node"; inside a function "argument" or "node:output:0".
	Inputs []string
	raw    []byte
}

// Attr finds an attribute. It scans the node, so it costs a walk over the
// attributes' names and allocates nothing. An attribute with its default value
// may be absent.
func (n *Node) Attr(name string) (Attr, bool) { return findAttr(n.raw, name) }

func findAttr(message []byte, name string) (a Attr, ok bool) {
	for key, value := range attrs(message) {
		if string(key) == name {
			a, ok = Attr{value}, true // the last one wins, as in protobuf
		}
	}
	return a, ok
}

// attrs yields the attributes of a NodeDef or a FunctionDef, which have them
// under the same tag.
func attrs(message []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		for f, err := range wire.Fields(message) {
			if err != nil {
				return
			}
			if f.Tag != nodeAttr {
				continue
			}
			if key, value, err := mapEntry(f.Bytes); err == nil && !yield(key, value) {
				return
			}
		}
	}
}

// reader reads the nodes of one graph. It shares the strings of operations and
// devices, of which a graph with a hundred thousand nodes has a few dozen.
type reader struct {
	names  map[string]string
	nodes  int
	inputs int
}

func newReader() *reader { return &reader{names: make(map[string]string)} }

func (r *reader) shared(b []byte) (string, error) {
	if s, ok := r.names[string(b)]; ok {
		return s, nil
	}
	s, err := readName(b)
	if err == nil {
		r.names[s] = s
	}
	return s, err
}

var (
	errNoName  = errors.New("node without a name or an operation")
	errTooMany = errors.New("more nodes than a graph can have here")
)

func (r *reader) node(b []byte) (Node, error) {
	n := Node{raw: b}
	inputs := 0
	for f, err := range wire.Fields(b) {
		if err != nil {
			return Node{}, fmt.Errorf("node %q: %w", n.Name, err)
		}
		switch f.Tag {
		case nodeName:
			n.Name, err = readName(f.Bytes)
		case nodeOp:
			n.Op, err = r.shared(f.Bytes)
		case nodeDevice:
			n.Device, err = r.shared(f.Bytes)
		case nodeInput:
			inputs++
			err = checkName(f.Bytes)
		}
		if err != nil {
			return Node{}, fmt.Errorf("node %q: %w", n.Name, err)
		}
	}
	if n.Name == "" || n.Op == "" {
		return Node{}, errNoName
	}
	r.nodes++
	r.inputs += inputs
	if r.nodes > maxNodes || r.inputs > maxInputs {
		return Node{}, fmt.Errorf("%w: %d nodes, %d inputs", errTooMany, r.nodes, r.inputs)
	}
	n.Inputs = readInputs(b, inputs)
	return n, nil
}

func readInputs(b []byte, count int) []string {
	if count == 0 {
		return nil
	}
	inputs := make([]string, 0, count)
	for f, err := range wire.Fields(b) {
		if err != nil || len(inputs) == count {
			break
		}
		if f.Tag == nodeInput {
			inputs = append(inputs, string(f.Bytes))
		}
	}
	return inputs
}
