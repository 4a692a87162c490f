package npy_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/npy"
)

// arrays are the files that NumPy itself has written, by name.
func arrays(t testing.TB) map[string][]byte {
	t.Helper()
	archive, err := zip.OpenReader("testdata/arrays.zip")
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

func TestReadHeaderOfEveryTypeOrderAndVersion(t *testing.T) {
	seen := 0
	for name, file := range arrays(t) {
		field := strings.Fields(name)
		if len(field) != 3 {
			continue
		}
		seen++
		h, size, err := npy.ReadHeader(bytes.NewReader(file))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if h.DType.String() != field[0] || h.Fortran != (field[1] == "F") || !slices.Equal(h.Shape, []int64{2, 3}) {
			t.Errorf("%s: got %s, Fortran %v, shape %v", name, h.DType, h.Fortran, h.Shape)
		}
		if h.DType.BigEndian != (field[0][0] == '>') {
			t.Errorf("%s: got big-endian %v", name, h.DType.BigEndian)
		}
		data, err := h.DataSize()
		if want := int64(6 * h.DType.Size); data != want || err != nil || int64(len(file)-size) != data {
			t.Errorf("%s: got %d bytes of data behind %d, %v, want %d in a file of %d", name, data, size, err, want, len(file))
		}
	}
	// Both byte orders of 11 types and one of 3, each in both orders of the axes,
	// and the two other versions.
	if want := 11*2*2 + 3*2 + 2; seen != want {
		t.Errorf("%d files, want %d", seen, want)
	}
}

func TestReadHeaderOfOtherShapesAndText(t *testing.T) {
	files := arrays(t)
	for _, tt := range []struct {
		file, descr, name string
		fortran           bool
		shape             []int64
		itemSize          int
	}{
		{"scalar", "<f8", "float64", false, []int64{}, 8},
		{"vector", "<f8", "float64", false, []int64{2}, 8},
		{"empty", "<f4", "float32", false, []int64{0, 3}, 4},
		{"cube F", "<i4", "int32", true, []int64{2, 3, 1, 4}, 4},
		{"U C", "<U3", "U3", false, []int64{2, 2}, 12},
		{"U big-endian", ">U3", "U3", false, []int64{2, 2}, 12},
		{"S F", "|S3", "S3", true, []int64{2, 2}, 3},
		{"|b1 C 1.0", "|b1", "bool", false, []int64{2, 3}, 1},
		{"|u1 C 1.0", "|u1", "uint8", false, []int64{2, 3}, 1},
		{">c16 C 1.0", ">c16", "complex128", false, []int64{2, 3}, 16},
	} {
		h, _, err := npy.ReadHeader(bytes.NewReader(files[tt.file]))
		if err != nil {
			t.Errorf("%s: %v", tt.file, err)
			continue
		}
		if h.DType.String() != tt.descr || h.DType.Name() != tt.name || h.DType.Size != tt.itemSize {
			t.Errorf("%s: got type %s, %s, of %d bytes", tt.file, h.DType, h.DType.Name(), h.DType.Size)
		}
		if h.Fortran != tt.fortran || !slices.Equal(h.Shape, tt.shape) || h.Shape == nil {
			t.Errorf("%s: got Fortran %v, shape %#v", tt.file, h.Fortran, h.Shape)
		}
	}
}

func TestReadHeaderRefusesOtherItems(t *testing.T) {
	files := arrays(t)
	for file, want := range map[string]string{
		"object":     "npy: an array of Python objects cannot be read; convert it with .astype to a type of numbers, or to 'U' for text",
		"record":     "npy: structured arrays (records) cannot be read",
		"void":       `npy: type "|V2": records and raw bytes cannot be read; NumPy has no bfloat16, so convert that with .astype('float32')`,
		"date":       `npy: type "<M8[ns]": dates and times cannot be read; convert them with .astype('int64')`,
		"longdouble": `npy: type "<f16": only floats of 2, 4 and 8 bytes`,
	} {
		_, _, err := npy.ReadHeader(bytes.NewReader(files[file]))
		if !errors.Is(err, infer.ErrInvalidArgument) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s…", file, err, want)
		}
	}
}

// header is a file of version 1.0 up to its data.
func header(text string) []byte {
	b := []byte("\x93NUMPY\x01\x00")
	b = binary.LittleEndian.AppendUint16(b, uint16(len(text)))
	return append(b, text...)
}

func TestReadHeaderTakesWhatPythonDoes(t *testing.T) {
	for _, text := range []string{
		"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}\n",
		` {"shape":(2,3,),"fortran_order":False,"descr":"<f4"}   `,
		"{'descr': 'f4', 'fortran_order': False, 'shape': (2L, 3L), }",
		"{'descr': '=f4', 'fortran_order': False, 'shape': ( 2 , 3 ) , }",
		"{'descr': '|f4', 'fortran_order': False, 'shape': (2, 3), }",
	} {
		h, size, err := npy.ReadHeader(bytes.NewReader(append(header(text), "data"...)))
		if err != nil || h.DType.String() != "<f4" || h.Fortran || !slices.Equal(h.Shape, []int64{2, 3}) || size != 10+len(text) {
			t.Errorf("%s: got %+v of %d bytes, %v", text, h, size, err)
		}
	}
}

