package savedmodel

import (
	"maps"
	"slices"
	"sync"
)

// calls is what a graph's nodes do and which functions they mention, found in
// one pass over the graph and its library.
type calls struct {
	graph    *Graph
	suspects []site            // the nodes with a hazard
	writers  []site            // the nodes that change what later runs see
	sites    map[string][]site // by function: the nodes that mention it

	// consumers is the nodes of the graph that have a node as an input, by the
	// indexes of both; made when first asked for.
	consumers func() [][]int32
}

// site is a node and where it is: fn is nil in the graph itself. Where a
// function is reached through another one without a node, as its gradient is,
// node is nil.
type site struct {
	fn     *Function
	node   *Node
	effect effect // for suspects
}

func newCalls(g *Graph) *calls {
	c := &calls{graph: g, sites: make(map[string][]site)}
	ops := make(map[string]verdict)
	c.scan(nil, g.Nodes, ops)
	for _, name := range slices.Sorted(maps.Keys(g.Functions)) { // sorted: the same message every time
		fn := g.Functions[name]
		c.scan(fn, fn.Nodes, ops)
	}
	c.consumers = sync.OnceValue(g.consumers)
	c.linkGradients()
	c.linkImplementations()
	return c
}

// verdict is what an operation does whatever its attributes.
type verdict struct {
	safe   bool
	writes bool
}

func (c *calls) scan(fn *Function, nodes []Node, ops map[string]verdict) {
	for i := range nodes {
		n := &nodes[i]
		v, seen := ops[n.Op]
		if !seen {
			v = c.verdict(n)
			ops[n.Op] = v
		}
		if v.writes {
			c.writers = append(c.writers, site{fn: fn, node: n})
		}
		if !v.safe || fn != nil && takesAttributes(n) {
			if e := hazard(n, c.isFunction); e != "" {
				c.suspects = append(c.suspects, site{fn, n, e})
			}
		}
		c.mention(fn, n)
	}
}

func (c *calls) verdict(n *Node) verdict {
	_, conditional := conditions[n.Op]
	return verdict{
		safe:   !conditional && hazard(n, c.isFunction) == "",
		writes: !c.isFunction(n.Op) && WritesState(n.Op),
	}
}

func (c *calls) isFunction(name string) bool {
	_, ok := c.graph.Functions[name]
	return ok
}

func (c *calls) mention(fn *Function, n *Node) {
	here := site{fn: fn, node: n}
	if c.isFunction(n.Op) {
		c.sites[n.Op] = append(c.sites[n.Op], here)
	}
	for _, value := range attrs(n.raw) {
		for name := range (Attr{value}).Funcs() {
			c.sites[name] = append(c.sites[name], here)
		}
	}
}

// linkGradients lets a function reach its gradient, which SymbolicGradient
// calls without naming it.
func (c *calls) linkGradients() {
	for name, gradient := range c.graph.gradients {
		if fn, ok := c.graph.Functions[name]; ok {
			c.sites[gradient] = append(c.sites[gradient], site{fn: fn})
		}
	}
}

// linkImplementations lets a function reach every other implementation of the
// same interface: TensorFlow's optimiser swaps them, as Keras does for LSTMs.
func (c *calls) linkImplementations() {
	groups := make(map[string][]*Function)
	for _, name := range slices.Sorted(maps.Keys(c.graph.Functions)) {
		fn := c.graph.Functions[name]
		a, _ := fn.Attr("api_implements")
		if api, ok := a.Bytes(); ok && len(api) > 0 {
			groups[string(api)] = append(groups[string(api)], fn)
		}
	}
	for _, group := range groups {
		// A ring links all to all with one link each.
		for i, fn := range group {
			if next := group[(i+1)%len(group)]; next != fn {
				c.sites[next.Name] = append(c.sites[next.Name], site{fn: fn})
			}
		}
	}
}

// restores is the rule for the restore op: it may read a checkpoint.
func restores(s site) bool {
	return slices.Contains([]string{"Restore", "RestoreSlice", "RestoreV2"}, s.node.Op)
}

func (g *Graph) consumers() [][]int32 {
	consumers := make([][]int32, len(g.Nodes))
	for i := range g.Nodes {
		for _, in := range g.Nodes[i].Inputs {
			if from, ok := g.index[producer(in)]; ok {
				consumers[from] = append(consumers[from], int32(i)) // maxNodes fits
			}
		}
	}
	return consumers
}
