package rows

import (
	"slices"

	"github.com/parquet-go/parquet-go"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// parquetDecoder makes requests of the columns of blocks: a group of consecutive rows
// of the same shapes, leaving out those that cannot be read.
type parquetDecoder struct {
	table *parquetTable
	join  bool

	// Of the block under way.
	columns []columnBlock // as parquetTable.leaves
	shapes  [][]int64     // of the row's inputs
	slots   []parquetSlot
	size    int64 // bytes of the group
}

// parquetSlot is the rows of one input of the group under way.
type parquetSlot struct {
	shape   []int64 // nil before the first row
	data    []byte
	offsets []int // of strings
}

// Decode is Decoder's.
func (d *parquetDecoder) Decode(b *Block) (*Decoded, error) {
	d.columns = b.records.([]columnBlock)
	d.shapes = make([][]int64, len(d.table.inputs))
	d.slots = make([]parquetSlot, len(d.table.inputs))
	out := &Decoded{N: b.N}
	numbers, group := make([]int, 0, b.N), 0
	take := func() error {
		req, err := d.take(len(numbers) - group)
		out.Groups = append(out.Groups, Group{req, numbers[group:len(numbers):len(numbers)]})
		group = len(numbers)
		return err
	}
	for row := range b.N {
		size, err := d.read(row)
		if err != nil {
			out.Faults = append(out.Faults, Fault{row, err, d.readable(row)})
			continue
		}
		if len(numbers) > group && (d.size+size > d.table.limit || !d.fits()) {
			if err := take(); err != nil {
				return nil, err
			}
		}
		d.append(row, size)
		numbers = append(numbers, row)
	}
	if len(numbers) > group {
		if err := take(); err != nil {
			return nil, err
		}
	}
	if d.join {
		d.show(out)
	}
	return out, nil
}

// show makes the instances of a block, and its further columns.
func (d *parquetDecoder) show(out *Decoded) {
	if len(d.table.further) > 0 {
		table, columns := d.table, d.columns
		out.columns = table.joins.further
		out.further = func(dst []parquet.Value, record int) []parquet.Value { return table.furtherOf(dst, columns, record) }
	}
	showFeeds(out)
}

// readable is what can be read of a row with a fault, nil unless it is to be joined.
func (d *parquetDecoder) readable(row int) []infer.Feed {
	if !d.join {
		return nil
	}
	feeds := make([]infer.Feed, len(d.table.inputs))
	for k := range d.table.inputs {
		input := &d.table.inputs[k]
		feeds[k].TensorInfo = input.info
		one := parquetDecoder{table: &parquetTable{inputs: d.table.inputs[k : k+1], limit: d.table.limit}, columns: d.columns, shapes: make([][]int64, 1), slots: make([]parquetSlot, 1)}
		size, err := one.read(row)
		if err != nil {
			continue
		}
		one.slots[0] = parquetSlot{shape: slices.Clone(one.shapes[0]), offsets: make([]int, 1)} // append would make room for a block
		one.append(row, size)
		feeds[k].Value, _ = one.slots[0].value(input.info, 1) // nil as for what cannot be read
	}
	return feeds
}

// read finds the shapes of a row, and what it takes of the limit. The error is a fault
// of the row.
func (d *parquetDecoder) read(row int) (size int64, err error) {
	for k := range d.table.inputs {
		input := &d.table.inputs[k]
		var dims []int64
		for _, c := range input.columns {
			column := &d.columns[c]
			if err := column.rows[row].err; err != nil {
				return 0, err
			}
			dims = column.rows[row].dims
			size += int64(column.rows[row].bytes - column.before(row).bytes)
			if input.info.DType == infer.String {
				size += infer.StringOverhead * int64(column.rows[row].end-column.before(row).end)
			}
		}
		if input.elements {
			dims = []int64{int64(len(input.columns))}
		}
		if d.shapes[k], err = rowShapeOf(input.info, dims, d.shapes[k]); err != nil {
			return 0, err
		}
	}
	if size > d.table.limit {
		return 0, rowTooLarge(d.table.limit)
	}
	return size, nil
}

// fits reports whether the row that has been read has the shapes of the group's.
func (d *parquetDecoder) fits() bool {
	for k, shape := range d.shapes {
		if !slices.Equal(shape, d.slots[k].shape) {
			return false
		}
	}
	return true
}

// append adds the row that has been read.
func (d *parquetDecoder) append(row int, size int64) {
	d.size += size
	for k := range d.slots {
		slot, input := &d.slots[k], &d.table.inputs[k]
		if slot.shape == nil {
			d.begin(k)
		}
		for _, c := range input.columns {
			column := &d.columns[c]
			from, to := column.before(row), column.rows[row]
			base := len(slot.data) - from.bytes
			slot.data = append(slot.data, column.data[from.bytes:to.bytes]...)
			if input.info.DType == infer.String {
				for _, end := range column.ends[from.end:to.end] {
					slot.offsets = append(slot.offsets, base+end)
				}
			}
		}
	}
}

// begin begins the rows of an input, with room for all of the block where they must
// have the same shape: otherwise each may be a group.
func (d *parquetDecoder) begin(k int) {
	slot, info := &d.slots[k], d.table.inputs[k].info
	slot.shape = append([]int64{}, d.shapes[k]...)
	slot.offsets = make([]int, 1)
	if _, err := infer.Elements(info.Shape[min(1, len(info.Shape)):]); info.Shape == nil || err != nil {
		return
	}
	data, ends := 0, 0
	for _, c := range d.table.inputs[k].columns {
		data += len(d.columns[c].data)
		ends += len(d.columns[c].ends)
	}
	slot.data = make([]byte, 0, min(int64(data), d.table.limit))
	slot.offsets = make([]int, 1, ends+1)
}

// take is the request for the n rows of the group.
func (d *parquetDecoder) take(n int) (*infer.Request, error) {
	signature := d.table.signature
	req := &infer.Request{Signature: signature, Fetches: signature.Outputs, Feeds: make([]infer.Feed, len(d.slots))}
	for k := range d.slots {
		slot, info := &d.slots[k], d.table.inputs[k].info
		value, err := slot.value(info, n)
		if err != nil {
			return nil, err
		}
		req.Feeds[k] = infer.Feed{TensorInfo: info, Value: value}
		*slot = parquetSlot{}
	}
	d.size = 0
	return req, nil
}

// value is the tensor of n rows.
func (s *parquetSlot) value(info infer.TensorInfo, n int) (*infer.Tensor, error) {
	shape := slices.Concat([]int64{int64(n)}, s.shape)
	if info.DType == infer.String {
		return infer.NewStringTensor(shape, s.data, s.offsets)
	}
	return infer.NewTensor(info.DType, shape, s.data)
}
