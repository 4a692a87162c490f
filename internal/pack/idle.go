package pack

import "slices"

// resources are the operations that make variables and tables: those that loading fills.
var resources = map[string]bool{
	"VarHandleOp": true, "VariableV2": true, "Variable": true,
	"HashTable": true, "HashTableV2": true, "MutableHashTable": true, "MutableHashTableV2": true,
	"MutableHashTableOfTensors": true, "MutableHashTableOfTensorsV2": true,
	"MutableDenseHashTable": true, "MutableDenseHashTableV2": true,
}

// fillers are the operations that do nothing but give their first input, a resource,
// what it holds.
var fillers = map[string]bool{
	"AssignVariableOp": true, "Assign": true,
	"InitializeTable": true, "InitializeTableV2": true,
	"InitializeTableFromTextFile": true, "InitializeTableFromTextFileV2": true,
	"LookupTableImport": true, "LookupTableImportV2": true, "LookupTableInsert": true, "LookupTableInsertV2": true,
}

// dropIdle takes out of loading what fills variables and tables that nothing reads: those
// of signatures that are not kept, and paths of assets for them. entries are what
// signatures take and answer; what they run is left alone.
func (g *graph) dropIdle(entries map[string]bool) {
	served := g.live(entries)
	for {
		idle := g.idle(g.live(g.roots), served)
		if len(idle) == 0 {
			return
		}
		for _, n := range g.nodes {
			n.Input = slices.DeleteFunc(n.GetInput(), func(in string) bool {
				e := parseEndpoint(in)
				return e.control && idle[e.node]
			})
		}
	}
}

// idle are the live nodes that fill what nothing else takes. A node that something
// outside the graph names, or whose output is taken, is none.
func (g *graph) idle(live, served map[string]bool) map[string]bool {
	consumers := g.consumers(live)
	inFunctions := g.madeInFunctions(live)
	filling := make(map[string][]string) // by what they fill
	read := make(map[string]bool)
	for _, n := range g.nodes {
		if !live[n.GetName()] || !resources[n.GetOp()] {
			continue
		}
		key := sharedName(n)
		read[key] = read[key] || inFunctions[key] || g.roots[n.GetName()] || served[n.GetName()]
		for _, taker := range consumers[n.GetName()] {
			name := taker.node.GetName()
			if !fillers[taker.node.GetOp()] || taker.position != 0 || g.roots[name] || served[name] || len(consumers[name]) > 0 {
				read[key] = true
			}
			filling[key] = append(filling[key], name)
		}
	}
	idle := make(map[string]bool)
	for key, nodes := range filling {
		for _, name := range nodes {
			if !read[key] {
				idle[name] = true
			}
		}
	}
	return idle
}

// madeInFunctions are the names of resources by which functions of live nodes know them.
func (g *graph) madeInFunctions(live map[string]bool) map[string]bool {
	functions, made := make(map[string]bool), make(map[string]bool)
	for _, n := range g.nodes {
		if live[n.GetName()] {
			g.need(n, functions)
		}
	}
	for name := range functions {
		for _, n := range g.ops.functions[name].GetNodeDef() {
			if g.ops.lookup(n.GetOp()).GetIsStateful() {
				made[sharedName(n)] = true
			}
		}
	}
	return made
}
