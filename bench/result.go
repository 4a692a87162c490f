package main

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// result is a line that `go test -bench` prints.
type result struct {
	name   string // below the benchmark's own
	ns     float64
	mbps   float64 // 10^6 bytes of text a second
	allocs int64
}

// parseResult reads "BenchmarkX/name  100  123.4 ns/op … 5 allocs/op", as on one
// CPU: with more their number is part of the name.
func parseResult(line string) (result, bool) {
	fields := strings.Fields(line)
	if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
		return result{}, false
	}
	_, name, _ := strings.Cut(fields[0], "/")
	r := result{name: name}
	for i := 3; i < len(fields); i += 2 {
		value, err := strconv.ParseFloat(fields[i-1], 64)
		if err != nil {
			return result{}, false
		}
		switch fields[i] {
		case "ns/op":
			r.ns = value
		case "MB/s":
			r.mbps = value
		case "allocs/op":
			r.allocs = int64(value)
		}
	}
	return r, true
}

// middle is the result with the median time.
func middle(results []result) result {
	slices.SortFunc(results, func(a, b result) int { return cmp.Compare(a.ns, b.ns) })
	return results[len(results)/2]
}
