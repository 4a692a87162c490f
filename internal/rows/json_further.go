package rows

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/parquet-go/parquet-go"

	"github.com/tensorlambda/tensorlambda/internal/codec"
)

// jsonFurther carries the keys of rows that are no inputs into outputs with columns,
// which have to know them before the first row: they are those of the first one whose
// values are no lists or objects.
type jsonFurther struct {
	columns []furtherColumn
	limits  codec.Limits
}

// newJSONFurther is what is carried of rows like the first, which may be wrong.
func newJSONFurther(o Options, first []byte) *jsonFurther {
	f := &jsonFurther{limits: codecLimits(o.Limits)}
	sig, err := o.Catalog.Signature("")
	if err != nil || takesExamples(o.Catalog) { // the keys of examples are all of the input
		return f
	}
	outline, err := codec.ReadOutline(first, f.limits)
	if err != nil {
		return f
	}
	n := 0
	for _, key := range outline.Keys {
		if value := outline.Members[key]; value[0] == '[' || value[0] == '{' {
			continue
		}
		if _, input := o.Catalog.Input(sig, key); input {
			continue
		}
		if n++; n <= maxFurther {
			f.columns = append(f.columns, furtherColumn{key, parquet.String().Type()})
		}
	}
	warnOfMany(o, n)
	return f
}

// firstLine is the first line of the object that is not blank; nil where there is none
// that could be a row.
func firstLine(ctx context.Context, src Source, o Options) ([]byte, error) {
	s, err := openStream(ctx, src, o, 0, firstStep)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	lines := lineRecords{s, newSplitter(s, new(lineEnding), 0, firstStep, o.Limits)}
	line, err := lines.next()
	if errors.Is(err, io.EOF) || errors.Is(err, ErrFormat) { // those who read all of it will see
		return nil, nil
	}
	return line, err
}

// show adds the further columns of records.
func (f *jsonFurther) show(d *Decoded, records [][]byte) {
	showText(d, records)
	if len(f.columns) > 0 {
		d.columns = f.columns
		d.further = func(dst []parquet.Value, record int) []parquet.Value { return f.append(dst, records[record]) }
	}
}

// append appends a value for each column, or nothing where the record is no object.
func (f *jsonFurther) append(dst []parquet.Value, record []byte) []parquet.Value {
	outline, err := codec.ReadOutline(record, f.limits)
	if err != nil {
		return dst
	}
	for _, column := range f.columns {
		dst = append(dst, jsonCell(outline.Members[column.name]))
	}
	return dst
}

// jsonCell is a value as text: strings are what they stand for, others as they are.
func jsonCell(value []byte) parquet.Value {
	var text string
	switch {
	case len(value) == 0 || string(value) == "null":
		return parquet.NullValue()
	case value[0] == '"' && json.Unmarshal(value, &text) == nil:
		return parquet.ByteArrayValue([]byte(text))
	default:
		return parquet.ByteArrayValue(value)
	}
}
