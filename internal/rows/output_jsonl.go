package rows

import (
	"fmt"
	"io"
	"sync"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/jsontext"
)

// linesOutput writes JSON lines: {"prediction": …} with an element of TensorFlow
// Serving's "predictions", or {"error": "…"}; before them the "instance", where
// instances are joined.
type linesOutput struct {
	sink   io.Writer
	join   bool
	chunks sync.Pool // of *linesChunk
}

type linesChunk struct {
	text   []byte
	failed int // rows whose results cannot be written
}

func newLinesOutput(sink io.Writer, s *infer.Signature, join bool) (Output, error) {
	if err := checkTypes(JSONLines, s.Outputs); err != nil {
		return nil, err
	}
	return &linesOutput{sink: sink, join: join, chunks: sync.Pool{New: func() any { return new(linesChunk) }}}, nil
}

func (l *linesOutput) Encode(o *Outcome) (Chunk, error) {
	chunk := l.chunks.Get().(*linesChunk)
	dst, failed := chunk.text[:0], 0
	var results checker
	for i := range o.Rows {
		row := &o.Rows[i]
		dst = append(dst, '{')
		if l.join {
			dst = append(appendInstance(append(dst, `"instance":`...), o.Decoded, i), ',')
		}
		err := row.Err
		if err == nil {
			if _, err = results.check(row.Results); err != nil {
				failed++
			}
		}
		if err != nil {
			dst = append(dst, `"error":`...)
			dst = jsontext.AppendText(dst, []byte(o.message(i, err)))
		} else {
			dst = append(dst, `"prediction":`...)
			dst = codec.AppendRow(dst, row.Results, row.Index)
		}
		dst = append(dst, "}\n"...)
	}
	chunk.text, chunk.failed = dst, failed
	return chunk, nil
}

func appendInstance(dst []byte, d *Decoded, record int) []byte {
	if d.Instance == nil {
		return append(dst, "null"...)
	}
	return d.Instance(dst, record)
}

func (l *linesOutput) Write(c Chunk) (failed int, err error) {
	chunk := c.(*linesChunk)
	defer l.chunks.Put(chunk)
	if _, err := l.sink.Write(chunk.text); err != nil {
		return 0, fmt.Errorf("write rows: %w", err)
	}
	return chunk.failed, nil
}

func (l *linesOutput) Close() error { return nil }
