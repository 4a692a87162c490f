package rows_test

import (
	"errors"
	"io"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// benchmarkFile is rows of 64 floats, as this package writes them.
func benchmarkFile(b *testing.B, n int) []byte {
	b.Helper()
	values := make([]float64, 64*256)
	for i := range values {
		values[i] = float64(i%251) / 7
	}
	output := block(answered(floats(b, "x", []int64{256, 64}, values...)))
	sink := &outputSink{}
	o, err := rows.NewOutput(sink, rows.OutputOptions{Format: rows.Parquet, Catalog: outputCatalog(nil, []infer.TensorInfo{declared("x", infer.Float, -1, 64)})})
	if err != nil {
		b.Fatal(err)
	}
	for range n / 256 {
		chunk, err := o.Encode(output)
		if err == nil {
			_, err = o.Write(chunk)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := o.Close(); err != nil {
		b.Fatal(err)
	}
	return sink.data
}

func BenchmarkParquetRead64Floats(b *testing.B) {
	const n = 256 * 400
	data := benchmarkFile(b, n)
	o := parquetOptions(declared("x", infer.Float, -1, 64))
	o.Join = false
	b.ReportAllocs()
	for b.Loop() {
		r, err := rows.Open(b.Context(), bytesSource(data), o)
		if err != nil {
			b.Fatal(err)
		}
		d := r.Decoder()
		for {
			block, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				b.Fatal(err)
			}
			if _, err := d.Decode(block); err != nil {
				b.Fatal(err)
			}
		}
		r.Close()
	}
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkParquetWrite64Floats(b *testing.B) {
	const n = 256 * 400
	for b.Loop() {
		benchmarkFile(b, n)
	}
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "rows/s")
}
