// Command opgen writes ops.txt, the table of TensorFlow's operations, from one
// or more serialized OpLists: the bytes that TF_GetAllOpList of each supported
// version returns, newest version first. Where versions differ, the newest that
// has the operation decides.
//
//	opgen -o ops.txt ops-2.21.0.pb ops-2.20.0.pb …
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/savedmodel/optable"
)

func main() {
	out := flag.String("o", "ops.txt", "file to write")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: opgen [-o ops.txt] OPLIST…")
		os.Exit(2)
	}
	if err := generate(*out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "opgen:", err)
		os.Exit(1)
	}
}

func generate(out string, lists []string) error {
	lines := make(map[string]string)
	for _, path := range lists {
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		ops, err := optable.ReadList(b)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		for _, op := range ops {
			if _, ok := lines[op.Name]; !ok {
				lines[op.Name] = op.String()
			}
		}
	}
	return write(out, lists, lines)
}

func write(out string, lists []string, lines map[string]string) error {
	var b strings.Builder
	b.WriteString("# Made by opgen from")
	for _, path := range lists {
		b.WriteString(" " + filepath.Base(path))
	}
	b.WriteString(". Do not edit.\n")
	sorted := make([]string, 0, len(lines))
	for _, line := range lines {
		sorted = append(sorted, line)
	}
	slices.Sort(sorted)
	for _, line := range sorted {
		b.WriteString(line + "\n")
	}
	return os.WriteFile(out, []byte(b.String()), 0o644)
}
