package rows

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/parquet-go/parquet-go"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// parquetType is what elements of a type are in Parquet, which has no half floats that
// others than newest tools know: those become floats.
type parquetType struct {
	node  parquet.Node
	value func(element []byte) parquet.Value
}

var parquetTypes = map[infer.DType]parquetType{
	infer.Bool:     {parquet.Leaf(parquet.BooleanType), func(b []byte) parquet.Value { return parquet.BooleanValue(b[0] != 0) }},
	infer.Int8:     {parquet.Int(8), func(b []byte) parquet.Value { return parquet.Int32Value(int32(int8(b[0]))) }},
	infer.Int16:    {parquet.Int(16), func(b []byte) parquet.Value { return parquet.Int32Value(int32(int16(binary.LittleEndian.Uint16(b)))) }},
	infer.Int32:    {parquet.Leaf(parquet.Int32Type), int32Value},
	infer.Int64:    {parquet.Leaf(parquet.Int64Type), int64Value},
	infer.Uint8:    {parquet.Uint(8), func(b []byte) parquet.Value { return parquet.Int32Value(int32(b[0])) }},
	infer.Uint16:   {parquet.Uint(16), func(b []byte) parquet.Value { return parquet.Int32Value(int32(binary.LittleEndian.Uint16(b))) }},
	infer.Uint32:   {parquet.Uint(32), int32Value},
	infer.Uint64:   {parquet.Uint(64), int64Value},
	infer.Half:     {parquet.Leaf(parquet.FloatType), widened(infer.Half)},
	infer.Bfloat16: {parquet.Leaf(parquet.FloatType), widened(infer.Bfloat16)},
	infer.Float:    {parquet.Leaf(parquet.FloatType), floatValue},
	infer.Double: {parquet.Leaf(parquet.DoubleType), func(b []byte) parquet.Value {
		return parquet.DoubleValue(math.Float64frombits(binary.LittleEndian.Uint64(b)))
	}},
	infer.String: {parquet.String(), parquet.ByteArrayValue},
}

func int32Value(b []byte) parquet.Value {
	return parquet.Int32Value(int32(binary.LittleEndian.Uint32(b)))
}

func int64Value(b []byte) parquet.Value {
	return parquet.Int64Value(int64(binary.LittleEndian.Uint64(b)))
}

func floatValue(b []byte) parquet.Value {
	return parquet.FloatValue(math.Float32frombits(binary.LittleEndian.Uint32(b)))
}

func widened(d infer.DType) func([]byte) parquet.Value {
	return func(b []byte) parquet.Value {
		var data [4]byte
		return floatValue(codec.AppendWidened(data[:0], d, b))
	}
}

// parquetColumn is the column of a tensor.
type parquetColumn struct {
	name  string
	dtype infer.DType
	rank  int // of a row
}

// parquetColumns is the columns of several tensors.
type parquetColumns []parquetColumn

// declaredColumns is the columns of tensors as far as the signature knows them: scalars
// where it does not.
func declaredColumns(infos []infer.TensorInfo) (columns parquetColumns, known bool) {
	columns, known = make(parquetColumns, len(infos)), true
	for i, info := range infos {
		columns[i] = parquetColumn{info.Name, info.DType, max(len(info.Shape)-1, 0)}
		known = known && len(info.Shape) > 0
	}
	return columns, known
}

// valueColumns is the columns of tensors that have at least one row.
func valueColumns(values []infer.Result) parquetColumns {
	columns := make(parquetColumns, len(values))
	for i, v := range values {
		columns[i] = parquetColumn{v.Name, v.Value.DType, len(v.Value.Shape) - 1}
	}
	return columns
}

// differ says how the columns of a row differ from these; nil where they do not.
func (c parquetColumns) differ(row parquetColumns) error {
	if len(c) != len(row) {
		return infer.Errorf(infer.ErrInvalidArgument, "the row has %d tensors, and the columns of the file are for %d", len(row), len(c))
	}
	for i, want := range c {
		if got := row[i]; got != want {
			return infer.Errorf(infer.ErrInvalidArgument, "%q is %s in lists of depth %d in this row, and the file has a column for %q of %s in lists of depth %d: use jsonl",
				got.name, got.dtype, got.rank, want.name, want.dtype, want.rank)
		}
	}
	return nil
}

// orderedGroup is a group whose fields keep the order of names.
type orderedGroup struct {
	parquet.Group
	names []string
}

// Fields is parquet.Node's.
func (g orderedGroup) Fields() []parquet.Field {
	fields := g.Group.Fields()
	slices.SortFunc(fields, func(a, b parquet.Field) int {
		return slices.Index(g.names, a.Name()) - slices.Index(g.names, b.Name())
	})
	return fields
}

// newParquetSchema is the columns of a file. All are optional: rows that failed have
// no results, and others no error. A column of the instance that has the name of one
// of the outputs or of the error, or of one before it, gets another.
func newParquetSchema(instance, results parquetColumns, joined Joined) (*parquet.Schema, error) {
	g := orderedGroup{Group: parquet.Group{}}
	taken := map[string]bool{errorColumn: true}
	for _, c := range results {
		if taken[c.name] {
			return nil, fmt.Errorf("%w: the output %q has the name of another column: use jsonl", ErrOutput, c.name)
		}
		taken[c.name] = true
	}
	add := func(name string, node parquet.Node, rank int) {
		for range rank {
			node = parquet.List(node)
		}
		g.Group[name] = parquet.Optional(node)
		g.names = append(g.names, name)
	}
	free := func(name string) string {
		for taken[name] {
			name = "instance_" + name
		}
		taken[name] = true
		return name
	}
	for _, c := range instance {
		node := parquetTypes[c.dtype].node
		if c.dtype == infer.String && !joined.text[c.name] { // it may be an image or a serialized example
			node = parquet.Leaf(parquet.ByteArrayType)
		}
		add(free(c.name), node, c.rank)
	}
	for k, c := range joined.further {
		name := c.name
		if name == "" { // the index of a data frame, as CSV has it
			name = fmt.Sprintf("column_%d", k)
		}
		add(free(name), parquet.Leaf(c.typ), 0)
	}
	for _, c := range results {
		add(c.name, parquetTypes[c.dtype].node, c.rank)
	}
	add(errorColumn, parquet.String(), 0)
	return parquet.NewSchema("rows", g), nil
}
