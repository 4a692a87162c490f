package rows_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

func TestReadingJSONLines(t *testing.T) {
	const tooLong = "fault: the row has more than 16 bytes (MAX_LINE_BYTES)"
	tests := []struct {
		name, text string
		want       []string
	}{
		{"nothing", "", nil},
		{"a line", "1\n", lines("x=1")},
		{"no line feed at the end", "1\n2", lines("x=1", "x=2")},
		{"carriage returns", "1\r\n2\r\n3\r", lines("x=1", "x=2", "x=3")},
		{"blank lines are no rows", "\n1\n\n \t\r\n2\n\r", lines("x=1", "x=2")},
		{"a byte order mark", "\xEF\xBB\xBF1\n2\n", lines("x=1", "x=2")},
		{"a byte order mark and nothing", "\xEF\xBB\xBF", nil},
		{"a byte order mark further on", "1\n\xEF\xBB\xBF2\n", lines("x=1", "fault: JSON Parse error: Invalid value. at offset: 0")},
		{"names", `{"x": 1}` + "\n" + `{"x": 2}` + "\n", lines("x=1", "x=2")},
		{"shapes change", "1\n[2,3]\n4\n", lines("x=1", "x[2]=2 3", "x=4")},
		{"16 bytes", "1               \n2\n", lines("x=1", "x=2")},
		{"16 bytes and a carriage return", "1               \r\n2\n", lines("x=1", "x=2")},
		{"17 bytes", "0\n1                \n2\n", lines("x=0", tooLong, "x=2")},
		{"17 bytes at the end", "0\n1                ", lines("x=0", tooLong)},
		{"a very long line", "0\n" + strings.Repeat("1", 3<<20) + "\n2\n", lines("x=0", tooLong, "x=2")},
		{"a very long line at the end", "0\n" + strings.Repeat("1", 3<<20), lines("x=0", tooLong)},
		{"two long lines", strings.Repeat("1", 100) + "\n" + strings.Repeat("1", 100) + "\n2\n", lines(tooLong, tooLong, "x=2")},
	}
	for _, tt := range tests {
		o := scalars(rows.JSONLines)
		o.Limits.MaxLine = 16
		for _, step := range []int{1, 7, 1 << 20} {
			if step < 1000 && len(tt.text) > 1000 {
				continue
			}
			got, err := readFrom(t, sourceOf([]byte(tt.text), step), o)
			if err != nil {
				t.Errorf("%s, read by %d: %v", tt.name, step, err)
			}
			sameRecords(t, tt.name, got, tt.want)
		}
	}
}

func TestReadingCSV(t *testing.T) {
	pair := []infer.TensorInfo{declared("a", infer.Float, -1), declared("s", infer.String, -1)}
	const tooLong = "fault: the row has more than 20 bytes (MAX_LINE_BYTES)"
	tests := []struct {
		name, text string
		want       []string
	}{
		{"nothing", "", nil},
		{"blank lines only", "\n\r\n\r", nil},
		{"a header only", "a,s\n", nil},
		{"a row", "a,s\n1,x\n", lines(`a=1 s="x"`)},
		{"columns in another order", "s,a\r\nx,1", lines(`a=1 s="x"`)},
		{"blank lines", "\n\na,s\n\n1,x\r\n\r\n2,y\n\n", lines(`a=1 s="x"`, `a=2 s="y"`)},
		{"a byte order mark", "\xEF\xBB\xBFa,s\n1,x\n", lines(`a=1 s="x"`)},
		{"quotation marks", "a,s\n\"1\",\"x,\"\"y\"\"\"\n2,\n", lines(`a=1 s="x,\"y\""`, `a=2 s=""`)},
		{"a line break inside", "a,s\n1,\"x\r\ny\"\r\n2,z\n", lines(`a=1 s="x\ny"`, `a=2 s="z"`)},
		{"quotation marks to the end", "a,s\n1,\"x\ny\"", lines(`a=1 s="x\ny"`)},
		{"a column too few", "a,s\n1\n2,y\n", lines("*", `a=2 s="y"`)},
		{"a long line", "a,s\n1,xxxxxxxxxxxxxxxxxxx\n2,y\n", lines(tooLong, `a=2 s="y"`)},
		{"a long record has lines of its own", "a,s\n1,\"xxxxxxxxxx\nyyyyyyyyyy\"\n2,z\n",
			lines("*", "*", `a=2 s="z"`)},
		{"a stray mark does not swallow what follows", "a,s\n1,x\"y\n2,z\n", lines("*", `a=2 s="z"`)},
		{"nor does one behind a field in marks", "a,s\n1,\"x\"y\n2,z\n", lines("*", `a=2 s="z"`)},
		{"nor does one that is not closed", "a,s\n1,\"x\n2,z\n3,w\n4,v\n5,u\n6,t\n", lines("*", `a=2 s="z"`, `a=3 s="w"`, `a=4 s="v"`, `a=5 s="u"`, `a=6 s="t"`)},
		{"nor one before the end", "a,s\n1,y\n2,\"x\n3,z", lines(`a=1 s="y"`, "*", `a=3 s="z"`)},
	}
	for _, tt := range tests {
		o := inputsOf(rows.CSV, pair...)
		o.Limits.MaxLine = 20
		for _, step := range []int{1, 7, 1 << 20} {
			got, err := readFrom(t, sourceOf([]byte(tt.text), step), o)
			if err != nil {
				t.Errorf("%s, read by %d: %v", tt.name, step, err)
			}
			for i := range got {
				if i < len(tt.want) && tt.want[i] == "*" && strings.HasPrefix(got[i], "fault: CSV") {
					got[i] = "*" // what is wrong with it is codec's to say
				}
			}
			sameRecords(t, tt.name, got, tt.want)
		}
	}
}

