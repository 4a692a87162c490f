package rows

import (
	"fmt"
	"strconv"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// maxColumns bounds the header, which a shape of a few bytes can make long.
const maxColumns = 1 << 20

// errorColumn is the name of the last column.
const errorColumn = "error"

// csvColumn is the columns of one tensor: name, or name_0 and so on for the elements
// of a row that is a list, in row-major order.
type csvColumn struct {
	name string
	list bool
	n    int64
}

// csvColumns is the columns of several tensors.
type csvColumns []csvColumn

// signatureColumns is the columns of tensors as far as the signature knows them: one
// each where it does not.
func signatureColumns(infos []infer.TensorInfo) (columns csvColumns, known bool) {
	columns, known = make(csvColumns, len(infos)), true
	for i, info := range infos {
		columns[i] = csvColumn{name: info.Name, n: 1}
		if len(info.Shape) == 0 {
			known = false
			continue
		}
		n, err := infer.Elements(info.Shape[1:])
		if err != nil {
			known = false
			continue
		}
		columns[i].list, columns[i].n = len(info.Shape) > 1, n
	}
	return columns, known
}

// tensorColumns is the columns of tensors that have at least one row.
func tensorColumns(values []infer.Result) *csvColumns {
	columns := make(csvColumns, len(values))
	for i, v := range values {
		shape := v.Value.Shape
		columns[i] = csvColumn{v.Name, len(shape) > 1, int64(v.Value.Len()) / shape[0]}
	}
	return &columns
}

// namedColumns is columns with these names.
func namedColumns(names []string) *csvColumns {
	columns := make(csvColumns, len(names))
	for i, name := range names {
		columns[i] = csvColumn{name: name, n: 1}
	}
	return &columns
}

// columns is those of the inputs and the further ones behind them.
func (j Joined) columns(inputs csvColumns) csvColumns {
	for _, c := range j.further {
		inputs = append(inputs, csvColumn{name: c.name, n: 1})
	}
	return inputs
}

func (c csvColumns) width() int {
	n := int64(0)
	for _, column := range c {
		n += column.n
	}
	return int(n)
}

// differ says how the columns of a row differ from these; nil where they do not.
func (c csvColumns) differ(row csvColumns) error {
	if len(c) != len(row) {
		return infer.Errorf(infer.ErrInvalidArgument, "the row has %d tensors, and the columns of the file are for %d", len(row), len(c))
	}
	for i, want := range c {
		if got := row[i]; got.name != want.name || got.n != want.n {
			return infer.Errorf(infer.ErrInvalidArgument, "%q has %d values in this row, and the file has columns for %d of %q: use jsonl",
				got.name, got.n, want.n, want.name)
		}
	}
	return nil
}

// csvFit compares columns, which many rows share, once.
type csvFit struct {
	last   *csvColumns
	reason error
}

// check is how got, which may be nil, differs from want.
func (f *csvFit) check(want csvColumns, got *csvColumns) error {
	if got == nil {
		return nil
	}
	if got != f.last {
		f.last, f.reason = got, want.differ(*got)
	}
	return f.reason
}

// header is the first line. A column of the instance that has the name of one of the
// outputs or of the error gets another.
func header(instance, results csvColumns) ([]byte, error) {
	n := 0
	for _, columns := range []csvColumns{instance, results} {
		for _, column := range columns {
			if column.n > int64(maxColumns-n) {
				return nil, fmt.Errorf("%w: csv has more than %d columns with those of %q: use jsonl or parquet", ErrOutput, maxColumns, column.name)
			}
			n += int(column.n)
		}
	}
	if n == 0 {
		return nil, fmt.Errorf("%w: the rows have no elements to write as csv: use jsonl", ErrOutput)
	}
	taken := make(map[string]bool, n+1)
	results.each(func(name string) { taken[name] = true })
	if taken[errorColumn] {
		return nil, fmt.Errorf("%w: the output %q has the name of the column for errors: use jsonl", ErrOutput, errorColumn)
	}
	taken[errorColumn] = true
	var line []byte
	instance.each(func(name string) {
		for taken[name] {
			name = "instance_" + name
		}
		taken[name] = true
		line = append(codec.AppendCSVText(line, []byte(name)), ',')
	})
	results.each(func(name string) { line = append(codec.AppendCSVText(line, []byte(name)), ',') })
	return append(line, errorColumn+"\n"...), nil
}

// each calls f with the name of each column.
func (c csvColumns) each(f func(name string)) {
	for _, column := range c {
		if !column.list {
			if column.n == 1 {
				f(column.name)
			}
			continue
		}
		for k := range column.n {
			f(column.name + "_" + strconv.FormatInt(k, 10))
		}
	}
}
