package rows

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

// openParquet reads the columns of a Parquet file that are inputs.
func openParquet(ctx context.Context, src Source, o Options) (Reader, error) {
	file, err := openParquetFile(ctx, src, o.Limits)
	if err != nil {
		return nil, parquetError(err)
	}
	table, err := matchColumns(file, o)
	if err != nil {
		return nil, parquetError(err)
	}
	return newParquetReader(ctx, src, o, file, table), nil
}

func parquetError(err error) error { return fmt.Errorf("parquet input: %w", err) }

// splitParquet cuts a file where row groups begin.
func splitParquet(ctx context.Context, src Source, o Options, size int64) ([]Part, error) {
	file, err := openParquetFile(ctx, src, o.Limits)
	if err != nil {
		return nil, parquetError(err)
	}
	var parts []Part
	from, sum := Position{}, int64(0)
	groups := len(file.Metadata().RowGroups)
	for k := range groups {
		group := compressedSize(file, k)
		if sum > 0 && sum+group/2 > size {
			to := Position{Offset: int64(k)}
			parts = append(parts, Part{from, to})
			from, sum = to, 0
		}
		sum += group
	}
	if len(parts) == 0 {
		return nil, fmt.Errorf("%d row groups in %d bytes are one part: %w", groups, src.Size, ErrNoSplit)
	}
	return append(parts, Part{From: from}), nil
}

// compressedSize is the bytes of a row group in the file.
func compressedSize(file *parquet.File, group int) int64 {
	size := int64(0)
	for _, chunk := range file.Metadata().RowGroups[group].Columns {
		size += chunk.MetaData.TotalCompressedSize
	}
	return size
}

// parquetReader makes blocks of the rows of a file.
type parquetReader struct {
	file    *parquet.File
	fetch   *chunkFetcher
	table   *parquetTable
	limits  Limits
	join    bool
	to      Position
	columns []*columnReader // of the row group under way

	group  int
	row    int64 // of the group
	last   int64 // the row of the group that the part ends before
	rate   int64 // rows of the group that are about a block
	first  int64
	before int64 // bytes of the row groups before, of this part
	start  int64 // bytes of the first row group that are before the part
	err    error // sticky
}

func newParquetReader(ctx context.Context, src Source, o Options, file *parquet.File, table *parquetTable) *parquetReader {
	r := &parquetReader{
		file: file, fetch: newChunkFetcher(ctx, src, file, table.leaves), table: table, limits: o.Limits, join: o.Join,
		to: o.Part.To, row: o.Part.From.Row,
	}
	r.group = int(min(o.Part.From.Offset, int64(r.groups())))
	if r.to == (Position{}) {
		r.to.Offset = int64(r.groups())
	}
	if r.group < r.groups() {
		r.start = r.share(r.row)
	}
	return r
}

func (r *parquetReader) groups() int { return len(r.file.Metadata().RowGroups) }

// rows is how many rows the group under way has.
func (r *parquetReader) rows() int64 { return r.file.Metadata().RowGroups[r.group].NumRows }

// share is about how many bytes the first rows of the group are.
func (r *parquetReader) share(rows int64) int64 {
	return int64(float64(compressedSize(r.file, r.group)) * (float64(rows) / float64(max(r.rows(), 1))))
}

func (r *parquetReader) Next() (*Block, error) {
	if r.err != nil {
		return nil, r.err
	}
	b, err := r.next()
	if err != nil {
		if !errors.Is(err, io.EOF) {
			err = parquetError(fmt.Errorf("row group %d, row %d: %w", r.group, r.row, err))
		}
		r.err = err
		return nil, err
	}
	return b, nil
}

func (r *parquetReader) next() (*Block, error) {
	if err := r.advance(); err != nil {
		return nil, err
	}
	n, err := r.fill(min(r.last-r.row, r.rate))
	if err != nil {
		return nil, err
	}
	columns := r.cut(n)
	r.row += int64(n)
	b := &Block{First: r.first, N: n, records: columns, Next: Position{int64(r.group), r.row}}
	b.Read = r.before + r.share(r.row) - r.start
	if r.row == r.rows() {
		b.Next = Position{Offset: int64(r.group) + 1}
	}
	r.first += int64(n)
	return b, nil
}

