package codec

import (
	"bytes"
	"strconv"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// CSVLayout is which columns of a CSV belong to which input. It is not changed once
// made and may be used by several goroutines.
type CSVLayout struct {
	*plain
	inputs  []csvInput // in the order of the signature's inputs
	columns int
	// from is, for every element of a row in the order of inputs, the column that
	// holds it; nil where that is its own number.
	from []int
	// first is the first record, where that is a row; header where it is none.
	first, header []byte
	hint          string // what a fault of first adds
}

// csvInput is how many columns make up a row of an input, and its shape.
type csvInput struct {
	columns int
	shape   []int64
}

// maxShownHeader bounds the first record that is kept for a hint in a message.
const maxShownHeader = 1 << 16

// NewCSVLayout lays a CSV out by its first record. isHeader says that the record is a
// header and no row: it is one if some field names an input, unless header, which is
// HeaderPresent, HeaderAbsent or empty, decides that. Columns that name no input are
// left alone. Otherwise the rules and errors are those of DecodeCSV; the record is not
// kept.
func NewCSVLayout(c *infer.Catalog, first []byte, header string, l Limits) (layout *CSVLayout, isHeader bool, err error) {
	p, err := newPlain(c, "CSV without a header", l)
	if err != nil {
		return nil, false, err
	}
	if takesExamples(p.sig) {
		return nil, false, invalid("signature %q takes serialized examples, which CSV cannot hold: write JSON lines or TFRecords", p.sig.Name)
	}
	record := batchRecord(bytes.TrimPrefix(first, byteOrderMark))
	if layout, err = p.layOutFile(record, header); err != nil {
		return nil, false, err
	}
	layout.header = bytes.Clone(layout.header)
	if len(layout.first) > maxShownHeader {
		layout.first = nil
	}
	layout.first = bytes.Clone(layout.first)
	return layout, layout.header != nil, nil
}

// batchRecord is a record that stands alone, with or without the end of its line.
// Its line is nobody's business but the caller's.
func batchRecord(text []byte) csvRecord {
	text = bytes.TrimSuffix(text, []byte{'\n'})
	text = bytes.TrimSuffix(text, []byte{'\r'})
	return csvRecord{text: text, quoted: bytes.IndexByte(text, '"') >= 0}
}

// Columns are the names of the columns, in the order in which they stand in the
// records: those of the header as they are, or where there is none names as a header
// would have them.
func (l *CSVLayout) Columns() []string {
	list := make([]string, 0, l.columns)
	if l.header != nil {
		for record := batchRecord(l.header); !record.done; {
			field, _ := record.field() // the layout has read them all
			list = append(list, string(field))
		}
		return list
	}
	info, row := l.sig.Inputs[0], l.inputs[0]
	if len(row.shape) == 0 {
		return append(list, info.Name)
	}
	for element := range l.columns {
		list = append(list, info.Name+"_"+strconv.Itoa(element))
	}
	return list
}

// Further are the numbers of the columns that no input is made of.
func (l *CSVLayout) Further() []int {
	taken := make([]bool, l.columns)
	for place := range l.columns {
		if l.from == nil {
			taken[place] = true
		} else if place < len(l.from) {
			taken[l.from[place]] = true
		}
	}
	var further []int
	for column, taken := range taken {
		if !taken {
			further = append(further, column)
		}
	}
	return further
}

// newInputs are inputs without rows, whose shapes are known.
func (l *CSVLayout) newInputs() *inputs {
	in := newInputs(nil, l.catalog, l.sig, l.limit)
	for k, input := range l.inputs {
		in.slots[k].firstSize, in.slots[k].firstShape = input.columns, input.shape
		in.given[k] = true
	}
	return in
}
