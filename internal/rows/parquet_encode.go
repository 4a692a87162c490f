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
	chunk.reset(o.inputs + len(o.joined.further) + o.outputs + 1)
	e := parquetEncoder{parquetChunk: chunk, output: o, outcome: outcome}
	for i := range outcome.Rows {
		e.add(i)
	}
	return chunk, nil
}

// parquetEncoder makes the values of a block.
type parquetEncoder struct {
	*parquetChunk
	output  *parquetOutput // only what is not changed once made
	outcome *Outcome

	checker  checker // of results
	results  []levelled
	answers  *parquetColumns
	feeds    []infer.Feed // that the rows before had
	instance []levelled
	given    *parquetColumns
	further  []parquet.Value // of a row
}

func (e *parquetEncoder) add(record int) {
	var r parquetRow
	row := &e.outcome.Rows[record]
	if e.output.inputs > 0 && len(row.Feeds) == e.output.inputs {
		if len(e.feeds) == 0 || &e.feeds[0] != &row.Feeds[0] {
			e.feeds = row.Feeds
			e.given, e.instance = e.instanceOf(row)
		}
		r.instance = e.given
	}
	err := row.Err
	if err == nil {
		r.results, err = e.check(row)
	}
	e.tensors(0, e.output.inputs, r.instance != nil, e.instance, row.Index)
	e.carry(record)
	last := len(e.columns) - 1
	e.tensors(last-e.output.outputs, e.output.outputs, err == nil, e.results, row.Index)
	value := parquet.NullValue().Level(0, 0, last)
	if err != nil {
		value = parquet.ByteArrayValue([]byte(e.outcome.message(record, err))).Level(0, 1, last)
	}
	e.end(last, append(e.columns[last].values, value))
	e.rows = append(e.rows, r)
}

// instanceOf is the columns of a row's feeds. Of those with a fault some are missing,
// and where the signature does not say what these would be, all of them.
func (e *parquetEncoder) instanceOf(row *Row) (*parquetColumns, []levelled) {
	values := feedResults(row.Feeds)
	if !slices.ContainsFunc(values, func(v infer.Result) bool { return v.Value == nil }) {
		columns, tensors := levels(values)
		e.asText(tensors, values)
		return columns, tensors
	}
	if e.output.declared == nil {
		return nil, nil
	}
	tensors := make([]levelled, len(values))
	for k := range values {
		if one := values[k : k+1]; one[0].Value != nil {
			columns, of := levels(one)
			if (*columns)[0] == e.output.declared[k] {
				e.asText(of, one)
				tensors[k] = of[0]
			}
		}
	}
	return &e.output.declared, tensors
}

// asText has strings that go into columns of text become UTF-8, which the input has
// promised but nobody has checked.
func (e *parquetEncoder) asText(tensors []levelled, values []infer.Result) {
	for k, v := range values {
		if e.output.joined.text[v.Name] && v.Value.DType == infer.String {
			tensors[k].value = func(b []byte) parquet.Value { return parquet.ByteArrayValue(validUTF8(b)) }
		}
	}
}

func validUTF8(b []byte) []byte {
	if utf8.Valid(b) {
		return b
	}
	return bytes.ToValidUTF8(b, []byte("\uFFFD"))
}

// carry appends the further columns of a record.
func (e *parquetEncoder) carry(record int) {
	columns := e.output.joined.further
	if len(columns) == 0 {
		return
	}
	e.further = e.outcome.carried(e.further[:0], record)
	for k, column := range columns {
		i := e.output.inputs + k
		v := parquet.NullValue().Level(0, 0, i)
		if k < len(e.further) && !e.further[k].IsNull() {
			v = e.own(e.further[k], column.typ).Level(0, 1, i)
		}
		e.end(i, append(e.columns[i].values, v))
	}
}

// own is a value whose bytes are the chunk's.
func (e *parquetEncoder) own(v parquet.Value, typ parquet.Type) parquet.Value {
	kind := v.Kind()
	if kind != parquet.ByteArray && kind != parquet.FixedLenByteArray {
		return v
	}
	start := len(e.text)
	if t := typ.LogicalType(); t != nil && isTextType(t) {
		e.text = append(e.text, validUTF8(v.ByteArray())...)
	} else {
		e.text = append(e.text, v.ByteArray()...)
	}
	bytes := e.text[start:len(e.text):len(e.text)]
	if kind == parquet.FixedLenByteArray {
		return parquet.FixedLenByteArrayValue(bytes)
	}
	return parquet.ByteArrayValue(bytes)
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
	if err == nil && len(row.Results) != e.output.outputs {
		err = infer.Errorf(infer.ErrInternal, "the row has %d results, and the signature %d outputs", len(row.Results), e.output.outputs)
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
		if given && tensors[i-first].Tensor != nil {
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
