package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// benchCodec runs the codec's own benchmarks, on one core, and puts the two ways
// to do the same side by side.
func benchCodec(ctx context.Context) error {
	for _, b := range []struct{ pattern, title string }{
		{"DecodeImage", "decode 1×224×224×3 floats from JSON, numbers as"},
		{"EncodeFloats", "encode as JSON"},
	} {
		cmd := exec.CommandContext(ctx, "go", "test", "-run=^$", "-bench="+b.pattern, "-count=5", "-cpu=1", "./internal/codec")
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("benchmark of the codec: %w\n%s", err, out)
		}
		fmt.Printf("| %s | this codec | encoding/json | ratio | allocations |\n|---|---|---|---|---|\n", b.title)
		printPairs(out)
		fmt.Println()
	}
	return nil
}

// printPairs prints a row for each pair of benchmarks NAME/codec and
// NAME/encoding-json.
func printPairs(out []byte) {
	results := make(map[string][]result)
	var names []string
	for line := range bytes.Lines(out) {
		r, ok := parseResult(string(line))
		if !ok {
			continue
		}
		i := strings.LastIndexByte(r.name, '/')
		if name, way := r.name[:max(i, 0)], r.name[i+1:]; way == "codec" && len(results[r.name]) == 0 {
			names = append(names, name)
		}
		results[r.name] = append(results[r.name], r)
	}
	for _, name := range names {
		ours, theirs := middle(results[name+"/codec"]), middle(results[name+"/encoding-json"])
		fmt.Printf("| %s | %.2f ms, %.0f MB/s | %.2f ms, %.0f MB/s | **%.1f×** | %d and %d |\n",
			name, ours.ns/1e6, ours.mbps, theirs.ns/1e6, theirs.mbps, theirs.ns/ours.ns, ours.allocs, theirs.allocs)
	}
}
