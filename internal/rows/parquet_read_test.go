package rows_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// plainRows is the rows of most files: see write.py.
func plainRows() []string {
	out := make([]string, 20)
	for i := range out {
		out[i] = fmt.Sprintf(`{"s":"s%d","x":[%.1f,%.1f,%.1f],"y":%d}`, i, float64(i), float64(i)+0.5, 0-float64(i), i)
	}
	return out
}

var plainInputs = []infer.TensorInfo{declared("s", infer.String, -1), declared("x", infer.Float, -1, 3), declared("y", infer.Int64, -1)}

func TestParquetOfAllKindsOfPagesIsRead(t *testing.T) {
	for _, name := range []string{"codec-none", "codec-snappy", "codec-gzip", "codec-brotli", "codec-zstd",
		"pages-v1", "pages-v2", "delta", "legacy", "groups"} {
		for _, limits := range []rows.Limits{{}, {BlockRows: 1}, {BlockRows: 7}, {BlockBytes: 30}} {
			o := parquetOptions(plainInputs...)
			o.Limits = limits
			got, err := scan(t, parquetFile(t, name), o)
			if err != nil || !slices.Equal(got, plainRows()) {
				t.Errorf("%s, %+v: %v\n%q", name, limits, err, got)
			}
		}
	}
}

func TestParquetTypesBecomeThoseOfTheInput(t *testing.T) {
	same := []string{"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"}
	types := []infer.DType{infer.Int8, infer.Int16, infer.Int32, infer.Int64, infer.Uint8, infer.Uint16, infer.Uint32, infer.Uint64}
	limits := [][2]string{{"-128", "127"}, {"-32768", "32767"}, {"-2147483648", "2147483647"}, {"-9223372036854775808", "9223372036854775807"},
		{"0", "255"}, {"0", "65535"}, {"0", "4294967295"}, {"0", "18446744073709551615"}}
	type columnCase struct {
		column string
		dtype  infer.DType
		want   []string
	}
	var cases []columnCase
	for i, column := range same {
		cases = append(cases, columnCase{column, types[i], []string{limits[i][0], limits[i][1], "1"}})
	}
	outOf := func(column, value string, d infer.DType, limits string) string {
		return fmt.Sprintf("column %q: %s is out of the range of %s%s", column, value, d, limits)
	}
	cases = append(cases, []columnCase{
		{"half", infer.Half, []string{"-65504.0", "65504.0", "1.0"}},
		{"half", infer.Float, []string{"-65504.0", "65504.0", "1.0"}},
		{"float", infer.Float, []string{"-1.5", "3.0", "1.0"}},
		{"double", infer.Double, []string{"-1e+300", "0.1", "1.0"}},
		{"double", infer.Float, []string{"-Infinity", "0.1", "1.0"}},
		{"float", infer.Double, []string{"-1.5", "3.0", "1.0"}},
		{"int16", infer.Float, []string{"-32768.0", "32767.0", "1.0"}},
		{"uint64", infer.Double, []string{"0.0", "1.8446744073709552e+19", "1.0"}},
		{"int64", infer.Int8, []string{outOf("int64", "-9223372036854775808", infer.Int8, ", -128 to 127"),
			outOf("int64", "9223372036854775807", infer.Int8, ", -128 to 127"), "1"}},
		{"int8", infer.Uint8, []string{outOf("int8", "-128", infer.Uint8, ", 0 to 255"), "127", "1"}},
		{"uint64", infer.Int64, []string{"0", outOf("uint64", "18446744073709551615", infer.Int64, ""), "1"}},
		{"bool", infer.Bool, []string{"false", "true", "true"}},
		{"binary", infer.String, []string{`{"b64":"/wA="}`, `""`, `"abc"`}},
		{"fixed", infer.String, []string{`"abc"`, `"\u0000\u0001\u0002"`, `"xyz"`}},
		{"date", infer.Int32, []string{"0", "1", "2"}},
	}...)
	for _, tt := range cases {
		got, err := scan(t, parquetFile(t, "types"), parquetOptions(declared(tt.column, tt.dtype, -1)))
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s as %s: %q, %v, want %q", tt.column, tt.dtype, got, err, tt.want)
		}
	}
}

func TestParquetTypesThatAreNotTheInputs(t *testing.T) {
	for column, d := range map[string]infer.DType{
		"float": infer.Int32, "half": infer.Int64, "bool": infer.Float, "binary": infer.Double, "int8": infer.String, "decimal": infer.Double,
	} {
		_, err := scan(t, parquetFile(t, "types"), parquetOptions(declared(column, d, -1)))
		if !errors.Is(err, rows.ErrFormat) || !strings.Contains(err.Error(), column) {
			t.Errorf("%s as %s: %v", column, d, err)
		}
	}
}

