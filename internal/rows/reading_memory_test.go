package rows_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// endless is a source of size bytes, all c.
func endless(size int64, c byte) rows.Source {
	return rows.Source{Size: size, Open: func(_ context.Context, from, to int64) (io.ReadCloser, error) {
		return io.NopCloser(io.LimitReader(filler(c), to-from)), nil
	}}
}

type filler byte

func (f filler) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(f)
	}
	return len(p), nil
}

func TestALongRecordIsNotHeld(t *testing.T) {
	for _, f := range []rows.Format{rows.JSONLines, rows.CSV} {
		o := scalars(f)
		o.Limits.MaxLine = 1 << 20
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got, err := readFrom(t, endless(64<<20, 'x'), o)
		runtime.ReadMemStats(&after)
		if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 16 {
			t.Errorf("%s: a line of 64 MiB took %d MiB", f, used)
		}
		if f == rows.JSONLines && (err != nil || len(got) != 1) || f == rows.CSV && !errors.Is(err, rows.ErrTooLarge) {
			t.Errorf("%s: %q, %v", f, got, err)
		}
	}
}

// Blocks are decoded by others, while the reader goes on and after it is closed.
func TestBlocksOutliveTheReader(t *testing.T) {
	inputs := divisibleInputs(t)
	many := inputs["jsonl"]
	many.data = []byte(strings.Repeat("1"+strings.Repeat(" ", 25)+"\n[2, 3]"+strings.Repeat(" ", 20)+"\nx\n\n", 40_000)) // several times what is read at once
	inputs["many lines"] = many
	inputs["a document"] = struct {
		data []byte
		o    rows.Options
	}{[]byte("[" + strings.Repeat("1, ", 2000) + "2]"), scalars(rows.JSON)}
	inputs["columns"] = struct {
		data []byte
		o    rows.Options
	}{[]byte(`{"inputs": [` + strings.Repeat("1, ", 2000) + "2]}"), scalars(rows.JSON)}
	inputs["arrays"] = struct {
		data []byte
		o    rows.Options
	}{file(t, "one.npz"), inputsOf(rows.NPZ, declared("x", infer.Float, -1, 2))}
	for name, input := range inputs {
		input.o.Limits.BlockRows = max(2, bytes.Count(input.data, []byte{'\n'})/20)
		want, err := readAll(t, input.data, input.o)
		if err != nil {
			t.Fatal(err)
		}
		r := readerOf(t, input.data, 1<<20, input.o)
		var parts [][]string
		var decoding sync.WaitGroup
		var lock sync.Mutex
		for {
			b, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			decoder, i := r.Decoder(), len(parts)
			lock.Lock()
			parts = append(parts, nil)
			lock.Unlock()
			decoding.Go(func() {
				d, err := decoder.Decode(b)
				if err != nil {
					t.Error(err)
					return
				}
				lock.Lock()
				defer lock.Unlock()
				parts[i] = described(t, b, d, input.o)
			})
		}
		r.Close()
		decoding.Wait()
		if len(parts) < 2 {
			t.Errorf("%s: only %d blocks", name, len(parts))
		}
		sameRecords(t, name, slices.Concat(parts...), want)
	}
}
