package rows_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/npy"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// NumPy's files of shape (2, 3) hold 0 to 5: see the npy package.
func TestReadingNPYOfEveryType(t *testing.T) {
	for _, kind := range strings.Fields("i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8") {
		for _, order := range []string{"<", ">"} {
			if strings.HasSuffix(kind, "1") {
				order = "|"
			}
			for _, layout := range []string{"C", "F"} {
				data := []byte(numpyArray(t, order+kind+" "+layout+" 1.0"))
				for _, n := range []int{1, 256} {
					o := inputsOf(rows.NPY, declared("x", infer.Double, -1, 3))
					o.Limits.BlockRows = n
					got, err := readAll(t, data, o)
					if err != nil {
						t.Errorf("%s%s in order %s: %v", order, kind, layout, err)
					}
					sameRecords(t, order+kind, got, lines("x[3]=0 1 2", "x[3]=3 4 5"))
				}
			}
		}
	}
}

// arrayOf is a .npy file of int8s.
func arrayOf(shape []int64, values ...int8) []byte {
	data := npy.AppendHeader(nil, npy.Header{DType: npy.DType{Kind: npy.Int, Size: 1}, Shape: shape})
	for _, v := range values {
		data = append(data, byte(v))
	}
	return data
}

func TestReadingNPYFindsTheBadRows(t *testing.T) {
	o := inputsOf(rows.NPY, declared("x", infer.Uint8, -1, 2))
	got, err := readAll(t, arrayOf([]int64{4, 2}, 1, 2, 3, -4, 5, 6, -7, -8), o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if strings.HasPrefix(got[i], "fault: ") && strings.Contains(got[i], "out of the range of uint8") {
			got[i] = "*"
		}
	}
	sameRecords(t, "negative numbers", got, lines("x[2]=1 2", "*", "x[2]=5 6", "*"))
}

func TestReadingRefusesNPY(t *testing.T) {
	whole := file(t, "rows.npy")
	tests := []struct {
		name string
		data []byte
		kind error
		want string
	}{
		{"nothing", nil, rows.ErrCorrupt, "ends inside its header"},
		{"a header that is cut", whole[:50], rows.ErrCorrupt, "ends inside its header"},
		{"another file", []byte("this is a text and no array"), rows.ErrFormat, "not a .npy file"},
		{"data that are cut", whole[:len(whole)-1], rows.ErrCorrupt, "the array has 56 bytes, but 55 follow its header"},
		{"more data", append(slices.Clone(whole), 0), rows.ErrCorrupt, "the array has 56 bytes, but 57 follow its header"},
		{"objects", []byte(strings.Replace(string(whole), "'<f4'", "'|O' ", 1)), rows.ErrFormat, "Python objects"},
		{"complex numbers", []byte(numpyArray(t, "<c8 C 1.0")), rows.ErrFormat, "complex64"},
		{"a scalar", arrayOf(nil, 1), rows.ErrFormat, "no rows"},
		{"rows without elements", arrayOf([]int64{1 << 40, 0}), rows.ErrFormat, "no elements"},
		{"more rows than there are", arrayOf([]int64{1 << 40, 2}, 1, 2), rows.ErrCorrupt, "2 follow"},
		{"rows over the limit", arrayOf([]int64{1, 1000}), rows.ErrTooLarge, "a row of shape [1000] has more than 1000 bytes (MAX_TENSOR_BYTES)"},
	}
	for _, tt := range tests {
		o := inputsOf(rows.NPY, declared("x", infer.Float, -1, 2))
		o.Limits.MaxTensor = 1000
		_, err := readAll(t, tt.data, o)
		if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %v with %q", tt.name, err, tt.kind, tt.want)
		}
	}
	two := inputsOf(rows.NPY, declared("x", infer.Float, -1), declared("n", infer.Float, -1))
	if _, err := readAll(t, whole, two); !errors.Is(err, rows.ErrFormat) || !strings.Contains(err.Error(), "numpy.savez") {
		t.Errorf("two inputs: %v", err)
	}
}

func TestReadingNPYKeepsBlocksWithinTheLimit(t *testing.T) {
	o := inputsOf(rows.NPY, declared("x", infer.Double, -1, 2)) // a row is 2 bytes and 16 as doubles
	o.Limits.MaxTensor = 40
	got, err := readAll(t, arrayOf([]int64{3, 2}, 1, 2, 3, 4, 5, 6), o)
	if err != nil {
		t.Fatal(err)
	}
	sameRecords(t, "doubles", got, lines("x[2]=1 2", "x[2]=3 4", "x[2]=5 6"))
}