func TestReadHeaderRefuses(t *testing.T) {
	shape := func(s string) []byte { return header("{'descr': '<f4', 'fortran_order': False, 'shape': " + s + "}") }
	descr := func(s string) []byte { return header("{'descr': " + s + ", 'fortran_order': False, 'shape': ()}") }
	for _, tt := range []struct {
		name string
		file []byte
		want string // part of the message
	}{
		{"nothing", nil, "the file ends inside its header"},
		{"a part of the header", shape("(2,)")[:40], "the file ends inside its header"},
		{"another file", []byte("\x89PNG\r\n\x1a\n and so on"), "not a .npy file"},
		{"version 4.0", []byte("\x93NUMPY\x04\x00\x00\x00\x00\x00"), "version 4.0 of the format is not known"},
		{"version 1.1", []byte("\x93NUMPY\x01\x01\x00\x00"), "version 1.1 of the format is not known"},
		{"version 0.0", []byte("\x93NUMPY\x00\x00\x00\x00"), "version 0.0 of the format is not known"},
		{"a header of 4 GB", []byte("\x93NUMPY\x02\x00\xff\xff\xff\xff{"), "the header is 4294967295 bytes long; at most 10000 are read"},
		{"no dict", header("[1, 2]"), "malformed at byte 0: expected {"},
		{"no text", header(""), "malformed at byte 0: expected {"},
		{"a dict without end", header("{'descr': '<f4'"), "malformed at byte 15: expected , or }"},
		{"a string without end", header("{'descr"), "expected the end of a string"},
		{"text behind the dict", header("{'descr': '<f4', 'fortran_order': False, 'shape': ()} 1"), "expected the end of the header"},
		{"no shape", header("{'descr': '<f4', 'fortran_order': False}"), `the header has no key "shape"`},
		{"another key", header("{'descr': '<f4', 'evil': 1}"), `the header has an unknown key "evil"`},
		{"a key twice", header("{'descr': '<f4', 'descr': '<f4'}"), `the header has the key "descr" twice`},
		{"an order of 1", header("{'fortran_order': 1}"), "expected True or False"},
		{"a shape that is a number", shape("(2)"), "expected a comma"},
		{"a shape that is a list", shape("[2]"), "expected a tuple of sizes"},
		{"a negative size", shape("(-2,)"), "expected a size"},
		{"an expression", shape("(2*3,)"), "expected a comma"},
		{"a size of 64 bits", shape("(9223372036854775808,)"), "larger than 63 bits hold"},
		{"65 dimensions", shape("(" + strings.Repeat("1,", 65) + ")"), "more than 64 dimensions"},
		{"no type", descr("''"), "is not known"},
		{"a type without a size", descr("'<f'"), `type "<f"`},
		{"a float of 3 bytes", descr("'<f3'"), `type "<f3"`},
		{"an int of 16 bytes", descr("'<i16'"), `type "<i16" cannot be read`},
		{"items of no bytes", descr("'|S0'"), `type "|S0" cannot be read`},
		{"items of 4 GB", descr("'<U1073741824'"), `type "<U1073741824" cannot be read`},
		{"a record", descr("('<f4', (2,))"), "structured arrays (records) cannot be read"},
	} {
		_, _, err := npy.ReadHeader(bytes.NewReader(tt.file))
		if !errors.Is(err, infer.ErrInvalidArgument) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want …%s…", tt.name, err, tt.want)
		}
	}
}

func TestReadHeaderReadsNothingBehind(t *testing.T) {
	r := bytes.NewReader(arrays(t)["scalar"])
	if _, _, err := npy.ReadHeader(iotest.OneByteReader(r)); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(r)
	if want := math.Float64bits(2.5); err != nil || len(rest) != 8 || binary.LittleEndian.Uint64(rest) != want {
		t.Errorf("what is left is %x, %v, want the bytes of 2.5", rest, err)
	}
}

func TestReadHeaderPassesOnErrors(t *testing.T) {
	broken := errors.New("connection reset")
	if _, _, err := npy.ReadHeader(iotest.ErrReader(broken)); !errors.Is(err, broken) || errors.Is(err, infer.ErrInvalidArgument) {
		t.Errorf("got %v", err)
	}
}

func TestDataSizeOverflows(t *testing.T) {
	for _, shape := range [][]int64{{1 << 40, 1 << 40}, {1 << 61}, {0, 1 << 40, 1 << 40}} {
		h := npy.Header{DType: npy.DType{Kind: npy.Float, Size: 4}, Shape: shape}
		if size, err := h.DataSize(); !errors.Is(err, infer.ErrInvalidArgument) {
			t.Errorf("%v: got %d, %v", shape, size, err)
		}
	}
}

