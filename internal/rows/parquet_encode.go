package rows

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// parquetChunk is the rows of a block as values of columns: those of the instance, of
// the results, and the error.
type parquetChunk struct {
	columns []valueColumn
	rows    []parquetRow
	text    []byte // of strings
	failed  int    // rows whose results cannot be written
}

// valueColumn is the values of a column, with their levels, and where those of each row
// end.
type valueColumn struct {
	values []parquet.Value
	ends   []int
}

func (v *valueColumn) row(i int) []parquet.Value {
	if i == 0 {
		return v.values[:v.ends[0]]
	}
	return v.values[v.ends[i-1]:v.ends[i]]
}

// parquetRow says which columns a row has values for.
type parquetRow struct {
	instance, results *parquetColumns // nil where there are nulls
}

// valueSize is about what a parquet.Value takes.
const valueSize = 24

func (c *parquetChunk) failures() int { return c.failed }

// size is about how much memory the chunk takes.
func (c *parquetChunk) size() int {
	size := cap(c.text) + 16*cap(c.rows)
	for _, column := range c.columns {
		size += valueSize*cap(column.values) + 8*cap(column.ends)
	}
	return size
}

// reset makes an empty chunk of n columns, with the memory of what it was.
func (c *parquetChunk) reset(n int) {
	if len(c.columns) != n {
		c.columns = make([]valueColumn, n)
	}
	for i := range c.columns {
		clear(c.columns[i].values) // they keep old text
		c.columns[i] = valueColumn{c.columns[i].values[:0], c.columns[i].ends[:0]}
	}
	*c = parquetChunk{columns: c.columns, rows: c.rows[:0], text: c.text[:0]}
}

func (o *parquetOutput) Encode(outcome *Outcome) (Chunk, error) {
	chunk := o.chunks.Get().(*parquetChunk)
	chunk.reset(o.inputs + o.outputs + 1)
	e := parquetEncoder{parquetChunk: chunk, inputs: o.inputs, outputs: o.outputs}
	for i := range outcome.Rows {
		e.add(&outcome.Rows[i])
	}
	return chunk, nil
}

// parquetEncoder makes the values of a block.
type parquetEncoder struct {
	*parquetChunk
	inputs, outputs int

	checker  checker // of results
	results  []levelled
	answers  *parquetColumns
	feeds    []infer.Feed // that the rows before had
	instance []levelled
	given    *parquetColumns
}

func (e *parquetEncoder) add(row *Row) {
	var r parquetRow
	if e.inputs > 0 && len(row.Feeds) == e.inputs {
		if len(e.feeds) == 0 || &e.feeds[0] != &row.Feeds[0] {
			e.feeds = row.Feeds
			e.given, e.instance = levels(feedResults(row.Feeds))
		}
		r.instance = e.given
	}
	err := row.Err
	if err == nil {
		r.results, err = e.check(row)
	}
	e.tensors(0, e.inputs, r.instance != nil, e.instance, row.Index)
	e.tensors(e.inputs, e.outputs, err == nil, e.results, row.Index)
	last := len(e.columns) - 1
	value := parquet.NullValue().Level(0, 0, last)
	if err != nil {
		value = parquet.ByteArrayValue([]byte(message(err))).Level(0, 1, last)
	}
	e.end(last, append(e.columns[last].values, value))
	e.rows = append(e.rows, r)
}

func feedResults(feeds []infer.Feed) []infer.Result {
	values := make([]infer.Result, len(feeds))
	for i, feed := range feeds {
		values[i] = infer.Result(feed)
	}
	return values
}

// check says whether the results of a row can be written.
func (e *parquetEncoder) check(row *Row) (*parquetColumns, error) {
	changed, err := e.checker.check(row.Results)
	if err == nil && len(row.Results) != e.outputs {
		err = infer.Errorf(infer.ErrInternal, "the row has %d results, and the signature %d outputs", len(row.Results), e.outputs)
	}
	if err == nil {
		if changed {
			e.answers, e.results = levels(row.Results)
		}
		err = checkUTF8(row)
	}
	if err != nil {
		e.failed++
		return nil, err
	}
	return e.answers, nil
}

// checkUTF8 refuses results that columns of text have no place for.
func checkUTF8(row *Row) error {
	for _, r := range row.Results {
		if t := r.Value; t.DType == infer.String {
			n := t.Len() / int(t.Shape[0])
			for i := row.Index * n; i < (row.Index+1)*n; i++ {
				if !utf8.Valid(t.Element(i)) {
					return infer.Errorf(infer.ErrInvalidArgument, "%q is not UTF-8, for which Parquet's text has no place: use jsonl", r.Name)
				}
			}
		}
	}
	return nil
}

// tensors appends the values of a row to columns from first on, or nulls.
func (e *parquetEncoder) tensors(first, n int, given bool, tensors []levelled, row int) {
	for i := first; i < first+n; i++ {
		values := e.columns[i].values
		if given {
			values = tensors[i-first].append(values, &e.text, row, i)
		} else {
			values = append(values, parquet.NullValue().Level(0, 0, i))
		}
		e.end(i, values)
	}
}

func (e *parquetEncoder) end(column int, values []parquet.Value) {
	e.columns[column] = valueColumn{values, append(e.columns[column].ends, len(values))}
}

// levelled is a tensor, with the levels of Parquet for the values of a row.
type levelled struct {
	*infer.Tensor
	value      func([]byte) parquet.Value
	n          int // values of a row
	repetition []byte
	definition int
	empty      bool // the lists that definition says are empty
}

// levels is the columns of tensors with at least one row, and their levels.
func levels(values []infer.Result) (*parquetColumns, []levelled) {
	columns, tensors := valueColumns(values), make([]levelled, len(values))
	for i, v := range values {
		shape := v.Value.Shape
		l := levelled{Tensor: v.Value, value: parquetTypes[v.Value.DType].value, n: v.Value.Len() / int(shape[0])}
		dims := shape[1:]
		l.definition = 1 + len(dims)
		if empty := slices.Index(dims, 0); empty >= 0 { // only what the lists around it have is there
			dims, l.definition, l.empty = dims[:empty], 1+empty, true
		}
		n, _ := infer.Elements(dims) // a part of what the checks have counted
		l.repetition = repetitionLevels(dims, int(n))
		tensors[i] = l
	}
	return &columns, tensors
}

// repetitionLevels is the levels of n values in lists of the lengths dims: the depth of
// the innermost list that goes on, 0 for the first value.
func repetitionLevels(dims []int64, n int) []byte {
	levels := bytes.Repeat([]byte{byte(len(dims))}, n)
	for depth, stride := len(dims), 1; depth > 0; depth-- {
		stride *= int(dims[depth-1])
		for k := 0; k < n; k += stride {
			levels[k] = byte(depth - 1)
		}
	}
	return levels
}

// append appends the values of a row.
func (l *levelled) append(dst []parquet.Value, text *[]byte, row, column int) []parquet.Value {
	size := l.DType.Size()
	dst = slices.Grow(dst, len(l.repetition))
	for i, repetition := range l.repetition {
		var v parquet.Value
		switch k := row*l.n + i; {
		case l.empty:
		case size == 0:
			start := len(*text)
			*text = append(*text, l.Element(k)...)
			v = l.value((*text)[start:len(*text):len(*text)])
		default:
			v = l.value(l.Data[k*size:])
		}
		dst = append(dst, v.Level(int(repetition), l.definition, column))
	}
	l.KeepAlive()
	return dst
}
