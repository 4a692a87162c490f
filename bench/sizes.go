package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/runtimeapi"
	"github.com/tensorlambda/tensorlambda/internal/versitygw"
)

// Lambda's price in us-east-1 for a GB of memory and a second, in dollars, as published
// at https://aws.amazon.com/lambda/pricing/ in November 2026. Init has been billed like
// any other time since August 2025.
var price = map[string]float64{"amd64": 0.0000166667, "arm64": 0.0000133334}

// wholeCPU is the memory in MB at which Lambda gives one whole processor
// (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html).
const wholeCPU = 1769

// Lambda's memory sizes, in MB.
const (
	smallestSize = 128
	largestSize  = 10240
)

// parseSizes reads memory sizes in MB.
func parseSizes(list string) ([]int, error) {
	var sizes []int
	for field := range strings.FieldsSeq(strings.ReplaceAll(list, ",", " ")) {
		size, err := strconv.Atoi(field)
		if err != nil || size < smallestSize || size > largestSize {
			return nil, fmt.Errorf("memory size %q: give sizes in MB from %d to %d, such as \"1024 2048 3008\"", field, smallestSize, largestSize)
		}
		sizes = append(sizes, size)
	}
	if len(sizes) == 0 {
		return nil, errors.New(`no memory sizes: give some in MB, such as "1024 2048 3008"`)
	}
	return sizes, nil
}

// coldStart is what a start in a function of some size took. Times count from the start
// of the process.
type coldStart struct {
	ready, answer time.Duration
	peak          int64 // of the group, bytes
	resident      int64 // of the process, bytes
	from          string
	failure       string // "" where it answered
}

// benchSizes measures cold starts of the demo model in functions of several memory
// sizes, so that an operator can choose one.
func benchSizes(ctx context.Context, list string, rounds int) (err error) {
	sizes, err := parseSizes(list)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "tensorlambda-bench-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	server, err := versitygw.Start(ctx, versitygw.Options{Dir: filepath.Join(dir, "s3")})
	if err != nil {
		return err
	}
	defer server.Close()
	if err := upload(ctx, server); err != nil {
		return err
	}
	starts, unlimited := make([][]coldStart, len(sizes)), make(map[string]bool)
	for round := range rounds + 1 {
		for i, size := range sizes {
			start, missing, err := startAt(ctx, server, dir, size)
			if err != nil {
				return fmt.Errorf("%d MB: %w", size, err)
			}
			for _, what := range missing {
				unlimited[fmt.Sprintf("%d MB: not limited: %s", size, what)] = true
			}
			if round > 0 { // the first round warms the page cache
				starts[i] = append(starts[i], start)
			}
			fmt.Fprintf(os.Stderr, "round %d of %d, %d MB: %.0f ms\n", round, rounds, size, ms(start.answer))
		}
	}
	lines := make([]string, 0, len(unlimited))
	for line := range unlimited {
		lines = append(lines, line)
	}
	slices.Sort(lines)
	for _, line := range lines {
		fmt.Println(line)
	}
	printSizes(os.Stdout, sizes, starts, rounds)
	return nil
}

// startAt starts a function of a size in an environment that is as new as Lambda's.
func startAt(ctx context.Context, server *versitygw.Server, dir string, size int) (start coldStart, unlimited []string, err error) {
	event, err := os.ReadFile(eventFile)
	if err != nil {
		return start, nil, err
	}
	group, err := newCgroup(fmt.Sprintf("tensorlambda-bench-%d-%d", os.Getpid(), size), limits{memory: int64(size) << 20, cpus: float64(size) / wholeCPU})
	if err != nil {
		return start, nil, err
	}
	defer func() { err = errors.Join(err, group.remove()) }()
	temp, err := os.MkdirTemp(dir, "tmp-")
	if err != nil {
		return start, nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	bootstrap, err := filepath.Abs("build/bootstrap")
	if err != nil {
		return start, nil, err
	}
	program := filepath.Join(dir, "bootstrap")
	if err := group.program(program, bootstrap); err != nil {
		return start, nil, err
	}
	var log bytes.Buffer
	f, err := runtimeapi.StartProcess(ctx, program, append(server.Env(), "MODEL_URI="+modelURI, "TMPDIR="+temp,
		fmt.Sprintf("AWS_LAMBDA_FUNCTION_MEMORY_SIZE=%d", size)), &log)
	if err != nil {
		return start, nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	start, err = measure(ctx, f, event)
	if err != nil && ctx.Err() == nil {
		start.failure, err = lastLine(log.String()), nil
		if group.killed() {
			start.failure = "ended by the kernel: out of memory"
		}
	}
	start.peak = group.peak()
	if _, from, ok := strings.Cut(log.String(), `"libraryFrom":"`); ok {
		start.from, _, _ = strings.Cut(from, `"`)
	}
	return start, group.unlimited, err
}

// measure waits for the function and asks it once.
func measure(ctx context.Context, f *runtimeapi.Process, event []byte) (start coldStart, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if err := f.AwaitReady(ctx); err != nil {
		return start, err
	}
	start.ready = time.Since(f.Started)
	result, err := f.Invoke(ctx, event, runtimeapi.Options{})
	start.answer = time.Since(f.Started)
	if err != nil {
		return start, err
	}
	if start.resident, err = resident(f, "VmHWM"); err != nil {
		return start, err
	}
	return start, checkAnswer(result.Body)
}

func lastLine(log string) string {
	lines := strings.Split(strings.TrimSpace(log), "\n")
	return lines[len(lines)-1][:min(200, len(lines[len(lines)-1]))]
}

// printSizes prints medians by size, and which size to take.
func printSizes(w io.Writer, sizes []int, starts [][]coldStart, rounds int) {
	rate := price[runtime.GOARCH]
	fmt.Fprintf(w, "| memory | CPUs | ready | first answer | peak of the group | of it resident | library | 1000 cold starts |\n|---|---|---|---|---|---|---|---|\n")
	fastest, cheapest := -1, -1
	answers, costs := make([]time.Duration, len(sizes)), make([]float64, len(sizes))
	for i, size := range sizes {
		cpus := float64(size) / wholeCPU
		if k := slices.IndexFunc(starts[i], func(s coldStart) bool { return s.failure != "" }); k >= 0 {
			fmt.Fprintf(w, "| %d MB | %.2f | failed: %s | | %d MB | | | |\n", size, cpus, starts[i][k].failure, starts[i][k].peak>>20)
			continue
		}
		s := starts[i]
		slices.SortFunc(s, func(a, b coldStart) int { return cmp.Compare(a.answer, b.answer) })
		middle := s[len(s)/2]
		answers[i] = middle.answer
		costs[i] = 1000 * middle.answer.Seconds() * float64(size) / 1024 * rate
		fmt.Fprintf(w, "| %d MB | %.2f | %.0f ms | %.0f ms | %d MB | %d MB | %s | $%.4f |\n",
			size, cpus, ms(middle.ready), ms(middle.answer), middle.peak>>20, middle.resident>>20, middle.from, costs[i])
		if fastest < 0 || answers[i] < answers[fastest] {
			fastest = i
		}
		if cheapest < 0 || costs[i] < costs[cheapest] {
			cheapest = i
		}
	}
	if fastest >= 0 {
		fmt.Fprintf(w, "\nMedians of %d alternating rounds, demo model. Fastest: %d MB. Cheapest: %d MB. Price: $%.10f a GB-second (us-east-1, %s), init included, without the price of requests.\n\n",
			rounds, sizes[fastest], sizes[cheapest], rate, runtime.GOARCH)
	}
}
