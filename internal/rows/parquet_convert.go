package rows

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// kindOf is the data type whose values a column holds. Dates and times are the integers
// that they are stored as; decimals, and the times of INT96, are no values of tensors.
func kindOf(e *format.SchemaElement) (infer.DType, bool) {
	unsigned := false
	switch logical := e.LogicalType.Value.(type) {
	case *format.DecimalType:
		return infer.Invalid, false
	case *format.IntType:
		unsigned = !logical.IsSigned
	case *format.Float16Type:
		return infer.Half, e.Type.V == format.FixedLenByteArray && e.TypeLength.V == 2
	}
	if e.ConvertedType.Valid {
		switch e.ConvertedType.V {
		case deprecated.Decimal:
			return infer.Invalid, false
		case deprecated.Uint8, deprecated.Uint16, deprecated.Uint32, deprecated.Uint64:
			unsigned = true
		}
	}
	switch {
	case e.Type.V == format.Int32 && unsigned:
		return infer.Uint32, true
	case e.Type.V == format.Int64 && unsigned:
		return infer.Uint64, true
	}
	kind, ok := map[format.Type]infer.DType{
		format.Boolean: infer.Bool, format.Int32: infer.Int32, format.Int64: infer.Int64, format.Float: infer.Float,
		format.Double: infer.Double, format.ByteArray: infer.String, format.FixedLenByteArray: infer.String,
	}[e.Type.V]
	return kind, ok
}

func isFloat(d infer.DType) bool {
	return d == infer.Half || d == infer.Bfloat16 || d == infer.Float || d == infer.Double
}

// converts reports whether values of one type become elements of another: floats and
// integers of all kinds, as far as they fit, but floats no integers.
func converts(from, to infer.DType) bool {
	switch {
	case from == infer.String || to == infer.String || from == infer.Bool:
		return from == to
	default:
		return codec.Writable(to) && (isFloat(to) || !isFloat(from))
	}
}

// converter makes elements of values.
type converter struct {
	from, to infer.DType
	floats   []float64
	integers []int64
}

// append appends values as elements to b. The error is a fault of the row; nothing is
// appended then.
func (c *converter) append(b *columnBlock, values []parquet.Value) (err error) {
	switch {
	case c.to == infer.String:
		for i := range values {
			b.data = append(b.data, values[i].ByteArray()...)
			b.ends = append(b.ends, len(b.data))
		}
	case c.from == infer.Float && c.to == infer.Float: // most inputs are, and files for them
		n := len(b.data)
		b.data = slices.Grow(b.data, 4*len(values))[:n+4*len(values)]
		for i := range values {
			binary.LittleEndian.PutUint32(b.data[n+4*i:], math.Float32bits(values[i].Float()))
		}
	case isFloat(c.to):
		c.floats = c.floats[:0]
		for i := range values {
			c.floats = append(c.floats, c.float(values[i]))
		}
		b.data, _ = codec.AppendFloats(b.data, c.to, c.floats) // it is a float
	case c.from == infer.Uint64 && c.to == infer.Uint64:
		for i := range values {
			b.data = binary.LittleEndian.AppendUint64(b.data, values[i].Uint64())
		}
	default:
		if err := c.readIntegers(values); err != nil {
			return err
		}
		b.data, err = codec.AppendIntegers(b.data, c.to, c.integers)
	}
	return err
}

func (c *converter) readIntegers(values []parquet.Value) error {
	c.integers = c.integers[:0]
	for i := range values {
		if c.from == infer.Uint64 && values[i].Int64() < 0 {
			return infer.Errorf(infer.ErrInvalidArgument, "%d is out of the range of %s", values[i].Uint64(), c.to)
		}
		c.integers = append(c.integers, c.integer(values[i]))
	}
	return nil
}

func (c *converter) integer(v parquet.Value) int64 {
	switch c.from {
	case infer.Bool:
		if v.Boolean() {
			return 1
		}
		return 0
	case infer.Int32:
		return int64(v.Int32())
	case infer.Uint32:
		return int64(v.Uint32())
	default:
		return v.Int64()
	}
}

func (c *converter) float(v parquet.Value) float64 {
	switch c.from {
	case infer.Half:
		var data [4]byte
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(codec.AppendWidened(data[:0], infer.Half, v.ByteArray()))))
	case infer.Float:
		return float64(v.Float())
	case infer.Double:
		return v.Double()
	case infer.Uint64:
		return float64(v.Uint64())
	default:
		return float64(c.integer(v))
	}
}
