package codec

import "github.com/tensorlambda/tensorlambda/internal/infer"

// AppendFloats appends floats as elements of type to, rounded to nearest. It reports
// false, and appends nothing, where that is no type of real floats.
func AppendFloats(dst []byte, to infer.DType, v []float64) ([]byte, bool) {
	if !isFloat(to) {
		return dst, false
	}
	return narrowFloats(dst, to, v), true
}

// AppendIntegers appends integers as elements of type to: integers of that range,
// floats rounded to nearest, or bools, which are 0 and 1. The error is an *infer.Error:
// ErrInvalidArgument for a type of none of these, or for an integer that is out of its
// range, which it names. Nothing is appended then.
func AppendIntegers(dst []byte, to infer.DType, v []int64) ([]byte, error) {
	if isFloat(to) {
		for _, i := range v {
			dst = narrowFloats(dst, to, []float64{float64(i)})
		}
		return dst, nil
	}
	limits := integerRange{0, 1}
	if to != infer.Bool {
		if !supported(to) || to == infer.String {
			return dst, invalid("integers are no values of type %s", to)
		}
		limits = rangeOf(to)
	}
	for _, i := range v {
		if i < 0 && -uint64(i) > limits.below || i >= 0 && uint64(i) > limits.above {
			return dst, invalid("%d is out of the range of %s, %s", i, to, limits)
		}
	}
	return narrowIntegers(dst, to, v), nil
}
