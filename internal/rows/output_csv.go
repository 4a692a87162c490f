package rows

import (
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// csvOutput writes CSV: the instance's columns where instances are joined, those of
// the outputs, and the error. Columns follow from the signature where it knows the
// shapes, else from the first rows; what does not fit into them is an error row.
type csvOutput struct {
	sink      io.Writer
	join      bool
	signature *infer.Signature
	joined    Joined
	declared  *csvColumns // of the inputs and what is joined; nil where the signature does not know them
	chunks    sync.Pool   // of *csvChunk

	// What only Write and Close touch.
	instance csvColumns // nil as long as it is not known
	results  csvColumns // likewise
	start    beginning[*csvChunk]
	line     []byte // rows that are put together

	instanceFit, resultsFit csvFit
}

func newCSVOutput(sink io.Writer, s *infer.Signature, join bool, joined Joined) (Output, error) {
	written := s.Outputs
	if join {
		written = slices.Concat(s.Inputs, s.Outputs)
	}
	if err := checkTypes(CSV, written); err != nil {
		return nil, err
	}
	o := &csvOutput{sink: sink, join: join, joined: joined, signature: s, chunks: sync.Pool{New: func() any { return new(csvChunk) }}}
	if !join {
		o.instance = csvColumns{}
	} else if columns, known := signatureColumns(s.Inputs); known {
		columns = joined.columns(columns)
		o.declared = &columns
	}
	if columns, known := signatureColumns(s.Outputs); known {
		o.results = columns
	}
	if o.known() {
		if _, err := header(o.instance, o.results); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func (o *csvOutput) known() bool { return o.instance != nil && o.results != nil }

func (o *csvOutput) Write(c Chunk) (failed int, err error) { return o.start.add(o, c.(*csvChunk)) }

// learn takes columns that are not known yet from the first row that has them.
func (o *csvOutput) learn(chunk *csvChunk) (known bool) {
	for i := range chunk.rows {
		row := &chunk.rows[i]
		if o.instance == nil && row.instance != nil {
			o.instance = *row.instance
		}
		if o.results == nil && row.results != nil {
			o.results = *row.results
		}
		if o.known() {
			return true
		}
	}
	return o.known()
}

// begin writes the header.
func (o *csvOutput) begin() error {
	text, err := header(o.instance, o.results)
	if err != nil {
		return err
	}
	if _, err := o.sink.Write(text); err != nil {
		return fmt.Errorf("write csv header: %w", err)
	}
	return nil
}

// flushSize is how much of a chunk is put together before it is written: a row of a
// few bytes may have a million empty fields.
const flushSize = 1 << 20

// write writes a chunk, whose lines are right where they fit into the columns and are
// put together anew where they do not. unfit is how many rows with results did not.
func (o *csvOutput) write(chunk *csvChunk) (unfit int, err error) {
	defer o.release(chunk)
	line, written, start := o.line[:0], 0, 0
	for i := range chunk.rows {
		row := &chunk.rows[i]
		reason, fits := o.misfit(row)
		if row.results == nil || reason != nil {
			if reason != nil {
				unfit++
			}
			line = append(line, chunk.text[written:start]...)
			line = o.appendError(line, chunk.text[start:row.end], row.fields-start, fits, reason)
			written = row.end
		}
		start = row.end
		if len(line) > flushSize {
			if _, err := o.sink.Write(line); err != nil {
				return 0, fmt.Errorf("write rows: %w", err)
			}
			line = line[:0]
		}
	}
	rest := chunk.text[written:]
	if len(line) > 0 {
		line = append(line, rest...)
		rest = line
	}
	o.line = line
	if _, err := o.sink.Write(rest); err != nil {
		return 0, fmt.Errorf("write rows: %w", err)
	}
	return unfit, nil
}

// misfit says why a row with results does not fit into the columns. fits says that it
// has an instance and that this fits.
func (o *csvOutput) misfit(row *csvRow) (reason error, fits bool) {
	reason = o.instanceFit.check(o.instance, row.instance)
	fits = row.instance != nil && reason == nil
	if row.results == nil {
		return nil, fits
	}
	if reason == nil {
		reason = o.resultsFit.check(o.results, row.results)
	}
	return reason, fits
}

// appendError appends a row without results. line is what Encode made of it, its first
// fields bytes those of the instance; behind them stands the error, unless it is
// reason.
func (o *csvOutput) appendError(dst, line []byte, fields int, fits bool, reason error) []byte {
	if fits {
		dst = append(dst, line[:fields]...)
	} else {
		dst = appendCommas(dst, o.instance.width())
	}
	dst = appendCommas(dst, o.results.width())
	if reason == nil {
		return append(dst, line[fields:]...)
	}
	dst = codec.AppendCSVText(dst, []byte(message(reason)))
	return append(dst, '\n')
}

func appendCommas(dst []byte, n int) []byte {
	for range n {
		dst = append(dst, ',')
	}
	return dst
}

// Close writes the header if there was no row that says the columns: an output has one
// column then where the signature does not say more.
func (o *csvOutput) Close() error {
	if o.start.begun {
		return nil
	}
	if o.instance == nil {
		o.instance, _ = signatureColumns(o.signature.Inputs)
		o.instance = o.joined.columns(o.instance)
	}
	if o.results == nil {
		o.results, _ = signatureColumns(o.signature.Outputs)
	}
	_, err := o.start.begin(o)
	return err
}
