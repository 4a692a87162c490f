package rows

import (
	"slices"

	"github.com/parquet-go/parquet-go"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// csvChunk is lines of a block. Those with results are complete, as long as they fit
// into the columns. In the others the fields of the results are missing, and those of
// the instance where there was none.
type csvChunk struct {
	text   []byte
	rows   []csvRow
	failed int // rows whose results cannot be written
}

// csvRow is a line. It begins where the one before ends.
type csvRow struct {
	fields, end int         // where the fields of the instance end, and the line
	instance    *csvColumns // nil where the fields are missing
	results     *csvColumns // nil where there is an error in their place
}

// rowSize is about what a csvRow takes.
const rowSize = 32

// size is about how much memory the chunk takes.
func (c *csvChunk) size() int { return cap(c.text) + rowSize*cap(c.rows) }

func (c *csvChunk) failures() int { return c.failed }

func (o *csvOutput) release(chunk *csvChunk) {
	clear(chunk.rows)
	o.chunks.Put(chunk)
}

func (o *csvOutput) Encode(outcome *Outcome) (Chunk, error) {
	chunk := o.chunks.Get().(*csvChunk)
	e := csvEncoder{csvChunk: csvChunk{text: chunk.text[:0], rows: chunk.rows[:0]}, outcome: outcome, output: o}
	if o.join && outcome.Fields != nil {
		e.named = namedColumns(outcome.Columns)
	}
	for i := range outcome.Rows {
		e.add(i)
	}
	*chunk = e.csvChunk
	return chunk, nil
}

// csvEncoder makes the lines of a block.
type csvEncoder struct {
	csvChunk
	outcome *Outcome
	output  *csvOutput  // only what is not changed once made
	named   *csvColumns // of an input that is CSV itself

	checker checker     // of results
	columns *csvColumns // of the results that were checked
	feeds   feedColumns
	further []parquet.Value // of a row
}

// feedColumns is the feeds that the rows before had.
type feedColumns struct {
	last    []infer.Feed
	values  []infer.Result
	columns *csvColumns
}

func (e *csvEncoder) add(record int) {
	row := &e.outcome.Rows[record]
	line := csvRow{instance: e.instance(row, record)}
	line.fields = len(e.text)
	err := row.Err
	if err == nil {
		line.results, err = e.results(row)
	}
	if err != nil {
		e.text = codec.AppendCSVText(e.text, []byte(e.outcome.message(record, err)))
	}
	e.text = append(e.text, '\n')
	line.end = len(e.text)
	e.rows = append(e.rows, line)
}

// instance appends the fields of a record.
func (e *csvEncoder) instance(row *Row, record int) *csvColumns {
	switch {
	case !e.output.join:
		return nil
	case e.named != nil:
		e.text = e.outcome.Fields(e.text, record)
		return e.named
	case row.Err != nil && !complete(row.Feeds):
		return e.part(row, record)
	}
	if f := &e.feeds; len(f.last) == 0 || &f.last[0] != &row.Feeds[0] {
		f.last, f.values = row.Feeds, f.values[:0]
		for _, feed := range row.Feeds {
			f.values = append(f.values, infer.Result(feed))
		}
		columns := e.output.joined.columns(*tensorColumns(f.values))
		f.columns = &columns
	}
	e.text = appendValues(e.text, e.feeds.values, row.Index)
	e.carry(record)
	return e.feeds.columns
}

// complete reports whether feeds are those of a record without a fault.
func complete(feeds []infer.Feed) bool {
	return len(feeds) > 0 && !slices.ContainsFunc(feeds, func(f infer.Feed) bool { return f.Value == nil })
}

// part appends what could be read of a record, with empty fields for the rest. Where the
// signature does not say how many these are, that is nothing.
func (e *csvEncoder) part(row *Row, record int) *csvColumns {
	if e.output.declared == nil || len(row.Feeds) == 0 && e.outcome.further == nil {
		return nil
	}
	for k := range e.output.signature.Inputs {
		column := (*e.output.declared)[k]
		if k < len(row.Feeds) && row.Feeds[k].Value != nil && int64(row.Feeds[k].Value.Len()) == column.n {
			e.text = appendValues(e.text, []infer.Result{infer.Result(row.Feeds[k])}, 0)
			continue
		}
		for range column.n {
			e.text = append(e.text, ',')
		}
	}
	e.carry(record)
	return e.output.declared
}

// carry appends the further columns of a record.
func (e *csvEncoder) carry(record int) {
	columns := e.output.joined.further
	if len(columns) == 0 {
		return
	}
	e.further = e.outcome.carried(e.further[:0], record)
	for k, c := range columns {
		if k < len(e.further) {
			e.text = appendCSVCell(e.text, c.typ, e.further[k])
		}
		e.text = append(e.text, ',')
	}
}

// results appends the fields of an answer.
func (e *csvEncoder) results(row *Row) (*csvColumns, error) {
	changed, err := e.checker.check(row.Results)
	if err != nil {
		e.failed++
		return nil, err
	}
	if changed {
		e.columns = tensorColumns(row.Results)
	}
	e.text = appendValues(e.text, row.Results, row.Index)
	return e.columns, nil
}

func appendValues(dst []byte, values []infer.Result, row int) []byte {
	for i := range values {
		dst = codec.AppendCSVRow(dst, &values[i], row)
	}
	return dst
}
