package codec_test

import (
	"archive/zip"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/npy"
)

// numpyFiles are the arrays that NumPy itself has written, by name: see
// testdata/make.py in package npy.
func numpyFiles(t testing.TB) map[string][]byte {
	t.Helper()
	archive, err := zip.OpenReader("../npy/testdata/arrays.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	files := make(map[string][]byte)
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimSuffix(f.Name, ".npy")] = data
	}
	return files
}

// kinds are NumPy's types of numbers by their letter, and the types of inputs
// that take them.
var kinds = map[byte][]infer.DType{
	'b': {infer.Bool},
	'i': {infer.Int8, infer.Int16, infer.Int32, infer.Int64, infer.Uint8, infer.Uint16, infer.Uint32, infer.Uint64, infer.Float, infer.Double, infer.Half, infer.Bfloat16},
	'u': {infer.Int8, infer.Int16, infer.Int32, infer.Int64, infer.Uint8, infer.Uint16, infer.Uint32, infer.Uint64, infer.Float, infer.Double, infer.Half, infer.Bfloat16},
	'f': {infer.Float, infer.Double, infer.Half, infer.Bfloat16},
}

// zeroToFive is what the arrays of numbers hold, as an input of type d has it.
func zeroToFive(d infer.DType) string {
	switch d {
	case infer.Bool:
		return "[2,3] false true false true false true"
	case infer.Half: // IEEE 754 binary16
		return "[2,3] 0x0000 0x3c00 0x4000 0x4200 0x4400 0x4500"
	case infer.Bfloat16: // the upper half of a float
		return "[2,3] 0x0000 0x3f80 0x4000 0x4040 0x4080 0x40a0"
	default:
		return "[2,3] 0 1 2 3 4 5"
	}
}

func TestDecodeNPYOfEveryTypeOrderAndVersion(t *testing.T) {
	for name, file := range numpyFiles(t) {
		field := strings.Fields(name)
		if len(field) != 3 || field[0][1] == 'c' {
			continue
		}
		for _, d := range kinds[field[0][1]] {
			p, err := codec.DecodeNPY(file, oneInput("x", d), codec.Limits{})
			if err != nil {
				t.Errorf("%s for %s: %v", name, d, err)
				continue
			}
			if got, want := described(p), "row x="+zeroToFive(d); got != want || p.Feeds[0].Value.DType != d {
				t.Errorf("%s for %s: got %s, want %s", name, d, got, want)
			}
		}
	}
}

func TestDecodeNPYOfComplexNumbers(t *testing.T) {
	var want [2][]byte // 0 to 5 as complex64 and as complex128
	for i := range 6 {
		want[0] = appendFloats(want[0], float32(i), 0)
		want[1] = appendDoubles(want[1], float64(i), 0)
	}
	files := numpyFiles(t)
	for _, name := range []string{"<c8 C 1.0", ">c8 C 1.0", "<c16 F 1.0", ">c16 F 1.0", ">c8 F 1.0"} {
		for k, d := range []infer.DType{infer.Complex64, infer.Complex128} {
			p, err := codec.DecodeNPY(files[name], oneInput("x", d), codec.Limits{})
			if err != nil {
				t.Errorf("%s for %s: %v", name, d, err)
			} else if got := p.Feeds[0].Value; !slices.Equal(got.Data, want[k]) || got.DType != d {
				t.Errorf("%s for %s: got %x, want %x", name, d, got.Data, want[k])
			}
		}
	}
}

func TestDecodeNPYShapesAndText(t *testing.T) {
	const words = `[2,2] "a" "bcd" "" "é€😀"`
	const raw = `[2,2] "a" "bcd" "" "\x00\xff"`
	cube := "[2,3,1,4]"
	for i := range 24 {
		cube += " " + string(appendInt(nil, i))
	}
	files := numpyFiles(t)
	for _, tt := range []struct {
		file  string
		dtype infer.DType
		want  string
	}{
		{"cube C", infer.Int32, "row x=" + cube},
		{"cube F", infer.Int32, "row x=" + cube},
		{"cube F", infer.Float, "row x=" + cube},
		{"scalar", infer.Float, "column x=[] 2.5"},
		{"vector", infer.Double, "row x=[2] 1.5 -2.5"},
		{"empty", infer.Float, "row x=[0,3]"},
		{"empty", infer.Double, "row x=[0,3]"},
		{"U C", infer.String, "row x=" + words},
		{"U F", infer.String, "row x=" + words},
		{"U big-endian", infer.String, "row x=" + words},
		{"S C", infer.String, "row x=" + raw},
		{"S F", infer.String, "row x=" + raw},
	} {
		p, err := codec.DecodeNPY(files[tt.file], oneInput("x", tt.dtype), codec.Limits{})
		if err != nil {
			t.Errorf("%s for %s: %v", tt.file, tt.dtype, err)
		} else if got := described(p); got != tt.want {
			t.Errorf("%s for %s: got %s, want %s", tt.file, tt.dtype, got, tt.want)
		}
	}
}

