package batch

import (
	"fmt"
	"regexp"

	"github.com/tensorlambda/tensorlambda/internal/blob"
)

// The names of a job's objects, under output prefix + input key + partsSuffix.
// Athena, Spark and Hive do not read what begins with an underscore.
const (
	partsSuffix = ".parts/"
	planName    = "_PLAN.json"
	successName = "_SUCCESS"
	jsonType    = "application/json"
)

// lastHop is the highest number of a hop: names have two digits for it, and must
// sort as the rows do.
const lastHop = 99

// hop is a piece of a shard that one invocation scores: a shard that takes longer is
// handed on, and its hops are numbered from 0.
type hop struct{ shard, n int }

// String names a hop in messages.
func (h hop) String() string {
	if h.n == 0 {
		return fmt.Sprint("shard ", h.shard)
	}
	return fmt.Sprint("shard ", h.shard, ", hop ", h.n)
}

// stem is part-00007-of-00032, and for later hops part-00007.01-of-00032: in a
// listing hops stand in order, since a dash sorts before a dot.
func (h hop) stem(shards int) string {
	if h.n == 0 {
		return fmt.Sprintf("part-%05d-of-%05d", h.shard, shards)
	}
	return fmt.Sprintf("part-%05d.%02d-of-%05d", h.shard, h.n, shards)
}

// stems matches the names of parts and receipts, of this plan or another.
var stems = regexp.MustCompile(`^_?part-\d{5,}(\.\d\d)?-of-\d{5,}\.[a-z]+$`)

func (p *plan) partName(h hop) string {
	return h.stem(len(p.Shards)) + p.OutputFormat.Extension()
}

func (p *plan) receiptName(h hop) string { return "_" + h.stem(len(p.Shards)) + ".json" }

// prefix is what all objects of the job lie under.
func (p *plan) prefix() blob.URI {
	u := p.uri
	u.Key = u.Key[:len(u.Key)-len(planName)]
	return u
}

func (p *plan) at(name string) blob.URI { return p.prefix().Join(name) }

// task is the task for a hop.
func (p *plan) task(h hop) Task {
	return Task{Task: "shard", Plan: p.uri.String(), Index: h.shard, Hop: h.n}
}
