package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/runtimeapi"
)

// benchMemory measures the peak of a function's resident memory while it scores a
// small and a large object.
func benchMemory(ctx context.Context, b *batchBench, samples []digitSample) error {
	fmt.Printf("| peak memory of a function | after load | 200 MB | 800 MB | difference |\n|---|---|---|---|---|\n")
	for _, format := range []struct {
		name, extension string
		write           func(io.Writer, []digitSample, int) error
	}{{"JSON lines", ".jsonl", writeJSONLines}, {"CSV", ".csv", writeCSV}} {
		var one bytes.Buffer // a thousand rows, to see how many make a megabyte
		if err := format.write(&one, samples, 1000); err != nil {
			return err
		}
		var loaded, peaks [2]int64
		for i, megabytes := range []int{200, 800} {
			key := strconv.Itoa(megabytes) + format.extension
			rows := megabytes * 1e6 / (one.Len() / 1000)
			if err := b.put(ctx, key, func(w io.Writer) error { return format.write(w, samples, rows) }); err != nil {
				return err
			}
			var err error
			if loaded[i], peaks[i], err = b.peak(ctx, key); err != nil {
				return err
			}
		}
		fmt.Printf("| %s | %d MB | %d MB | %d MB | **%+.1f %%** |\n", format.name,
			loaded[0]>>20, peaks[0]>>20, peaks[1]>>20, 100*(float64(peaks[1])/float64(peaks[0])-1))
	}
	fmt.Println()
	return nil
}

// peak scores an object in a function of its own and returns the resident bytes
// after the model was loaded and at the peak from then on.
func (b *batchBench) peak(ctx context.Context, key string) (loaded, peak int64, err error) {
	var log bytes.Buffer
	f, err := b.function(ctx, &log)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	if loaded, err = resident(f, "VmRSS"); err != nil {
		return 0, 0, err
	}
	// The peak of the start, where the library was inflated, is not that of the job.
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", f.PID()), []byte("5"), 0o200); err != nil {
		return 0, 0, err
	}
	if _, _, err := score(ctx, f, key); err != nil {
		return 0, 0, fmt.Errorf("%w\n%s", err, &log)
	}
	if peak, err = resident(f, "VmHWM"); err != nil {
		return 0, 0, err
	}
	return loaded, peak, f.Close()
}

// resident reads a figure of a process's memory, in bytes.
func resident(f *runtimeapi.Process, name string) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", f.PID()))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == name+":" {
			kilobytes, err := strconv.ParseInt(fields[1], 10, 64)
			return kilobytes << 10, err
		}
	}
	return 0, fmt.Errorf("the process has no %s", name)
}
