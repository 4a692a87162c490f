package rows_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// parquetFile is a file that pyarrow has written: see testdata/parquet/write.py.
func parquetFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/parquet/" + name + ".parquet")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// bytesSource is a source over bytes in memory.
func bytesSource(data []byte) rows.Source {
	return rows.Source{Size: int64(len(data)), Open: func(_ context.Context, from, to int64) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data[from:to])), nil
	}}
}

// parquetOptions reads inputs out of Parquet.
func parquetOptions(inputs ...infer.TensorInfo) rows.Options {
	return rows.Options{Encoding: rows.Encoding{Format: rows.Parquet}, Catalog: outputCatalog(inputs, []infer.TensorInfo{declared("out", infer.Float, -1)})}
}

// scan is what the records of an input were read as: their feeds as JSON, or the
// text of their faults.
func scan(t testing.TB, data []byte, o rows.Options) ([]string, error) {
	t.Helper()
	return scanSource(t, bytesSource(data), o)
}

func scanSource(t testing.TB, src rows.Source, o rows.Options) ([]string, error) {
	t.Helper()
	r, err := rows.Open(t.Context(), src, o)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var out []string
	decoder := r.Decoder()
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return out, err
		}
		if int64(len(out)) != b.First {
			t.Fatalf("block begins at record %d, want %d", b.First, len(out))
		}
		d, err := decoder.Decode(b)
		if err != nil {
			return out, err
		}
		records := make([]string, d.N)
		for _, g := range d.Groups {
			var feeds []infer.Result
			for _, feed := range g.Feeds {
				feeds = append(feeds, infer.Result(feed))
			}
			for row, record := range g.Records {
				records[record] = string(codec.AppendRow(nil, feeds, row))
			}
		}
		for _, fault := range d.Faults {
			if records[fault.Record] != "" {
				t.Fatalf("record %d has a fault and is in a group", fault.Record)
			}
			if public := (*infer.Error)(nil); !errors.As(fault.Err, &public) {
				t.Fatalf("the fault of record %d is not for the owner of the data: %v", fault.Record, fault.Err)
			}
			records[fault.Record] = fault.Err.Error()
		}
		if slices.Contains(records, "") {
			t.Fatalf("a record of %d is in no group and has no fault", d.N)
		}
		out = append(out, records...)
	}
}