func TestReadingNPZ(t *testing.T) {
	x, n := declared("x", infer.Float, -1, 2), declared("n", infer.Int32, -1)
	both, one := inputsOf(rows.NPZ, x, n), inputsOf(rows.NPZ, declared("any", infer.Float, -1, 2))
	tests := []struct {
		name, file string
		o          rows.Options
		want       []string
	}{
		{"two arrays", "two.npz", both, lines("n=10 x[2]=0 1", "n=11 x[2]=2 3", "n=12 x[2]=4 5")},
		{"one of two", "two.npz", inputsOf(rows.NPZ, x), lines("x[2]=0 1", "x[2]=2 3", "x[2]=4 5")},
		{"one without a name", "one.npz", one, lines("any[2]=0 1", "any[2]=2 3", "any[2]=4 5")},
	}
	for _, tt := range tests {
		for _, size := range []int{1, 2, 256} {
			tt.o.Limits.BlockRows = size
			got, err := readAll(t, file(t, tt.file), tt.o)
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			sameRecords(t, tt.name, got, tt.want)
		}
	}
}

// archiveOf is a zip of files, "name" and content in turn.
func archiveOf(t *testing.T, list ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for i := 0; i < len(list); i += 2 {
		w, err := z.CreateHeader(&zip.FileHeader{Name: list[i]}) // not compressed
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(list[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestReadingRefusesNPZ(t *testing.T) {
	two := string(arrayOf([]int64{2}, 1, 2))
	three := string(arrayOf([]int64{3}, 1, 2, 3))
	good := archiveOf(t, "x.npy", two, "n.npy", two)
	broken := slices.Clone(good)
	broken[bytes.Index(broken, []byte("\x93NUMPY"))+128]++ // data, which a checksum guards
	tests := []struct {
		name string
		data []byte
		kind error
		want string
	}{
		{"nothing", nil, rows.ErrCorrupt, "zip"},
		{"an archive that is cut", good[:len(good)-10], rows.ErrCorrupt, "zip"},
		{"no array for an input", archiveOf(t, "x.npy", two, "m.npy", two, "readme.txt", ""), rows.ErrFormat, `no array for input "n"; the file has ["x" "m"]`},
		{"an array without a name", archiveOf(t, "arr_0.npy", two), rows.ErrFormat, `no array for input "n"`},
		{"an input twice", archiveOf(t, "x.npy", two, "n.npy", two, "x.npy", two), rows.ErrFormat, `"x" is given more than once`},
		{"other numbers of rows", archiveOf(t, "x.npy", two, "n.npy", three), rows.ErrFormat, `input "x" has 2 rows, and "n" has 3`},
		{"an array that is cut", archiveOf(t, "x.npy", two[:len(two)-1], "n.npy", two), rows.ErrCorrupt, `"x"`},
		{"an array and more", archiveOf(t, "x.npy", two+"x", "n.npy", two), rows.ErrCorrupt, `"x": damaged input: something follows the array`},
		{"no array", archiveOf(t, "x.npy", "text, of no use here", "n.npy", two), rows.ErrFormat, "not a .npy file"},
		{"much in little", archiveOf(t, "x.npy", string(arrayOf([]int64{3000, 2}, make([]int8, 6000)...)), "n.npy", two), rows.ErrTooLarge, "MAX_TENSOR_BYTES"},
	}
	for _, tt := range tests {
		o := inputsOf(rows.NPZ, declared("x", infer.Float, -1), declared("n", infer.Float, -1))
		o.Limits.MaxTensor = 5000
		_, err := readAll(t, tt.data, o)
		if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %v with %q", tt.name, err, tt.kind, tt.want)
		}
	}
	if _, err := readAll(t, broken, inputsOf(rows.NPZ, declared("x", infer.Float, -1))); !errors.Is(err, rows.ErrCorrupt) {
		t.Errorf("a byte of an array is wrong: %v", err)
	}
}

func BenchmarkReadingNPY(b *testing.B) {
	data := npy.AppendHeader(nil, npy.Header{DType: npy.DType{Kind: npy.Float, Size: 4}, Shape: []int64{20000, 64}})
	benchmarkReading(b, append(data, make([]byte, 20000*64*4)...), inputsOf(rows.NPY, declared("x", infer.Float, -1, 64)))
}

func ExampleFormat_Extension() {
	fmt.Println(rows.JSONLines.Extension())
	// Output: .jsonl
}
