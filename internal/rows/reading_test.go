package rows_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

func TestDetect(t *testing.T) {
	tests := []struct {
		name, contentType, contentEncoding string
		want                               rows.Encoding
	}{
		{"a.jsonl", "", "", rows.Encoding{Format: rows.JSONLines}},
		{"a/b.csv/c.NDJSON", "", "", rows.Encoding{Format: rows.JSONLines}},
		{"a.json", "text/csv", "", rows.Encoding{Format: rows.JSON}},
		{"a.csv.gz", "", "", rows.Encoding{Format: rows.CSV, Compression: rows.Gzip}},
		{"a.CSV.GZIP", "", "", rows.Encoding{Format: rows.CSV, Compression: rows.Gzip}},
		{"a.tfrecord.zst", "", "", rows.Encoding{Format: rows.TFRecord, Compression: rows.Zstd}},
		{"a.tfrecords.zstd", "", "", rows.Encoding{Format: rows.TFRecord, Compression: rows.Zstd}},
		{"a.parquet", "", "", rows.Encoding{Format: rows.Parquet}},
		{"a.npy", "", "", rows.Encoding{Format: rows.NPY}},
		{"a.npz", "", "", rows.Encoding{Format: rows.NPZ}},
		{"a.jpg", "", "", rows.Encoding{Format: rows.Image}},
		{"a.jpeg", "", "", rows.Encoding{Format: rows.Image}},
		{"a.png", "", "", rows.Encoding{Format: rows.Image}},
		{"a", "image/jpg", "", rows.Encoding{Format: rows.Image}},
		{"a", "application/x-ndjson; charset=utf-8", "", rows.Encoding{Format: rows.JSONLines}},
		{"a.txt", "Text/CSV; header=", "", rows.Encoding{Format: rows.CSV}},
		{"a.gz", "application/json", "", rows.Encoding{Format: rows.JSON, Compression: rows.Gzip}},
		{"a.jsonl", "", "gzip", rows.Encoding{Format: rows.JSONLines, Compression: rows.Gzip}},
		{"a.jsonl.gz", "", "gzip", rows.Encoding{Format: rows.JSONLines, Compression: rows.Gzip}},
		{"a.csv", "", "aws-chunked, ZSTD", rows.Encoding{Format: rows.CSV, Compression: rows.Zstd}},
		{"a.csv", "", "identity", rows.Encoding{Format: rows.CSV}},
	}
	for _, tt := range tests {
		got, err := rows.Detect(tt.name, tt.contentType, tt.contentEncoding)
		if got != tt.want || err != nil {
			t.Errorf("%q %q %q: %v, %v; want %v", tt.name, tt.contentType, tt.contentEncoding, got, err, tt.want)
		}
	}
}

func TestDetectRefuses(t *testing.T) {
	tests := []struct{ name, contentType, contentEncoding, want string }{
		{"notes.txt", "text/plain", "", ".jsonl .ndjson .json .csv .tfrecord .parquet .npy .npz .jpg .jpeg .png"},
		{"jsonl", "", "", `extension ""`},
		{"", "", "", ""},
		{"a.tar.gz", "", "", `".tar"`},
		{"a.csv", "", "br", `"br"`},
		{"a.csv", "", "gzip, zstd", "twice"},
	}
	for _, tt := range tests {
		_, err := rows.Detect(tt.name, tt.contentType, tt.contentEncoding)
		if !errors.Is(err, rows.ErrFormat) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q %q %q: %v, want %q", tt.name, tt.contentType, tt.contentEncoding, err, tt.want)
		}
	}
}

func TestReadingImages(t *testing.T) {
	pixels := declared("image", infer.Uint8, -1, 1)
	o := inputsOf(rows.Image, pixels)
	o.Join = true
	o.Catalog.Image = func(_ context.Context, info infer.TensorInfo, image []byte) (*infer.Tensor, error) {
		if info.Name != "image" {
			t.Errorf("an image for %q", info.Name)
		}
		if len(image) != 1 {
			return nil, infer.Errorf(infer.ErrInvalidArgument, "a broken image")
		}
		return infer.NewTensor(infer.Uint8, []int64{1, 1}, image)
	}
	tests := []struct {
		name, image string
		o           rows.Options
		want        []string
	}{
		{"an image", "\x05", o, lines("image[1]=5")},
		{"a broken one", "", o, lines("fault: a broken image")},
		{"for a model that decodes", "\xff\xd8", texts(rows.Image), lines(`s="\xff\xd8"`)},
	}
	for _, tt := range tests {
		got, err := readAll(t, []byte(tt.image), tt.o)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		sameRecords(t, tt.name, got, tt.want)
	}
	if got, err := instances(t, readerOf(t, []byte("\x05"), 1, o)); err != nil || !slices.Equal(got, lines("null")) {
		t.Errorf("instances %q, %v", got, err)
	}
	o.Limits.MaxTensor = 10
	if _, err := readAll(t, make([]byte, 11), o); !errors.Is(err, rows.ErrTooLarge) {
		t.Errorf("a large image: %v", err)
	}
	o.Catalog.Image = nil
	if _, err := readAll(t, []byte("\x05"), o); !errors.Is(err, rows.ErrFormat) {
		t.Errorf("a model without images: %v", err)
	}
	o.Catalog.Image = func(context.Context, infer.TensorInfo, []byte) (*infer.Tensor, error) { return nil, errStore }
	if _, err := readAll(t, []byte("\x05"), o); !errors.Is(err, errStore) {
		t.Errorf("an error that is not about the image: %v", err)
	}
}