// advance goes to the next row group if that under way has no more rows. It is io.EOF
// at the end of the part.
func (r *parquetReader) advance() error {
	for r.columns == nil || r.row >= r.last {
		if r.columns != nil {
			if err := r.finish(); err != nil {
				return err
			}
		}
		at := Position{int64(r.group), r.row}
		if r.group >= r.groups() || at.Offset > r.to.Offset || at.Offset == r.to.Offset && at.Row >= r.to.Row {
			return io.EOF
		}
		if err := r.open(); err != nil {
			return err
		}
	}
	return nil
}

// finish ends a row group.
func (r *parquetReader) finish() error {
	if r.last == r.rows() {
		for _, c := range r.columns {
			if err := c.finish(); err != nil {
				return err
			}
		}
	}
	r.closeColumns()
	r.before += compressedSize(r.file, r.group)
	r.group, r.row = r.group+1, 0
	return nil
}

// open begins row group r.group at row r.row.
func (r *parquetReader) open() error {
	r.last = r.rows()
	if r.to.Offset == int64(r.group) {
		r.last = min(r.last, r.to.Row)
	}
	r.row = min(r.row, r.last)
	r.rate = r.blockRows()
	open, err := r.fetch.open(r.group)
	if err != nil {
		return err
	}
	for _, leaf := range r.table.leaves {
		r.columns = append(r.columns, &columnReader{
			parquetLeaf: leaf, values: openChunk(r.file, r.group, leaf, r.limits.MaxTensor, open),
			limit: r.limits.MaxTensor, convert: converter{from: leaf.kind, to: leaf.input.DType},
		})
	}
	for left := r.row; left > 0; { // of the part before
		n, err := r.fill(min(left, r.rate))
		if err != nil {
			return err
		}
		r.cut(n)
		left -= int64(n)
	}
	return nil
}

// blockRows is about how many rows of the group are a block, as the footer has it.
func (r *parquetReader) blockRows() int64 {
	size := 0.0
	for _, leaf := range r.table.leaves {
		chunk := leaf.chunk(r.file, r.group)
		size += max(float64(chunk.TotalUncompressedSize), float64(chunk.NumValues)*float64(leaf.input.DType.Size()))
	}
	row := max(size/float64(max(r.rows(), 1)), 1)
	return max(min(int64(r.limits.BlockRows), int64(float64(r.limits.BlockBytes)/row)), 1)
}

// fill has every column read n rows, or fewer where they are longer than the footer
// lets expect, and returns how many all of them have.
func (r *parquetReader) fill(rows int64) (int, error) {
	n, used, held := int(rows), int64(0), int64(0)
	for _, c := range r.columns {
		if err := c.fill(n, max(2*r.limits.BlockBytes-used, 1)); err != nil {
			return 0, err
		}
		n = min(n, len(c.block.rows))
		used += c.bytes(n)
		if held += c.held(); held > 2*r.limits.MaxTensor {
			return 0, fmt.Errorf("%w: a page of each column takes more than %d bytes (twice MAX_TENSOR_BYTES): write fewer columns, as lists, or smaller pages",
				ErrTooLarge, 2*r.limits.MaxTensor)
		}
	}
	return n, nil
}

// cut takes n rows out of the columns.
func (r *parquetReader) cut(n int) []columnBlock {
	blocks := make([]columnBlock, len(r.columns))
	for i, c := range r.columns {
		blocks[i] = c.cut(n)
	}
	return blocks
}

func (r *parquetReader) closeColumns() {
	for _, c := range r.columns {
		c.values.close()
	}
	r.columns = nil
}

func (r *parquetReader) joined() Joined { return r.table.joins }

// Decoder is safe to be called at any time.
func (r *parquetReader) Decoder() Decoder { return &parquetDecoder{table: r.table, join: r.join} }

// Close frees what reading needs.
func (r *parquetReader) Close() error {
	r.fetch.close()
	r.closeColumns()
	return nil
}
