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
	"time"
)

func main() {
	rounds := flag.Int("rounds", 9, "`rounds` of the cold start")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // stop only restores signal handling
	}
}

func run(ctx context.Context, rounds int) error {
	if err := describeMachine(os.Stdout); err != nil {
		return err
	}
	return errors.Join(benchColdStart(ctx, rounds), benchWarm(ctx), benchDecode(ctx))
}

// median sorts times and returns the middle one.
func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
