package codec_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/npy"
)

func numbers(t *testing.T, name string, d infer.DType, shape []int64, data []byte) infer.Result {
	t.Helper()
	value, err := infer.NewTensor(d, shape, data)
	if err != nil {
		t.Fatal(err)
	}
	return infer.Result{TensorInfo: infer.TensorInfo{Name: name, DType: d}, Value: value}
}

// texts is a result of strings.
func texts(t *testing.T, name string, shape []int64, elements ...string) infer.Result {
	t.Helper()
	offsets := []int{0}
	for _, s := range elements {
		offsets = append(offsets, offsets[len(offsets)-1]+len(s))
	}
	value, err := infer.NewStringTensor(shape, []byte(strings.Join(elements, "")), offsets)
	if err != nil {
		t.Fatal(err)
	}
	return infer.Result{TensorInfo: infer.TensorInfo{Name: name, DType: infer.String}, Value: value}
}

func body(r *codec.Reply) []byte { return slices.Concat(r.Pieces...) }

// What is written is what NumPy itself wrote for the same array.
func TestEncodeNPYWritesWhatNumPyDoes(t *testing.T) {
	files := numpyFiles(t)
	for _, tt := range []struct {
		file   string
		result infer.Result
	}{
		{"<f4 C 1.0", numbers(t, "y", infer.Float, []int64{2, 3}, appendFloats(nil, 0, 1, 2, 3, 4, 5))},
		{"<f8 C 1.0", numbers(t, "y", infer.Double, []int64{2, 3}, appendDoubles(nil, 0, 1, 2, 3, 4, 5))},
		{"<u8 C 1.0", numbers(t, "y", infer.Uint64, []int64{2, 3}, uint64s(0, 1, 2, 3, 4, 5))},
		{"|i1 C 1.0", numbers(t, "y", infer.Int8, []int64{2, 3}, []byte{0, 1, 2, 3, 4, 5})},
		{"|b1 C 1.0", numbers(t, "y", infer.Bool, []int64{2, 3}, []byte{0, 1, 0, 1, 0, 1})},
		{"<c8 C 1.0", numbers(t, "y", infer.Complex64, []int64{2, 3}, appendFloats(nil, 0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0))},
		{"<f2 C 1.0", numbers(t, "y", infer.Half, []int64{2, 3}, []byte{0, 0, 0, 0x3c, 0, 0x40, 0, 0x42, 0, 0x44, 0, 0x45})},
		{"<f4 C 1.0", numbers(t, "y", infer.Bfloat16, []int64{2, 3}, []byte{0, 0, 0x80, 0x3f, 0, 0x40, 0x40, 0x40, 0x80, 0x40, 0xa0, 0x40})},
		{"scalar", numbers(t, "y", infer.Double, nil, appendDoubles(nil, 2.5))},
		{"vector", numbers(t, "y", infer.Double, []int64{2}, appendDoubles(nil, 1.5, -2.5))},
		{"empty", numbers(t, "y", infer.Float, []int64{0, 3}, nil)},
		{"S C", texts(t, "y", []int64{2, 2}, "a", "bcd", "", "\x00\xff")},
	} {
		reply, err := codec.EncodeNPY([]infer.Result{tt.result})
		if err != nil {
			t.Errorf("%s: %v", tt.file, err)
			continue
		}
		if got := body(reply); !bytes.Equal(got, files[tt.file]) || reply.ContentType != "application/x-npy" || reply.Len() != len(got) {
			t.Errorf("%s: got  %q\nwant %q", tt.file, got, files[tt.file])
		}
	}
}

func TestEncodeNPYAliasesTheResult(t *testing.T) {
	result := numbers(t, "y", infer.Float, []int64{2}, appendFloats(nil, 1, 2))
	reply, err := codec.EncodeNPY([]infer.Result{result})
	if err != nil {
		t.Fatal(err)
	}
	if last := reply.Pieces[len(reply.Pieces)-1]; &last[0] != &result.Value.Data[0] {
		t.Error("the data has been copied")
	}
}

func TestEncodeNPYOfEmptyStrings(t *testing.T) {
	for _, n := range []int64{0, 2} {
		reply, err := codec.EncodeNPY([]infer.Result{texts(t, "y", []int64{n}, make([]string, n)...)})
		if err != nil {
			t.Fatal(err)
		}
		h, size, err := npy.ReadHeader(bytes.NewReader(body(reply)))
		if err != nil || h.DType.String() != "|S1" || reply.Len()-size != int(n) {
			t.Errorf("%d strings: got %+v and %d bytes, %v", n, h, reply.Len()-size, err)
		}
	}
}

