package savedmodel

import (
	"slices"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// variable follows a read of a variable of the graph to what is assigned to it.
// TensorFlow 2 exports the path of an asset so: the init op assigns it to a
// variable and reads it back. It is sure only where nobody else can write: the
// handle goes to plain reads and assignments in the graph alone, no other
// handle has its name, and no handle can come out of a constant.
func (t *trace) variable(read *Node) bool {
	if len(read.Inputs) == 0 {
		return false
	}
	handle, ok := t.graph.Node(producer(read.Inputs[0]))
	if !ok || handle.Op != "VarHandleOp" || t.sharesHandle(handle) || t.holdsResources() {
		return false
	}
	assigned := false
	for i := range t.graph.Nodes {
		n := &t.graph.Nodes[i]
		if !consumes(n, handle.Name) {
			continue
		}
		switch n.Op {
		case "ReadVariableOp", "VarIsInitializedOp":
		case "AssignVariableOp":
			if producer(n.Inputs[0]) != handle.Name || !t.input(nil, n, 1) {
				return false
			}
			assigned = true
		default:
			return false
		}
	}
	return assigned
}

// consumes reports whether a node has the value of another one as an input.
func consumes(n *Node, name string) bool {
	return slices.ContainsFunc(n.Inputs, func(in string) bool { return !strings.HasPrefix(in, "^") && producer(in) == name })
}

// sharesHandle reports whether another node may make a handle of the same
// variable.
func (c *calls) sharesHandle(handle *Node) bool {
	name := sharedName(handle)
	return c.anyNode(func(n *Node) bool {
		switch n.Op {
		case "VarHandleOp":
			return n != handle && sharedName(n) == name
		case "_VarHandlesOp", "_XlaAotOnlyVarHandleOp":
			return true
		}
		return false
	})
}

func sharedName(n *Node) string {
	a, _ := n.Attr("shared_name")
	s, _ := a.Bytes()
	return string(s)
}

// valueTypes is the attribute with the types of the values that an operation
// takes out of the model's own bytes.
var valueTypes = map[string]string{
	"Const":        "dtype",
	"HostConst":    "dtype",
	"_EagerConst":  "T",
	"ParseTensor":  "out_type",
	"Restore":      "dt",
	"RestoreSlice": "dt",
	"RestoreV2":    "dtypes",
}

// holdsResources reports whether a value in the model may hold a handle, which
// could name any variable. No exporter writes such values.
func (c *calls) holdsResources() bool {
	return c.anyNode(func(n *Node) bool {
		name, ok := valueTypes[n.Op]
		if !ok {
			return false
		}
		a, _ := n.Attr(name)
		types, _ := a.Types()
		if t, ok := a.Type(); ok {
			types = append(types, t)
		}
		return slices.Contains(types, infer.Resource) || slices.Contains(types, infer.Variant)
	})
}

func (c *calls) anyNode(is func(*Node) bool) bool {
	some := func(nodes []Node) bool {
		for i := range nodes {
			if is(&nodes[i]) {
				return true
			}
		}
		return false
	}
	if some(c.graph.Nodes) {
		return true
	}
	for _, fn := range c.graph.Functions {
		if some(fn.Nodes) {
			return true
		}
	}
	return false
}
