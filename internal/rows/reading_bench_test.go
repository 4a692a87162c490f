package rows_test

import (
	"errors"
	"hash/crc32"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// masked is a checksum as TFRecord has it.
func masked(b []byte) uint32 {
	crc := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
	return (crc>>15 | crc<<17) + 0xa282ead8
}

// digitRow is a row of 64 pixels, as a list without brackets.
func digitRow() string {
	values := make([]string, 64)
	for i := range values {
		values[i] = strconv.FormatFloat(float64(i%17)/16, 'g', -1, 32)
	}
	return strings.Join(values, ",")
}

// benchmarkReading reads and decodes, one block behind the other.
func benchmarkReading(b *testing.B, data []byte, o rows.Options) {
	b.Helper()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		r := readerOf(b, data, 1<<20, o)
		decoder := r.Decoder()
		n = 0
		for {
			block, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			d, err := decoder.Decode(block)
			if err != nil || len(d.Faults) > 0 {
				b.Fatal(err, d.Faults)
			}
			n += d.N
		}
		r.Close()
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkReadingJSONLines(b *testing.B) {
	benchmarkReading(b, []byte(strings.Repeat("["+digitRow()+"]\n", 20000)), inputsOf(rows.JSONLines, declared("x", infer.Float, -1, 64)))
}

func BenchmarkReadingCSV(b *testing.B) {
	benchmarkReading(b, []byte(strings.Repeat(digitRow()+"\n", 20000)), inputsOf(rows.CSV, declared("x", infer.Float, -1, 64)))
}

// BenchmarkCutting is what the one goroutine does that reads.
func BenchmarkCutting(b *testing.B) {
	for _, bb := range []struct {
		name, record string
		o            rows.Options
	}{
		{"JSONLines", "[" + digitRow() + "]\n", inputsOf(rows.JSONLines, declared("x", infer.Float, -1, 64))},
		{"CSV", digitRow() + "\n", inputsOf(rows.CSV, declared("x", infer.Float, -1, 64))},
		{"CSV of text", strings.Repeat(`"some words, and a ""few"" more",`, 7) + "\"last\"\n", inputsOf(rows.CSV, declared("s", infer.String, -1, 8))},
	} {
		b.Run(bb.name, func(b *testing.B) {
			data := []byte(strings.Repeat(bb.record, 100000))
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				r := readerOf(b, data, 1<<20, bb.o)
				for {
					if _, err := r.Next(); errors.Is(err, io.EOF) {
						break
					} else if err != nil {
						b.Fatal(err)
					}
				}
				r.Close()
			}
		})
	}
}
