package rows

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// divisible reports why an object in an encoding has to be read as a whole. The error is
// ErrNoSplit.
func divisible(e Encoding) error {
	if e.Compression != None {
		return fmt.Errorf("%s can only be read from its start: %w", e.Compression, ErrNoSplit)
	}
	switch e.Format {
	case JSON, NPZ, Image:
		return fmt.Errorf("%s is one value: %w", e.Format, ErrNoSplit)
	default:
		return nil
	}
}

// Split cuts an input into parts of about size bytes: where JSON lines end by
// arithmetic, others where their records end, which takes reading CSV and TFRecord
// once. The error is ErrNoSplit, with the reason, for what has to be read as a whole
// (compressed objects, json, npz, images, CSV with line breaks in quotation marks, and
// what is no longer than size).
func Split(ctx context.Context, src Source, o Options, size int64) ([]Part, error) {
	o.Limits = o.Limits.withDefaults()
	o.Part = Part{}
	if err := divisible(o.Encoding); err != nil {
		return nil, err
	}
	if size = max(size, 1); src.Size <= size {
		return nil, fmt.Errorf("%d bytes are one part: %w", src.Size, ErrNoSplit)
	}
	switch o.Encoding.Format {
	case JSONLines:
		return splitLines(src, size), nil
	case CSV:
		return splitCSV(ctx, src, o, size)
	case TFRecord:
		return splitTFRecord(ctx, src, o, size)
	case NPY:
		return splitNPY(ctx, src, o, size)
	case Parquet:
		return splitParquet(ctx, src, o, size)
	default:
		return nil, fmt.Errorf("format %q: %w", o.Encoding.Format, ErrFormat)
	}
}

// cutter cuts what has total bytes into parts of the same size, at the first place from
// each boundary on where it may be cut.
type cutter struct {
	total, parts int64
	cut          []Part
	from         int64
}

func newCutter(total, size int64) *cutter {
	return &cutter{total: total, parts: (total + size - 1) / size}
}

// boundary is where part n should end.
func (c *cutter) boundary(n int64) int64 {
	return c.total/c.parts*n + c.total%c.parts*n/c.parts
}

// offer tells a place where it may be cut. Places come in ascending order.
func (c *cutter) offer(place int64) {
	if place >= c.total || place < c.boundary(int64(len(c.cut))+1) {
		return
	}
	c.cut = append(c.cut, Part{From: Position{Offset: c.from}, To: Position{Offset: place}})
	c.from = place
}

// finish is the parts.
func (c *cutter) finish() ([]Part, error) {
	if len(c.cut) == 0 {
		return nil, fmt.Errorf("there is no place to cut between two records: %w", ErrNoSplit)
	}
	return append(c.cut, Part{From: Position{Offset: c.from}}), nil
}

// splitLines leaves it to readers to find where a line begins.
func splitLines(src Source, size int64) []Part {
	c := newCutter(src.Size, size)
	for n := int64(1); n < c.parts; n++ {
		c.offer(c.boundary(n))
	}
	return append(c.cut, Part{From: Position{Offset: c.from}})
}

// splitCSV walks the records. Line breaks inside of quotation marks are refused, as
// documented for users: whoever looks at the lines around a part's boundary, to repair a
// shard say, would take them for rows.
func splitCSV(ctx context.Context, src Source, o Options, size int64) ([]Part, error) {
	records, err := openRecords(ctx, src, o, 0, 0)
	if err != nil {
		return nil, err
	}
	defer records.Close()
	c := newCutter(src.Size, size)
	for {
		record, err := records.next()
		if errors.Is(err, io.EOF) {
			return c.finish()
		} else if err != nil {
			return nil, err
		}
		if k := bytes.IndexByte(record, '\n'); k >= 0 && k < len(record)-1 {
			return nil, fmt.Errorf("a field in quotation marks before byte %d has a line break: %w", records.text.offset(), ErrNoSplit)
		}
		c.offer(records.text.offset())
	}
}

func splitTFRecord(ctx context.Context, src Source, o Options, size int64) ([]Part, error) {
	records, err := openTFRecords(ctx, src, o, Part{})
	if err != nil {
		return nil, err
	}
	defer records.Close()
	c := newCutter(src.Size, size)
	for {
		if _, err := records.next(); errors.Is(err, io.EOF) {
			return c.finish()
		} else if err != nil {
			return nil, err
		}
		c.offer(records.offset())
	}
}

func splitNPY(ctx context.Context, src Source, o Options, size int64) ([]Part, error) {
	_, info, err := onlyInput(o, "save several arrays with numpy.savez as .npz")
	if err != nil {
		return nil, unreadable(NPY, err)
	}
	s, a, head, err := openArray(ctx, src, o, info)
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	if inFortranOrder(&a.header) {
		return nil, errFortran
	}
	c := newCutter(src.Size, size)
	r := npyReader{decoder: arrayDecoder{arrays: []*array{a}}, head: head}
	for n := int64(1); n < c.parts; n++ {
		c.offer(r.offset(r.rowAt(c.boundary(n))))
	}
	return c.finish()
}

// memory is a source whose bytes are in memory.
func memory(data []byte) Source {
	return Source{Size: int64(len(data)), Open: func(_ context.Context, from, to int64) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data[from:to])), nil
	}}
}
