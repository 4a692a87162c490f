package main

import (
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
)

// printHeaders prints the one line that a shell or an editor needs.
func printHeaders(w io.Writer, include string) error {
	path, err := filepath.Abs(include)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "CGO_CFLAGS=-I%s\n", path)
	return err
}

func printSummary(w io.Writer, o options, m packed.Manifest, took time.Duration) error {
	_, err := fmt.Fprintf(w, `libtensorflow %s %s
  packed    %d bytes (%s) in %s
  unpacked  %d bytes (%s)
  headers   in %s
  took      %.1f s
`,
		m.TensorFlow, m.Arch,
		m.PackedSize(), megabytes(m.PackedSize()), o.out,
		m.Size(), megabytes(m.Size()),
		o.include,
		took.Seconds())
	return err
}
