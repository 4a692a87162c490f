package rows

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// columnBlock is consecutive rows of a column, as elements of its input.
type columnBlock struct {
	data []byte
	ends []int // where each string ends in data
	rows []columnRow
}

// columnRow is a row of a block. Its elements and data begin where those of the row
// before end.
type columnRow struct {
	end, bytes int
	dims       []int64 // the lengths of its lists, outer ones first; none for a scalar
	err        error   // an *infer.Error; there are no elements then
}

// columnRowSize is about what a columnRow takes.
const columnRowSize = 56

// before is the row before one.
func (b *columnBlock) before(row int) columnRow {
	if row == 0 {
		return columnRow{}
	}
	return b.rows[row-1]
}

// columnReader makes rows of the values of a column in a row group. Pages end at other
// rows than those of other columns, so it reads ahead of what is cut.
type columnReader struct {
	*parquetLeaf
	values *chunkValues
	limit  int64 // bytes of a row

	block   columnBlock // the rows that have not been cut, and the elements of the open one
	open    bool        // there is a row that may go on
	lists   rowLists    // of the open row
	err     error       // why it cannot be used
	buffer  [1024]parquet.Value
	convert converter
}

func (c *columnReader) elements() int {
	if c.input.DType == infer.String {
		return len(c.block.ends)
	}
	return len(c.block.data) / c.input.DType.Size()
}

// fill reads until n rows are complete, or they have most bytes, at least one.
func (c *columnReader) fill(n int, most int64) error {
	for len(c.block.rows) < n {
		if have := len(c.block.rows); have > 0 && c.bytes(have) >= most {
			return nil
		}
		if err := c.read(n); errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: column %q has fewer rows than its row group", ErrCorrupt, c.name)
		} else if err != nil {
			return fmt.Errorf("column %q: %w", c.name, err)
		}
	}
	return nil
}

// bytes is how much memory the first n rows take.
func (c *columnReader) bytes(n int) int64 {
	last := c.block.before(n)
	size := int64(last.bytes)
	if c.input.DType == infer.String {
		size += infer.StringOverhead * int64(last.end)
	}
	return size
}

// read reads some values, for n rows at most where each has one. It is io.EOF where
// there is nothing more.
func (c *columnReader) read(n int) error {
	buffer := c.buffer[:]
	if c.rank == 0 {
		buffer = buffer[:min(len(buffer), n-len(c.block.rows))]
	}
	k, err := c.values.read(buffer)
	if errors.Is(err, io.EOF) && c.open {
		c.endRow()
		return nil
	} else if err != nil {
		return err
	}
	if c.rank == 0 {
		c.addScalars(buffer[:k])
		return nil
	}
	return c.addLists(buffer[:k])
}

// addScalars adds rows of one value each, all at once if none is null or out of range.
func (c *columnReader) addScalars(values []parquet.Value) {
	from := c.elements()
	if !c.values.full || c.input.DType == infer.String || c.convert.append(&c.block, values) != nil {
		for i := range values {
			c.add(values[i : i+1])
			c.endRow()
		}
		return
	}
	size := len(c.block.data) / c.elements()
	for i := range values {
		c.block.rows = append(c.block.rows, columnRow{end: from + i + 1, bytes: (from + i + 1) * size})
	}
}

// addLists adds values of lists, which may begin and end within a row.
func (c *columnReader) addLists(values []parquet.Value) error {
	for len(values) > 0 {
		if values[0].RepetitionLevel() == 0 {
			if c.open {
				c.endRow()
			}
		} else if !c.open {
			return fmt.Errorf("%w: it begins within a row", ErrCorrupt)
		}
		c.open = true
		run := 1
		for run < len(values) && values[run].RepetitionLevel() != 0 {
			run++
		}
		c.add(values[:run])
		values = values[run:]
	}
	return nil
}

// add adds values to the open row.
func (c *columnReader) add(values []parquet.Value) {
	start := c.block.before(len(c.block.rows))
	if c.err == nil {
		c.err = c.lists.add(c.parquetLeaf, values, c.values.full)
	}
	if size := c.size(values) + int64(len(c.block.data)-start.bytes+len(c.lists.repetition)); c.err == nil && size > c.limit {
		c.err = rowTooLarge(c.limit)
	}
	if c.err == nil && c.lists.empty == 0 {
		if err := c.convert.append(&c.block, values); err != nil {
			c.err = infer.Errorf(infer.ErrInvalidArgument, "column %q: %s", c.name, err)
		}
	}
	if c.err != nil {
		c.drop(start)
	}
}

// size is how many bytes values become. A dictionary makes a long string of a few bits.
func (c *columnReader) size(values []parquet.Value) int64 {
	if c.input.DType != infer.String {
		return int64(len(values) * c.input.DType.Size())
	}
	size := int64(0)
	for i := range values {
		size += int64(len(values[i].ByteArray()))
	}
	return size
}

// drop takes out what is there of the open row.
func (c *columnReader) drop(start columnRow) {
	c.block.data = c.block.data[:start.bytes]
	if c.input.DType == infer.String {
		c.block.ends = c.block.ends[:start.end]
	}
	c.lists.reset()
}

// endRow ends the open row.
func (c *columnReader) endRow() {
	var dims []int64
	if c.err == nil {
		dims, c.err = c.lists.dims(c.parquetLeaf)
	}
	if c.err != nil {
		c.drop(c.block.before(len(c.block.rows)))
	}
	c.block.rows = append(c.block.rows, columnRow{c.elements(), len(c.block.data), dims, c.err})
	c.open, c.err = false, nil
	c.lists.reset()
}

// cut hands out the first n rows, whose memory is then the caller's.
func (c *columnReader) cut(n int) columnBlock {
	b, last := &c.block, c.block.before(n)
	if len(b.rows) == n && len(b.data) == last.bytes {
		all := *b
		c.block = columnBlock{make([]byte, 0, len(b.data)), make([]int, 0, len(b.ends)), make([]columnRow, 0, n)}
		return all
	}
	first := columnBlock{move(&b.data, last.bytes), move(&b.ends, min(last.end, len(b.ends))), move(&b.rows, n)}
	for i := range b.rows {
		b.rows[i].end -= last.end
		b.rows[i].bytes -= last.bytes
	}
	for i := range b.ends {
		b.ends[i] -= last.bytes
	}
	return first
}

// move takes the first n items out of a list.
func move[T any](list *[]T, n int) []T {
	first := slices.Clone((*list)[:n])
	*list = (*list)[:copy(*list, (*list)[n:])]
	return first
}

// held is how much memory the page and the rows take.
func (c *columnReader) held() int64 {
	return c.values.held() + int64(cap(c.block.data)+8*cap(c.block.ends)+columnRowSize*cap(c.block.rows))
}

// finish checks that there are no more rows.
func (c *columnReader) finish() error {
	if n, err := c.values.read(c.buffer[:1]); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("column %q: %w", c.name, err)
	} else if n > 0 || c.open || len(c.block.rows) > 0 {
		return fmt.Errorf("%w: column %q has more rows than its row group", ErrCorrupt, c.name)
	}
	return nil
}
