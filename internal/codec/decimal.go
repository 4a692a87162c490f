package codec

import (
	"math"
	"strconv"
)

// appendFloat appends a float as TensorFlow Serving's WriteDecimal does: C's
// %g, or %.9g where that does not read back as the same value; ".0" behind what
// would look like an integer; bare NaN, Infinity and -Infinity.
func appendFloat(dst []byte, f float32) []byte {
	wide := math.Abs(float64(f))
	if math.Signbit(float64(f)) && wide == wide {
		dst = append(dst, '-')
	}
	if wide == 0 || wide-wide != 0 {
		return appendSpecial(dst, wide)
	}
	nine := roundDigits(wide, 9)
	// For a normal float half the gap to its neighbour is at most 2^-24 of it,
	// so less than 60 of 9 digits: only decimals that near can read back as it.
	const reach, smallestNormal = 64, 0x1p-126
	if rest := (nine.m + reach) % 1000; rest > 2*reach && wide >= smallestNormal {
		return nine.append(dst)
	}
	if six := roundDigits(wide, 6); six.float32() == float32(wide) {
		return six.append(dst)
	}
	return nine.append(dst)
}

// appendDouble is appendFloat for a double, with %.17g.
func appendDouble(dst []byte, f float64) []byte {
	abs := math.Abs(f)
	if math.Signbit(f) && f == f {
		dst = append(dst, '-')
	}
	if abs == 0 || abs-abs != 0 {
		return appendSpecial(dst, abs)
	}
	if six := roundDigits(abs, 6); six.float64() == abs {
		return six.append(dst)
	}
	return exactDigits(abs, 17).append(dst)
}

// appendSpecial appends what no digits stand for: zero, infinity and NaN.
func appendSpecial(dst []byte, abs float64) []byte {
	switch {
	case abs == 0:
		return append(dst, "0.0"...)
	case abs != abs:
		return append(dst, "NaN"...)
	default:
		return append(dst, "Infinity"...)
	}
}

// digits is a number rounded to count decimal digits. m holds them as an
// integer; exp is the power of ten of the first.
type digits struct {
	m          uint64
	exp, count int
}

// powers are the powers of ten that 64 bits hold.
var powers = [...]uint64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9,
	1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
}

// roundDigits rounds f, which is positive and finite, to count digits, at most
// 9. It scales f to an integer with one rounding error of at most 2^-24 and
// leaves to exactDigits what lies so near the middle that this could matter.
func roundDigits(f float64, count int) digits {
	log2 := int(math.Float64bits(f)>>52) - 1023
	exp := log2 * 78913 >> 18 // log2 × log10(2), rounded down; at most one too low
	if !scalable(count - 1 - exp) {
		return exactDigits(f, count)
	}
	scaled := scale(f, count-1-exp)
	if scaled >= pow10[count] && scalable(count-2-exp) {
		exp++
		scaled = scale(f, count-1-exp)
	}
	m := uint64(scaled)
	rest := scaled - float64(m)
	if math.Abs(rest-0.5) < 0x1p-20 {
		return exactDigits(f, count)
	}
	if rest > 0.5 {
		m++
	}
	if m == powers[count] {
		m, exp = m/10, exp+1
	}
	if m < powers[count-1] || m >= powers[count] {
		return exactDigits(f, count)
	}
	return digits{m, exp, count}
}

func scalable(exp int) bool { return uint(exp+22) <= 44 }

// scale is f × 10^exp; |exp| is at most 22.
func scale(f float64, exp int) float64 {
	if exp < 0 {
		return f / pow10[-exp]
	}
	return f * pow10[exp]
}

// exactDigits is roundDigits for any f and up to 17 digits.
func exactDigits(f float64, count int) digits {
	var room [32]byte
	text := strconv.AppendFloat(room[:0], f, 'e', count-1, 64) // "d.ddde±xx"
	d := digits{count: count}
	i := 0
	for ; text[i] != 'e'; i++ {
		if text[i] != '.' {
			d.m = d.m*10 + uint64(text[i]-'0')
		}
	}
	d.exp, _ = exponentAt(text[i:])
	return d
}

// float64 is the double that the digits read back as.
func (d digits) float64() float64 {
	n := decimal{mant: d.m, exp: d.exp - d.count + 1, exact: true}
	if n.small() {
		return n.scaled()
	}
	f, _ := strconv.ParseFloat(string(d.append(nil)), 64)
	return f
}

// float32 is the float that the digits read back as.
func (d digits) float32() float32 {
	if f := d.float64(); narrowsSafely(f) {
		return float32(f)
	}
	f, _ := strconv.ParseFloat(string(d.append(nil)), 32)
	return float32(f)
}

// append appends the digits as C's %g does with a precision of count, so
// without zeros at the end, and adds ".0" to an integer.
func (d digits) append(dst []byte) []byte {
	precision := d.count
	for d.count > 1 && d.m%10 == 0 {
		d.m /= 10
		d.count--
	}
	if d.exp < -4 || d.exp >= precision {
		return d.appendScientific(dst)
	}
	if d.exp < 0 {
		dst = append(dst, "0.000"[:1-d.exp]...)
		return appendDigits(dst, d.m, d.count)
	}
	whole := d.exp + 1
	if d.count <= whole {
		dst = appendDigits(dst, d.m*powers[whole-d.count], whole)
		return append(dst, ".0"...)
	}
	p := powers[d.count-whole]
	dst = appendDigits(dst, d.m/p, whole)
	dst = append(dst, '.')
	return appendDigits(dst, d.m%p, d.count-whole)
}

func (d digits) appendScientific(dst []byte) []byte {
	p := powers[d.count-1]
	dst = append(dst, byte('0'+d.m/p))
	if d.count > 1 {
		dst = append(dst, '.')
		dst = appendDigits(dst, d.m%p, d.count-1)
	}
	sign, exp := byte('+'), d.exp
	if exp < 0 {
		sign, exp = '-', -exp
	}
	dst = append(dst, 'e', sign)
	if exp < 10 {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, int64(exp), 10)
}

// appendDigits appends m in count digits, at most 20, with zeros in front.
func appendDigits(dst []byte, m uint64, count int) []byte {
	var room [20]byte
	for i := count - 1; i >= 0; i-- {
		room[i] = byte('0' + m%10)
		m /= 10
	}
	return append(dst, room[:count]...)
}
