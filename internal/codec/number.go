package codec

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
	"unsafe"
)

// number checks the number that starts at i. It refuses what no double can
// hold, as rapidjson does.
func (sc *scanner) number(i int) (int, error) {
	s, start := sc.s, i
	if s[i] == '-' {
		i++
		if c := sc.at(i); c == 'N' || c == 'I' {
			return sc.nonFinite(i)
		}
	}
	first := sc.at(i)
	if first-'0' > 9 {
		return 0, syntaxError(textValue, i)
	}
	i++
	if first != '0' {
		i += digitRun(s[i:])
	}
	whole := i - start
	c := sc.at(i)
	if c == '.' {
		n := digitRun(s[i+1:])
		if n == 0 {
			return 0, syntaxError(textMissFraction, i+1)
		}
		i += 1 + n
		c = sc.at(i)
	}
	exponent := 0
	if c|0x20 == 'e' {
		var n int
		if exponent, n = exponentAt(s[i:]); n == 0 {
			return 0, syntaxError(textMissExponent, i+1)
		}
		i += n
	}
	// Below 10^308 no double overflows; only the rest is worth a conversion.
	if whole+exponent > 308 {
		if _, err := strconv.ParseFloat(alias(s[start:i]), 64); err != nil {
			return 0, syntaxError(textTooBig, start)
		}
	}
	return i, nil
}

// exponentAt reads the exponent that s starts with: its value, held within
// ±10000, and its length, 0 where digits are missing.
func exponentAt(s []byte) (value, length int) {
	i, sign := 1, 1
	if i < len(s) && (s[i] == '+' || s[i] == '-') {
		if s[i] == '-' {
			sign = -1
		}
		i++
	}
	n := digitRun(s[i:])
	if n == 0 {
		return 0, 0
	}
	for _, c := range s[i : i+n] {
		value = min(value*10+int(c-'0'), 10000)
	}
	return sign * value, i + n
}

// digitRun is the number of digits that s starts with.
func digitRun(s []byte) int {
	i := 0
	for ; i+16 <= len(s); i += 16 {
		a, b := leadingDigits16(s[i:])
		if a+b < 16 {
			return i + a + b
		}
	}
	for i < len(s) && s[i]-'0' < 10 {
		i++
	}
	return i
}

// leadingDigits16 is the number of digits in front of 16 bytes, as how many of
// them lie in the first 8 and how many in the second. It has no branches: the
// lengths of numbers are too uneven to predict, and a misprediction costs more
// than reading the second 8 for nothing.
func leadingDigits16(s []byte) (first, second int) {
	_ = s[15]
	first = leadingDigits(binary.LittleEndian.Uint64(s))
	second = leadingDigits(binary.LittleEndian.Uint64(s[8:]))
	return first, second & -(first >> 3)
}

// leadingDigits is the number of digits in front of 8 bytes of text.
func leadingDigits(v uint64) int {
	v ^= 0x3030303030303030
	// Adding 0x76 lifts every byte above 9 over 0x7F. Carries only reach bytes
	// behind the first that is no digit.
	return bits.TrailingZeros64(((v+0x7676767676767676)|v)&0x8080808080808080) >> 3
}

// eightDigits is the value of 8 digits of text, given less '0' in each byte,
// the first in the lowest: pairs, then fours, then all of them are added up in
// parallel.
func eightDigits(v uint64) uint64 {
	v = v*10 + v>>8
	const mask = 0x000000FF000000FF
	return ((v&mask)*(100+1000000<<32) + (v>>16&mask)*(1+10000<<32)) >> 32
}

// decimal is a number as written: ±mant × 10^exp. exact is false where mant
// does not hold all digits.
type decimal struct {
	mant  uint64
	exp   int
	neg   bool
	exact bool
}

var tens = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8}

