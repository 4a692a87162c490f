package optable

import (
	"maps"
	"slices"
)

// Names lists the operations in the table, sorted.
func Names() []string { return slices.Sorted(maps.Keys(table())) }
