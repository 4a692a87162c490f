package codec_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// result is an output whose elements are of Go type T, which has the layout of
// dtype d.
func result[T any](t testing.TB, name string, d infer.DType, shape []int64, elements ...T) infer.Result {
	t.Helper()
	data, err := binary.Append(nil, binary.LittleEndian, elements)
	if err != nil {
		t.Fatal(err)
	}
	value, err := infer.NewTensor(d, shape, data)
	if err != nil {
		t.Fatal(err)
	}
	return infer.Result{TensorInfo: infer.TensorInfo{Name: name}, Value: value}
}

func stringResult(t testing.TB, name string, shape []int64, elements ...string) infer.Result {
	t.Helper()
	offsets := []int{0}
	for _, e := range elements {
		offsets = append(offsets, offsets[len(offsets)-1]+len(e))
	}
	value, err := infer.NewStringTensor(shape, []byte(strings.Join(elements, "")), offsets)
	if err != nil {
		t.Fatal(err)
	}
	return infer.Result{TensorInfo: infer.TensorInfo{Name: name}, Value: value}
}

// Rows S are the tests of TensorFlow Serving's json_tensor_test.cc, rows X
// follow from its json_tensor.cc. Only white space is not TensorFlow Serving's.
func TestAppendPredict(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	one := func(r infer.Result) []infer.Result { return []infer.Result{r} }
	ints := result(t, "i", infer.Int32, []int64{2, 3, 2}, []int32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}...)
	several := []infer.Result{
		result(t, "dbl", infer.Double, []int64{2}, 8.0, 9.0),
		result(t, "float", infer.Float, []int64{2, 1}, float32(1), 2),
		ints,
		stringResult(t, "str", []int64{2, 2}, "hello", "world", "tf", "serving"),
		stringResult(t, "str_bytes", []int64{2, 2}, "hello", "world", "tf", "serving"),
	}
	tests := []struct {
		row     string
		results []infer.Result
		isRow   bool
		want    string
	}{
		{"S1 row", one(ints), true, `{"predictions":[[[1,2],[3,4],[5,6]],[[7,8],[9,10],[11,12]]]}`},
		{"S1 column", one(ints), false, `{"outputs":[[[1,2],[3,4],[5,6]],[[7,8],[9,10],[11,12]]]}`},
		{"S2 row", one(result(t, "i", infer.Int32, []int64{5}, []int32{1, 2, 3, 4, 5}...)), true, `{"predictions":[1,2,3,4,5]}`},
		{"S2 column", one(result(t, "i", infer.Int32, []int64{5}, []int32{1, 2, 3, 4, 5}...)), false, `{"outputs":[1,2,3,4,5]}`},
		{"S3", one(stringResult(t, "str_tensor_bytes", []int64{2, 2}, "hello", "world", "tf", "serving")), true,
			`{"predictions":[[{"b64":"aGVsbG8="},{"b64":"d29ybGQ="}],[{"b64":"dGY="},{"b64":"c2VydmluZw=="}]]}`},
		{"S4", one(result(t, "f", infer.Float, []int64{2, 3}, []float32{9000000, 999999, .5, .0003, .00003, 555557.5}...)), true,
			`{"predictions":[[9e+06,999999.0,0.5],[0.0003,3e-05,555557.5]]}`},
		{"S5", one(result(t, "f", infer.Float, []int64{2, 2}, nan, inf, 3, -inf)), true, `{"predictions":[[NaN,Infinity],[3.0,-Infinity]]}`},
		{"S7 row", several, true, `{"predictions":[` +
			`{"dbl":8.0,"float":[1.0],"i":[[1,2],[3,4],[5,6]],"str":["hello","world"],"str_bytes":[{"b64":"aGVsbG8="},{"b64":"d29ybGQ="}]},` +
			`{"dbl":9.0,"float":[2.0],"i":[[7,8],[9,10],[11,12]],"str":["tf","serving"],"str_bytes":[{"b64":"dGY="},{"b64":"c2VydmluZw=="}]}]}`},
		{"S7 column", several, false, `{"outputs":{` +
			`"dbl":[8.0,9.0],"float":[[1.0],[2.0]],"i":[[[1,2],[3,4],[5,6]],[[7,8],[9,10],[11,12]]],` +
			`"str":[["hello","world"],["tf","serving"]],` +
			`"str_bytes":[[{"b64":"aGVsbG8="},{"b64":"d29ybGQ="}],[{"b64":"dGY="},{"b64":"c2VydmluZw=="}]]}}`},
		{"S9", one(result[int32](t, "i", infer.Int32, []int64{0, 2})), true, `{"predictions":[]}`},
		{"S10", []infer.Result{stringResult(t, "s", []int64{0, 1, 2}), result[float32](t, "f", infer.Float, []int64{0, 3, 4})}, true, `{"predictions":[]}`},
		{"X7", one(result(t, "u", infer.Uint64, []int64{1}, uint64(math.MaxUint64))), true, `{"predictions":[18446744073709551615]}`},
		{"X34", []infer.Result{result(t, "b", infer.Int8, []int64{1}, int8(-1)), result(t, "a", infer.Uint8, nil, uint8(255))}, false,
			`{"outputs":{"b":[-1],"a":255}}`},
		{"X35", one(result(t, "f", infer.Float, nil, float32(3))), false, `{"outputs":3.0}`},

		{"zero-size dimensions, row", one(result[int32](t, "i", infer.Int32, []int64{2, 0, 3})), true, `{"predictions":[[],[]]}`},
		{"zero-size dimensions, column", one(result[int32](t, "i", infer.Int32, []int64{2, 2, 0})), false, `{"outputs":[[[],[]],[[],[]]]}`},
		{"every integer type", []infer.Result{
			result(t, "a", infer.Int8, nil, int8(-128)), result(t, "b", infer.Int16, nil, int16(-32768)),
			result(t, "c", infer.Int32, nil, int32(-2147483648)), result(t, "d", infer.Int64, nil, int64(math.MinInt64)),
			result(t, "e", infer.Uint16, nil, uint16(65535)), result(t, "f", infer.Uint32, nil, uint32(4294967295)),
		}, false, `{"outputs":{"a":-128,"b":-32768,"c":-2147483648,"d":-9223372036854775808,"e":65535,"f":4294967295}}`},
		{"bool", one(result(t, "b", infer.Bool, []int64{2}, true, false)), true, `{"predictions":[true,false]}`},
		// 1, 65504 (the largest), 2^-24 (the smallest), 1/3 rounded, -Inf
		{"half", one(result(t, "h", infer.Half, []int64{5}, []uint16{0x3c00, 0x7bff, 0x0001, 0x3555, 0xfc00}...)), true,
			`{"predictions":[1.0,65504.0,5.96046448e-08,0.333251953,-Infinity]}`},
		{"bfloat16", one(result(t, "h", infer.Bfloat16, []int64{4}, []uint16{0x3f80, 0xc000, 0x3eab, 0x7fc0}...)), true,
			`{"predictions":[1.0,-2.0,0.333984375,NaN]}`},
		{"strings", one(stringResult(t, "s", []int64{3}, "q\"b\\s/\b\f\n\r\t\x01\x7f", "é€😀\u2028", "")), true,
			`{"predictions":["q\"b\\s/\b\f\n\r\t\u0001` + "\x7f" + `","é€😀` + "\u2028" + `",""]}`},
		{"departure: not UTF-8 is base64", one(stringResult(t, "s", []int64{2}, "ok", "\xff\xfe")), true, `{"predictions":["ok",{"b64":"//4="}]}`},
		{"names are escaped", []infer.Result{result(t, "a\"b", infer.Bool, nil, true), result(t, "\xff", infer.Bool, nil, true)}, false,
			"{\"outputs\":{\"a\\\"b\":true,\"\uFFFD\":true}}"},
	}
	for _, tt := range tests {
		t.Run(tt.row, func(t *testing.T) {
			got, err := codec.AppendPredict([]byte("before "), tt.results, tt.isRow)
			if err != nil {
				t.Fatal(err)
			}
			if want := "before " + tt.want; string(got) != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestAppendPredictRefuses(t *testing.T) {
	tests := []struct {
		row     string
		results []infer.Result
		isRow   bool
		want    string
	}{
		{"S6 nothing", nil, true, "Cannot convert empty tensor map to JSON"},
		{"S6 complex", []infer.Result{result(t, "c", infer.Complex64, []int64{2}, complex64(1), complex64(2))}, true, "Failed to write JSON value for tensor type: complex64"},
		{"S6 scalar", []infer.Result{result(t, "i", infer.Int32, nil, int32(1))}, true, "Tensor name: i has no shape information"},
		{"S8", []infer.Result{result(t, "i", infer.Int32, []int64{2, 1}, int32(1), 2), stringResult(t, "s", []int64{1, 1}, "a")}, true,
			"Tensor name: s has inconsistent batch size: 1 expecting: 2"},
		{"S11", []infer.Result{result[int32](t, "i", infer.Int32, []int64{0, 2}), stringResult(t, "s", []int64{1, 2}, "a", "b")}, true, "inconsistent batch size"},
	}
	for _, tt := range tests {
		t.Run(tt.row, func(t *testing.T) {
			_, err := codec.AppendPredict(nil, tt.results, tt.isRow)
			wantInvalid(t, err, tt.want)
		})
	}
}

// R5, and that a message is valid JSON whatever is in it.
func TestAppendError(t *testing.T) {
	for message, want := range map[string]string{
		`key "x" is missing`: `{"error":"key \"x\" is missing"}`,
		"a\nb\\c\x00":        `{"error":"a\nb\\c\u0000"}`,
		"bad \xff\xc3":       "{\"error\":\"bad \uFFFD\uFFFD\"}",
		"":                   `{"error":""}`,
	} {
		got := codec.AppendError(nil, message)
		if string(got) != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if !json.Valid(got) || !utf8.Valid(got) {
			t.Errorf("%q is no JSON", got)
		}
	}
}
