package rows

import (
	"bytes"
	"encoding/json"

	"github.com/parquet-go/parquet-go"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/jsontext"
)

// csvInstances shows the records of a CSV.
type csvInstances struct {
	columns []string
	header  bool // columns are what the object says

	further []furtherColumn
	carried []bool // by column: it is a further one
}

// newCSVInstances shows nothing unless instances are joined.
func newCSVInstances(o Options, layout *codec.CSVLayout, header bool) *csvInstances {
	c := &csvInstances{header: header}
	if !o.Join {
		return c
	}
	c.columns = layout.Columns()
	c.carried = make([]bool, len(c.columns))
	for _, column := range layout.Further() {
		c.carried[column] = true
		c.further = append(c.further, furtherColumn{c.columns[column], parquet.String().Type()})
	}
	return c
}

// joined is what outputs have to know: a CSV is text.
func (c *csvInstances) joined(o Options) Joined {
	sig, err := o.Catalog.Signature("")
	if !o.Join || err != nil {
		return Joined{}
	}
	j := Joined{text: make(map[string]bool), further: c.further}
	for _, info := range sig.Inputs {
		j.text[info.Name] = true
	}
	return j
}

// show makes d's instances, and its columns and fields.
func (c *csvInstances) show(d *Decoded, records [][]byte) {
	d.Columns = c.columns
	d.Fields = func(dst []byte, record int) []byte { return c.appendFields(dst, records[record]) }
	if len(c.further) > 0 {
		d.columns = c.further
		d.further = func(dst []parquet.Value, record int) []parquet.Value { return c.appendFurther(dst, records[record]) }
	}
	d.Instance = func(dst []byte, record int) []byte { return c.appendInstance(dst, records[record]) }
}

// appendFields appends the fields that there are, as many as there are columns; empty
// ones stand for what is missing.
func (c *csvInstances) appendFields(dst, record []byte) []byte {
	n := 0
	for field := range fields(record) {
		if n == len(c.columns) || field == nil {
			break
		}
		n++
		if bytes.ContainsAny(field, "\",\r\n") {
			dst = codec.AppendCSVText(dst, field)
		} else {
			dst = append(dst, field...)
		}
		dst = append(dst, ',')
	}
	for ; n < len(c.columns); n++ {
		dst = append(dst, ',')
	}
	return dst
}

// appendFurther appends the fields that are in further columns, as far as there are any.
func (c *csvInstances) appendFurther(dst []parquet.Value, record []byte) []parquet.Value {
	n := 0
	for field := range fields(record) {
		if n == len(c.columns) || field == nil {
			break
		}
		if c.carried[n] {
			dst = append(dst, parquet.ByteArrayValue(field))
		}
		n++
	}
	return dst
}

// appendInstance appends the record as an object keyed by the names in the header, or
// without one as a list. What is a number in JSON is one here. A record with other
// fields than there are columns is shown as its text.
func (c *csvInstances) appendInstance(dst, record []byte) []byte {
	if record == nil {
		return append(dst, null...)
	}
	start, n := len(dst), 0
	open, end := byte('['), byte(']')
	if c.header {
		open, end = '{', '}'
	}
	for field := range fields(record) {
		if n == len(c.columns) || field == nil {
			n = -1
			break
		}
		if n == 0 {
			dst = append(dst, open)
		} else {
			dst = append(dst, ',')
		}
		if c.header {
			dst = append(jsontext.AppendQuoted(dst, []byte(c.columns[n])), ':')
		}
		if isNumber(field) {
			dst = append(dst, field...)
		} else {
			dst = jsontext.AppendQuoted(dst, field)
		}
		n++
	}
	if n != len(c.columns) {
		return jsontext.AppendQuoted(dst[:start], content(record))
	}
	return append(dst, end)
}

// isNumber reports whether a field is a number as JSON writes it.
func isNumber(field []byte) bool {
	if len(field) == 0 || field[0] != '-' && field[0]-'0' > 9 {
		return false
	}
	last := field[len(field)-1]
	return last-'0' <= 9 && json.Valid(field)
}

// fields goes through the fields of a record. A field that encoding/csv refuses is nil
// and the last.
func fields(record []byte) func(yield func(field []byte) bool) {
	return func(yield func([]byte) bool) {
		if record == nil {
			return
		}
		quoted := bytes.IndexByte(record, '"') >= 0
		for rest, more := content(record), true; more; {
			var field []byte
			if quoted && len(rest) > 0 && rest[0] == '"' {
				field, rest, more = cutQuoted(rest)
			} else {
				field, rest, more = bytes.Cut(rest, []byte{','})
				if quoted && bytes.IndexByte(field, '"') >= 0 {
					field, more = nil, false
				}
			}
			if !yield(field) {
				return
			}
		}
	}
}

// cutQuoted cuts s behind the field in quotation marks that it begins with.
func cutQuoted(s []byte) (field, rest []byte, more bool) {
	end := 1
	for {
		k := bytes.IndexByte(s[end:], '"')
		if k < 0 {
			return nil, nil, false
		}
		end += k + 1
		if end == len(s) || s[end] != '"' {
			break
		}
		end++
	}
	if end < len(s) && s[end] != ',' {
		return nil, nil, false
	}
	field = s[1 : end-1]
	if bytes.IndexByte(field, '"') >= 0 {
		field = bytes.ReplaceAll(field, []byte(`""`), []byte{'"'})
	}
	if bytes.IndexByte(field, '\r') >= 0 {
		field = bytes.ReplaceAll(field, []byte("\r\n"), []byte{'\n'})
	}
	if end == len(s) {
		return field, nil, false
	}
	return field, s[end+1:], true
}
