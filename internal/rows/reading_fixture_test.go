package rows_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// openBodies counts what sources have opened and nobody has closed.
var openBodies atomic.Int64

type readingBody struct {
	io.Reader
	closed bool
}

func (b *readingBody) Close() error {
	if !b.closed {
		b.closed = true
		openBodies.Add(-1)
	}
	return nil
}

// sourceOf is data as a source whose reads return at most step bytes.
func sourceOf(data []byte, step int) rows.Source {
	return rows.Source{Size: int64(len(data)), Open: func(_ context.Context, from, to int64) (io.ReadCloser, error) {
		if from < 0 || from >= to || to > int64(len(data)) {
			return nil, fmt.Errorf("bytes %d to %d of %d were asked for", from, to, len(data))
		}
		openBodies.Add(1)
		return &readingBody{Reader: stepReader{bytes.NewReader(data[from:to]), step}}, nil
	}}
}

type stepReader struct {
	r    io.Reader
	step int
}

func (s stepReader) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), s.step)]) }

// inputsOf are options for a signature with these inputs.
func inputsOf(f rows.Format, inputs ...infer.TensorInfo) rows.Options {
	inputs = slices.Clone(inputs)
	carried := map[string]infer.Shape{} // as the graphs of TensorFlow 2 do
	for i := range inputs {
		inputs[i].Tensor = inputs[i].Name + ":0"
		if inputs[i].Shape != nil {
			carried[inputs[i].Name] = inputs[i].Shape
		}
	}
	infer.SortTensors(inputs)
	outputs := []infer.TensorInfo{declared("y", infer.Float, -1)}
	catalog := outputCatalog(inputs, outputs)
	catalog.Placeholders = carried
	return rows.Options{Encoding: rows.Encoding{Format: f}, Catalog: catalog}
}

// scalars are options for rows that are one float each.
func scalars(f rows.Format) rows.Options { return inputsOf(f, declared("x", infer.Float, -1)) }

// readAll reads every record: what it feeds, such as "x[2]=1 2", or "fault: " and why.
func readAll(t testing.TB, data []byte, o rows.Options) ([]string, error) {
	t.Helper()
	return readFrom(t, sourceOf(data, 1<<20), o)
}

func readFrom(t testing.TB, src rows.Source, o rows.Options) (all []string, err error) {
	t.Helper()
	before := openBodies.Load()
	r, err := rows.Open(t.Context(), src, o)
	if err != nil {
		if now := openBodies.Load(); now != before {
			t.Errorf("Open failed and left %d bodies open", now-before)
		}
		return nil, err
	}
	defer func() {
		r.Close()
		if now := openBodies.Load(); now != before {
			t.Errorf("Close left %d bodies open", now-before)
		}
	}()
	last := o.Part.From
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			if _, err := r.Next(); !errors.Is(err, io.EOF) {
				t.Errorf("Next behind the end: %v", err)
			}
			return all, nil
		}
		if err != nil {
			return all, err
		}
		if b.First != int64(len(all)) || b.N < 1 {
			t.Fatalf("a block of %d records from %d on, behind %d", b.N, b.First, len(all))
		}
		if o.Encoding.Compression == rows.None && b.Next != (rows.Position{}) && b.Next.Offset <= last.Offset {
			t.Fatalf("a block ends at %v, the one before at %v", b.Next, last)
		}
		last = b.Next
		d, err := r.Decoder().Decode(b)
		if err != nil {
			return all, err
		}
		all = append(all, described(t, b, d, o)...)
	}
}

// described is what became of the records of a block, each of which must be in one place.
func described(t testing.TB, b *rows.Block, d *rows.Decoded, o rows.Options) []string {
	t.Helper()
	if d.N != b.N {
		t.Fatalf("a block of %d records is decoded as %d", b.N, d.N)
	}
	if (d.Instance != nil) != o.Join {
		t.Fatalf("Instance is there: %v, wanted: %v", d.Instance != nil, o.Join)
	}
	records := make([]string, d.N)
	put := func(record int, text string) {
		if records[record] != "" {
			t.Fatalf("record %d is %q and %q", record, records[record], text)
		}
		records[record] = text
	}
	for _, g := range d.Groups {
		for row, record := range g.Records {
			var feeds []string
			for _, f := range g.Feeds {
				if f.Value.Shape[0] != int64(len(g.Records)) {
					t.Fatalf("a feed of shape %v for %d records", f.Value.Shape, len(g.Records))
				}
				feeds = append(feeds, f.Name+rowText(f.Value, row))
			}
			put(record, strings.Join(feeds, " "))
		}
	}
	for _, f := range d.Faults {
		public, ok := errors.AsType[*infer.Error](f.Err)
		if !ok {
			t.Fatalf("a fault that is no *infer.Error: %v", f.Err)
		}
		put(f.Record, "fault: "+public.Message)
	}
	for i, text := range records {
		if text == "" {
			t.Fatalf("record %d of %d is nowhere", i, d.N)
		}
	}
	return records
}

// rowText is a row of a tensor: "[2]=1 2", or "=1" for a scalar.
func rowText(t *infer.Tensor, row int) string {
	shape := ""
	if len(t.Shape) > 1 {
		shape = infer.FormatShape(t.Shape[1:])
	}
	n := t.Len() / int(t.Shape[0])
	values := make([]string, n)
	for i := range values {
		values[i] = elementText(t, row*n+i)
	}
	return shape + "=" + strings.Join(values, " ")
}

func elementText(t *infer.Tensor, i int) string {
	le := binary.LittleEndian
	switch t.DType {
	case infer.String:
		return fmt.Sprintf("%q", t.Element(i))
	case infer.Float:
		return fmt.Sprint(math.Float32frombits(le.Uint32(t.Data[4*i:])))
	case infer.Double:
		return fmt.Sprint(math.Float64frombits(le.Uint64(t.Data[8*i:])))
	case infer.Int64:
		return fmt.Sprint(int64(le.Uint64(t.Data[8*i:])))
	case infer.Int32:
		return fmt.Sprint(int32(le.Uint32(t.Data[4*i:])))
	case infer.Int8:
		return fmt.Sprint(int8(t.Data[i]))
	case infer.Uint8, infer.Bool:
		return fmt.Sprint(t.Data[i])
	default:
		panic("no text for " + t.DType.String())
	}
}

// file is a file of testdata/reading.
func file(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/reading/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// lines is a list of records as a test writes it.
func lines(list ...string) []string { return list }

func sameRecords(t testing.TB, what string, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d records, want %d\n got %.300q\nwant %.300q", what, len(got), len(want), got, want)
		return
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%s: record %d is\n     %s\nwant %s", what, i, got[i], want[i])
		}
	}
}

func readerOf(t testing.TB, data []byte, step int, o rows.Options) rows.Reader {
	t.Helper()
	r, err := rows.Open(t.Context(), sourceOf(data, step), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// instances are those of all records of r, which it closes.
func instances(t testing.TB, r rows.Reader) (all []string, err error) {
	t.Helper()
	defer r.Close()
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		d, err := r.Decoder().Decode(b)
		if err != nil {
			return all, err
		}
		for i := range d.N {
			all = append(all, string(d.Instance(nil, i)))
		}
	}
}

// quoted writes fields as rowText does.
func quoted(fields []string) string {
	list := make([]string, len(fields))
	for i, f := range fields {
		list[i] = fmt.Sprintf("%q", f)
	}
	return strings.Join(list, " ")
}
