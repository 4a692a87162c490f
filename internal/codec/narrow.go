package codec

import (
	"encoding/binary"
	"math"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// narrowFloats appends floats as elements of one of their types, rounded to
// nearest. Who has a single one makes a slice of it, which costs nothing; a call
// for each element would make a .npy file of doubles take half as long again.
func narrowFloats(dst []byte, to infer.DType, v []float64) []byte {
	le := binary.LittleEndian
	for _, f := range v {
		switch to {
		case infer.Float:
			dst = le.AppendUint32(dst, math.Float32bits(float32(f)))
		case infer.Double:
			dst = le.AppendUint64(dst, math.Float64bits(f))
		case infer.Half:
			dst = le.AppendUint16(dst, halfBits(f))
		default:
			dst = le.AppendUint16(dst, bfloat16Bits(f))
		}
	}
	return dst
}

// narrowIntegers is narrowFloats for integers in two's complement, which are
// within the range of their type.
func narrowIntegers(dst []byte, to infer.DType, v []int64) []byte {
	le, size := binary.LittleEndian, to.Size()
	for _, n := range v {
		switch size {
		case 1:
			dst = append(dst, byte(n))
		case 2:
			dst = le.AppendUint16(dst, uint16(n))
		case 4:
			dst = le.AppendUint32(dst, uint32(n))
		default:
			dst = le.AppendUint64(dst, uint64(n))
		}
	}
	return dst
}
