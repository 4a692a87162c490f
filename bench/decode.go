package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// benchDecode runs the codec's own benchmark of an image of 224×224×3 numbers
// and puts the two ways to decode it side by side.
func benchDecode(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-run=^$", "-bench=DecodeImage", "-count=5", "./internal/codec")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("benchmark of the codec: %w\n%s", err, out)
	}
	results := make(map[string][]result)
	var names []string
	scanner := bufio.NewScanner(bytes.NewReader(out))
	for scanner.Scan() {
		r, ok := parseResult(scanner.Text())
		if !ok {
			continue
		}
		numbers, way, _ := strings.Cut(r.name, "/")
		if way == "codec" && len(results[r.name]) == 0 {
			names = append(names, numbers)
		}
		results[r.name] = append(results[r.name], r)
	}
	fmt.Print("| decode 1×224×224×3 floats from JSON | this codec | encoding/json | ratio | allocations |\n|---|---|---|---|---|\n")
	for _, numbers := range names {
		ours, theirs := middle(results[numbers+"/codec"]), middle(results[numbers+"/encoding-json"])
		fmt.Printf("| numbers as %s | %.2f ms | %.2f ms | **%.1f×** | %d and %d |\n",
			numbers, ours.ns/1e6, theirs.ns/1e6, theirs.ns/ours.ns, ours.allocs, theirs.allocs)
	}
	fmt.Println()
	return scanner.Err()
}
