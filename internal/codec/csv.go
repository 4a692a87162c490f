package codec

import (
	"bytes"
	"errors"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// Values of the parameter header of text/csv: RFC 4180, section 3.
const (
	HeaderPresent = "present"
	HeaderAbsent  = "absent"
)

// DecodeCSV reads a request that is CSV (RFC 4180) with one row a line, for the
// default signature. A first line whose first field names an input is a header:
// "name", or "name_0" to "name_n" for the elements of an input in row-major
// order. The columns may then stand in any order and belong to several inputs.
// Without a header they fill the only input in order. Either way a row has the
// signature's shape without its first dimension.
//
// header is the parameter of the media type by that name: HeaderPresent and
// HeaderAbsent decide what the first line is, anything else leaves it to the line.
//
// Numbers are those of JSON, and nan, inf and infinity in any case, a plus in
// front and spaces around; bools are true, false, 1 and 0; strings are the
// fields as they are. Errors are those of DecodePredict and name line and column.
func DecodeCSV(body []byte, header string, c *infer.Catalog, l Limits) (*Predict, error) {
	p, err := newPlain(c, "CSV without a header", l)
	if err != nil {
		return nil, err
	}
	lines := csvLines{s: bytes.TrimPrefix(body, byteOrderMark), line: 1}
	r := csvRows{plain: p, in: newInputs(nil, c, p.sig, p.limit)}
	record, ok := lines.next()
	if !ok {
		return nil, invalid("CSV: the body is empty")
	}
	named, err := r.layOut(record, header)
	if err != nil {
		return nil, err
	}
	if named {
		if record, ok = lines.next(); !ok {
			return nil, invalid("CSV: no row follows the header")
		}
	}
	r.expect(record.text, lines.s)
	for ; ok; record, ok = lines.next() {
		if err := r.row(&record); err != nil {
			return nil, err
		}
	}
	return p.requestOf(r.in)
}

// csvRows reads records into the tensors of a signature's inputs.
type csvRows struct {
	*plain
	in *inputs

	slots   []csvSlot // in the order of the signature's inputs
	columns int
	// from is, for every element of a row in the order of slots, the column that
	// holds it; nil where that is its own number. Then fields holds the fields of
	// a record until they can be read in order.
	from   []int
	fields [][]byte
	// unnamed says that there is no header.
	unnamed bool
}

// csvSlot is an input and how many columns make up a row of it.
type csvSlot struct {
	t       *builder
	columns int
}

// expect makes room for as many rows as two pieces of text, the first record and
// what follows it, can hold: every field takes a byte and a comma or line feed.
// Inputs of numbers share the budget as rows do, lest the first take it all.
func (r *csvRows) expect(first, rest []byte) {
	size := int64(0)
	for _, slot := range r.slots {
		size += int64(slot.columns * max(slot.t.info.DType.Size(), 1))
	}
	rows := min(1+countLines(rest), 1+(len(first)+len(rest)+1)/(2*r.columns), int(r.in.budget.left/size))
	for _, slot := range r.slots {
		n := rows * slot.columns
		if slot.t.info.DType == infer.String {
			slot.t.reserveStrings(n, len(rest)/len(r.slots))
		} else {
			slot.t.reserve(n * slot.t.info.DType.Size())
		}
	}
}

// row reads one record as a row of every input.
func (r *csvRows) row(record *csvRecord) error {
	if r.from != nil {
		if err := r.split(record); err != nil {
			return err
		}
	}
	place := 0
	for _, slot := range r.slots {
		for end := place + slot.columns; place < end; {
			if r.from == nil && slot.t.info.DType == infer.Float {
				n, err := slot.t.plainFloats(record, end-place)
				if err != nil {
					return err
				}
				if place += n; place == end {
					break
				}
			}
			if err := r.element(slot.t, record, place); err != nil {
				return err
			}
			place++
		}
		slot.t.rows++
	}
	if !record.done {
		return r.ragged(record, place)
	}
	return nil
}

// split sets fields to those of record.
func (r *csvRows) split(record *csvRecord) error {
	for column := range r.columns {
		if record.done {
			return r.ragged(record, column)
		}
		var err error
		if r.fields[column], err = record.field(); err != nil {
			return r.located(record, column, err)
		}
	}
	return nil
}

// element reads what stands at a place of a row.
func (r *csvRows) element(t *builder, record *csvRecord, place int) error {
	column := place
	var text []byte
	if r.from != nil {
		column = r.from[place]
		text = r.fields[column]
	} else {
		if record.done {
			return r.ragged(record, place)
		}
		var err error
		if text, err = record.field(); err != nil {
			return r.located(record, column, err)
		}
	}
	if err := t.field(text); err != nil {
		return r.located(record, column, err)
	}
	return nil
}

// ragged is the message for a record with another number of columns than the
// rest, of which some have been read.
func (r *csvRows) ragged(record *csvRecord, read int) error {
	for ; !record.done; read++ {
		if _, err := record.field(); err != nil {
			return r.located(record, read, err)
		}
	}
	return invalid("CSV line %d: %d columns, but the first line has %d", record.line, read, r.columns)
}

// located names the place of a fault. Limits are the whole body's.
func (r *csvRows) located(record *csvRecord, column int, err error) error {
	if errors.Is(err, infer.ErrTooLarge) {
		return err
	}
	hint := ""
	if r.unnamed && r.in.slots[0].rows == 0 {
		hint = "; a header would begin with the name of an input (" + names(r.sig.Inputs) + ")"
	}
	return invalid("CSV line %d, column %d: %s%s", record.line, column+1, err, hint)
}
