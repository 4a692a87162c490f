package rows

import (
	"encoding/base64"
	"math"
	"math/big"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/jsontext"
)

// appendCSVCell appends a further value as a field. A null is an empty one.
func appendCSVCell(dst []byte, typ parquet.Type, v parquet.Value) []byte {
	if v.IsNull() {
		return dst
	}
	text, _ := appendCell(nil, typ, v)
	return codec.AppendCSVText(dst, text)
}

// appendJSONCell appends a further value as JSON.
func appendJSONCell(dst []byte, typ parquet.Type, v parquet.Value) []byte {
	if v.IsNull() {
		return append(dst, null...)
	}
	switch text, form := appendCell(nil, typ, v); form {
	case cellBare:
		return append(dst, text...)
	case cellBase64:
		return append(append(append(dst, `{"b64":"`...), text...), `"}`...)
	default:
		return jsontext.AppendQuoted(dst, text)
	}
}

// cellForm is what the text of a value is.
type cellForm int

const (
	cellText cellForm = iota
	cellBare          // a number or a bool
	cellBase64
)

// appendCell appends the text of a value: dates and times as ISO 8601 has them, bytes
// that are no text as base64.
func appendCell(dst []byte, typ parquet.Type, v parquet.Value) (text []byte, form cellForm) {
	logical := typ.LogicalType()
	if logical != nil {
		if text, form, ok := appendLogical(dst, logical, v); ok {
			return text, form
		}
	}
	switch v.Kind() {
	case parquet.Boolean:
		return strconv.AppendBool(dst, v.Boolean()), cellBare
	case parquet.Int32:
		return strconv.AppendInt(dst, int64(v.Int32()), 10), cellBare
	case parquet.Int64:
		return strconv.AppendInt(dst, v.Int64(), 10), cellBare
	case parquet.Float:
		return appendFloat(dst, float64(v.Float()), 32), cellBare
	case parquet.Double:
		return appendFloat(dst, v.Double(), 64), cellBare
	}
	if b := v.ByteArray(); utf8.Valid(b) {
		return append(dst, b...), cellText
	}
	return base64.StdEncoding.AppendEncode(dst, v.ByteArray()), cellBase64
}

// appendFloat appends a number; those that JSON has no form for as elsewhere in rows.
func appendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	}
	return strconv.AppendFloat(dst, f, 'g', -1, bits)
}

// appendLogical appends a value whose type says more than how it is stored.
func appendLogical(dst []byte, logical *format.LogicalType, v parquet.Value) (text []byte, form cellForm, ok bool) {
	kind := v.Kind()
	switch t := logical.Value.(type) {
	case *format.IntType:
		switch {
		case !t.IsSigned && kind == parquet.Int32:
			return strconv.AppendUint(dst, uint64(v.Uint32()), 10), cellBare, true
		case !t.IsSigned && kind == parquet.Int64:
			return strconv.AppendUint(dst, v.Uint64(), 10), cellBare, true
		}
	case *format.DateType:
		if kind == parquet.Int32 {
			return time.Unix(int64(v.Int32())*24*60*60, 0).UTC().AppendFormat(dst, time.DateOnly), cellText, true
		}
	case *format.TimestampType:
		layout := "2006-01-02T15:04:05.999999999"
		if t.IsAdjustedToUTC {
			layout += "Z07:00"
		}
		if kind == parquet.Int64 {
			return timeOf(v.Int64(), t.Unit).AppendFormat(dst, layout), cellText, true
		}
	case *format.DecimalType:
		if kind != parquet.Boolean && kind != parquet.Float && kind != parquet.Double {
			return appendDecimal(dst, v, int(t.Scale)), cellBare, true
		}
	}
	return dst, cellText, false
}

func timeOf(n int64, unit format.TimeUnit) time.Time {
	switch unit.Value.(type) {
	case *format.MilliSeconds:
		return time.UnixMilli(n).UTC()
	case *format.MicroSeconds:
		return time.UnixMicro(n).UTC()
	default:
		const second = 1_000_000_000
		return time.Unix(n/second, n%second).UTC()
	}
}

// appendDecimal appends an unscaled integer, in two's complement where it is bytes, with
// its decimal point.
func appendDecimal(dst []byte, v parquet.Value, scale int) []byte {
	n := new(big.Int)
	switch v.Kind() {
	case parquet.Int32:
		n.SetInt64(int64(v.Int32()))
	case parquet.Int64:
		n.SetInt64(v.Int64())
	default:
		b := v.ByteArray()
		n.SetBytes(b)
		if len(b) > 0 && b[0] >= 0x80 {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
		}
	}
	if n.Sign() < 0 {
		dst = append(dst, '-')
	}
	digits := n.Abs(n).String()
	if scale <= 0 || scale > maxScale {
		return append(dst, digits...)
	}
	for len(digits) <= scale {
		digits = "0" + digits
	}
	point := len(digits) - scale
	return append(append(append(dst, digits[:point]...), '.'), digits[point:]...)
}

// maxScale is more than any decimal has; what says more is damaged.
const maxScale = 1000
