// Command bench measures this program beside what people use today, on this
// machine, and prints tables in Markdown. `make bench` runs it from the root of
// the repository; docs/benchmarks.md keeps a result with its machine and date.
//
// Times of whole processes are medians of rounds in which the contenders take
// turns, so that a slow spell of the machine hits all of them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 9, "`rounds` of the cold start")
	only := flag.String("only", "", "measure only this `part`: "+strings.Join(names(parts(0)), ", "))
	memory := flag.String("memory", "", "measure only cold starts of functions of these `sizes` in MB, as \"1024 2048 3008\"")
	way, model := flag.String("steady", "", "for this program itself: measure one `way` of running"), flag.String("model", "", "the `folder` of the model for that")
	flag.Parse()
	if *way != "" {
		if err := steady(*way, *model); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	all := parts(*rounds)
	if *memory != "" {
		*only, all = "", []part{{"sizes", func(ctx context.Context) error { return benchSizes(ctx, *memory, *rounds) }}}
	}
	err := run(ctx, all, *only)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// part is a table of the result.
type part struct {
	name string
	run  func(context.Context) error
}

// parts are in an order in which the library becomes part of this process last:
// until then it is a small one beside those that it measures.
func parts(rounds int) []part {
	return []part{
		{"coldstart", func(ctx context.Context) error { return benchColdStart(ctx, rounds) }},
		{"steady", benchSteady},
		{"throughput", benchThroughput},
		{"memory", withStore(benchMemory)},
		{"codec", benchCodec},
		{"warm", withLibrary(benchWarm)},
		{"binary", withLibrary(benchBinary)},
		{"batch", withLibrary(withStore(benchBatch))},
	}
}

func names(parts []part) []string {
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	return names
}

// run measures all parts or one. A part that fails does not keep the others from
// being measured.
func run(ctx context.Context, parts []part, only string) error {
	if only != "" && !slices.Contains(names(parts), only) {
		return fmt.Errorf("there is no part %q, only %s", only, strings.Join(names(parts), ", "))
	}
	if err := describeMachine(os.Stdout); err != nil {
		return err
	}
	var errs []error
	for _, p := range parts {
		if only != "" && p.name != only {
			continue
		}
		if err := p.run(ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", p.name, err))
		}
	}
	return errors.Join(errs...)
}

// withLibrary opens TensorFlow in this process before f.
func withLibrary(f func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := openLibrary(); err != nil {
			return err
		}
		return f(ctx)
	}
}

// median sorts times and returns the middle one.
func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
