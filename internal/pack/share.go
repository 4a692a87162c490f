package pack

import (
	"maps"
	"slices"

	nodepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
	modelpb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"
)

// share lets signatures that compute the same from the same inputs be computed by the
// nodes of the first of them, by name: Keras exports each model under two names. What the
// others had goes with the next drop. Loading then prepares one graph, and a first run of
// one is the first run of all.
func (g *graph) share(meta *modelpb.MetaGraphDef) {
	signatures := meta.GetSignatureDef()
	names := slices.Sorted(maps.Keys(signatures))
	for i, name := range names {
		for _, earlier := range names[:i] {
			from, to := signatures[earlier], signatures[name]
			if name == initOp || earlier == initOp || !g.equal(from, to) {
				continue
			}
			for key, info := range to.GetInputs() {
				info.Encoding = proto.CloneOf(from.GetInputs()[key]).GetEncoding()
			}
			for key, info := range to.GetOutputs() {
				info.Encoding = proto.CloneOf(from.GetOutputs()[key]).GetEncoding()
			}
			g.report.Shared = append(g.report.Shared, Shared{Signature: name, By: earlier})
			break
		}
	}
}

// equal reports whether two signatures with the same contract compute the same.
func (g *graph) equal(a, b *modelpb.SignatureDef) bool {
	p := pairs{graph: g, of: make(map[string]string)}
	return sameContract(a.GetInputs(), b.GetInputs(), p.feed) && sameContract(a.GetOutputs(), b.GetOutputs(), p.tensors)
}

// sameContract reports whether the keys, types and shapes are the same, and each two
// tensors are for same.
func sameContract(a, b map[string]*modelpb.TensorInfo, same func(a, b endpoint) bool) bool {
	if len(a) != len(b) {
		return false
	}
	for key, x := range a {
		y := b[key]
		if x.GetName() == "" || y.GetName() == "" || x.GetDtype() != y.GetDtype() || !proto.Equal(x.GetTensorShape(), y.GetTensorShape()) {
			return false
		}
		if !same(parseEndpoint(x.GetName()), parseEndpoint(y.GetName())) {
			return false
		}
	}
	return true
}

// pairs are nodes that stand for each other in two signatures.
type pairs struct {
	*graph
	of map[string]string // by the second's, the first's
}

// feed notes the nodes that requests give a value, one for each input.
func (p pairs) feed(a, b endpoint) bool {
	for second, first := range p.of {
		if second == b.node || first == a.node {
			return false
		}
	}
	p.of[b.node] = a.node
	return a.index == b.index && p.alike(p.index[a.node], p.index[b.node])
}

// tensors reports whether two tensors have the same value in a run of each signature.
func (p pairs) tensors(a, b endpoint) bool {
	if a.index != b.index || a.control != b.control {
		return false
	}
	if known, ok := p.of[b.node]; ok {
		return known == a.node
	}
	x, y := p.index[a.node], p.index[b.node]
	// A node that is fed in one signature only has no other to stand for it.
	if !p.alike(x, y) || p.fed[a.node] || p.fed[b.node] {
		return false
	}
	p.of[b.node] = a.node
	for i, in := range x.GetInput() {
		if !p.tensors(parseEndpoint(in), parseEndpoint(y.GetInput()[i])) {
			return false
		}
	}
	return true
}

// alike reports whether two nodes compute the same from the same inputs. Nodes with state
// of their own are like nobody but themselves, and so are those with functions, of which
// each may have copies.
func (p pairs) alike(a, b *nodepb.NodeDef) bool {
	switch {
	case a == nil || b == nil:
		return false
	case a == b:
		return true
	case a.GetOp() != b.GetOp() || len(a.GetInput()) != len(b.GetInput()):
		return false
	}
	def := p.ops.builtin[a.GetOp()]
	if def == nil || p.ops.functions[a.GetOp()] != nil || def.GetIsStateful() || outward[a.GetOp()] || len(mentioned(a)) > 0 {
		return false
	}
	return maps.EqualFunc(attributes(a), attributes(b), proto.Equal)
}

// attributes are those that say what a node computes, not where it came from.
func attributes(n *nodepb.NodeDef) map[string]proto.Message {
	all := make(map[string]proto.Message, len(n.GetAttr()))
	for name, value := range n.GetAttr() {
		if name != "_class" && name != "_user_specified_name" {
			all[name] = value
		}
	}
	return all
}