// npyFile is a file of version 1.0 around data.
func npyFile(d npy.DType, fortran bool, shape []int64, data []byte) []byte {
	return append(npy.AppendHeader(nil, npy.Header{DType: d, Fortran: fortran, Shape: shape}), data...)
}

var (
	f4 = npy.DType{Kind: npy.Float, Size: 4}
	f8 = npy.DType{Kind: npy.Float, Size: 8}
	i8 = npy.DType{Kind: npy.Int, Size: 8}
	u8 = npy.DType{Kind: npy.Uint, Size: 8}
	b1 = npy.DType{Kind: npy.Bool, Size: 1}
	u1 = npy.DType{Kind: npy.Unicode, Size: 4}
)

func TestDecodeNPYRoundsOnce(t *testing.T) {
	for _, tt := range []struct {
		from npy.DType
		data []byte
		to   infer.DType
		want string
	}{
		// 1 + 2^-24 is the middle between two floats, and a bit more is not.
		{f8, appendDoubles(nil, 1+0x1p-24, 1+0x1p-24+0x1p-50), infer.Float, "[2] 1 1.0000001"},
		// 1 + 2^-11 is the middle between two halves; 65520 rounds out of their range.
		{f8, appendDoubles(nil, 1+0x1p-11, 1+0x1p-11+0x1p-40, 65519.99, 65520), infer.Half, "[4] 0x3c00 0x3c01 0x7bff 0x7c00"},
		{f4, appendFloats(nil, 1+0x1p-8, 1+0x1p-8+0x1p-20), infer.Bfloat16, "[2] 0x3f80 0x3f81"},
		{f4, appendFloats(nil, float32(math.NaN()), float32(math.Inf(-1))), infer.Double, "[2] NaN -Inf"},
		{f8, appendDoubles(nil, 1e300, -1e-300), infer.Float, "[2] +Inf -0"},
		{u8, uint64s(math.MaxUint64, 1<<63), infer.Double, "[2] 1.8446744073709552e+19 9.223372036854776e+18"},
		{i8, uint64s(math.MaxUint64, 1<<63), infer.Float, "[2] -1 -9.223372e+18"},
	} {
		shape := []int64{int64(len(tt.data) / tt.from.Size)}
		p, err := codec.DecodeNPY(npyFile(tt.from, false, shape, tt.data), oneInput("x", tt.to), codec.Limits{})
		if err != nil {
			t.Errorf("%s to %s: %v", tt.from, tt.to, err)
		} else if got := describe(p.Feeds[0].Value); got != tt.want {
			t.Errorf("%s to %s: got %s, want %s", tt.from, tt.to, got, tt.want)
		}
	}
}

func TestDecodeNPYRangeOfIntegers(t *testing.T) {
	for _, tt := range []struct {
		from  npy.DType
		to    infer.DType
		v     uint64
		fails bool
	}{
		{i8, infer.Int8, 127, false},
		{i8, infer.Int8, 128, true},
		{i8, infer.Int8, neg(128), false},
		{i8, infer.Int8, neg(129), true},
		{i8, infer.Uint8, neg(1), true},
		{i8, infer.Uint64, neg(1), true},
		{i8, infer.Uint64, math.MaxInt64, false},
		{u8, infer.Int64, 1 << 63, true},
		{u8, infer.Int64, 1<<63 - 1, false},
		{u8, infer.Uint32, 1 << 32, true},
		{u8, infer.Uint32, 1<<32 - 1, false},
		{u8, infer.Uint64, math.MaxUint64, false},
		{i8, infer.Int64, 1 << 63, false},
		{i8, infer.Int32, neg(1 << 63), true},
	} {
		_, err := codec.DecodeNPY(npyFile(tt.from, false, []int64{1}, uint64s(tt.v)), oneInput("x", tt.to), codec.Limits{})
		if (err != nil) != tt.fails {
			t.Errorf("%s %#x to %s: %v, want failure %v", tt.from, tt.v, tt.to, err, tt.fails)
		}
	}
}

