package codec

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// maxHeaderColumns bounds what reading a header takes, which is ten times its text.
const maxHeaderColumns = 1 << 21

// layOut decides by the first record, and by what the client says of it, which
// columns belong to which input. The layout aliases the record.
func (p *plain) layOut(first csvRecord, header string) (*CSVLayout, error) {
	columns, err := first.count()
	if err != nil {
		return nil, err
	}
	l := &CSVLayout{plain: p, columns: columns, hint: "a header would begin with the name of an input (" + names(p.sig.Inputs) + ")"}
	fields := first
	name, _ := fields.field() // count has read it
	if header != HeaderAbsent {
		if _, ok := p.named(name); ok || header == HeaderPresent {
			return l, l.readHeader(first)
		}
	}
	if len(p.sig.Inputs) != 1 {
		if _, err := p.input(); err != nil {
			return nil, invalid("%s, or a header that begins with the name of an input, not with %q", err, shown(name))
		}
	}
	l.first = first.text
	if err = l.add(0, columns, columns > 1); err == nil {
		return l, nil
	}
	if columns > 1 { // behind the index of a data frame there may be a header
		if second, _ := fields.field(); header != HeaderAbsent {
			if _, ok := p.named(second); ok {
				return l, l.readHeader(first)
			}
		}
	} else if bytes.ContainsAny(name, ";\t") {
		err = invalid("%s; columns are separated by commas", err)
	}
	return nil, err
}

// csvName is what the header says of a column: the input, and which element of
// its rows; -1 where the column is the whole row.
type csvName struct{ input, element, column int }

// named is what a field means as the name of a column. An input with exactly that
// name goes before an element of another.
func (p *plain) named(field []byte) (csvName, bool) {
	name := string(bytes.TrimSpace(field))
	if k, ok := p.inputIndex(name); ok {
		return csvName{input: k, element: -1}, true
	}
	cut := strings.LastIndexByte(name, '_')
	if cut < 0 {
		return csvName{}, false
	}
	number := name[cut+1:]
	element, err := strconv.Atoi(number)
	if err != nil || element < 0 || strconv.Itoa(element) != number {
		return csvName{}, false
	}
	k, ok := p.inputIndex(name[:cut])
	return csvName{input: k, element: element}, ok
}

// inputIndex is the index of the signature's input that name means.
func (p *plain) inputIndex(name string) (int, bool) {
	info, ok := p.catalog.Input(p.sig, name)
	if !ok {
		return 0, false
	}
	k := slices.IndexFunc(p.sig.Inputs, func(t infer.TensorInfo) bool { return t.Name == info.Name })
	return k, k >= 0
}

// readHeader reads a header, which must name every input of the signature.
func (l *CSVLayout) readHeader(record csvRecord) error {
	if l.columns > maxHeaderColumns {
		return infer.Errorf(infer.ErrTooLarge, "CSV header: %d columns are more than %d", l.columns, maxHeaderColumns)
	}
	l.first, l.header = nil, record.text
	columns := make([]csvName, l.columns)
	for column := range columns {
		field, _ := record.field() // count has read them all
		name, ok := l.named(field)
		if !ok {
			return invalid("CSV header: column %d, %q, names no input (%s)", column+1, shown(field), names(l.sig.Inputs))
		}
		name.column = column
		columns[column] = name
	}
	slices.SortFunc(columns, func(a, b csvName) int {
		return cmp.Or(a.input-b.input, a.element-b.element)
	})
	for rest, k := columns, 0; k < len(l.sig.Inputs); k++ {
		n := 0
		for n < len(rest) && rest[n].input == k {
			n++
		}
		if err := l.complete(k, rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	if !slices.IsSortedFunc(columns, func(a, b csvName) int { return a.column - b.column }) {
		l.from = make([]int, len(columns))
		for place, name := range columns {
			l.from[place] = name.column
		}
	}
	return nil
}

// complete checks that the columns of input k, sorted by element, are all there
// and no more, and adds the input.
func (l *CSVLayout) complete(k int, names []csvName) error {
	input := l.sig.Inputs[k].Name
	if len(names) == 0 {
		return invalid("CSV header: the input %q is missing: name it, or its elements as %s_0, %s_1 and so on", input, input, input)
	}
	whole := names[0].element < 0
	for i, name := range names {
		want := i
		if whole {
			want = i - 1
		}
		switch {
		case i > 0 && name.element == names[i-1].element:
			return invalid("CSV header: columns %d and %d have the same name", names[i-1].column+1, name.column+1)
		case whole && i > 0:
			return invalid("CSV header: the input %q is named as a whole and by its elements", input)
		case name.element != want:
			return invalid("CSV header: the column %s_%d is missing", input, want)
		}
	}
	return l.add(k, len(names), !whole)
}

// add makes columns many columns the rows of input k. list says that such a row
// has a dimension, where the signature does not say.
func (l *CSVLayout) add(k, columns int, list bool) error {
	info := l.sig.Inputs[k]
	if !supported(info.DType) {
		return infer.Errorf(infer.ErrUnimplemented, "input %q of type %s cannot be given as CSV", info.Name, info.DType)
	}
	shape, err := csvShape(info, columns, list)
	if err != nil {
		return err
	}
	l.inputs = append(l.inputs, csvInput{columns, shape})
	return nil
}

// csvShape is the shape of a row of columns many elements.
func csvShape(info infer.TensorInfo, columns int, list bool) ([]int64, error) {
	switch {
	case info.Shape == nil && list:
		return []int64{int64(columns)}, nil
	case info.Shape == nil || len(info.Shape) == 0 && columns == 1:
		return []int64{}, nil
	case len(info.Shape) == 0:
		return nil, invalid("CSV: %d columns for input %q, which is a scalar", columns, info.Name)
	}
	shape, unknown, ok := oneUnknown(info.Shape[1:])
	if !ok {
		return nil, invalid("CSV does not say the shape of input %q, which is %s in the signature: send JSON", info.Name, info.Shape)
	}
	size, err := infer.Elements(shape)
	switch {
	case err != nil:
		return nil, invalid("CSV: input %q cannot have shape %s", info.Name, info.Shape)
	case unknown < 0 && size != int64(columns):
		return nil, invalid("CSV: %d columns, but a row of input %q of shape %s has %d", columns, info.Name, info.Shape, size)
	case unknown >= 0 && (size == 0 || int64(columns)%size != 0):
		return nil, invalid("CSV: %d columns, but a row of input %q of shape %s has a multiple of %d", columns, info.Name, info.Shape, size)
	case unknown >= 0:
		shape[unknown] = int64(columns) / size
	}
	return shape, nil
}
