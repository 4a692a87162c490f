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
	record, ok := lines.next()
	if !ok {
		return nil, invalid("CSV: the body is empty")
	}
	layout, err := p.layOut(record, header)
	if err != nil {
		return nil, err
	}
	if layout.header != nil {
		if record, ok = lines.next(); !ok {
			return nil, invalid("CSV: no row follows the header")
		}
	}
	r := csvRows{CSVLayout: layout, in: layout.newInputs()}
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
	*CSVLayout
	in     *inputs
	fields [][]byte // of a record that cannot be read in order
}

// expect makes room for as many rows as two pieces of text, the first record and
// what follows it, can hold: every field takes a byte and a comma or line feed.
// Inputs of numbers share the budget as rows do, lest the first take it all.
func (r *csvRows) expect(first, rest []byte) {
	size := int64(0)
	for k, input := range r.inputs {
		size += int64(input.columns * max(r.in.slots[k].info.DType.Size(), 1))
	}
	rows := min(1+countLines(rest), 1+(len(first)+len(rest)+1)/(2*r.columns), int(r.in.budget.left/size))
	for k, input := range r.inputs {
		t, n := r.in.slots[k], rows*input.columns
		if t.info.DType == infer.String {
			t.reserveStrings(n, len(rest)/len(r.inputs))
		} else {
			t.reserve(n * t.info.DType.Size())
		}
	}
}

// expectRow makes room for one row, which is text of the given size, and no more: an
// input that grows would take what another one needs. Numbers have a comma between
// them.
func (r *csvRows) expectRow(text int) {
	for k, input := range r.inputs {
		if t := r.in.slots[k]; t.info.DType != infer.String {
			t.reserve(min(input.columns, text/2+1) * t.info.DType.Size())
		}
	}
}

// row reads one record as a row of every input.
func (r *csvRows) row(record *csvRecord) error {
	if r.from != nil {
		if err := r.split(record); err != nil {
			return err
		}
		return r.place(record)
	}
	column := 0
	for k, input := range r.inputs {
		if err := r.read(r.in.slots[k], record, column, input.columns); err != nil {
			return err
		}
		column += input.columns
	}
	if !record.done {
		return r.ragged(record)
	}
	return nil
}

// read reads the next n fields of record, from the given column on, as a row of t.
func (r *csvRows) read(t *builder, record *csvRecord, column, n int) error {
	for end := column + n; column < end; column++ {
		if t.info.DType == infer.Float {
			n, err := t.plainFloats(record, end-column)
			if err != nil {
				return err
			}
			if column += n; column == end {
				break
			}
		}
		if record.done {
			return r.ragged(record)
		}
		text, err := record.field()
		if err == nil {
			err = t.field(text)
		}
		if err != nil {
			return r.located(record, column, err)
		}
	}
	t.rows++
	return nil
}

// split sets fields to those of record.
func (r *csvRows) split(record *csvRecord) error {
	r.fields = r.fields[:0]
	for column := range r.columns {
		if record.done {
			return r.ragged(record)
		}
		field, err := record.field()
		if err != nil {
			return r.located(record, column, err)
		}
		r.fields = append(r.fields, field)
	}
	if !record.done {
		return r.ragged(record)
	}
	return nil
}

// place reads fields, which are those of record, as a row of every input.
func (r *csvRows) place(record *csvRecord) error {
	place := 0
	for k, input := range r.inputs {
		t := r.in.slots[k]
		for range input.columns {
			column := place
			if r.from != nil {
				column = r.from[place]
			}
			if err := t.field(r.fields[column]); err != nil {
				return r.located(record, column, err)
			}
			place++
		}
		t.rows++
	}
	return nil
}

// ragged is the message for a record with another number of columns than the rest.
func (r *csvRows) ragged(record *csvRecord) error {
	n, err := csvRecord{text: record.text, quoted: record.quoted, line: record.line}.count()
	switch {
	case err != nil:
		return err
	case record.line == 0:
		return invalid("CSV: %d columns instead of %d", n, r.columns)
	default:
		return invalid("CSV line %d: %d columns, but the first line has %d", record.line, n, r.columns)
	}
}

// located names the place of a fault. Limits are the whole body's.
func (r *csvRows) located(record *csvRecord, column int, err error) error {
	if errors.Is(err, infer.ErrTooLarge) {
		return err
	}
	hint := ""
	if r.first != nil && bytes.Equal(record.text, r.first) {
		hint = "; " + r.hint
	}
	return invalid("CSV %s: %s%s", record.place(column), err, hint)
}
