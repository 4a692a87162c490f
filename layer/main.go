// Command layer makes what the Lambda layer ships: it fetches a TensorFlow
// wheel, takes the C headers and the two shared libraries out of it, cuts off
// what is never mapped, and packs the libraries into build/layer/lib.
//
// Everything is cached by version and architecture and appears by renames, so
// the program may be interrupted, or run twice at a time, at any point.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal unwinds and removes temporary files; after it a second
	// one kills as usual.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program: 0 when the work is done, 1 when it failed, 2 for a wrong
// call. Results go to stdout, progress and errors to stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	opts, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "layer: %v\n", err)
		return 2
	}
	p := newProgress(stderr)
	if err := build(ctx, opts, stdout, p); err != nil {
		if ctx.Err() != nil {
			err = errors.New("interrupted; what was there before is untouched")
		}
		p.say("layer: %v", explain(err))
		return 1
	}
	return 0
}

// explain adds what to do to errors of the system that do not say it.
func explain(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("%w: free 3 GB, or move the cache with -cache", err)
	case errors.Is(err, syscall.EXDEV):
		return fmt.Errorf("%w: -cache must be on the same file system as -out, -include and -raw", err)
	}
	return err
}
