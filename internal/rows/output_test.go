package rows_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

func TestNewOutputRefuses(t *testing.T) {
	y := declared("y", infer.Float, -1)
	for _, tt := range []struct {
		name    string
		format  rows.Format
		inputs  []infer.TensorInfo
		outputs []infer.TensorInfo
		join    bool
		want    string
	}{
		{"a format that is only read", rows.TFRecord, nil, []infer.TensorInfo{y}, false,
			`format "tfrecord" is none of jsonl, csv, parquet and npy`},
		{"complex numbers as jsonl", rows.JSONLines, nil, []infer.TensorInfo{declared("z", infer.Complex64, -1)}, false,
			`"z" of type complex64 cannot be written as jsonl`},
		{"complex numbers as csv", rows.CSV, nil, []infer.TensorInfo{y, declared("z", infer.Complex64, -1)}, false,
			`"z" of type complex64 cannot be written as csv`},
		{"complex instances as csv", rows.CSV, []infer.TensorInfo{declared("z", infer.Complex64, -1)}, []infer.TensorInfo{y}, true,
			`"z" of type complex64 cannot be written as csv`},
		{"millions of columns", rows.CSV, nil, []infer.TensorInfo{y, declared("z", infer.Float, -1, 1<<10, 1<<10)}, false,
			`csv has more than 1048576 columns with those of "z": use jsonl or parquet`},
		{"no columns", rows.CSV, nil, []infer.TensorInfo{declared("z", infer.Float, -1, 0)}, false,
			"the rows have no elements to write as csv: use jsonl"},
		{"an output named error", rows.CSV, nil, []infer.TensorInfo{declared("error", infer.Float, -1)}, false,
			`the output "error" has the name of the column for errors: use jsonl`},
		{"two outputs as npy", rows.NPY, nil, []infer.TensorInfo{y, declared("z", infer.Float, -1)}, false,
			"npy holds one array and the signature has 2 outputs: use jsonl or parquet"},
		{"strings as npy", rows.NPY, nil, []infer.TensorInfo{declared("s", infer.String, -1)}, false,
			`output "s" of type string has no place in npy: use jsonl or parquet`},
		{"instances as npy", rows.NPY, nil, []infer.TensorInfo{y}, true,
			"npy has no place for the instances (OUTPUT_JOIN): use jsonl, csv or parquet"},
	} {
		output, err := rows.NewOutput(&outputSink{}, rows.OutputOptions{Format: tt.format, Catalog: outputCatalog(tt.inputs, tt.outputs), Join: tt.join})
		if want := "cannot be written in this format: " + tt.want; output != nil || !errors.Is(err, rows.ErrOutput) || err.Error() != want {
			t.Errorf("%s: got %v, %v\nwant %s", tt.name, output, err, want)
		}
	}
	if _, err := rows.NewOutput(&outputSink{}, rows.OutputOptions{Format: rows.CSV, Catalog: &infer.Catalog{}}); !errors.Is(err, rows.ErrOutput) {
		t.Errorf("no signature: got %v", err)
	}
}

// Blocks may be encoded in any order and several at once, while others are written.
func TestOutputIsTheSameWhateverTheOrderOfEncoding(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, format := range []rows.Format{rows.JSONLines, rows.CSV, rows.NPY} {
		blocks := make([]*rows.Outcome, 40)
		for i := range blocks {
			var parts [][]rows.Row
			for range 1 + random.IntN(4) {
				n := 1 + random.IntN(5)
				values := make([]float64, 2*n)
				for k := range values {
					values[k] = float64(random.IntN(1000)) / 8
				}
				parts = append(parts, answered(floats(t, "y", []int64{int64(n), 2}, values...)))
				if format != rows.NPY && random.IntN(2) == 0 {
					parts = append(parts, one(failed(fmt.Sprint(i))), answered(floats(t, "y", []int64{1, 3}, 1, 2, 3)))
				}
			}
			blocks[i] = block(parts...)
		}
		o := rows.OutputOptions{Format: format, Catalog: outputCatalog(nil, []infer.TensorInfo{declared("y", infer.Float)})}
		want, wantUnfit, err := write(t, o, blocks...)
		if err != nil {
			t.Fatal(err)
		}
		got, unfit := writeInParallel(t, o, blocks, random.Perm(len(blocks)))
		if got != want || unfit != wantUnfit {
			t.Errorf("%s: got %d unfit\n%s\nwant %d\n%s", format, unfit, got, wantUnfit, want)
		}
	}
}

// writeInParallel encodes blocks in the given order, by several goroutines, and writes
// them as they come.
func writeInParallel(t *testing.T, o rows.OutputOptions, blocks []*rows.Outcome, order []int) (text string, unfit int) {
	t.Helper()
	sink := &outputSink{}
	output, err := rows.NewOutput(sink, o)
	if err != nil {
		t.Fatal(err)
	}
	chunks := make([]chan rows.Chunk, len(blocks))
	for i := range chunks {
		chunks[i] = make(chan rows.Chunk, 1)
	}
	var encoders sync.WaitGroup
	for part := range slices.Chunk(order, len(order)/4) {
		encoders.Go(func() {
			for _, i := range part {
				chunk, err := output.Encode(blocks[i])
				if err != nil {
					t.Error(err)
				}
				chunks[i] <- chunk
			}
		})
	}
	defer encoders.Wait()
	for _, chunk := range chunks {
		n, err := output.Write(<-chunk)
		if err != nil {
			t.Fatal(err)
		}
		unfit += n
	}
	if err := output.Close(); err != nil {
		t.Fatal(err)
	}
	return string(sink.data), unfit
}

var errFull = errors.New("no room")

// fullSink takes some bytes and fails then.
type fullSink struct{ room int }

func (s *fullSink) Write(p []byte) (int, error) {
	if s.room -= len(p); s.room < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func (s *fullSink) Rewrite([]byte) error { return errFull }

func TestOutputPassesOnErrorsOfTheSink(t *testing.T) {
	b := block(answered(floats(t, "y", []int64{2}, 1, 2)))
	for _, format := range []rows.Format{rows.JSONLines, rows.CSV, rows.NPY} {
		seen := 0
		for room := range 200 {
			output, err := rows.NewOutput(&fullSink{room}, rows.OutputOptions{Format: format, Catalog: outputCatalog(nil, []infer.TensorInfo{declared("y", infer.Float, -1)})})
			if err != nil {
				t.Fatal(err)
			}
			chunk, err := output.Encode(b)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = output.Write(chunk); err == nil {
				err = output.Close()
			}
			if errors.Is(err, errFull) {
				seen++
			} else if err != nil {
				t.Errorf("%s, room for %d bytes: %v", format, room, err)
			}
		}
		if seen == 0 {
			t.Errorf("%s: the sink's error was lost", format)
		}
	}
}

func BenchmarkOutput(b *testing.B) {
	const n, width = 256, 10
	values := make([]float64, n*width)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range values {
		values[i] = random.Float64()
	}
	rowsOf := block(answered(floats(b, "y", []int64{n, width}, values...)))
	for _, format := range []rows.Format{rows.JSONLines, rows.CSV, rows.NPY} {
		b.Run(string(format), func(b *testing.B) {
			sink := &outputSink{}
			output, err := rows.NewOutput(sink, rows.OutputOptions{Format: format, Catalog: outputCatalog(nil, []infer.TensorInfo{declared("y", infer.Float, -1, width)})})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				chunk, err := output.Encode(rowsOf)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := output.Write(chunk); err != nil {
					b.Fatal(err)
				}
				sink.data = sink.data[:0]
			}
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
