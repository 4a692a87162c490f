package rows_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// places are what blocks of at most n records call their records.
func places(t *testing.T, data string, o rows.Options, n int) (all []string) {
	t.Helper()
	o.Limits.BlockRows = n
	r, err := rows.Open(t.Context(), sourceOf([]byte(data), 5), o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		for i := range b.N {
			all = append(all, b.Place(i))
		}
	}
}

// Lines are numbered as editors do, whatever is no row between them.
func TestPlacesOfRecords(t *testing.T) {
	long := strings.Repeat("1", 100)
	for _, tt := range []struct {
		name, data string
		f          rows.Format
		want       []string
	}{
		{"lines", "1\n2\n3", rows.JSONLines, lines("line 1", "line 2", "line 3")},
		{"blank lines", "\n1\r\n \n\n2\n", rows.JSONLines, lines("line 2", "line 5")},
		{"a line over the limit", "1\n" + long + "\n2\n" + long, rows.JSONLines, lines("line 1", "line 2", "line 3", "line 4")},
		{"a byte order mark", "\xEF\xBB\xBF1\n2\n", rows.JSONLines, lines("line 1", "line 2")},
		{"a header", "x,id\n1,2\n3,4\n", rows.CSV, lines("line 2", "line 3")},
		{"no header", "1\n2\n", rows.CSV, lines("line 1", "line 2")},
		{"no header behind blank lines", "\n\n1\n\n2\n", rows.CSV, lines("line 3", "line 5")},
		{"line breaks inside quotation marks", "x,id\n1,\"a\nb\n\"\n2,c\n", rows.CSV, lines("line 2", "line 5")},
		{"a mark that is not closed", "x,id\n1,\"a\n2,b\n3,c\n", rows.CSV, lines("line 2", "line 3", "line 4")},
		{"a record over the limit", "x,id\n1,\"" + long + "\n2,b\n3,c\n", rows.CSV, lines("line 2", "line 3", "line 4")},
		{"elements of a list", "[1,\n\n2]", rows.JSON, lines("row 1", "row 2")},
		{"an array", string(arrayOf([]int64{3}, 1, 2, 3)), rows.NPY, lines("row 1", "row 2", "row 3")},
	} {
		o := scalars(tt.f)
		if o.Encoding.Format != rows.NPY {
			o.Limits.MaxLine = 40
		}
		for _, n := range []int{1, 2, 256} {
			if got := places(t, tt.data, o, n); !slices.Equal(got, tt.want) {
				t.Errorf("%s, by %d: got %q, want %q", tt.name, n, got, tt.want)
			}
		}
	}
}

// Error rows of every format say where their record is, where that is known.
func TestErrorsNameTheirPlace(t *testing.T) {
	for _, tt := range []struct {
		format rows.Format
		want   string
	}{
		{rows.JSONLines, `{"prediction":1.0}` + "\n" + `{"error":"line 3: bad"}` + "\n"},
		{rows.CSV, "y,error\n1.0,\n,line 3: bad\n"},
		{rows.NPY, "row 2: line 3: bad; npy"},
		{rows.Parquet, "line 3: bad"},
	} {
		b := block(answered(floats(t, "y", []int64{1}, 1)), one(failed("bad")))
		b.Place = func(record int) string { return []string{"line 1", "line 3"}[record] }
		got, _, err := write(t, rows.OutputOptions{Format: tt.format, Catalog: outputCatalog(nil, []infer.TensorInfo{declared("y", infer.Float, -1)})}, b)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.format, got, tt.want)
		}
	}
}
