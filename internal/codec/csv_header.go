package codec

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// layOut decides by the first record, and by what the client says of it, which
// columns belong to which input. named says that the record is a header and no row.
func (r *csvRows) layOut(first csvRecord, header string) (named bool, err error) {
	if r.columns, err = first.count(); err != nil {
		return false, err
	}
	fields := first
	name, _ := fields.field() // count has read it
	if header != HeaderAbsent {
		if _, ok := r.named(name); ok || header == HeaderPresent {
			return true, r.readHeader(first)
		}
	}
	if len(r.sig.Inputs) != 1 {
		if _, err := r.input(); err != nil {
			return false, invalid("%s, or a header that begins with the name of an input, not with %q", err, shown(name))
		}
	}
	r.unnamed = true
	if err = r.add(0, r.columns, r.columns > 1); err == nil {
		return false, nil
	}
	if r.columns > 1 { // behind the index of a data frame there may be a header
		if second, _ := fields.field(); header != HeaderAbsent {
			if _, ok := r.named(second); ok {
				return true, r.readHeader(first)
			}
		}
	} else if bytes.ContainsAny(name, ";\t") {
		err = invalid("%s; columns are separated by commas", err)
	}
	return false, err
}

// csvName is what the header says of a column: the input, and which element of
// its rows; -1 where the column is the whole row.
type csvName struct{ input, element, column int }

// named is what a field means as the name of a column. An input with exactly that
// name goes before an element of another.
func (r *csvRows) named(field []byte) (csvName, bool) {
	name := string(bytes.TrimSpace(field))
	if k, ok := r.inputIndex(name); ok {
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
	k, ok := r.inputIndex(name[:cut])
	return csvName{input: k, element: element}, ok
}

// inputIndex is the index of the signature's input that name means.
func (r *csvRows) inputIndex(name string) (int, bool) {
	info, ok := r.catalog.Input(r.sig, name)
	if !ok {
		return 0, false
	}
	k := slices.IndexFunc(r.sig.Inputs, func(t infer.TensorInfo) bool { return t.Name == info.Name })
	return k, k >= 0
}

// readHeader reads a header, which must name every input of the signature.
func (r *csvRows) readHeader(record csvRecord) error {
	columns := make([]csvName, r.columns)
	for column := range columns {
		field, _ := record.field() // count has read them all
		name, ok := r.named(field)
		if !ok {
			return invalid("CSV header: column %d, %q, names no input (%s)", column+1, shown(field), names(r.sig.Inputs))
		}
		name.column = column
		columns[column] = name
	}
	slices.SortFunc(columns, func(a, b csvName) int {
		return cmp.Or(a.input-b.input, a.element-b.element)
	})
	for rest, k := columns, 0; k < len(r.sig.Inputs); k++ {
		n := 0
		for n < len(rest) && rest[n].input == k {
			n++
		}
		if err := r.complete(k, rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	if !slices.IsSortedFunc(columns, func(a, b csvName) int { return a.column - b.column }) {
		r.from = make([]int, len(columns))
		for place, name := range columns {
			r.from[place] = name.column
		}
		r.fields = make([][]byte, len(columns))
	}
	return nil
}

// complete checks that the columns of input k, sorted by element, are all there
// and no more, and adds the input.
func (r *csvRows) complete(k int, names []csvName) error {
	input := r.sig.Inputs[k].Name
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
	return r.add(k, len(names), !whole)
}

// add makes columns many columns the rows of input k. list says that such a row
// has a dimension, where the signature does not say.
func (r *csvRows) add(k, columns int, list bool) error {
	t := r.in.slots[k]
	if !supported(t.info.DType) {
		return infer.Errorf(infer.ErrUnimplemented, "input %q of type %s cannot be given as CSV", t.info.Name, t.info.DType)
	}
	shape, err := csvShape(t.info, columns, list)
	if err != nil {
		return err
	}
	t.firstSize, t.firstShape = columns, shape
	r.in.given[k] = true
	r.slots = append(r.slots, csvSlot{t, columns})
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