func neg(v uint64) uint64 { return -v }

// The index is that of the array, whatever the order of its axes.
func TestDecodeNPYNamesTheElement(t *testing.T) {
	const want = `npy: input "x": element [1,0] is out of the range of int8, -128 to 127`
	for _, fortran := range []bool{false, true} {
		values := []uint64{1, 2, 3, 300, 5, 6}
		if fortran {
			values = []uint64{1, 300, 2, 5, 3, 6}
		}
		_, err := codec.DecodeNPY(npyFile(i8, fortran, []int64{2, 3}, uint64s(values...)), oneInput("x", infer.Int8), codec.Limits{})
		if err == nil || err.Error() != want {
			t.Errorf("Fortran %v: got %v, want %s", fortran, err, want)
		}
	}
	// Behind the first of the pieces in which numbers are converted.
	values := make([]uint64, 2000)
	values[1999] = 300
	_, err := codec.DecodeNPY(npyFile(i8, false, []int64{1000, 2}, uint64s(values...)), oneInput("x", infer.Int8), codec.Limits{})
	if err == nil || !strings.Contains(err.Error(), "element [999,1] is out") {
		t.Errorf("got %v", err)
	}
}

func TestDecodeNPYRefuses(t *testing.T) {
	files := numpyFiles(t)
	for _, tt := range []struct {
		name  string
		file  []byte
		dtype infer.DType
		want  string
	}{
		{"floats for integers", files["<f8 C 1.0"], infer.Int32,
			`npy: input "x" is of type int32 and does not take an array of type float64: convert it with .astype('int32')`},
		{"bools for floats", files["|b1 C 1.0"], infer.Bfloat16,
			`npy: input "x" is of type bfloat16 and does not take an array of type bool: convert it with .astype('float32')`},
		{"integers for bools", files["|u1 C 1.0"], infer.Bool,
			`npy: input "x" is of type bool and does not take an array of type uint8: convert it with .astype('bool')`},
		{"numbers for strings", files["<i4 C 1.0"], infer.String,
			`npy: input "x" is of type string and does not take an array of type int32: convert it with .astype('S')`},
		{"strings for numbers", files["U C"], infer.Int64,
			`npy: input "x" is of type int64 and does not take an array of type U3: convert it with .astype('int64')`},
		{"complex numbers for floats", files["<c8 C 1.0"], infer.Float,
			`npy: input "x" is of type float and does not take an array of type complex64: convert it with .astype('float32')`},
		{"floats for complex numbers", files["<f4 C 1.0"], infer.Complex64,
			`npy: input "x" is of type complex64 and does not take an array of type float32: convert it with .astype('complex64')`},
		{"a quantized input", files["|i1 C 1.0"], infer.Qint8, `input "x" of type qint8 cannot be given as a .npy file`},
		{"bytes left over", append(slices.Clone(files["<f4 C 1.0"]), 0), infer.Float,
			"npy: an array of type float32 and shape [2,3] has 24 bytes, but the file holds 25 behind its header"},
		{"bytes missing", files["<f4 C 1.0"][:128+23], infer.Float,
			"npy: an array of type float32 and shape [2,3] has 24 bytes, but the file holds 23 behind its header"},
		{"more elements than can be counted", npyFile(f4, false, []int64{1 << 40, 1 << 40}, nil), infer.Float,
			"npy: shape [1099511627776,1099511627776] has more elements than can be counted"},
		{"a bool of 2", npyFile(b1, false, []int64{2}, []byte{0, 2}), infer.Bool, `input "x": byte 1 of type BOOL is 2; it must be 0 or 1`},
		{"half of a surrogate pair", npyFile(u1, false, []int64{1, 1}, []byte{0, 0xd8, 0, 0}), infer.String,
			`npy: input "x": element [0,0] is not valid Unicode`},
		{"beyond Unicode", npyFile(u1, false, []int64{2}, []byte{'a', 0, 0, 0, 0, 0, 0x11, 0}), infer.String,
			`npy: input "x": element [1] is not valid Unicode`},
		{"a sign in a code point", npyFile(u1, false, []int64{1}, []byte{'a', 0, 0, 0x80}), infer.String,
			`npy: input "x": element [0] is not valid Unicode`},
		{"no .npy file", []byte("{}"), infer.Float, "npy: the file ends inside its header"},
	} {
		_, err := codec.DecodeNPY(tt.file, oneInput("x", tt.dtype), codec.Limits{})
		var public *infer.Error
		if !errors.As(err, &public) || err.Error() != tt.want {
			t.Errorf("%s:\ngot  %v\nwant %s", tt.name, err, tt.want)
		}
	}
}

