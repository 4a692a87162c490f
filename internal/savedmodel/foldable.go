package savedmodel

import "strings"

// Foldable reports whether TensorFlow's constant folding has anything to do in the
// graph: an operation, there or in a function, all of whose inputs are constants. Those
// that depend on constants through others have such a one at their start. Operations
// that cannot be folded all the same, random ones for example, count too.
//
// Where it has nothing to do, looking for it is an eighth of the time that a packed
// model takes to load and run once.
func (g *Graph) Foldable() bool {
	if foldable(g.Nodes) {
		return true
	}
	for _, fn := range g.Functions {
		if foldable(fn.Nodes) {
			return true
		}
	}
	return false
}

func foldable(nodes []Node) bool {
	constants := make(map[string]bool)
	for i := range nodes {
		if nodes[i].Op == "Const" {
			constants[nodes[i].Name] = true
		}
	}
	for i := range nodes {
		if onlyConstants(&nodes[i], constants) {
			return true
		}
	}
	return false
}

// onlyConstants reports whether a node takes constants and nothing else.
func onlyConstants(n *Node, constants map[string]bool) bool {
	some := false
	for _, in := range n.Inputs {
		if strings.HasPrefix(in, "^") {
			continue
		}
		name, _, _ := strings.Cut(in, ":")
		if !constants[name] {
			return false
		}
		some = true
	}
	return some
}

// Idle is a node whose run needs and does nothing, "" where there is none.
func (g *Graph) Idle() string {
	for i := range g.Nodes {
		if n := &g.Nodes[i]; (n.Op == "NoOp" || n.Op == "Const") && len(n.Inputs) == 0 {
			return n.Name
		}
	}
	return ""
}