func TestParquetListsTakeTheShapeOfTheInput(t *testing.T) {
	const nested = `column "x" has lists of different lengths`
	misfit := func(shape, of string) string {
		return fmt.Sprintf(`the row has values of shape %s for input "x", whose shape with the rows is %s`, shape, of)
	}
	for _, tt := range []struct {
		file  string
		input infer.TensorInfo
		want  []string
	}{
		{"deep", declared("x", infer.Int32, -1, -1, -1, 1), []string{"[[[1],[2]],[[3],[4]]]", "[[[5],[6]],[[7],[8]]]", "[[[9],[10],[11]]]",
			misfit("[0,0,0]", "[?,?,?,1]"), nested, misfit("[2,0,0]", "[?,?,?,1]"), nested}},
		{"deep", declared("x", infer.Int32, -1, 2, 2, 1), []string{"[[[1],[2]],[[3],[4]]]", "[[[5],[6]],[[7],[8]]]", misfit("[1,3,1]", "[?,2,2,1]"),
			misfit("[0,0,0]", "[?,2,2,1]"), nested, misfit("[2,0,0]", "[?,2,2,1]"), nested}},
		{"deep", declared("x", infer.Int32, -1, -1), []string{"[1,2,3,4]", "[5,6,7,8]", "[9,10,11]", "[]", nested, "[]", nested}},
		{"deep", declared("x", infer.Int32), []string{"[[[1],[2]],[[3],[4]]]", "[[[5],[6]],[[7],[8]]]", "[[[9],[10],[11]]]", "[]", nested, "[[],[]]", nested}},
		{"groups", declared("x", infer.Float, -1, 1, 3), nil},
		{"fixed-size", declared("x", infer.Float, -1, 2), []string{"[1.0,2.0]", "[3.0,4.0]"}},
		{"fixed-size", declared("x", infer.Float, -1, -1, 1), []string{"[[1.0],[2.0]]", "[[3.0],[4.0]]"}},
		{"fixed-size", declared("x", infer.Float, -1, -1, 4), []string{misfit("[2]", "[?,?,4]"), misfit("[2]", "[?,?,4]")}},
		{"fixed-size", declared("x", infer.Float, -1, -1, -1), slices.Repeat([]string{`a list of 2 values does not say the shape of input "x", which is [?,?,?]: use lists of lists`}, 2)},
		{"elements", declared("x", infer.Float, -1, 3), []string{"[1.0,2.0,3.0]", "[4.0,5.0,6.0]"}},
		{"elements", declared("x", infer.Float, -1, 3, 1), []string{"[[1.0],[2.0],[3.0]]", "[[4.0],[5.0],[6.0]]"}},
		{"elements", declared("x_1", infer.Double, -1), []string{"2.0", "5.0"}},
		{"elements", declared("x_1", infer.Double, -1, 1), []string{"[2.0]", "[5.0]"}},
		{"elements", declared("x_1", infer.Double), []string{"2.0", "5.0"}},
	} {
		want := tt.want
		if tt.file == "groups" {
			for i := range 20 {
				want = append(want, fmt.Sprintf("[[%.1f,%.1f,%.1f]]", float64(i), float64(i)+0.5, 0-float64(i)))
			}
		}
		got, err := scan(t, parquetFile(t, tt.file), parquetOptions(tt.input))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s as %s: %v\n got %q\nwant %q", tt.file, tt.input.Shape, err, got, want)
		}
	}
}

func TestParquetNullsAreFaultsOfTheirRows(t *testing.T) {
	null := func(column string) string { return fmt.Sprintf("column %q is null, or holds one", column) }
	want := []string{`{"x":[1.0,2.0],"y":1}`, null("x"), null("x"), `{"x":[],"y":4}`, null("y")}
	for _, name := range []string{"nulls", "nulls-v2"} {
		got, err := scan(t, parquetFile(t, name), parquetOptions(declared("x", infer.Float, -1, -1), declared("y", infer.Int64, -1)))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v\n got %q\nwant %q", name, err, got, want)
		}
	}
}

// Rows of one shape that follow each other are a group, whatever is wrong between them.
func TestParquetGroupsHaveOneShape(t *testing.T) {
	r, err := rows.Open(t.Context(), bytesSource(parquetFile(t, "deep")), parquetOptions(declared("x", infer.Int32, -1, -1)))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	d, err := r.Decoder().Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range d.Groups {
		got = append(got, fmt.Sprintf("%v%v", g.Records, g.Feeds[0].Value.Shape))
	}
	if want := []string{"[0 1][2 4]", "[2][1 3]", "[3 5][2 0]"}; !slices.Equal(got, want) {
		t.Errorf("got groups %v, want %v", got, want)
	}
	if b.Read != int64(len(parquetFile(t, "deep"))) && b.Read <= 0 {
		t.Errorf("%d bytes have been read", b.Read)
	}
}

