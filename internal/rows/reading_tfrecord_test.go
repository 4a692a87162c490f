package rows_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/example"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// The files are TensorFlow's own: see testdata/reading/make.py.
func TestReadingExamples(t *testing.T) {
	x, n, s := declared("x", infer.Float, -1, 2), declared("n", infer.Int64, -1), declared("s", infer.String, -1)
	missing := `fault: the feature "n" is missing`
	tests := []struct {
		name   string
		inputs []infer.TensorInfo
		want   []string
	}{
		{"floats", []infer.TensorInfo{x}, lines("x[2]=0.5 -1", "x[2]=1.5 2", "x[2]=1.5 2", `fault: the feature "x" has more than 2 values`)},
		{"integers", []infer.TensorInfo{n}, lines("n=7", "n=-300", missing, "n=1")},
		{"all", []infer.TensorInfo{x, n, s}, lines(`n=7 s="a" x[2]=0.5 -1`, `n=-300 s="\xff" x[2]=1.5 2`, missing, `fault: the feature "x" has more than 2 values`)},
		{"any length", []infer.TensorInfo{declared("x", infer.Double, -1, -1)}, lines("x[2]=0.5 -1", "x[2]=1.5 2", "x[2]=1.5 2", "x[3]=1.5 2 3")},
		{"an unknown rank", []infer.TensorInfo{{Name: "x", DType: infer.Float}}, lines("x[2]=0.5 -1", "x[2]=1.5 2", "x[2]=1.5 2", "x[3]=1.5 2 3")},
		{"an inferred size", []infer.TensorInfo{declared("x", infer.Float, -1, 2, -1)},
			lines("x[2,1]=0.5 -1", "x[2,1]=1.5 2", "x[2,1]=1.5 2", `fault: the feature "x" has 3 values, but a row of the input, of shape [?,2,?], has a multiple of 2`)},
		{"a list of one", []infer.TensorInfo{declared("n", infer.Double, -1, 1)}, lines("n[1]=7", "n[1]=-300", missing, "n[1]=1")},
		{"a small type", []infer.TensorInfo{declared("n", infer.Int8, -1), x},
			lines("n=7 x[2]=0.5 -1", `fault: the feature "n": -300 is out of the range of int8, -128 to 127`, missing, `fault: the feature "x" has more than 2 values`)},
		{"bools", []infer.TensorInfo{declared("n", infer.Bool, -1)},
			lines(`fault: the feature "n": 7 is out of the range of bool, 0 to 1`, `fault: the feature "n": -300 is out of the range of bool, 0 to 1`, missing, "n=1")},
		{"another kind", []infer.TensorInfo{declared("x", infer.Int32, -1, -1)}, slices.Repeat(lines(`fault: the feature "x" has values of kind float, but the input is of type int32`), 4)},
	}
	for _, tt := range tests {
		for _, size := range []int{1, 2, 256} {
			o := inputsOf(rows.TFRecord, tt.inputs...)
			o.Limits.BlockRows = size
			got, err := readAll(t, file(t, "examples.tfrecord"), o)
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			sameRecords(t, tt.name, got, tt.want)
		}
	}
}

func TestReadingRecordsAsTheyAre(t *testing.T) {
	plain := inputsOf(rows.TFRecord, declared("examples", infer.String, -1))
	classify := inputsOf(rows.TFRecord, declared("examples", infer.String))
	sig, _ := classify.Catalog.Signature("")
	sig.Method = "tensorflow/serving/classify"
	for _, o := range []rows.Options{plain, classify} {
		got, err := readAll(t, file(t, "words.tfrecord"), o)
		if err != nil {
			t.Fatal(err)
		}
		sameRecords(t, "words", got, lines(`examples="one"`, `examples=""`, `examples="three"`))
	}
	plain.Limits.MaxLine = 4
	got, err := readAll(t, file(t, "words.tfrecord"), plain)
	if err != nil {
		t.Fatal(err)
	}
	sameRecords(t, "a long record", got, lines(`examples="one"`, `examples=""`, "fault: the row has more than 4 bytes (MAX_LINE_BYTES)"))
}

