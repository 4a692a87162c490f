package codec

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/npy"
)

// castable refuses arrays that would lose more than precision as values of an
// input, and says what to do about them.
func castable(info infer.TensorInfo, from npy.DType) error {
	var kinds []npy.Kind
	hint := info.DType.String()
	switch info.DType {
	case infer.String:
		kinds, hint = []npy.Kind{npy.Bytes, npy.Unicode}, "S"
	case infer.Bool:
		kinds = []npy.Kind{npy.Bool}
	case infer.Half, infer.Bfloat16, infer.Float, infer.Double:
		kinds = []npy.Kind{npy.Float, npy.Int, npy.Uint}
		hint = "float32"
	case infer.Complex64, infer.Complex128:
		kinds = []npy.Kind{npy.Complex}
	default:
		if !supported(info.DType) {
			return infer.Errorf(infer.ErrUnimplemented, "input %q of type %s cannot be given as a .npy file", info.Name, info.DType)
		}
		kinds = []npy.Kind{npy.Int, npy.Uint}
	}
	if slices.Contains(kinds, from.Kind) {
		return nil
	}
	return invalid("npy: input %q is of type %s and does not take an array of type %s: convert it with .astype('%s')",
		info.Name, info.DType, from.Name(), hint)
}

// sameItems reports whether items of type from, little-endian, are elements of
// type to as they are.
func sameItems(to infer.DType, from npy.DType) bool {
	same, ok := npy.TypeOf(to)
	return ok && same.Kind == from.Kind && same.Size == from.Size
}

// chunk is how many numbers cast widens at a time: their room stays in the
// first-level cache.
const chunk = 512

// cast converts little-endian items of type from to elements of info, under what
// castable lets pass. shape is only for messages.
func cast(info infer.TensorInfo, from npy.DType, shape []int64, data []byte) ([]byte, error) {
	to := info.DType
	if from.Kind == npy.Complex { // two floats each
		from = npy.DType{Kind: npy.Float, Size: from.Size / 2}
		to = map[infer.DType]infer.DType{infer.Complex64: infer.Float, infer.Complex128: infer.Double}[to]
	}
	n := len(data) / from.Size
	out := make([]byte, 0, n*to.Size())
	exact := !isFloat(to)
	var integers [chunk]int64
	var floats [chunk]float64
	for done := 0; done < n; {
		k := min(chunk, n-done)
		part := data[done*from.Size : (done+k)*from.Size]
		switch {
		case exact:
			widenIntegers(integers[:k], from, part)
			if i := outOfRange(integers[:k], from, to); i >= 0 {
				return nil, integerOutOfRange(info, indexOf(shape, done+i))
			}
			out = narrowIntegers(out, to, integers[:k])
		case from.Kind == npy.Float:
			widenFloats(floats[:k], from, part)
			out = narrowFloats(out, to, floats[:k])
		default:
			widenIntegers(integers[:k], from, part)
			integersToFloats(floats[:k], integers[:k], from)
			out = narrowFloats(out, to, floats[:k])
		}
		done += k
	}
	return out, nil
}

// widenIntegers reads integers in two's complement: uint64 beyond the range of
// int64 come out negative.
func widenIntegers(dst []int64, from npy.DType, src []byte) {
	le, signed := binary.LittleEndian, from.Kind == npy.Int
	for i := range dst {
		switch from.Size {
		case 1:
			dst[i] = int64(src[i])
			if signed {
				dst[i] = int64(int8(src[i]))
			}
		case 2:
			dst[i] = int64(le.Uint16(src[2*i:]))
			if signed {
				dst[i] = int64(int16(le.Uint16(src[2*i:])))
			}
		case 4:
			dst[i] = int64(le.Uint32(src[4*i:]))
			if signed {
				dst[i] = int64(int32(le.Uint32(src[4*i:])))
			}
		default:
			dst[i] = int64(le.Uint64(src[8*i:]))
		}
	}
}

func integersToFloats(dst []float64, src []int64, from npy.DType) {
	for i, v := range src {
		dst[i] = float64(v)
		if v < 0 && from.Kind == npy.Uint {
			dst[i] = float64(uint64(v))
		}
	}
}

// outOfRange is the index of the first integer that type to cannot hold, -1 where
// it holds all.
func outOfRange(v []int64, from npy.DType, to infer.DType) int {
	limits := rangeOf(to)
	for i, n := range v {
		if n < 0 && from.Kind == npy.Int {
			if -uint64(n) > limits.below {
				return i
			}
		} else if uint64(n) > limits.above {
			return i
		}
	}
	return -1
}

func integerOutOfRange(info infer.TensorInfo, index []int64) error {
	return invalid("npy: input %q: element %s is out of the range of %s, %s",
		info.Name, formatIndex(index), info.DType, rangeOf(info.DType))
}

func widenFloats(dst []float64, from npy.DType, src []byte) {
	le := binary.LittleEndian
	for i := range dst {
		switch from.Size {
		case 2:
			dst[i] = float64(halfFloat(le.Uint16(src[2*i:])))
		case 4:
			dst[i] = float64(math.Float32frombits(le.Uint32(src[4*i:])))
		default:
			dst[i] = math.Float64frombits(le.Uint64(src[8*i:]))
		}
	}
}
