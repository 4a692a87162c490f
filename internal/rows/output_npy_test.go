package rows_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/npy"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// numpyArray is a file that NumPy itself has written: see the npy package.
func numpyArray(t *testing.T, name string) string {
	t.Helper()
	archive, err := zip.OpenReader("../npy/testdata/arrays.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	file, err := archive.Open(name + ".npy")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestOutputOfNPYIsWhatNumPyWrites(t *testing.T) {
	cube := make([]byte, 0, 96)
	for i := range uint32(24) {
		cube = binary.LittleEndian.AppendUint32(cube, i)
	}
	halves := answer(t, "y", infer.Half, []int64{2, 3}, []byte{0, 0, 0, 0x3c, 0, 0x40, 0, 0x42, 0, 0x44, 0, 0x45})
	bfloats := answer(t, "y", infer.Bfloat16, []int64{2, 3}, []byte{0, 0, 0x80, 0x3f, 0, 0x40, 0x40, 0x40, 0x80, 0x40, 0xa0, 0x40})
	upper, lower := floats(t, "y", []int64{1, 3}, 0, 1, 2), floats(t, "y", []int64{1, 3}, 3, 4, 5)
	swapped := []infer.Result{floats(t, "y", []int64{2, 3}, 3, 4, 5, 0, 1, 2)}
	matrix := declared("y", infer.Float, -1, 3)
	for _, tt := range []struct {
		file   string
		output infer.TensorInfo
		blocks []*rows.Outcome
	}{
		{"<f4 C 1.0", matrix, []*rows.Outcome{block(answered(upper)), block(answered(lower))}},
		{"<f4 C 1.0", declared("y", infer.Float), []*rows.Outcome{block(answered(upper), answered(lower))}},
		{"<f4 C 1.0", matrix, []*rows.Outcome{block([]rows.Row{{Results: swapped, Index: 1}, {Results: swapped, Index: 0}})}},
		{"<f4 C 1.0", declared("y", infer.Bfloat16, -1, 3), []*rows.Outcome{block(answered(bfloats))}},
		{"<f2 C 1.0", declared("y", infer.Half, -1, 3), []*rows.Outcome{block(answered(halves))}},
		{"cube C", declared("y", infer.Int32, -1, 3, 1, 4), []*rows.Outcome{block(answered(answer(t, "y", infer.Int32, []int64{2, 3, 1, 4}, cube)))}},
		{"|b1 C 1.0", declared("y", infer.Bool, -1, 3), []*rows.Outcome{block(answered(answer(t, "y", infer.Bool, []int64{2, 3}, []byte{0, 1, 0, 1, 0, 1})))}},
		{"vector", declared("y", infer.Double, -1), []*rows.Outcome{block(answered(answer(t, "y", infer.Double, []int64{2},
			[]byte{0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 0, 0, 0, 0, 0, 0, 4, 0xc0})))}},
		{"empty", matrix, nil},
	} {
		got, _, err := write(t, rows.OutputOptions{Format: rows.NPY, Catalog: outputCatalog(nil, []infer.TensorInfo{tt.output})}, tt.blocks...)
		if want := numpyArray(t, tt.file); got != want || err != nil {
			t.Errorf("%s: got %v\n%q\nwant\n%q", tt.file, err, got, want)
		}
	}
}

func TestOutputOfNPYWithoutRows(t *testing.T) {
	for _, tt := range []struct {
		output infer.TensorInfo
		want   []int64
	}{
		{declared("y", infer.Float), []int64{0}},
		{declared("y", infer.Float, -1), []int64{0}},
		{declared("y", infer.Float, -1, 8, -1), []int64{0, 8, 0}},
	} {
		got, _, err := write(t, rows.OutputOptions{Format: rows.NPY, Catalog: outputCatalog(nil, []infer.TensorInfo{tt.output})})
		if err != nil {
			t.Errorf("%s: %v", tt.output.Shape, err)
			continue
		}
		h, size, err := npy.ReadHeader(strings.NewReader(got))
		if err != nil || !slices.Equal(h.Shape, tt.want) || size != len(got) {
			t.Errorf("%s: got shape %v and %d bytes behind the header, %v, want %v", tt.output.Shape, h.Shape, len(got)-size, err, tt.want)
		}
	}
}

// The number of rows has more digits at the end than at the start.
func TestOutputOfNPYCountsItsRows(t *testing.T) {
	const n = 100_000
	blocks := make([]*rows.Outcome, 0, n/1000)
	for range n / 1000 {
		blocks = append(blocks, block(answered(answer(t, "y", infer.Int8, []int64{1000, 1}, bytes.Repeat([]byte{7}, 1000)))))
	}
	got, _, err := write(t, rows.OutputOptions{Format: rows.NPY, Catalog: outputCatalog(nil, []infer.TensorInfo{declared("y", infer.Int8)})}, blocks...)
	if err != nil {
		t.Fatal(err)
	}
	h, size, err := npy.ReadHeader(strings.NewReader(got))
	if err != nil || !slices.Equal(h.Shape, []int64{n, 1}) || size%64 != 0 || got[size:] != strings.Repeat("\a", n) {
		t.Errorf("got %v behind %d bytes, %v", h.Shape, size, err)
	}
}

func TestOutputOfNPYEndsAtTheFirstBadRow(t *testing.T) {
	y := floats(t, "y", []int64{2}, 1, 2)
	for _, tt := range []struct {
		name   string
		blocks []*rows.Outcome
		want   string
	}{
		{"an error", []*rows.Outcome{block(answered(y)), block(answered(y), one(failed("not\na number")))},
			"cannot be written in this format: row 5: not a number; npy has no place for errors: use jsonl, csv or parquet"},
		{"an error first of all", []*rows.Outcome{block(one(failed("a")))},
			"cannot be written in this format: row 1: a; npy has no place for errors: use jsonl, csv or parquet"},
		{"another shape in a block", []*rows.Outcome{block(answered(y), answered(floats(t, "y", []int64{1, 3}, 1, 2, 3)))},
			"cannot be written in this format: row 3: the answer is float[3] and those before are float[]; npy holds one shape: use jsonl"},
		{"another shape in the next block", []*rows.Outcome{block(answered(y)), block(answered(floats(t, "y", []int64{1, 3}, 1, 2, 3)))},
			"cannot be written in this format: row 3: the answer is float[3] and those before are float[]; npy holds one shape: use jsonl"},
		{"a string", []*rows.Outcome{block(answered(words(t, "y", []int64{1}, "a")))},
			"cannot be written in this format: row 1: type string has no place in npy: use jsonl or parquet"},
		{"a type that NumPy has not", []*rows.Outcome{block(answered(answer(t, "y", infer.Qint8, []int64{1}, []byte{1})))},
			`cannot be written in this format: output "y" of type qint8 has no place in npy: use jsonl or parquet`},
	} {
		_, _, err := write(t, rows.OutputOptions{Format: rows.NPY, Catalog: outputCatalog(nil, []infer.TensorInfo{declared("y", infer.Float)})}, tt.blocks...)
		if !errors.Is(err, rows.ErrOutput) || err.Error() != tt.want {
			t.Errorf("%s: got %v\nwant %s", tt.name, err, tt.want)
		}
	}
}
