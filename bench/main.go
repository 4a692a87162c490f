// Command bench measures this program beside what people use today, on this
// machine, and prints tables in Markdown. `make bench` runs it from the root of
// the repository; docs/benchmarks.md keeps a result with its machine and date.
//
// Times of whole processes are medians of rounds in which the contenders take
// turns, so that a slow spell of the machine hits all of them.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	var s settings
	flag.IntVar(&s.rounds, "rounds", 0, fmt.Sprintf("`rounds` of cold starts (%d beside Python, %d of each memory size)", coldStartRounds, sizesRounds))
	flag.StringVar(&s.memory, "memory", defaultSizes, "memory `sizes` in MB for the part cold")
	flag.StringVar(&s.model, "cold-model", "", "`path` of another model than the demo's for the part cold")
	only := flag.String("only", "", "measure only this `part`: "+strings.Join(names(parts(s)), ", "))
	way := flag.String("steady", "", "for this program itself: measure one `way` of running")
	model := flag.String("model", "", "the `folder` of the model for that")
	flag.Parse()
	if *way != "" {
		if err := steady(*way, *model); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	// SIGTERM, too: what is started has to be ended, and groups to be removed.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, parts(s), *only)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// coldStartRounds are those beside Python.
const coldStartRounds = 9

// settings are those of the command line that parts look at.
type settings struct {
	rounds int // 0 means the part's own number
	memory string
	model  string
}

// part is a table of the result.
type part struct {
	name  string
	run   func(context.Context) error
	asked bool // measured only where it is named
}

// parts are in an order in which the library becomes part of this process last:
// until then it is a small one beside those that it measures.
func parts(s settings) []part {
	return []part{
		{name: "coldstart", run: func(ctx context.Context) error { return benchColdStart(ctx, cmp.Or(s.rounds, coldStartRounds)) }},
		{name: "cold", asked: true, run: func(ctx context.Context) error {
			return benchSizes(ctx, s.memory, s.model, cmp.Or(s.rounds, sizesRounds))
		}},
		{name: "steady", run: benchSteady},
		{name: "throughput", run: benchThroughput},
		{name: "memory", run: withStore(benchMemory)},
		{name: "codec", run: benchCodec},
		{name: "warm", run: withLibrary(benchWarm)},
		{name: "binary", run: withLibrary(benchBinary)},
		{name: "batch", run: withLibrary(withStore(benchBatch))},
	}
}

func names(parts []part) []string {
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	return names
}

// run measures one part, or all that need not be named. A part that fails does not
// keep the others from being measured.
func run(ctx context.Context, parts []part, only string) error {
	if only != "" && !slices.Contains(names(parts), only) {
		return fmt.Errorf("there is no part %q, only %s", only, strings.Join(names(parts), ", "))
	}
	if err := describeMachine(os.Stdout); err != nil {
		return err
	}
	var errs []error
	for _, p := range parts {
		if only == "" && p.asked || only != "" && p.name != only {
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
