package codec_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

func TestCSVLayout(t *testing.T) {
	for _, tt := range []struct {
		name, inputs, first string
		header              bool
		columns             []string
	}{
		{"a header", "x:float[?,2]", "x_0,x_1\r\n", true, []string{"x_0", "x_1"}},
		{"names as they are", "a:float[?] b:float[?]", " b ,\"a\"\n", true, []string{" b ", "a"}},
		{"a byte order mark", "x:float[?,2]", "\xEF\xBB\xBFx_1,x_0", true, []string{"x_1", "x_0"}},
		{"an index in front", "a:float[?] b:float[?]", ",a,b", true, []string{"", "a", "b"}},
		{"an id behind", "a:float[?] b:float[?]", "b,a,id", true, []string{"b", "a", "id"}},
		{"others among the elements", "x:float[?,2]", "x_0,id,x_1", true, []string{"x_0", "id", "x_1"}},
		{"a string that is no name", "x:string[?]", "review\n", false, []string{"x"}},
		{"no header, one column", "x:float[?]", "1", false, []string{"x"}},
		{"no header, a list of one", "x:float[?,1]", "1\n", false, []string{"x_0"}},
		{"no header, several columns", "x:string[?,?]", "a,\"b,c\",d\n", false, []string{"x_0", "x_1", "x_2"}},
		{"no header, unknown rank", "x:float", "1,2", false, []string{"x_0", "x_1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			first := []byte(tt.first)
			layout, header, err := codec.NewCSVLayout(table(tt.inputs), first, "", codec.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			clear(first) // it is not kept
			if got := layout.Columns(); header != tt.header || !slices.Equal(got, tt.columns) {
				t.Errorf("header %v, columns %q; want %v, %q", header, got, tt.header, tt.columns)
			}
		})
	}
}

func TestNewCSVLayoutRefuses(t *testing.T) {
	for _, tt := range []struct{ inputs, first, want string }{
		{"a:float b:float", "1,2", `CSV for signature "serving_default" needs a header with its inputs (a, b); the first line is "1", "2"`},
		{"x:float[?,2]", "1,2,3\n", `CSV: 3 columns, but a row of input "x" of shape [?,2] has 2; a header would have the name of the input (x), and the first line is "1", "2", "3"`},
		{"x:float[?,2]", "1;2;3\n", `CSV: 1 columns, but a row of input "x" of shape [?,2] has 2; columns are separated by commas`},
		{"x:float[?,3]", "x_0,x_2,y\n", `CSV header: the column x_1 is missing; the columns are "x_0", "x_2", "y"`},
		{"a:float[?] b:float[?,2] c:float[?]", "id,c,c", `CSV header: no column for "a", "b", neither by name nor as name_0, name_1 and so on; the columns are "id", "c", "c"`},
		{"a:float[?] b:float[?]", "id,a,b,a", `CSV header: columns 2 and 4 have the same name; the columns are "id", "a", "b", "a"`},
		{"x:float[?,2]", "x_0,x_1,x_2", `CSV: 3 columns, but a row of input "x" of shape [?,2] has 2; the columns are "x_0", "x_1", "x_2"`},
		{"x:float[?,2]", "id,x_1,x_2", `CSV header: the column x_0 is missing; the columns are "id", "x_1", "x_2"`},
		{"a:float b:float", "a," + strings.Repeat("é", 30) + strings.Repeat(",c", 30), `CSV header: no column for "b", neither by name nor as name_0, name_1 and so on; the columns are "a", "` +
			strings.Repeat("é", 20) + `..."` + strings.Repeat(`, "c"`, 18) + ", …"},
		{"x:string", `a,b"c`, `CSV column 2: a quotation mark in a field that does not begin with one`},
		{"x:float", "x_0" + strings.Repeat(",", 1<<21), "CSV header: 2097153 columns are more than 2097152"},
	} {
		if _, _, err := codec.NewCSVLayout(table(tt.inputs), []byte(tt.first), "", codec.Limits{}); fmt.Sprint(err) != tt.want {
			t.Errorf("got  %v\nwant %s", err, tt.want)
		}
	}
}

// csvOutcomes lays a CSV out by its first record and reads the rest, and the first too
// where it is no header.
func csvOutcomes(t *testing.T, c *infer.Catalog, l codec.Limits, records ...string) []string {
	t.Helper()
	layout, header, err := codec.NewCSVLayout(c, []byte(records[0]), "", l)
	if err != nil {
		t.Fatal(err)
	}
	if header {
		records = records[1:]
	}
	return outcomes(t, layout.Rows(), records...)
}

func TestCSVRows(t *testing.T) {
	for _, tt := range []struct {
		name, inputs string
		records      []string
		want         []string
	}{
		{"columns in order", "x:float[?,2]", []string{"1,2\n", "3,4\r\n", "5,6"}, []string{"x=[3,2] 1 2 3 4 5 6"}},
		{"a header", "x:float[?,2,1]", []string{"x_0,x_1", "1,2", "3,4"}, []string{"x=[2,2,1] 1 2 3 4"}},
		{"a header in another order", "a:int8[?] b:string[?,2]", []string{"b_1,a,b_0", "x,1,y", "\"z\",2,w"}, []string{`a=[2] 1 2 b=[2,2] "y" "x" "w" "z"`}},
		{"further columns in front", "a:float[?] b:string[?]", []string{",a,b", "0,1,x", "1,\"2\",\"y\"", "2,3,z"}, []string{`a=[3] 1 2 3 b=[3] "x" "y" "z"`}},
		{"further columns behind", "a:float[?] b:float[?]", []string{"a,b,id", "1,2,u", "3,4,\"v,w\""}, []string{"a=[2] 1 3 b=[2] 2 4"}},
		{"further columns among elements", "x:float[?,2]", []string{"id,x_1,y,x_0", "u,1,v,2", "u,3,v,4"}, []string{"x=[2,2] 2 1 4 3"}},
		{"the same name twice, of no input", "a:float[?]", []string{"id,a,id", "u,1,v"}, []string{"a=[1] 1"}},
		{"a whole input and what looks like its elements", "a:float[?]", []string{"a_1,a,a_0", "u,1,v"}, []string{"a=[1] 1"}},
		{"a further column is missing in a row", "a:float[?]", []string{"id,a", "1", "u,2", "u,2,v"}, []string{
			"! CSV: 1 columns instead of 2", "! CSV: 3 columns instead of 2", "a=[1] 2"}},
		{"a wrong field behind further columns", "a:float[?]", []string{"id,a", "u,v", "u,2"}, []string{`! CSV column 2: "v" is not of type float`, "a=[1] 2"}},
		{"quotation marks", "x:string[?,3]", []string{"a,\"b,c\",\"d\"\"e\"\n", "\"f\ng\",\"\",h\r\n", "i,j,k\n"},
			[]string{`x=[3,3] "a" "b,c" "d\"e" "f\ng" "" "h" "i" "j" "k"`}},
		{"line breaks inside quotation marks are line feeds", "x:string[?]", []string{"a", "\"b\r\nc\"\r\n"}, []string{`x=[2] "a" "b\nc"`}},
		{"numbers in quotation marks", "x:float[?,2]", []string{`"1",2`, `3,"4"`}, []string{"x=[2,2] 1 2 3 4"}},
		{"spellings of numbers", "x:float[?,3]", []string{"1e3,+2, 3", "nan,-inf,4."}, []string{`! CSV column 3: "4." is not of type float`, "x=[1,3] 1000 2 3"}},
		{"half and bool", "h:half[?] b:bool[?]", []string{"h,b", "1,true", "-2,0"}, []string{"b=[2] true false h=[2] 0x3c00 0xc000"}},

		{"a wrong field", "x:float[?,2]", []string{"1,2", "3,a", "5,6"}, []string{`! CSV column 2: "a" is not of type float`, "x=[2,2] 1 2 5 6"}},
		{"a wrong field behind quotation marks", "a:string[?] b:int8[?]", []string{"a,b", `"x",300`, "y,1"},
			[]string{`! CSV column 2: "300" is out of the range of int8, -128 to 127`, `a=[1] "y" b=[1] 1`}},
		{"too few columns", "x:float[?,3]", []string{"1,2,3", "4,5", "6,7,8"}, []string{"! CSV: 2 columns instead of 3", "x=[2,3] 1 2 3 6 7 8"}},
		{"too many columns", "x:float[?,2]", []string{"1,2", "3,4,5,6"}, []string{"! CSV: 4 columns instead of 2", "x=[1,2] 1 2"}},
		{"too many columns in another order", "x:float[?,2]", []string{"x_1,x_0", "3,4,5", "6", "1,2"},
			[]string{"! CSV: 3 columns instead of 2", "! CSV: 1 columns instead of 2", "x=[1,2] 2 1"}},
		{"too few columns with quotation marks", "x:string[?,3]", []string{"a,b,c", `"d,e",f`}, []string{"! CSV: 2 columns instead of 3", `x=[1,3] "a" "b" "c"`}},
		{"marks that are wrong", "x:string[?,2]", []string{"a,b", `c,d"e`, `f,"g`, `"h"i,j`, `k,"l"`}, []string{
			"! CSV column 2: a quotation mark in a field that does not begin with one",
			"! CSV column 2: a field in quotation marks does not end",
			"! CSV column 1: a field in quotation marks is not followed by a comma",
			`x=[2,2] "a" "b" "k" "l"`}},
		{"two records in one", "x:string[?,2]", []string{"a,b", "\"c\",d\ne,f", `"g",h`},
			[]string{"! CSV: a line ends outside quotation marks", `x=[2,2] "a" "b" "g" "h"`}},
		{"an unknown header", "x:float[?,2]", []string{"p,q", "1,2", "3,r"}, []string{
			`! CSV column 1: "p" is not of type float; a header would have the name of the input (x)`,
			`! CSV column 2: "r" is not of type float`, "x=[1,2] 1 2"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := csvOutcomes(t, table(tt.inputs), codec.Limits{}, tt.records...); !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestCSVRowsLimit(t *testing.T) {
	const two = 2 * (infer.StringOverhead + 1)
	for _, tt := range []struct {
		name, inputs string
		limit        int64
		records      []string
		want         []string
	}{
		{"floats", "x:float[?,2]", 16, []string{"1,2", "3,4", "5,6"}, []string{"x=[2,2] 1 2 3 4", "x=[1,2] 5 6"}},
		{"strings", "a:string[?] b:string[?]", 2 * two, []string{"a,b", "c,d", "\"e\",f", "g,h"},
			[]string{`a=[2] "c" "e" b=[2] "d" "f"`, `a=[1] "g" b=[1] "h"`}},
		{"a row that fills it", "x:float[?,2] y:string[?]", 8 + infer.StringOverhead + 1, []string{"x_0,x_1,y", "1,2,a", "3,4,b"},
			[]string{`x=[1,2] 1 2 y=[1] "a"`, `x=[1,2] 3 4 y=[1] "b"`}},
		{"rows over it", "x:float[?,2]", 7, []string{"1,2", "\"3\",4"}, []string{
			"! input tensors are larger than the limit of 7 bytes (MAX_TENSOR_BYTES)",
			"! input tensors are larger than the limit of 7 bytes (MAX_TENSOR_BYTES)"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := csvOutcomes(t, table(tt.inputs), codec.Limits{MaxTensorBytes: tt.limit}, tt.records...); !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// encoding/csv would take 40 bytes for each of the fields.
func TestCSVRowsOfManyCommas(t *testing.T) {
	layout, _, err := codec.NewCSVLayout(table("x:string[?,2]"), []byte("a,b"), "", codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	rows := layout.Rows()
	for _, tt := range []struct{ record, want string }{
		{`"a",` + strings.Repeat(",", 1<<22), "CSV: 4194306 columns instead of 2"},
		{`"a",b"` + strings.Repeat(",", 1<<22), "CSV column 2: a quotation mark in a field that does not begin with one"},
	} {
		record := []byte(tt.record)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := rows.Add(record)
		runtime.ReadMemStats(&after)
		if _, public := errors.AsType[*infer.Error](err); !public || err.Error() != tt.want {
			t.Errorf("got %v, want %s", err, tt.want)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 1<<16 {
			t.Errorf("%d bytes were allocated for a record that is wrong", took)
		}
	}
	long := strings.Repeat(",", 1<<21)
	if err := rows.Add([]byte(`"` + long + `","b"`)); err != nil || rows.Len() != 1 {
		t.Errorf("commas inside quotation marks: %v", err)
	}
}