// decimalAt reads the number at the start of s, which starts with a digit or a
// minus, and its length. That is 0 for what is no number of digits; NaN and
// infinities are not.
func decimalAt(s []byte) (d decimal, length int) {
	i := 0
	if s[0] == '-' {
		d.neg = true
		i = 1
	}
	start := i
	for i < len(s) && s[i]-'0' < 10 {
		d.mant = d.mant*10 + uint64(s[i]-'0')
		i++
	}
	digits := i - start
	if digits != 1 && (digits == 0 || s[start] == '0') {
		return d, 0
	}
	if i < len(s) && s[i] == '.' {
		mant, n := fraction(d.mant, s[i+1:])
		if n == 0 {
			return d, 0
		}
		d.mant = mant
		d.exp = -n
		digits += n
		i += 1 + n
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		e, n := exponentAt(s[i:])
		if n == 0 {
			return d, 0
		}
		d.exp += e
		i += n
	}
	d.exact = digits <= 19 // which fit in 64 bits
	return d, i
}

// fraction carries on mant with the digits that s starts with.
func fraction(mant uint64, s []byte) (uint64, int) {
	i := 0
	for ; i+16 <= len(s); i += 16 {
		a, b := leadingDigits16(s[i:])
		mant = mant*tens[a] + eightDigits(front(s[i:], a))
		mant = mant*tens[b] + eightDigits(front(s[i+8:], b))
		if a+b < 16 {
			return mant, i + a + b
		}
	}
	for i < len(s) && s[i]-'0' < 10 {
		mant = mant*10 + uint64(s[i]-'0')
		i++
	}
	return mant, i
}

// front is the first n of 8 digits of text less '0', with zeros in front.
func front(s []byte, n int) uint64 {
	return (binary.LittleEndian.Uint64(s) - 0x3030303030303030) << (64 - 8*uint(n))
}

// pow10 holds the powers of ten that a double holds exactly.
var pow10 = [...]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// scaled is mant × 10^exp in one rounding beyond that of mant to a double.
// |exp| is at most 22.
func (d *decimal) scaled() float64 {
	f := float64(d.mant)
	if d.exp < 0 {
		f /= pow10[-d.exp]
	} else {
		f *= pow10[d.exp]
	}
	if d.neg {
		f = -f
	}
	return f
}

// small reports whether scaled may be asked.
func (d *decimal) small() bool { return d.exact && uint(d.exp+22) <= 44 }

// float64At reads the checked number at the start of s, rounded to nearest.
func float64At(s []byte) (f float64, length int) {
	d, n := decimalAt(s)
	if d.small() && d.mant>>53 == 0 {
		return d.scaled(), n
	}
	return slowFloat64(s, n)
}

// float32At reads the checked number at the start of s as TensorFlow Serving
// does: rounded to a double, then to a float.
func float32At(s []byte) (f float32, length int) {
	d, n := decimalAt(s)
	if d.small() {
		f := d.scaled()
		if d.mant>>53 == 0 || narrowsSafely(f) {
			return float32(f), n
		}
	}
	wide, n := slowFloat64(s, n)
	return float32(wide), n
}

// narrowsSafely reports whether all doubles near f become the same float, so
// that an f that is off by two units in the last place does no harm: it is a
// normal float and does not lie near the middle between two.
func narrowsSafely(f float64) bool {
	const middle, margin = 1 << 28, 8
	b := math.Float64bits(f)
	low := b & (1<<29 - 1)
	exp := b >> 52 & 0x7FF
	return low-(middle-margin) > 2*margin && exp > 1023-126 && exp < 1023+127
}

// slowFloat64 reads the number in any case, and null as a NaN. n is the length
// of a number that is finite.
func slowFloat64(s []byte, n int) (float64, int) {
	i := 0
	var f float64
	if s[0] == '-' {
		i = 1
	}
	switch {
	case s[i] == 'N':
		f, n = math.NaN(), i+3
	case s[i] == 'n':
		f, n = math.NaN(), len("null")
	case s[i] == 'I' && len(s) > i+3 && s[i+3] == 'i':
		f, n = math.Inf(1), i+8
	case s[i] == 'I':
		f, n = math.Inf(1), i+3
	default:
		// The syntax has been checked, and that it is not out of range.
		f, _ = strconv.ParseFloat(alias(s[:n]), 64)
		return f, n
	}
	if i == 1 {
		f = math.Copysign(f, -1)
	}
	return f, n
}

// alias is b as a string for the length of a call that does not keep it.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
