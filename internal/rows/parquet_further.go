package rows

import (
	"fmt"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// parquetFurther is a column that is no input and is carried along as it is.
type parquetFurther struct {
	column furtherColumn
	leaf   int // in parquetTable.leaves
	value  func([]byte) parquet.Value
}

// physical are the types of further columns as they are stored. Those of INT96, which
// no writer should use any more, have no place in tensors and are left out.
var physical = map[format.Type]infer.DType{
	format.Boolean: infer.Bool, format.Int32: infer.Int32, format.Int64: infer.Int64, format.Float: infer.Float,
	format.Double: infer.Double, format.ByteArray: infer.String, format.FixedLenByteArray: infer.String,
}

// addFurther adds the columns of one value a row that are no inputs. Lists, structs and
// maps, and what cannot be read, stay behind: nobody has asked for them by name.
func (t *parquetTable) addFurther(o Options, file *parquet.File, elements []*format.SchemaElement) {
	taken := make(map[int]bool)
	for _, leaf := range t.leaves {
		taken[leaf.index] = true
	}
	n := 0
	defer func() { warnOfMany(o, n) }()
	for _, c := range file.Root().Columns() {
		if !c.Leaf() || c.Repeated() || taken[c.Index()] {
			continue
		}
		stored := elements[c.Index()].Type.V
		kind, ok := physical[stored]
		if !ok || c.Type().Kind() != parquet.Kind(stored) { // a damaged schema may say two things
			continue
		}
		leaf := &parquetLeaf{name: c.Name(), index: c.Index(), kind: kind, input: infer.TensorInfo{Name: c.Name(), DType: kind}}
		if c.Optional() {
			leaf.empty = []int{0}
		}
		if checkCodec(file, leaf) != nil {
			continue
		}
		if n++; n > maxFurther {
			continue
		}
		value, typ := parquetTypes[kind].value, c.Type()
		if typ.Kind() == parquet.FixedLenByteArray {
			value = parquet.FixedLenByteArrayValue
		}
		if as, _ := kindOf(elements[c.Index()]); as == infer.Half { // a type that parquet-go does not write
			leaf.kind, leaf.input.DType = infer.Half, infer.Float
			value, typ = floatValue, parquet.FloatType
		}
		t.further = append(t.further, parquetFurther{furtherColumn{c.Name(), typ}, len(t.leaves), value})
		t.leaves = append(t.leaves, leaf)
	}
}

// joined is what outputs have to know.
func (t *parquetTable) joined(elements []*format.SchemaElement) Joined {
	j := Joined{text: make(map[string]bool)}
	for _, input := range t.inputs {
		text := true
		for _, c := range input.columns {
			text = text && isText(elements[t.leaves[c].index])
		}
		j.text[input.info.Name] = text
	}
	for _, f := range t.further {
		j.further = append(j.further, f.column)
	}
	return j
}

// isText reports whether a column's bytes are UTF-8 by its type.
func isText(e *format.SchemaElement) bool {
	return isTextType(&e.LogicalType) || e.ConvertedType.Valid && (e.ConvertedType.V == deprecated.UTF8 || e.ConvertedType.V == deprecated.Enum || e.ConvertedType.V == deprecated.Json)
}

func isTextType(t *format.LogicalType) bool {
	switch t.Value.(type) {
	case *format.StringType, *format.EnumType, *format.JsonType:
		return true
	default:
		return false
	}
}

// furtherOf appends the further values of a row.
func (t *parquetTable) furtherOf(dst []parquet.Value, columns []columnBlock, row int) []parquet.Value {
	for _, f := range t.further {
		block := &columns[f.leaf]
		value := parquet.NullValue()
		if this := block.rows[row]; this.err == nil {
			value = f.value(block.data[block.before(row).bytes:this.bytes])
		}
		dst = append(dst, value)
	}
	return dst
}

// checkCodec refuses compressions that parquet-go does not know, and columns with
// several: it reads each with that of the first row group. A damaged page of LZ4 it
// inflates into ever more memory without an end.
func checkCodec(file *parquet.File, leaf *parquetLeaf) error {
	for group := range file.Metadata().RowGroups {
		codec, first := leaf.chunk(file, group).Codec, leaf.chunk(file, 0).Codec
		switch codec {
		case format.Uncompressed, format.Snappy, format.Gzip, format.Zstd, format.Brotli:
		default:
			return fmt.Errorf("%w: column %q is compressed with %s: use snappy, gzip or zstd", ErrFormat, leaf.name, codec)
		}
		if codec != first {
			return fmt.Errorf("%w: column %q is compressed with %s, and in row group %d with %s", ErrFormat, leaf.name, first, group, codec)
		}
	}
	return nil
}