func TestParquetFilesThatDoNotFitTheSignature(t *testing.T) {
	for _, tt := range []struct {
		file  string
		input infer.TensorInfo
		want  string
	}{
		{"extra", declared("z", infer.Float, -1), `no column is input "z"; the columns are "other", "x", and the inputs "z"`},
		{"elements", declared("x", infer.Float, -1, 4), ""},
		{"codec-lz4", plainInputs[0], `column "s" is compressed with LZ4_RAW: use snappy, gzip or zstd`},
		{"struct", declared("x", infer.Float, -1), `column "x" is a struct or a map`},
	} {
		got, err := scan(t, parquetFile(t, tt.file), parquetOptions(tt.input))
		if tt.want == "" {
			if len(got) != 2 || !strings.Contains(got[0], "has values of shape [3]") {
				t.Errorf("%s: got %q, %v", tt.file, got, err)
			}
			continue
		}
		if !errors.Is(err, rows.ErrFormat) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", tt.file, err, tt.want)
		}
	}
}

func TestParquetWithoutRows(t *testing.T) {
	if got, err := scan(t, parquetFile(t, "empty"), parquetOptions(plainInputs...)); len(got) > 0 || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestParquetPartsAreTheWhole(t *testing.T) {
	data := parquetFile(t, "groups") // of four groups of about 350 bytes
	o := parquetOptions(plainInputs...)
	for _, size := range []int64{1, 500, 900, 2000} {
		parts, err := rows.Split(t.Context(), bytesSource(data), o, size)
		if err != nil && !errors.Is(err, rows.ErrNoSplit) {
			t.Fatal(err)
		}
		if size == 1 && len(parts) != 4 {
			t.Errorf("parts of a byte are %d, want one for each row group", len(parts))
		}
		var got []string
		for _, part := range parts {
			o := o
			o.Part = part
			of, err := scan(t, data, o)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, of...)
		}
		if len(parts) > 0 && !slices.Equal(got, plainRows()) {
			t.Errorf("parts of %d bytes, %v, hold %q", size, parts, got)
		}
	}
	if _, err := rows.Split(t.Context(), bytesSource(parquetFile(t, "delta")), o, 1); !errors.Is(err, rows.ErrNoSplit) {
		t.Errorf("one row group is split: %v", err)
	}
}

// A shard that is out of time hands on the rest from the position of its last block.
func TestParquetGoesOnFromAnyBlock(t *testing.T) {
	for _, name := range []string{"groups", "pages-v1", "pages-v2"} {
		data := parquetFile(t, name)
		o := parquetOptions(plainInputs...)
		o.Limits.BlockRows = 3
		r, err := rows.Open(t.Context(), bytesSource(data), o)
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n < 20; {
			b, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			n += b.N
			rest, head := o, o
			rest.Part.From, head.Part.To = b.Next, b.Next
			after, err := scan(t, data, rest)
			if err != nil || !slices.Equal(after, plainRows()[n:]) {
				t.Errorf("%s from %+v: %v\n%q", name, b.Next, err, after)
			}
			before, err := scan(t, data, head)
			if err != nil || !slices.Equal(before, plainRows()[:n]) {
				t.Errorf("%s up to %+v: %v\n%q", name, b.Next, err, before)
			}
		}
		r.Close()
	}
}

// A dictionary makes a row of a megabyte of a page of a kilobyte.
func TestParquetRowsOverTheLimit(t *testing.T) {
	o := parquetOptions(declared("s", infer.String, -1, -1))
	o.Limits.MaxTensor = 512 << 10
	got, err := scan(t, parquetFile(t, "long"), o)
	want := []string{`["a"]`, "the tensors of the row are larger than the limit of 524288 bytes (MAX_TENSOR_BYTES)", `["b"]`}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v", got, err)
	}
	o.Limits.MaxTensor = 100
	if _, err := scan(t, parquetFile(t, "long"), o); !errors.Is(err, rows.ErrTooLarge) {
		t.Errorf("a footer over the limit: %v", err)
	}
}

func TestParquetReadsAheadWithFewRequests(t *testing.T) {
	data := parquetFile(t, "groups")
	src := bytesSource(data)
	var requests atomic.Int64
	open := src.Open
	src.Open = func(ctx context.Context, from, to int64) (io.ReadCloser, error) {
		requests.Add(1)
		return open(ctx, from, to)
	}
	if _, err := scanSource(t, src, parquetOptions(plainInputs...)); err != nil {
		t.Fatal(err)
	}
	if n := requests.Load(); n != 5 {
		t.Errorf("%d requests for a footer and four row groups", n)
	}
}

func TestParquetPassesOnTheErrorsOfTheStore(t *testing.T) {
	data := parquetFile(t, "groups")
	denied := errors.New("access denied")
	for failing := range int64(5) {
		src := bytesSource(data)
		var requests atomic.Int64
		open := src.Open
		src.Open = func(ctx context.Context, from, to int64) (io.ReadCloser, error) {
			if requests.Add(1) > failing {
				return nil, denied
			}
			return open(ctx, from, to)
		}
		_, err := scanSource(t, src, parquetOptions(plainInputs...))
		if !errors.Is(err, denied) || errors.Is(err, rows.ErrCorrupt) {
			t.Errorf("request %d fails: %v", failing, err)
		}
	}
}