func TestReadingCSVWithoutAHeader(t *testing.T) {
	o := inputsOf(rows.CSV, declared("x", infer.Float, -1, 2))
	got, err := readAll(t, []byte("1,2\n3,4\n"), o)
	if err != nil {
		t.Fatal(err)
	}
	sameRecords(t, "no header", got, lines("x[2]=1 2", "x[2]=3 4"))
}

func TestReadingRefusesCSVThatNobodyCanLayOut(t *testing.T) {
	tests := []struct {
		text string
		kind error
		want string
	}{
		{"1,2,3\n", rows.ErrFormat, "CSV: 3 columns, but a row of input \"x\" of shape [?,2] has 2"},
		{"id,x_0\nu,1\n", rows.ErrFormat, "CSV: 1 columns, but a row of input \"x\" of shape [?,2] has 2; the columns are \"id\", \"x_0\""},
		{"x_0\n1\n", rows.ErrFormat, "CSV: 1 columns, but a row"},
		{strings.Repeat("x", 100) + "\n", rows.ErrTooLarge, "the first line of the CSV has more than 50 bytes (MAX_LINE_BYTES)"},
	}
	for _, tt := range tests {
		o := inputsOf(rows.CSV, declared("x", infer.Float, -1, 2))
		o.Limits.MaxLine = 50
		_, err := readAll(t, []byte(tt.text), o)
		if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.20q: got %v, want %s", tt.text, err, tt.want)
		}
	}
}

func TestBlocksAreBounded(t *testing.T) {
	text := strings.Repeat("[1,2,3,4,5]\n", 100)
	for _, tt := range []struct {
		name   string
		limits rows.Limits
		n      []int
	}{
		{"by rows", rows.Limits{BlockRows: 40}, []int{40, 40, 20}},
		{"by bytes", rows.Limits{BlockBytes: 12 * 30}, []int{30, 30, 30, 10}},
		{"by neither", rows.Limits{}, []int{100}},
	} {
		o := inputsOf(rows.JSONLines, declared("x", infer.Float, -1, 5))
		o.Limits = tt.limits
		r, err := rows.Open(t.Context(), sourceOf([]byte(text), 1000), o)
		if err != nil {
			t.Fatal(err)
		}
		end := int64(0)
		for i, n := range tt.n {
			b, err := r.Next()
			if err != nil || b.N != n {
				t.Fatalf("%s: block %d: %+v, %v; want %d rows", tt.name, i, b, err, n)
			}
			end += int64(12 * n)
			if b.Next.Offset != end || b.Read != end {
				t.Errorf("%s: block %d ends at %d, %d bytes read; want %d", tt.name, i, b.Next.Offset, b.Read, end)
			}
		}
		r.Close()
	}
}
