package savedmodel

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/spelling"
)

// Suggestions are for people who mistyped: a graph that is too large to search
// in a moment, or a name too long to be typed, gets none.
const (
	nearNodes = 20_000
	nearName  = 100
	nearCount = 3
)

// near finds the names in the graph that are most like the given one.
func (g *Graph) near(name string) []string {
	if len(name) > nearName {
		return nil
	}
	type candidate struct {
		name     string
		distance int
	}
	var found []candidate
	limit := max(2, len(name)/3)
	for i := range g.Nodes[:min(len(g.Nodes), nearNodes)] {
		other := g.Nodes[i].Name
		if len(other) > nearName {
			continue
		}
		d := spelling.Distance(strings.ToLower(name), strings.ToLower(other))
		if within(name, other) {
			d = min(d, limit)
		}
		if d <= limit {
			found = append(found, candidate{other, d})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	names := make([]string, 0, nearCount)
	for _, c := range found[:min(len(found), nearCount)] {
		names = append(names, c.name)
	}
	return names
}

// within reports whether name is a whole part of the path other: "dense" of
// "model/dense/BiasAdd".
func within(name, other string) bool {
	return slices.Contains(strings.Split(other, "/"), name)
}

func didYouMean(names []string) string {
	if len(names) == 0 {
		return ""
	}
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = fmt.Sprintf("%q", n)
	}
	return "; did you mean " + strings.Join(quoted, " or ") + "?"
}
