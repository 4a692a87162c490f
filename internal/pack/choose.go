package pack

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel"
)

// chosen are the variables to fold, with their values.
type chosen struct {
	list   []*variable
	values map[string]*infer.Tensor
}

// choose reads the variables that can be folded, and reports those that cannot.
func (g *graph) choose(variables []*variable, o Options) (*chosen, error) {
	foldable := slices.DeleteFunc(slices.Clone(variables), func(v *variable) bool { return v.why != "" })
	c := new(chosen)
	if len(foldable) > 0 {
		var err error
		if c.values, err = o.Values(names(foldable)); err != nil {
			return nil, fmt.Errorf("values of variables: %w", err)
		}
	}
	constants := g.constants()
	var total int64
	for _, v := range foldable {
		if value := c.values[v.name]; value != nil {
			total += int64(len(value.Data))
		} else {
			v.why = "has no value"
		}
	}
	for _, v := range variables {
		if v.why == "" && constants+total > o.maxConstants() {
			v.why = fmt.Sprintf("is one of %d bytes of variables; with them constants would have %d, where %d may be", total, constants+total, o.maxConstants())
		}
		if v.why != "" {
			g.keep(v.nodes[0], v.why)
			continue
		}
		c.list = append(c.list, v)
	}
	return c, nil
}

// constants is how many bytes the constants of live nodes have, and the functions that
// these run.
func (g *graph) constants() int64 {
	live, functions := g.live(g.roots), make(map[string]bool)
	var sum int64
	for _, n := range g.nodes {
		if !live[n.GetName()] {
			continue
		}
		g.need(n, functions)
		if n.GetOp() == "Const" {
			sum += int64(proto.Size(n.GetAttr()["value"]))
		}
	}
	for name := range functions {
		sum += int64(proto.Size(g.ops.functions[name]))
	}
	return sum
}

// forget takes the restoring of variables that are not needed any more out of the
// restore op, and is how many variables and tables it still restores.
func (g *graph) forget(folded *chosen, restore string) int {
	needed := make(map[string]bool)
	used := g.live(g.roots)
	for _, n := range g.nodes {
		if used[n.GetName()] && g.ops.lookup(n.GetOp()).GetIsStateful() { // variables and tables among others
			needed[sharedName(n)] = true
		}
	}
	for _, v := range folded.list {
		delete(needed, sharedName(v.nodes[0]))
	}
	live := g.live(map[string]bool{restore: true})
	dropped := make(map[string]bool)
	left := 0
	for name := range live {
		n := g.index[name]
		if !savedmodel.WritesState(n.GetOp()) {
			continue
		}
		if source := g.source(n); source != nil && needed[sharedName(source)] {
			left++
		} else {
			dropped[name] = fillers[n.GetOp()]
		}
	}
	for name := range live {
		n := g.index[name]
		n.Input = slices.DeleteFunc(n.GetInput(), func(in string) bool { return dropped[parseEndpoint(in).node] })
	}
	return left
}
