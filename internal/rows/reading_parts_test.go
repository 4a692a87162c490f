package rows_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// divisible are inputs that can be cut, with many kinds of records.
func divisibleInputs(t *testing.T) map[string]struct {
	data []byte
	o    rows.Options
} {
	t.Helper()
	type input = struct {
		data []byte
		o    rows.Options
	}
	text := "\xEF\xBB\xBF1\n\n2\r\n  \nx\n" + strings.Repeat("3", 40) + "\n{\"x\":4}\n[5]\n\n6"
	jsonl := scalars(rows.JSONLines)
	jsonl.Limits.MaxLine = 30
	csv := inputsOf(rows.CSV, declared("a", infer.Float, -1), declared("s", infer.String, -1))
	csv.Limits.MaxLine = 30
	table := "\xEF\xBB\xBF\ns,a\nx,1\n\n\"y,\"\"y\",2\r\n" + strings.Repeat("z", 40) + ",3\n\"x\"y,4\n\"lost,5\nw,6\n\nv,7\nu,8\nt,9\nr,10\nq,11"
	headless := inputsOf(rows.CSV, declared("x", infer.Float, -1, 2))
	examples := inputsOf(rows.TFRecord, declared("x", infer.Float, -1, -1), declared("n", infer.Int32, -1))
	examples.Limits.MaxLine = 60
	array := inputsOf(rows.NPY, declared("x", infer.Float, -1, 2))
	return map[string]input{
		"jsonl":      {[]byte(text), jsonl},
		"csv":        {[]byte(table), csv},
		"csv, plain": {[]byte("1,2\n3,4\n\n5,6\n7,8"), headless},
		"tfrecord":   {file(t, "examples.tfrecord"), examples},
		"npy":        {file(t, "rows.npy"), array},
	}
}

func TestPartsAreTheWhole(t *testing.T) {
	for name, input := range divisibleInputs(t) {
		whole, err := readAll(t, input.data, input.o)
		if err != nil {
			t.Fatal(err)
		}
		if len(whole) < 4 {
			t.Fatalf("%s: only %d records", name, len(whole))
		}
		for size := int64(1); size < int64(len(input.data)); size++ {
			parts, err := rows.Split(t.Context(), sourceOf(input.data, 1<<20), input.o, size)
			if errors.Is(err, rows.ErrNoSplit) && size > int64(len(input.data))/3 {
				continue // all of it may be one record, a header, or behind the middle
			}
			if err != nil {
				t.Fatalf("%s by %d: %v", name, size, err)
			}
			sameRecords(t, fmt.Sprintf("%s by %d", name, size), readParts(t, input.data, input.o, parts), whole)
		}
	}
}

// readParts reads parts one by one. They must cover the input, each beginning where the
// one before ends.
func readParts(t *testing.T, data []byte, o rows.Options, parts []rows.Part) (all []string) {
	t.Helper()
	if len(parts) < 2 || parts[0].From != (rows.Position{}) || parts[len(parts)-1].To != (rows.Position{}) {
		t.Fatalf("parts %v", parts)
	}
	for i, part := range parts {
		if i > 0 && part.From != parts[i-1].To {
			t.Fatalf("parts %v", parts)
		}
		o.Part = part
		got, err := readAll(t, data, o)
		if err != nil {
			t.Fatalf("part %v: %v", part, err)
		}
		all = append(all, got...)
	}
	return all
}

// A boundary between two parts may be anywhere in JSON lines, and in npy.
func TestAnyBoundaryDivides(t *testing.T) {
	for _, name := range []string{"jsonl", "npy"} {
		input := divisibleInputs(t)[name]
		whole, err := readAll(t, input.data, input.o)
		if err != nil {
			t.Fatal(err)
		}
		for place := int64(1); place < int64(len(input.data)); place++ {
			middle := rows.Position{Offset: place}
			got := readParts(t, input.data, input.o, []rows.Part{{To: middle}, {From: middle}})
			sameRecords(t, fmt.Sprintf("%s cut at byte %d", name, place), got, whole)
		}
	}
}

// A shard that does not finish in time hands on the rest from where its last block ends.
func TestABlockEndsWhereTheNextBegins(t *testing.T) {
	for name, input := range divisibleInputs(t) {
		whole, err := readAll(t, input.data, input.o)
		if err != nil {
			t.Fatal(err)
		}
		for n := 1; n < len(whole); n++ {
			o := input.o
			o.Limits.BlockRows = n
			r, err := rows.Open(t.Context(), sourceOf(input.data, 1<<20), o)
			if err != nil {
				t.Fatal(err)
			}
			b, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			r.Close()
			o.Part.From = b.Next
			rest, err := readAll(t, input.data, o)
			if err != nil {
				t.Fatal(err)
			}
			sameRecords(t, fmt.Sprintf("%s behind %d records", name, n), rest, whole[b.N:])
		}
	}
}

func TestWhatDoesNotSplit(t *testing.T) {
	array := inputsOf(rows.NPY, declared("x", infer.Float, -1, 2))
	tests := []struct {
		name string
		data string
		o    rows.Options
		want string
	}{
		{"an object of one part", "1\n2\n", scalars(rows.JSONLines), "4 bytes are one part"},
		{"nothing", "", scalars(rows.CSV), "0 bytes are one part"},
		{"a line break in quotation marks", "x\n1\n\"2\n\"\n" + strings.Repeat("1\n", 20), scalars(rows.CSV), "line break"},
		{"Fortran order", string(file(t, "fortran.npy")), array, "Fortran"},
		{"a document", "[" + strings.Repeat("1, ", 20) + "1]", scalars(rows.JSON), "json is one value"},
		{"arrays", strings.Repeat("x", 40), scalars(rows.NPZ), "npz is one value"},
		{"an image", strings.Repeat("x", 40), scalars(rows.Image), "image is one value"},
		{"one CSV record", strings.Repeat("x", 40), scalars(rows.CSV), "no place to cut"},
	}
	for _, tt := range tests {
		_, err := rows.Split(t.Context(), sourceOf([]byte(tt.data), 1<<20), tt.o, 10)
		if !errors.Is(err, rows.ErrNoSplit) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
	for _, f := range []rows.Format{rows.JSONLines, rows.CSV, rows.TFRecord, rows.NPY} {
		o := scalars(f)
		o.Encoding.Compression = rows.Gzip
		if _, err := rows.Split(t.Context(), sourceOf(make([]byte, 100), 1<<20), o, 10); !errors.Is(err, rows.ErrNoSplit) {
			t.Errorf("compressed %s: %v", f, err)
		}
		o.Part.From.Offset = 10
		if _, err := rows.Open(t.Context(), sourceOf(make([]byte, 100), 1<<20), o); !errors.Is(err, rows.ErrNoSplit) {
			t.Errorf("a part of compressed %s: %v", f, err)
		}
	}
}

func TestPartsOfLinesAreOfAboutTheSize(t *testing.T) {
	src := rows.Source{Size: 1<<40 + 1}
	parts, err := rows.Split(t.Context(), src, scalars(rows.JSONLines), 1<<30)
	if err != nil || len(parts) != 1025 {
		t.Fatalf("%d parts, %v", len(parts), err)
	}
	for i, part := range parts[:1024] {
		if size := part.To.Offset - part.From.Offset; size < 1<<30-1<<21 || size > 1<<30 {
			t.Errorf("part %d has %d bytes", i, size)
		}
	}
}
