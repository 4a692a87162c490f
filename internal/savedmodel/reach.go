package savedmodel

import "slices"

// reach knows for every node of a graph whether running it would run one of
// certain operations, the unsafe ones for example. It starts at these and goes
// up to the callers of their functions and on to the consumers of those.
type reach struct {
	graph     *Graph
	functions map[string]step // by function
	nodes     map[string]step // by node of the graph itself
}

// step leads towards such an operation: node is that operation and does
// effect, or callee is the function to go on in.
type step struct {
	node   *Node
	effect effect
	callee string
}

// newReach starts at the suspects, less what one of the rules exempts.
func newReach(c *calls, exempt ...func(site) bool) *reach {
	return reachOf(c, c.suspects, exempt...)
}

func reachOf(c *calls, sites []site, exempt ...func(site) bool) *reach {
	r := &reach{graph: c.graph, functions: make(map[string]step), nodes: make(map[string]step)}
	var queue []string
	for _, s := range sites {
		if !slices.ContainsFunc(exempt, func(rule func(site) bool) bool { return rule(s) }) {
			queue = r.add(queue, s, step{node: s.node, effect: s.effect})
		}
	}
	for ; len(queue) > 0; queue = queue[1:] {
		for _, s := range c.sites[queue[0]] {
			queue = r.add(queue, s, step{callee: queue[0]})
		}
	}
	if len(r.nodes) > 0 {
		r.spread(c.consumers())
	}
	return r
}

// add notes the step at a site and queues the site's function if it is new.
func (r *reach) add(queue []string, s site, to step) []string {
	if s.fn == nil {
		if _, ok := r.nodes[s.node.Name]; !ok {
			r.nodes[s.node.Name] = to
		}
		return queue
	}
	if _, ok := r.functions[s.fn.Name]; ok {
		return queue
	}
	r.functions[s.fn.Name] = to
	return append(queue, s.fn.Name)
}

// spread carries the steps of the graph's nodes to all that depend on them.
func (r *reach) spread(consumers [][]int32) {
	queue := make([]int32, 0, len(r.nodes))
	for name := range r.nodes {
		queue = append(queue, r.graph.index[name])
	}
	slices.Sort(queue) // the same message every time
	for ; len(queue) > 0; queue = queue[1:] {
		to := r.nodes[r.graph.Nodes[queue[0]].Name]
		for _, consumer := range consumers[queue[0]] {
			name := r.graph.Nodes[consumer].Name
			if _, ok := r.nodes[name]; !ok {
				r.nodes[name] = to
				queue = append(queue, consumer)
			}
		}
	}
}

// holds reports whether running the node would run one of the operations.
func (r *reach) holds(node string) bool {
	_, ok := r.nodes[node]
	return ok
}

// unsafe is nil for a node that is safe to run, or that does not exist.
func (r *reach) unsafe(node string) *UnsafeError {
	s, ok := r.nodes[node]
	if !ok {
		return nil
	}
	var functions []string
	for s.callee != "" {
		functions = append(functions, s.callee)
		s = r.functions[s.callee]
	}
	return &UnsafeError{Op: s.node.Op, Effect: string(s.effect), Node: s.node.Name, Functions: functions}
}