func TestReadingKeepsStringsWithinTheLimit(t *testing.T) {
	o := inputsOf(rows.TFRecord, declared("examples", infer.String, -1))
	o.Limits.MaxTensor = 2*infer.StringOverhead + 4
	r := readerOf(t, file(t, "words.tfrecord"), 1000, o)
	defer r.Close()
	b, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	d, err := r.Decoder().Decode(b)
	if err != nil || len(d.Groups) != 2 || !slices.Equal(d.Groups[0].Records, []int{0, 1}) || !slices.Equal(d.Groups[1].Records, []int{2}) {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestReadingDamagedTFRecord(t *testing.T) {
	whole := file(t, "words.tfrecord") // records at 0, 19 and 35, with data at 12 and 47
	damaged := func(at int) []byte {
		data := slices.Clone(whole)
		data[at] ^= 1
		return data
	}
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"a length", damaged(35), "record 3 at byte 35: the checksum of its length is wrong"},
		{"the checksum of a length", damaged(28), "record 2 at byte 19: the checksum of its length is wrong"},
		{"data", damaged(13), "record 1: the checksum of its data is wrong"},
		{"the checksum of data", damaged(55), "record 3: the checksum of its data is wrong"},
		{"a length that is cut", whole[:20], "the input ends inside record 2 at byte 19"},
		{"data that are cut", whole[:50], "the input ends inside record 3 at byte 35"},
		{"a checksum that is cut", whole[:55], "the input ends inside record 3 at byte 35"},
		{"text", []byte("this is no TFRecord"), "record 1 at byte 0: the checksum of its length is wrong"},
	}
	for _, tt := range tests {
		_, err := readAll(t, tt.data, texts(rows.TFRecord))
		if !errors.Is(err, rows.ErrCorrupt) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
	o := texts(rows.TFRecord)
	o.Limits.MaxLine = 4
	if _, err := readAll(t, whole[:55], o); !errors.Is(err, rows.ErrCorrupt) {
		t.Errorf("a long record that is cut: %v", err)
	}
	length := binary.LittleEndian.AppendUint64(nil, math.MaxUint64-7) // with head and checksum 8 bytes
	wraps := binary.LittleEndian.AppendUint32(length, masked(length))
	if _, err := readAll(t, append(wraps, whole...), o); !errors.Is(err, rows.ErrCorrupt) || !strings.Contains(err.Error(), "inside record 1 at byte 0") {
		t.Errorf("a record whose length wraps round: %v", err)
	}
}

func TestReadingRecordsThatAreNoExamples(t *testing.T) {
	got, err := readAll(t, file(t, "words.tfrecord"), scalars(rows.TFRecord))
	if err != nil {
		t.Fatal(err)
	}
	const no = "fault: the record is no serialized tf.train.Example"
	sameRecords(t, "words", got, lines(no, `fault: the feature "x" is missing`, no))
}

func TestReadingRefusesSignaturesForExamples(t *testing.T) {
	for _, info := range []infer.TensorInfo{declared("x", infer.Complex64, -1), declared("x", infer.Float, -1, -1, -1), declared("x", infer.Float, -1, 1<<40, 1<<40)} {
		if _, err := readAll(t, file(t, "examples.tfrecord"), inputsOf(rows.TFRecord, info)); !errors.Is(err, rows.ErrFormat) {
			t.Errorf("%s of shape %s: %v", info.DType, info.Shape, err)
		}
	}
}

func BenchmarkReadingExamples(b *testing.B) {
	o := inputsOf(rows.TFRecord, declared("x", infer.Float, -1, 64))
	var f example.Feature
	for i := range 64 {
		f.AppendFloat(float32(i))
	}
	record := example.Append(nil, example.AppendFeature(nil, []byte("x"), &f))
	framed := binary.LittleEndian.AppendUint64(nil, uint64(len(record)))
	framed = binary.LittleEndian.AppendUint32(framed, masked(framed))
	framed = binary.LittleEndian.AppendUint32(append(framed, record...), masked(record))
	benchmarkReading(b, slices.Repeat(framed, 20000), o)
}

func ExampleDetect() {
	fmt.Println(rows.Detect("day/rows.jsonl.gz", "", ""))
	// Output: {jsonl gzip} <nil>
}
