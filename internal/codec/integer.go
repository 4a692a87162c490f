package codec

import (
	"fmt"
	"math"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// integerRange is the range of an integer type, as magnitudes: -below to above.
type integerRange struct{ below, above uint64 }

// String is the range as messages show it: "-128 to 127".
func (r integerRange) String() string {
	sign := ""
	if r.below > 0 {
		sign = "-"
	}
	return fmt.Sprintf("%s%d to %d", sign, r.below, r.above)
}

func rangeOf(d infer.DType) integerRange {
	switch d {
	case infer.Int8:
		return integerRange{1 << 7, math.MaxInt8}
	case infer.Int16:
		return integerRange{1 << 15, math.MaxInt16}
	case infer.Int32:
		return integerRange{1 << 31, math.MaxInt32}
	case infer.Int64:
		return integerRange{1 << 63, math.MaxInt64}
	case infer.Uint8:
		return integerRange{0, math.MaxUint8}
	case infer.Uint16:
		return integerRange{0, math.MaxUint16}
	case infer.Uint32:
		return integerRange{0, math.MaxUint32}
	default:
		return integerRange{0, math.MaxUint64}
	}
}

func (t *builder) integers(c *cursor, list bool) (n int, err error) {
	limits := rangeOf(t.info.DType)
	for more := true; more; more = c.more(list) {
		v, end, ok := integerAt(c.s, c.i, limits)
		if !ok {
			return n, t.notInteger(c, limits)
		}
		if err := t.room(); err != nil {
			return n, err
		}
		c.i = end
		t.data = narrowIntegers(t.data, t.info.DType, []int64{int64(v)})
		n++
	}
	return n, nil
}

// integerAt reads the checked value at i as an integer in two's complement. ok
// is false for a value that has a fraction or an exponent, is out of range, or
// is no number.
func integerAt(s []byte, i int, limits integerRange) (v uint64, end int, ok bool) {
	limit := limits.above
	neg := s[i] == '-'
	if neg {
		i++
		limit = limits.below
	}
	start := i
	for s[i]-'0' < 10 {
		digit := uint64(s[i] - '0')
		if v > (limit-digit)/10 || digit > limit {
			return 0, 0, false
		}
		v = v*10 + digit
		i++
	}
	if i == start || s[i] == '.' || s[i]|0x20 == 'e' {
		return 0, 0, false
	}
	if neg {
		v = -v
	}
	return v, i, true
}

// notInteger is the message for a value that integerAt refuses. TensorFlow
// Serving says the same of integers out of the range of 32 bits; for the
// narrower types it wraps them, which this server does not.
func (t *builder) notInteger(c *cursor, limits integerRange) error {
	err := t.wrongType(c)
	text := c.s[c.i:valueEnd(c.s, c.i)]
	if !isInteger(text) {
		return err
	}
	return invalid("%s: out of range, %s", err, limits)
}

func isInteger(text []byte) bool {
	if text[0] == '-' {
		text = text[1:]
	}
	return len(text) > 0 && digitRun(text) == len(text)
}