// These headers are short enough for NumPy's room for growth not to show.
func TestAppendHeaderWritesWhatNumPyDoes(t *testing.T) {
	files := arrays(t)
	for _, name := range []string{"<f4 C 1.0", ">i8 F 1.0", "|b1 C 1.0", "scalar", "vector", "empty", "cube C", "U C", "S C"} {
		file := files[name]
		h, size, err := npy.ReadHeader(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		if got := npy.AppendHeader([]byte("before"), h); string(got) != "before"+string(file[:size]) {
			t.Errorf("%s: got  %q\nwant %q", name, got[6:], file[:size])
		}
	}
}

func TestAppendHeaderAligns(t *testing.T) {
	for rank := range 60 {
		want := npy.Header{DType: npy.DType{Kind: npy.Int, Size: 8}, Shape: slices.Repeat([]int64{12345}, rank)}
		b := npy.AppendHeader(nil, want)
		if len(b)%64 != 0 {
			t.Errorf("rank %d: %d bytes", rank, len(b))
		}
		h, size, err := npy.ReadHeader(bytes.NewReader(b))
		if err != nil || size != len(b) || h.DType != want.DType || !slices.Equal(h.Shape, want.Shape) {
			t.Errorf("rank %d: reads as %+v of %d bytes, %v", rank, h, size, err)
		}
	}
}

func TestTypeOf(t *testing.T) {
	for d, want := range map[infer.DType]string{
		infer.Bool: "|b1", infer.Int8: "|i1", infer.Int16: "<i2", infer.Int32: "<i4", infer.Int64: "<i8",
		infer.Uint8: "|u1", infer.Uint16: "<u2", infer.Uint32: "<u4", infer.Uint64: "<u8",
		infer.Half: "<f2", infer.Float: "<f4", infer.Double: "<f8", infer.Complex64: "<c8", infer.Complex128: "<c16",
	} {
		if got, ok := npy.TypeOf(d); !ok || got.String() != want {
			t.Errorf("%s is %s, %v, want %s", d, got, ok, want)
		}
	}
	for _, d := range []infer.DType{infer.Bfloat16, infer.String, infer.Qint8, infer.Resource, infer.Invalid} {
		if got, ok := npy.TypeOf(d); ok {
			t.Errorf("%s is %s, want none", d, got)
		}
	}
}

// FuzzReadHeader: whatever is accepted can be written, and reads back the same.
func FuzzReadHeader(f *testing.F) {
	for _, file := range arrays(f) {
		f.Add(file)
	}
	f.Add(header("{'descr': '<f4', 'fortran_order': False, 'shape': (2)}"))
	f.Add([]byte("\x93NUMPY\x02\x00\xff\xff\xff\xff{"))
	f.Fuzz(func(t *testing.T, file []byte) {
		h, size, err := npy.ReadHeader(bytes.NewReader(file))
		if err != nil {
			if !errors.Is(err, infer.ErrInvalidArgument) {
				t.Fatalf("%v is not the client's fault", err)
			}
			return
		}
		if size > len(file) || h.DType.Size < 1 {
			t.Fatalf("got %+v of %d bytes", h, size)
		}
		if n, err := h.DataSize(); err == nil && n < 0 {
			t.Fatalf("%d bytes of data", n)
		}
		again, _, err := npy.ReadHeader(bytes.NewReader(npy.AppendHeader(nil, h)))
		if err != nil || again.DType != h.DType || again.Fortran != h.Fortran || !slices.Equal(again.Shape, h.Shape) {
			t.Fatalf("%+v reads back as %+v, %v", h, again, err)
		}
	})
}

// A header can be written again when the rows have been counted.
func TestAppendHeaderIsAsLongWhateverTheNumberOfRows(t *testing.T) {
	float := npy.DType{Kind: npy.Float, Size: 4}
	for _, tt := range []struct{ few, many npy.Header }{
		{npy.Header{DType: float, Shape: []int64{0}}, npy.Header{DType: float, Shape: []int64{math.MaxInt64}}},
		{npy.Header{DType: float, Shape: []int64{0, 100, 100, 3}}, npy.Header{DType: float, Shape: []int64{math.MaxInt64, 100, 100, 3}}},
		{npy.Header{DType: float, Fortran: true, Shape: []int64{5, 0}}, npy.Header{DType: float, Fortran: true, Shape: []int64{5, math.MaxInt64}}},
	} {
		few, many := npy.AppendHeader(nil, tt.few), npy.AppendHeader(nil, tt.many)
		if len(few) != len(many) {
			t.Errorf("%v: %d and %d bytes", tt.few.Shape, len(few), len(many))
		}
		h, size, err := npy.ReadHeader(bytes.NewReader(many))
		if err != nil || size != len(many) || !slices.Equal(h.Shape, tt.many.Shape) || h.Fortran != tt.many.Fortran {
			t.Errorf("%v reads as %+v, %d of %d bytes, %v", tt.many.Shape, h, size, len(many), err)
		}
	}
}