func TestEncodeNPYRefuses(t *testing.T) {
	y := numbers(t, "y", infer.Float, []int64{1}, appendFloats(nil, 1))
	many := make([]string, 1<<10)
	many[0] = strings.Repeat("a", 1<<20)
	for _, tt := range []struct {
		name    string
		results []infer.Result
		kind    error
		want    string
	}{
		{"two results", []infer.Result{y, y}, infer.ErrInvalidArgument,
			"a .npy file holds one array, but the answer has 2: choose one with 'output_filter', or accept JSON"},
		{"a quantized result", []infer.Result{numbers(t, "y", infer.Qint8, []int64{1}, []byte{1})}, infer.ErrInvalidArgument,
			`output "y" of type qint8 cannot be written as a .npy file`},
		{"a string that NumPy would cut", []infer.Result{texts(t, "y", []int64{1, 2}, "a", "b\x00")}, infer.ErrInvalidArgument,
			`output "y": element [0,1] ends in a NUL byte, which NumPy would cut off: accept JSON`},
		{"a gigabyte of padding", []infer.Result{texts(t, "y", []int64{1 << 10}, many...)}, infer.ErrTooLarge,
			`output "y": 1024 strings of up to 1048576 bytes would be padded to more than 67108864 bytes: accept JSON`},
	} {
		_, err := codec.EncodeNPY(tt.results)
		if !errors.Is(err, tt.kind) || err.Error() != tt.want {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestEncodeRows(t *testing.T) {
	nan := float32(math.NaN())
	for _, tt := range []struct {
		name       string
		results    []infer.Result
		csv, lines string
	}{
		{"a value a row", []infer.Result{numbers(t, "y", infer.Float, []int64{3}, appendFloats(nil, 1, 0.5, nan))},
			"y\n1.0\n0.5\nNaN\n",
			"{\"prediction\":1.0}\n{\"prediction\":0.5}\n{\"prediction\":NaN}\n"},
		{"a list a row", []infer.Result{numbers(t, "y", infer.Double, []int64{2, 2}, appendDoubles(nil, 1, 2, math.Inf(-1), 1e-5))},
			"y_0,y_1\n1.0,2.0\n-Infinity,1e-05\n",
			"{\"prediction\":[1.0,2.0]}\n{\"prediction\":[-Infinity,1e-05]}\n"},
		{"a list of one a row", []infer.Result{numbers(t, "y", infer.Int8, []int64{2, 1}, []byte{1, 0xff})},
			"y_0\n1\n-1\n",
			"{\"prediction\":[1]}\n{\"prediction\":[-1]}\n"},
		{"lists in lists", []infer.Result{numbers(t, "y", infer.Uint8, []int64{1, 2, 2}, []byte{1, 2, 3, 4})},
			"y_0,y_1,y_2,y_3\n1,2,3,4\n",
			"{\"prediction\":[[1,2],[3,4]]}\n"},
		{"several results", []infer.Result{
			texts(t, "label", []int64{2}, "cat", "dog, \"the\"\nbig"),
			numbers(t, "score", infer.Float, []int64{2}, appendFloats(nil, 0.25, 0.75)),
			numbers(t, "top,2", infer.Bool, []int64{2, 2}, []byte{0, 1, 1, 0}),
		},
			"label,score,\"top,2_0\",\"top,2_1\"\ncat,0.25,false,true\n\"dog, \"\"the\"\"\nbig\",0.75,true,false\n",
			`{"prediction":{"label":"cat","score":0.25,"top,2":[false,true]}}` + "\n" +
				`{"prediction":{"label":"dog, \"the\"\nbig","score":0.75,"top,2":[true,false]}}` + "\n"},
		{"strings of any bytes", []infer.Result{texts(t, "s", []int64{4}, "", "é", "\xff\x00", " a")},
			"s\n\"\"\né\n/wA=\n\" a\"\n",
			"{\"prediction\":\"\"}\n{\"prediction\":\"é\"}\n{\"prediction\":{\"b64\":\"/wA=\"}}\n{\"prediction\":\" a\"}\n"},
		{"no rows", []infer.Result{numbers(t, "y", infer.Float, []int64{0, 2}, nil)}, "y_0,y_1\n", ""},
		{"one result without elements", []infer.Result{
			numbers(t, "a", infer.Float, []int64{2, 0}, nil), numbers(t, "b", infer.Int8, []int64{2}, []byte{1, 2}),
		},
			"b\n1\n2\n",
			"{\"prediction\":{\"a\":[],\"b\":1}}\n{\"prediction\":{\"a\":[],\"b\":2}}\n"},
	} {
		asCSV, err := codec.EncodeCSV(tt.results)
		if err != nil {
			t.Errorf("%s: CSV: %v", tt.name, err)
		} else if got := string(body(asCSV)); got != tt.csv || asCSV.ContentType != "text/csv; charset=utf-8" {
			t.Errorf("%s: CSV: got %q, want %q", tt.name, got, tt.csv)
		}
		if _, err := csv.NewReader(strings.NewReader(tt.csv)).ReadAll(); err != nil {
			t.Errorf("%s: encoding/csv does not read %q: %v", tt.name, tt.csv, err)
		}
		lines, err := codec.EncodeJSONLines(tt.results)
		if err != nil {
			t.Errorf("%s: lines: %v", tt.name, err)
		} else if got := string(body(lines)); got != tt.lines || lines.ContentType != "application/jsonlines" {
			t.Errorf("%s: lines: got %q, want %q", tt.name, got, tt.lines)
		}
	}
}

func TestEncodeRowsRefuses(t *testing.T) {
	one := numbers(t, "a", infer.Float, []int64{1}, appendFloats(nil, 1))
	for _, tt := range []struct {
		name    string
		results []infer.Result
		want    string
	}{
		{"nothing", nil, "there are no outputs to write"},
		{"a scalar", []infer.Result{numbers(t, "y", infer.Float, nil, appendFloats(nil, 1))}, "Tensor name: y has no shape information "},
		{"other numbers of rows", []infer.Result{one, numbers(t, "b", infer.Int8, []int64{2}, []byte{1, 2})},
			"Tensor name: b has inconsistent batch size: 2 expecting: 1"},
		{"no text form", []infer.Result{numbers(t, "y", infer.Complex64, []int64{1}, appendFloats(nil, 1, 0))},
			`output "y" of type complex64 cannot be written as text`},
	} {
		for format, encode := range map[string]func([]infer.Result) (*codec.Reply, error){"CSV": codec.EncodeCSV, "lines": codec.EncodeJSONLines} {
			if _, err := encode(tt.results); !errors.Is(err, infer.ErrInvalidArgument) || err.Error() != tt.want {
				t.Errorf("%s as %s: got %v, want %s", tt.name, format, err, tt.want)
			}
		}
	}
	_, err := codec.EncodeCSV([]infer.Result{numbers(t, "y", infer.Float, []int64{2, 0}, nil)})
	if want := "the rows of the answer have no elements to write as CSV: accept JSON"; err == nil || err.Error() != want {
		t.Errorf("rows of nothing: got %v, want %s", err, want)
	}
}

// A request of a few bytes can ask for millions of rows with nothing in them.
func TestAnswersOfNothingButBrackets(t *testing.T) {
	ones := slices.Repeat([]int64{1}, 30)
	asRows := func(r []infer.Result) (*codec.Reply, error) {
		text, err := codec.AppendPredict(nil, r, true)
		return &codec.Reply{Pieces: [][]byte{text}}, err
	}
	asColumns := func(r []infer.Result) (*codec.Reply, error) {
		text, err := codec.AppendPredict(nil, r, false)
		return &codec.Reply{Pieces: [][]byte{text}}, err
	}
	for _, tt := range []struct {
		name   string
		shape  []int64
		size   int
		encode func([]infer.Result) (*codec.Reply, error)
		fits   bool
	}{
		{"rows", []int64{1 << 19, 0}, 0, asRows, true},
		{"rows", []int64{1 << 21, 0}, 0, asRows, false},
		{"rows of a row", []int64{1, 1 << 21, 0}, 0, asRows, false},
		{"rows that cannot be counted", []int64{1 << 62, 1 << 62, 0}, 0, asRows, false},
		{"columns", []int64{1 << 21, 0}, 0, asColumns, false},
		{"an empty list", []int64{0, 1 << 40}, 0, asColumns, true},
		{"lines", []int64{1 << 19, 0}, 0, codec.EncodeJSONLines, true},
		{"lines", []int64{1 << 21, 0}, 0, codec.EncodeJSONLines, false},
		{"a header", []int64{0, 1 << 10}, 0, codec.EncodeCSV, true},
		{"a header", []int64{0, 1 << 21}, 0, codec.EncodeCSV, false},
		{"as many columns as elements", []int64{1, 1 << 21}, 1 << 21, codec.EncodeCSV, true},
		{"lists of one", append([]int64{1 << 21}, ones[:3]...), 1 << 21, asRows, true},
		{"lists of lists of one", append([]int64{1 << 21}, ones...), 1 << 21, asRows, false},
		{"few lists of lists", append([]int64{1 << 10}, ones...), 1 << 10, asRows, true},
	} {
		y := infer.Result{TensorInfo: infer.TensorInfo{Name: "y"}, Value: &infer.Tensor{DType: infer.Int8, Shape: tt.shape, Data: make([]byte, tt.size)}}
		if _, err := tt.encode([]infer.Result{y}); tt.fits && err != nil || !tt.fits && !errors.Is(err, infer.ErrTooLarge) {
			t.Errorf("%s of shape %v: %v", tt.name, tt.shape, err)
		}
	}
}

// Rows that are written as CSV read back the same, elements that are not UTF-8
// and NaN's bits aside.
func TestCSVRoundTrip(t *testing.T) {
	for _, tt := range []infer.Result{
		numbers(t, "y", infer.Float, []int64{2, 2}, appendFloats(nil, 0.1, float32(math.Inf(1)), float32(math.Copysign(0, -1)), 1e-40)),
		numbers(t, "y", infer.Double, []int64{3}, appendDoubles(nil, 0.1, math.Inf(-1), 5e-324)),
		numbers(t, "y", infer.Int64, []int64{1, 2}, uint64s(1<<63, math.MaxInt64)),
		numbers(t, "y", infer.Bool, []int64{2}, []byte{1, 0}),
		texts(t, "y", []int64{3, 1}, "", "a\r\n\"b\"", " c,"),
	} {
		reply, err := codec.EncodeCSV([]infer.Result{tt})
		if err != nil {
			t.Fatal(err)
		}
		p, err := decodeCSV(body(reply), oneInput("y", tt.DType), codec.Limits{})
		if err != nil {
			t.Errorf("%s: %v", body(reply), err)
		} else if got, want := described(p), "row y="+describe(tt.Value); got != want {
			t.Errorf("%s: got %s, want %s", body(reply), got, want)
		}
	}
}

func TestAppendWidened(t *testing.T) {
	want := appendFloats([]byte("x"), 1, -2, float32(math.Inf(1)))
	for d, data := range map[infer.DType][]byte{
		infer.Half:     {0, 0x3c, 0, 0xc0, 0, 0x7c},
		infer.Bfloat16: {0x80, 0x3f, 0, 0xc0, 0x80, 0x7f},
	} {
		if got := codec.AppendWidened([]byte("x"), d, data); !bytes.Equal(got, want) {
			t.Errorf("%s: got %x, want %x", d, got, want)
		}
	}
}

// Rows written one by one are those that are written together.
func TestAppendRow(t *testing.T) {
	results := []infer.Result{numbers(t, "y", infer.Float, []int64{2, 3}, appendFloats(nil, 0, 1, 2, 3, 4, 5)), texts(t, "s", []int64{2}, "a,b", "\"")}
	if n, err := codec.CheckRows(results); n != 2 || err != nil {
		t.Fatalf("got %d rows, %v", n, err)
	}
	for row, want := range []string{`{"y":[0.0,1.0,2.0],"s":"a,b"}`, `{"y":[3.0,4.0,5.0],"s":"\""}`} {
		if got := codec.AppendRow([]byte("-"), results, row); string(got) != "-"+want {
			t.Errorf("row %d: got %s, want %s", row, got, want)
		}
	}
	got := codec.AppendCSVRow([]byte("-"), &results[0], 1)
	if got = codec.AppendCSVRow(got, &results[1], 1); string(got) != `-3.0,4.0,5.0,"""",` {
		t.Errorf("got %s as CSV", got)
	}
}

func TestCheckRowsRefuses(t *testing.T) {
	y := numbers(t, "y", infer.Float, []int64{2}, appendFloats(nil, 1, 2))
	for name, results := range map[string][]infer.Result{
		"no results":            nil,
		"a type without text":   {numbers(t, "z", infer.Complex64, []int64{1}, make([]byte, 8))},
		"no rows":               {numbers(t, "z", infer.Float, nil, make([]byte, 4))},
		"as many as not":        {y, numbers(t, "z", infer.Float, []int64{1}, make([]byte, 4))},
		"millions of the empty": {numbers(t, "z", infer.Float, []int64{2, 1 << 20, 0}, nil)},
	} {
		if n, err := codec.CheckRows(results); err == nil {
			t.Errorf("%s: %d rows were accepted", name, n)
		}
	}
}
