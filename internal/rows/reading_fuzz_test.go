package rows_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// texts are options for rows that are one string each.
func texts(f rows.Format) rows.Options { return inputsOf(f, declared("s", infer.String, -1)) }

func FuzzLines(f *testing.F) {
	f.Add([]byte("\"a\"\n\n\"b\"\r\n  \n\"c\""), uint8(3), uint16(20))
	f.Add([]byte("\xEF\xBB\xBF\"a\"\nx\n"), uint8(1), uint16(4))
	f.Add([]byte("\n\n\"12345678\"\n\"a\""), uint8(2), uint16(8))
	f.Fuzz(func(t *testing.T, data []byte, step uint8, limit uint16) {
		o := texts(rows.JSONLines)
		o.Limits.MaxLine = int64(limit) + 1
		o.Join = true
		got, err := instances(t, readerOf(t, data, int(step)+1, o))
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for line := range bytes.SplitSeq(bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF")), []byte{'\n'}) {
			line = bytes.TrimSuffix(line, []byte{'\r'})
			switch {
			case int64(len(line)) > o.Limits.MaxLine:
				want = append(want, "null")
			case len(bytes.Trim(line, " \t\r\n")) > 0:
				want = append(want, string(bytes.TrimSpace(line)))
			}
		}
		for i := range got { // a line that is no JSON is a string of it
			if i < len(want) && got[i] != want[i] {
				var text string
				if err := json.Unmarshal([]byte(got[i]), &text); err != nil {
					t.Fatalf("instance %q is no JSON", got[i])
				}
				got[i], want[i] = text, strings.ToValidUTF8(want[i], "\uFFFD")
				got[i], want[i] = strings.ReplaceAll(got[i], "\uFFFD", ""), strings.ReplaceAll(want[i], "\uFFFD", "")
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

// FuzzCSV compares the ends of records with those of encoding/csv, up to a field in
// quotation marks that has no end: there the two part by design.
func FuzzCSV(f *testing.F) {
	for _, seed := range []string{"s\na\n\"b\"\n", "s\n\"a\r\n\"\"b\"\"\"\r\n\nc", "s\n\"a\"b\nc\"d\ne\n", "\"s\"\n\"\"\n,\"\",\n\"a\"\r", "s\n\"a\n\"\nb\n\"c\nd"} {
		f.Add([]byte(seed), uint8(3))
	}
	f.Fuzz(func(t *testing.T, data []byte, step uint8) {
		data = slices.Concat([]byte("s\n"), data)
		o := texts(rows.CSV)
		got, err := readFrom(t, sourceOf(data, int(step)+1), o)
		if err != nil {
			t.Fatal(err)
		}
		r := csv.NewReader(bytes.NewReader(data))
		r.FieldsPerRecord = -1
		if _, err := r.Read(); err != nil {
			t.Fatal(err)
		}
		for i := 0; ; i++ {
			fields, err := r.Read()
			if errors.Is(err, io.EOF) {
				if i != len(got) {
					t.Fatalf("%d records, want %d: %q", len(got), i, got)
				}
				return
			}
			if err != nil && r.InputOffset() == int64(len(data)) {
				if len(got) <= i || !strings.HasPrefix(got[i], "fault: ") {
					t.Fatalf("record %d is lost: %q", i, got)
				}
				return
			}
			if i >= len(got) {
				t.Fatalf("%d records, and there are more: %q, %v", len(got), fields, err)
			}
			fault := strings.HasPrefix(got[i], "fault: ")
			if right := err == nil && len(fields) == 1; right == fault {
				t.Fatalf("record %d is %q, and encoding/csv says %q, %v", i, got[i], fields, err)
			}
			if want := "s=" + quoted(fields); !fault && got[i] != want {
				t.Fatalf("record %d is %s, want %s", i, got[i], want)
			}
		}
	})
}

func FuzzTFRecord(f *testing.F) {
	for _, name := range []string{"examples.tfrecord", "words.tfrecord"} {
		data := file(f, name)
		f.Add(data, uint8(10))
		f.Add(data[:len(data)-1], uint8(100))
		f.Add(append(data, data...), uint8(255))
	}
	f.Fuzz(func(t *testing.T, data []byte, limit uint8) {
		for _, o := range []rows.Options{texts(rows.TFRecord), inputsOf(rows.TFRecord, declared("x", infer.Float, -1, -1), declared("n", infer.Int8, -1))} {
			o.Limits.MaxLine = int64(limit) + 1
			got, err := readFrom(t, sourceOf(data, 5), o)
			if err != nil && !errors.Is(err, rows.ErrCorrupt) {
				t.Fatal(err)
			}
			if err == nil && len(got)*16 > len(data) {
				t.Fatalf("%d records in %d bytes", len(got), len(data))
			}
		}
	})
}

func FuzzDocument(f *testing.F) {
	for _, seed := range []string{
		`[1, [2, 3], "x"]`, `{"instances": [1, {"x": 2}]}`, `{"inputs": [1, 2]}`, `{"inputs": {"x": [1, 2]}}`,
		`{"inputs": [{"name": "x", "shape": [2], "datatype": "FP32", "data": [1, 2]}]}`, `{"examples": [{"x": 1}]}`,
		`{"signature_name": "serving_default", "instances": []}`, `{"inputs": [{"name": "x", "shape": [1000000000000, 0], "datatype": "FP32", "data": []}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o := scalars(rows.JSON)
		o.Limits.MaxTensor = 1 << 20
		got, err := readFrom(t, sourceOf(data, 1<<20), o)
		if err != nil && !errors.Is(err, rows.ErrCorrupt) && !errors.Is(err, rows.ErrFormat) {
			t.Fatal(err)
		}
		if len(got) > len(data) {
			t.Fatalf("%d rows in %d bytes", len(got), len(data))
		}
		var list []json.RawMessage
		if json.Unmarshal(data, &list) == nil && shallow(data) && len(got) != len(list) {
			t.Fatalf("%d rows of %d elements, %v", len(got), len(list), err)
		}
	})
}

// shallow reports whether a document cannot nest beyond the limit.
func shallow(data []byte) bool {
	return bytes.Count(data, []byte{'['})+bytes.Count(data, []byte{'{'}) < 60
}