func TestDecodeNPYLimits(t *testing.T) {
	files := numpyFiles(t)
	for _, tt := range []struct {
		file  string
		dtype infer.DType
		need  int64
	}{
		{"<f4 C 1.0", infer.Float, 24},
		{"<f4 C 1.0", infer.Double, 48},
		{">f4 F 1.0", infer.Half, 12},
		{"S C", infer.String, 4*32 + 1 + 3 + 2},
		{"U C", infer.String, 4*32 + 1 + 3 + 2 + 3 + 4},
	} {
		if _, err := codec.DecodeNPY(files[tt.file], oneInput("x", tt.dtype), codec.Limits{MaxTensorBytes: tt.need}); err != nil {
			t.Errorf("%s for %s at the limit: %v", tt.file, tt.dtype, err)
		}
		_, err := codec.DecodeNPY(files[tt.file], oneInput("x", tt.dtype), codec.Limits{MaxTensorBytes: tt.need - 1})
		if !errors.Is(err, infer.ErrTooLarge) || !strings.Contains(err.Error(), "MAX_TENSOR_BYTES") {
			t.Errorf("%s for %s over the limit: %v", tt.file, tt.dtype, err)
		}
	}
}

// The body's own bytes are what is fed, whatever else was asked of them.
func TestDecodeNPYAliasesTheBody(t *testing.T) {
	files := numpyFiles(t)
	for name, aliases := range map[string]bool{
		"<f4 C 1.0": true, "<f4 C 3.0": true, "<f4 F 1.0": false, ">f4 C 1.0": false, "<f8 C 1.0": false,
	} {
		file := files[name]
		before := slices.Clone(file)
		p, err := codec.DecodeNPY(file, oneInput("x", infer.Float), codec.Limits{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		data := p.Feeds[0].Value.Data
		if got := &data[len(data)-1] == &file[len(file)-1]; got != aliases {
			t.Errorf("%s: aliases the body: %v, want %v", name, got, aliases)
		}
		if !slices.Equal(file, before) {
			t.Errorf("%s: the body has been changed", name)
		}
	}
}

// FuzzDecodeNPY: no file makes the decoder fail otherwise than by an error for
// the client, and what it makes fits its shape and the limit.
func FuzzDecodeNPY(f *testing.F) {
	for _, file := range numpyFiles(f) {
		for _, d := range []infer.DType{infer.Float, infer.Int8, infer.String, infer.Bool, infer.Half} {
			f.Add(file, int32(d))
		}
	}
	f.Fuzz(func(t *testing.T, file []byte, dtype int32) {
		p, err := codec.DecodeNPY(file, oneInput("x", infer.DType(dtype)), codec.Limits{MaxTensorBytes: fuzzLimit})
		checkPlain(t, p, err)
	})
}

// fuzzLimit bounds what the decoders may make of random bodies.
const fuzzLimit = 1 << 20

// checkPlain checks what every decoder promises under that limit.
func checkPlain(t *testing.T, p *codec.Predict, err error) {
	t.Helper()
	if err != nil {
		if _, public := errors.AsType[*infer.Error](err); !public || errors.Is(err, infer.ErrInternal) {
			t.Fatalf("%v is not for the client", err)
		}
		return
	}
	total := int64(0)
	for _, feed := range p.Feeds {
		v := feed.Value
		n, err := infer.Elements(v.Shape)
		if err != nil || n != int64(v.Len()) {
			t.Fatalf("%d elements of shape %v: %v", v.Len(), v.Shape, err)
		}
		total += int64(len(v.Data))
		if v.DType == infer.String {
			total += 8 * n
		}
	}
	if total > fuzzLimit {
		t.Fatalf("%d bytes of tensors", total)
	}
}
