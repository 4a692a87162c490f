package rows

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/npy"
)

// npyOutput writes the only output as a .npy file. It has no place for errors, so a
// row that failed ends it. The header is written with the first rows, which say their
// shape, and again with their number when all are there.
type npyOutput struct {
	sink   Sink
	info   infer.TensorInfo
	header npy.Header // Shape is nil before the first row; Shape[0] counts the rows
	chunks sync.Pool  // of *npyChunk
}

// npyChunk is rows of one shape, up to the first that cannot be written.
type npyChunk struct {
	n     int64
	dtype infer.DType
	shape []int64 // of a row
	data  []byte
	err   error // of the row behind them
}

func newNPYOutput(sink Sink, s *infer.Signature, join bool) (Output, error) {
	switch {
	case join:
		return nil, fmt.Errorf("%w: npy has no place for the instances (OUTPUT_JOIN): use jsonl, csv or parquet", ErrOutput)
	case len(s.Outputs) != 1:
		return nil, fmt.Errorf("%w: npy holds one array and the signature has %d outputs: use jsonl or parquet", ErrOutput, len(s.Outputs))
	}
	info := s.Outputs[0]
	if _, err := npyType(info.DType, info.Name); err != nil {
		return nil, err
	}
	return &npyOutput{sink: sink, info: info, chunks: sync.Pool{New: func() any { return new(npyChunk) }}}, nil
}

// npyType is the type of an output's items. bfloat16, which NumPy does not have,
// becomes float32. Strings would have to be padded to the longest, which is known
// only when all are there.
func npyType(d infer.DType, output string) (npy.DType, error) {
	if d == infer.Bfloat16 {
		return npy.DType{Kind: npy.Float, Size: 4}, nil
	}
	t, ok := npy.TypeOf(d)
	if !ok {
		return t, fmt.Errorf("%w: output %q of type %s has no place in npy: use jsonl or parquet", ErrOutput, output, d)
	}
	return t, nil
}

// Encode leaves a row that cannot be written to Write, which knows its number and
// whether it is the first.
func (o *npyOutput) Encode(outcome *Outcome) (Chunk, error) {
	chunk := o.chunks.Get().(*npyChunk)
	*chunk = npyChunk{data: chunk.data[:0]}
	for i := range outcome.Rows {
		if !chunk.add(outcome, i) {
			break
		}
	}
	return chunk, nil
}

// add reports whether it could add a row.
func (c *npyChunk) add(o *Outcome, record int) bool {
	if c.err = c.append(o, record); c.err != nil {
		return false
	}
	c.n++
	return true
}

func (c *npyChunk) append(o *Outcome, record int) error {
	row := &o.Rows[record]
	if row.Err != nil {
		text := o.Message(record)
		if strings.HasPrefix(text, "row ") { // as Write says
			text = message(row.Err)
		}
		return fmt.Errorf("%s; npy has no place for errors: use jsonl, csv or parquet", text)
	}
	t := row.Results[0].Value
	if c.n == 0 {
		c.dtype, c.shape = t.DType, slices.Clone(t.Shape[1:])
	} else if err := sameRows(c.dtype, c.shape, t.DType, t.Shape[1:]); err != nil {
		return err
	}
	size := t.DType.Size()
	if size == 0 {
		return fmt.Errorf("type %s has no place in npy: use jsonl or parquet", t.DType)
	}
	size *= t.Len() / int(t.Shape[0])
	data := t.Data[row.Index*size : (row.Index+1)*size]
	if t.DType == infer.Bfloat16 {
		c.data = codec.AppendWidened(c.data, t.DType, data)
	} else {
		c.data = append(c.data, data...)
	}
	t.KeepAlive()
	return nil
}

// sameRows says how a row differs from those before.
func sameRows(wantType infer.DType, want []int64, gotType infer.DType, got []int64) error {
	if wantType != gotType || !slices.Equal(want, got) {
		return fmt.Errorf("the answer is %s%s and those before are %s%s; npy holds one shape: use jsonl",
			gotType, infer.FormatShape(got), wantType, infer.FormatShape(want))
	}
	return nil
}

func (o *npyOutput) Write(c Chunk) (failed int, err error) {
	chunk := c.(*npyChunk)
	defer o.chunks.Put(chunk)
	if chunk.n > 0 {
		if err := o.write(chunk); err != nil {
			return 0, err
		}
	}
	if chunk.err != nil {
		return 0, fmt.Errorf("%w: row %d: %w", ErrOutput, o.rows()+1, chunk.err)
	}
	return 0, nil
}

// rows is how many rows are written.
func (o *npyOutput) rows() int64 {
	if o.header.Shape == nil {
		return 0
	}
	return o.header.Shape[0]
}

func (o *npyOutput) write(chunk *npyChunk) error {
	if o.header.Shape == nil {
		o.info.DType = chunk.dtype
		if err := o.begin(chunk.shape); err != nil {
			return err
		}
	} else if err := sameRows(o.info.DType, o.header.Shape[1:], chunk.dtype, chunk.shape); err != nil {
		return fmt.Errorf("%w: row %d: %w", ErrOutput, o.rows()+1, err)
	}
	if _, err := o.sink.Write(chunk.data); err != nil {
		return fmt.Errorf("write rows: %w", err)
	}
	o.header.Shape[0] += chunk.n
	return nil
}

// begin writes the header for rows of the given shape.
func (o *npyOutput) begin(shape []int64) (err error) {
	if o.header.DType, err = npyType(o.info.DType, o.info.Name); err != nil {
		return err
	}
	o.header.Shape = slices.Concat([]int64{0}, shape)
	if _, err := o.sink.Write(npy.AppendHeader(nil, o.header)); err != nil {
		return fmt.Errorf("write npy header: %w", err)
	}
	return nil
}

// Close writes the number of rows. Without any their shape is the signature's, with 0
// for what that does not know.
func (o *npyOutput) Close() error {
	if o.rows() > 0 {
		if err := o.sink.Rewrite(npy.AppendHeader(nil, o.header)); err != nil {
			return fmt.Errorf("rewrite npy header: %w", err)
		}
		return nil
	}
	var shape []int64
	if len(o.info.Shape) > 0 {
		shape = slices.Clone(o.info.Shape[1:])
	}
	for i, d := range shape {
		shape[i] = max(d, 0)
	}
	return o.begin(shape)
}
