package codec

import (
	"encoding/base64"
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// The fields of tensorflow.TensorProto and tensorflow.TensorShapeProto that are
// read one by one.
const (
	tensorDType   protowire.Number = 1
	tensorShape   protowire.Number = 2
	tensorVersion protowire.Number = 3
	tensorContent protowire.Number = 4
	tensorFloat8  protowire.Number = 18

	shapeDim         protowire.Number = 2
	shapeUnknownRank protowire.Number = 3
	dimSize          protowire.Number = 1
)

// scalar is how a protobuf type is encoded, and appended as JSON: append takes the
// first value of b, which is not known to be whole, and returns its length, below 0
// where there is none.
type scalar struct {
	wire   protowire.Type
	append func(dst, b []byte) ([]byte, int)
}

var (
	int32Scalar  = varint(func(dst []byte, v uint64) []byte { return strconv.AppendInt(dst, int64(int32(v)), 10) })
	uint32Scalar = varint(func(dst []byte, v uint64) []byte { return strconv.AppendUint(dst, uint64(uint32(v)), 10) })
	boolScalar   = varint(func(dst []byte, v uint64) []byte { return strconv.AppendBool(dst, v != 0) })
	int64Scalar  = varint(func(dst []byte, v uint64) []byte {
		return append(strconv.AppendInt(append(dst, '"'), int64(v), 10), '"')
	})
	uint64Scalar = varint(func(dst []byte, v uint64) []byte { return append(strconv.AppendUint(append(dst, '"'), v, 10), '"') })
	floatScalar  = scalar{protowire.Fixed32Type, func(dst, b []byte) ([]byte, int) {
		v, n := protowire.ConsumeFixed32(b)
		return appendProtoFloat(dst, float64(math.Float32frombits(v)), 32), n
	}}
	doubleScalar = scalar{protowire.Fixed64Type, func(dst, b []byte) ([]byte, int) {
		v, n := protowire.ConsumeFixed64(b)
		return appendProtoFloat(dst, math.Float64frombits(v), 64), n
	}}
	bytesScalar = scalar{protowire.BytesType, func(dst, b []byte) ([]byte, int) {
		v, n := protowire.ConsumeBytes(b)
		return appendProtoBytes(dst, v), n
	}}
)

func varint(appendValue func(dst []byte, v uint64) []byte) scalar {
	return scalar{protowire.VarintType, func(dst, b []byte) ([]byte, int) {
		v, n := protowire.ConsumeVarint(b)
		return appendValue(dst, v), n
	}}
}

// tensorValues are the repeated fields of tensorflow.TensorProto in the order of
// tensor.proto. Handles of resources and variants mean nothing outside the process
// that made them, so a model has none.
var tensorValues = []struct {
	name   string
	number protowire.Number
	scalar scalar
}{
	{"half_val", 13, int32Scalar},
	{"float_val", 5, floatScalar},
	{"double_val", 6, doubleScalar},
	{"int_val", 7, int32Scalar},
	{"string_val", 8, bytesScalar},
	{"scomplex_val", 9, floatScalar},
	{"int64_val", 10, int64Scalar},
	{"bool_val", 11, boolScalar},
	{"dcomplex_val", 12, doubleScalar},
	{"resource_handle_val", 0, scalar{}},
	{"variant_val", 0, scalar{}},
	{"uint32_val", 16, uint32Scalar},
	{"uint64_val", 17, uint64Scalar},
}

// appendTensorProto appends the JSON form of a serialized tensorflow.TensorProto.
// Whoever read the model has checked that it is a message; what is wrong inside
// its packed lists ends these early.
func appendTensorProto(dst, b []byte) []byte {
	var dtype, version uint64
	var content, float8, shape []byte
	protoFields(b, func(n protowire.Number, typ protowire.Type, raw []byte) {
		switch {
		case n == tensorDType && typ == protowire.VarintType:
			dtype, _ = protowire.ConsumeVarint(raw)
		case n == tensorVersion && typ == protowire.VarintType:
			version, _ = protowire.ConsumeVarint(raw)
		case n == tensorContent && typ == protowire.BytesType:
			content, _ = protowire.ConsumeBytes(raw)
		case n == tensorFloat8 && typ == protowire.BytesType:
			float8, _ = protowire.ConsumeBytes(raw)
		case n == tensorShape && typ == protowire.BytesType:
			part, _ := protowire.ConsumeBytes(raw)
			shape = append(shape, part...)
		}
	})
	dst = append(dst, `{"dtype":"`...)
	dst = append(dst, infer.DType(dtype).Enum()...)
	dst = append(dst, `","tensor_shape":`...)
	dst = appendShape(dst, protoShape(shape))
	dst = append(dst, `,"version_number":`...)
	dst = strconv.AppendInt(dst, int64(int32(version)), 10)
	dst = append(dst, `,"tensor_content":`...)
	dst = appendProtoBytes(dst, content)
	for _, field := range tensorValues {
		dst = append(dst, `,"`...)
		dst = append(dst, field.name...)
		dst = append(dst, `":[`...)
		dst = appendProtoValues(dst, b, field.number, field.scalar)
		dst = append(dst, ']')
	}
	dst = append(dst, `,"float8_val":`...)
	dst = appendProtoBytes(dst, float8)
	return append(dst, '}')
}

// appendProtoValues appends the values of a repeated field, packed or not, with
// commas between them.
func appendProtoValues(dst, b []byte, number protowire.Number, s scalar) []byte {
	start := len(dst)
	protoFields(b, func(n protowire.Number, typ protowire.Type, raw []byte) {
		if n != number {
			return
		}
		if typ != s.wire {
			if typ != protowire.BytesType {
				return
			}
			raw, _ = protowire.ConsumeBytes(raw)
		}
		for len(raw) > 0 {
			if len(dst) > start {
				dst = append(dst, ',')
			}
			before := len(dst)
			var length int
			if dst, length = s.append(dst, raw); length < 0 {
				dst = dst[:max(before-1, start)]
				return
			}
			raw = raw[length:]
		}
	})
	return dst
}

// protoFields calls each with the fields of a message: number, wire type, and the
// value with its length in front where it has one. It ends at what is no field.
func protoFields(b []byte, each func(n protowire.Number, typ protowire.Type, raw []byte)) {
	for len(b) > 0 {
		n, typ, tag := protowire.ConsumeTag(b)
		if tag < 0 {
			return
		}
		size := protowire.ConsumeFieldValue(n, typ, b[tag:])
		if size < 0 {
			return
		}
		each(n, typ, b[tag:tag+size])
		b = b[tag+size:]
	}
}

// protoShape reads a tensorflow.TensorShapeProto.
func protoShape(b []byte) infer.Shape {
	shape := infer.Shape{}
	unknown := false
	protoFields(b, func(n protowire.Number, typ protowire.Type, raw []byte) {
		switch {
		case n == shapeUnknownRank && typ == protowire.VarintType:
			v, _ := protowire.ConsumeVarint(raw)
			unknown = v != 0
		case n == shapeDim && typ == protowire.BytesType:
			dim, _ := protowire.ConsumeBytes(raw)
			shape = append(shape, protoDim(dim))
		}
	})
	if unknown {
		return nil
	}
	return shape
}

func protoDim(b []byte) (size int64) {
	protoFields(b, func(n protowire.Number, typ protowire.Type, raw []byte) {
		if n == dimSize && typ == protowire.VarintType {
			v, _ := protowire.ConsumeVarint(raw)
			size = int64(v)
		}
	})
	return size
}

// appendProtoFloat appends a float as protobuf's JSON form has it: in quotes where
// JSON has no number for it.
func appendProtoFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	return strconv.AppendFloat(dst, f, 'g', -1, bits)
}

func appendProtoBytes(dst, b []byte) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, '"')
}
