package codec

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// layOutFile is layOut for files, whose owners have more columns than a model has
// inputs. A first record in which some field names an input is a header, wherever that
// field stands; columns that name none are left alone. header decides as in layOut.
func (p *plain) layOutFile(first csvRecord, header string) (*CSVLayout, error) {
	columns, err := first.count()
	if err != nil {
		return nil, err
	}
	l := &CSVLayout{plain: p, columns: columns, hint: "a header would have the name of the input (" + names(p.sig.Inputs) + ")"}
	if header == HeaderPresent || header != HeaderAbsent && p.namesInput(first) {
		return l, l.readColumns(first)
	}
	if len(p.sig.Inputs) != 1 {
		return nil, invalid("CSV for signature %q needs a header with its inputs (%s); the first line is %s", p.sig.Name, names(p.sig.Inputs), first.list())
	}
	l.first = first.text
	if err := l.add(0, columns, columns > 1); err != nil {
		hint := "; " + l.hint + ", and the first line is " + first.list()
		if columns == 1 && bytes.ContainsAny(first.text, ";\t") {
			hint = "; columns are separated by commas"
		}
		return nil, infer.Errorf(kind(err), "%s%s", err, hint)
	}
	return l, nil
}

// namesInput reports whether some field of a record names an input.
func (p *plain) namesInput(record csvRecord) bool {
	for !record.done {
		field, _ := record.field() // the record has been counted
		if _, ok := p.named(field); ok {
			return true
		}
	}
	return false
}

// readColumns reads a header, which must name every input of the signature and may name
// what it likes besides.
func (l *CSVLayout) readColumns(record csvRecord) error {
	if l.columns > maxHeaderColumns {
		return infer.Errorf(infer.ErrTooLarge, "CSV header: %d columns are more than %d", l.columns, maxHeaderColumns)
	}
	l.first, l.header = nil, record.text
	var columns []csvName
	for column, fields := 0, record; !fields.done; column++ {
		field, _ := fields.field() // the record has been counted
		if name, ok := l.named(field); ok {
			name.column = column
			columns = append(columns, name)
		}
	}
	slices.SortFunc(columns, func(a, b csvName) int {
		return cmp.Or(a.input-b.input, a.element-b.element)
	})
	of := make([][]csvName, len(l.sig.Inputs))
	for _, name := range columns {
		// Beside a column for all of an input, name_1 is something else.
		if of[name.input] == nil || of[name.input][0].element >= 0 || name.element < 0 {
			of[name.input] = append(of[name.input], name)
		}
	}
	if missing := l.missing(of); missing != "" {
		return invalid("CSV header: no column for %s, neither by name nor as name_0, name_1 and so on; the columns are %s", missing, record.list())
	}
	for k, names := range of {
		if err := l.complete(k, names); err != nil {
			return infer.Errorf(kind(err), "%s; the columns are %s", err, record.list())
		}
	}
	l.take(of)
	return nil
}

// missing lists the inputs without a column.
func (l *CSVLayout) missing(of [][]csvName) string {
	var list []string
	for k, names := range of {
		if len(names) == 0 {
			list = append(list, fmt.Sprintf("%q", l.sig.Inputs[k].Name))
		}
	}
	return strings.Join(list, ", ")
}

// take sets from to the columns of the inputs, unless these are all there are, in order.
func (l *CSVLayout) take(of [][]csvName) {
	var from []int
	inOrder := true
	for _, names := range of {
		for _, name := range names {
			inOrder = inOrder && name.column == len(from)
			from = append(from, name.column)
		}
	}
	if !inOrder || len(from) < l.columns {
		l.from = from
	}
}

// maxListed is how many fields of a record a message lists, and maxListedField how many
// bytes of each.
const maxListed, maxListedField = 20, 40

// list is the fields of a record that has been counted, as a message lists them.
func (r csvRecord) list() string {
	var list []string
	for n := 0; !r.done; n++ {
		field, _ := r.field()
		if n == maxListed {
			list = append(list, "…")
			break
		}
		if len(field) > maxListedField {
			field = append(field[:maxListedField:maxListedField], "..."...)
		}
		list = append(list, fmt.Sprintf("%q", strings.ToValidUTF8(string(field), "\uFFFD")))
	}
	return strings.Join(list, ", ")
}
