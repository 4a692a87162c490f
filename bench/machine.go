package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// describeMachine writes the line that a table of times is worth nothing
// without.
func describeMachine(w io.Writer) error {
	content, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return err
	}
	model := runtime.GOARCH
	for line := range bytes.Lines(content) {
		if name, value, ok := strings.Cut(string(line), ":"); ok && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	_, err = fmt.Fprintf(w, "%s, %d CPUs (%s), %s\n\n", time.Now().Format(time.DateOnly), runtime.NumCPU(), model, runtime.Version())
	return err
}
