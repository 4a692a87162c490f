package rows_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"sync"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// largeGroup is a file of one row group of n rows, which is not read as a whole: row i
// has 64 times i, and i.
func largeGroup(t *testing.T, n int) []byte {
	t.Helper()
	type row struct {
		X []float32 `parquet:"x,list,plain"`
		Y int64     `parquet:"y,plain"`
	}
	var file bytes.Buffer
	w := parquet.NewGenericWriter[row](&file, parquet.Compression(&parquet.Uncompressed))
	for i := range n {
		r := row{X: make([]float32, 64), Y: int64(i)}
		for k := range r.X {
			r.X[k] = float32(i)
		}
		if _, err := w.Write([]row{r}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// Columns of large row groups come in windows, so that memory does not depend on how
// large they are.
func TestParquetRowGroupsThatAreLarge(t *testing.T) {
	const n = 90_000
	data := largeGroup(t, n)
	src := bytesSource(data)
	open := src.Open
	var mu sync.Mutex
	requests, largest := 0, int64(0)
	src.Open = func(ctx context.Context, from, to int64) (io.ReadCloser, error) {
		mu.Lock()
		defer mu.Unlock()
		requests++
		largest = max(largest, to-from)
		return open(ctx, from, to)
	}
	o := parquetOptions(declared("x", infer.Float, -1, 8, 8), declared("y", infer.Int64, -1))
	o.Join = false
	r, err := rows.Open(t.Context(), src, o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	decoder, next := r.Decoder(), 0
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		d, err := decoder.Decode(b)
		if err != nil || len(d.Groups) != 1 || len(d.Faults) > 0 {
			t.Fatalf("from row %d: %d groups, %d faults, %v", b.First, len(d.Groups), len(d.Faults), err)
		}
		x, y := d.Groups[0].Feeds[0].Value, d.Groups[0].Feeds[1].Value
		for i := range d.N {
			first := math.Float32frombits(binary.LittleEndian.Uint32(x.Data[i*256:]))
			last := math.Float32frombits(binary.LittleEndian.Uint32(x.Data[i*256+252:]))
			if first != float32(next) || last != float32(next) || binary.LittleEndian.Uint64(y.Data[8*i:]) != uint64(next) {
				t.Fatalf("row %d holds %v to %v", next, first, last)
			}
			next++
		}
	}
	if next != n {
		t.Errorf("%d rows of %d", next, n)
	}
	if requests > 10 || largest > 9<<20 {
		t.Errorf("%d requests for %d bytes, of up to %d", requests, len(data), largest)
	}
}