func TestInstances(t *testing.T) {
	x, s := declared("x", infer.Float, -1), declared("s", infer.String, -1)
	tests := []struct {
		name string
		data string
		o    rows.Options
		want []string
	}{
		{"lines", " [1, 2] \n{\"x\":NaN}\nno\n\"\xff\"\n" + strings.Repeat(" ", 60) + "1\n", inputsOf(rows.JSONLines, x),
			lines("[1, 2]", `"{\"x\":NaN}"`, `"no"`, "\"\\\"\uFFFD\\\"\"", "null")},
		{"a document", "[1,\n {\"x\":\n 2}]", inputsOf(rows.JSON, x), lines("1", `{"x":2}`)},
		{"columns of a document", `{"inputs": {"x": [1, 2], "s": ["a", "b"]}}`, inputsOf(rows.JSON, x, s), lines(`{"s":"a","x":1.0}`, `{"s":"b","x":2.0}`)},
		{"CSV", "s,x\r\na,1\r\n\"b, \"\"c\"\"\",-2.5e3\n007,+1\n1\nd,2,3\ne\"f,1\n" + strings.Repeat("y", 60) + ",1\n", inputsOf(rows.CSV, x, s),
			lines(`{"s":"a","x":1}`, `{"s":"b, \"c\"","x":-2.5e3}`, `{"s":"007","x":"+1"}`, `"1"`, `"d,2,3"`, `"e\"f,1"`, "null")},
		{"CSV without a header", "1,2\n3,\"4\"\n", inputsOf(rows.CSV, declared("x", infer.Float, -1, 2)), lines("[1,2]", "[3,4]")},
		{"examples", string(file(t, "examples.tfrecord")), inputsOf(rows.TFRecord, declared("n", infer.Int64, -1)), lines("7", "-300", "null", "1")},
		{"arrays", string(file(t, "two.npz")), inputsOf(rows.NPZ, x2(), declared("n", infer.Int64, -1)),
			lines(`{"n":10,"x":[0.0,1.0]}`, `{"n":11,"x":[2.0,3.0]}`, `{"n":12,"x":[4.0,5.0]}`)},
	}
	for _, tt := range tests {
		tt.o.Join = true
		tt.o.Limits.MaxLine = 60
		if tt.o.Encoding.Format == rows.TFRecord {
			tt.o.Limits.MaxLine = 0
		}
		got, err := instances(t, readerOf(t, []byte(tt.data), 100, tt.o))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		sameRecords(t, tt.name, got, tt.want)
	}
}

func x2() infer.TensorInfo { return declared("x", infer.Float, -1, 2) }

func TestFieldsOfCSV(t *testing.T) {
	o := inputsOf(rows.CSV, declared("x", infer.Float, -1), declared("s", infer.String, -1))
	o.Join = true
	o.Limits.MaxLine = 40
	text := "s,x\r\na b,1\r\n\"b, \"\"c\"\"\",\"2\"\n\"d\r\ne\",3\n4\nf,5,6\ng,\"7\"8\n" + strings.Repeat("y", 50) + "\n,\n"
	want := lines("a b,1,", `"b, ""c""",2,`, "\"d\ne\",3,", "4,,", "f,5,", "g,,", ",,", ",,")
	r := readerOf(t, []byte(text), 100, o)
	defer r.Close()
	b, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	d, err := r.Decoder().Decode(b)
	if err != nil || !slices.Equal(d.Columns, []string{"s", "x"}) {
		t.Fatalf("columns %q, %v", d.Columns, err)
	}
	var got []string
	for i := range d.N {
		got = append(got, string(d.Fields(nil, i)))
	}
	sameRecords(t, "fields", got, want)
}

func TestReadingRefusesSignatures(t *testing.T) {
	for _, f := range []rows.Format{rows.JSONLines, rows.JSON, rows.CSV, rows.TFRecord, rows.NPY, rows.NPZ, rows.Image} {
		o := scalars(f)
		o.Catalog.Default = "other"
		if _, err := readAll(t, []byte("[1]\n"), o); !errors.Is(err, rows.ErrFormat) {
			t.Errorf("%s without a default signature: %v", f, err)
		}
	}
	if _, err := readAll(t, nil, scalars("xml")); !errors.Is(err, rows.ErrFormat) {
		t.Errorf("an unknown format: %v", err)
	}
}
