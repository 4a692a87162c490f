package codec

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"strconv"
)

// appendFloat appends a float as TensorFlow Serving's WriteDecimal does: C's
// %g, or %.9g where that does not read back as the same value; ".0" behind what
// would look like an integer; bare NaN, Infinity and -Infinity.
func appendFloat(dst []byte, f float32) []byte {
	b := math.Float32bits(f)
	exponent, fraction := int(b>>23&0xff), b&(1<<23-1)
	if exponent == 0 || exponent == 0xff {
		return appendRare(dst, float64(f), 9, func(d digits, abs float64) bool { return d.float32() == float32(abs) })
	}
	if b>>31 != 0 {
		dst = append(dst, '-')
	}
	nine, ok := scaleExactly(uint64(fraction|1<<23)<<29, exponent-127, 9)
	if !ok {
		nine = roundDigits(math.Abs(float64(f)), 9)
	}
	// Half the gap to the neighbour of a normal float is at most 2^-24 of it: only
	// decimals that near can read back as it.
	reach := nine.m>>24 + 2
	if rest := (nine.m + reach) % 1000; rest <= 2*reach {
		if six := roundDigits(math.Abs(float64(f)), 6); six.float32() == float32(math.Abs(float64(f))) {
			return six.append(dst)
		}
	}
	return nine.append(dst)
}

// appendDouble is appendFloat for a double, with %.17g.
func appendDouble(dst []byte, f float64) []byte {
	b := math.Float64bits(f)
	exponent, fraction := int(b>>52&0x7ff), b&(1<<52-1)
	if exponent == 0 || exponent == 0x7ff {
		return appendRare(dst, f, 17, func(d digits, abs float64) bool { return d.float64() == abs })
	}
	if b>>63 != 0 {
		dst = append(dst, '-')
	}
	long, ok := scaleExactly(fraction|1<<52, exponent-1023, 17)
	if !ok {
		long = exactDigits(math.Abs(f), 17)
	}
	reach := long.m>>53 + 2 // as above
	if rest := (long.m + reach) % 1e11; rest <= 2*reach {
		if six := roundDigits(math.Abs(f), 6); six.float64() == math.Abs(f) {
			return six.append(dst)
		}
	}
	return long.append(dst)
}

// appendRare appends what is no normal number: zero, infinity and NaN, and
// subnormal numbers, whose gaps are large.
func appendRare(dst []byte, f float64, precision int, readsBack func(digits, float64) bool) []byte {
	if math.Signbit(f) && f == f {
		dst = append(dst, '-')
	}
	abs := math.Abs(f)
	switch {
	case abs == 0:
		return append(dst, "0.0"...)
	case abs != abs:
		return append(dst, "NaN"...)
	case abs > math.MaxFloat64:
		return append(dst, "Infinity"...)
	}
	if six := exactDigits(abs, 6); readsBack(six, abs) {
		return six.append(dst)
	}
	return exactDigits(abs, precision).append(dst)
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

// fives are the powers of five that 64 bits hold.
var fives = func() (p [28]uint64) {
	p[0] = 1
	for i := range p[1:] {
		p[i+1] = p[i] * 5
	}
	return p
}()

// scaleExactly rounds mantissa × 2^(log2-52), where mantissa has 53 bits, to count
// digits. It does so for numbers from 1e-11 (for 9 digits 1e-19) to as many digits
// before the point: their mantissa times a power of five fits 128 bits, so that
// nothing is lost before the rounding, which is to even in the middle.
func scaleExactly(mantissa uint64, log2, count int) (digits, bool) {
	// log2 of the number is at least log2 and the mantissa's fraction together,
	// so this is its power of ten, rounded down, or very seldom one less.
	fraction := int64(mantissa >> 32 & (1<<20 - 1))
	const log10of2 = 0x4d104d42 // × 2^32
	exp := int((int64(log2)<<20 + fraction) * log10of2 >> 52)
	for ; ; exp++ {
		scale := count - 1 - exp
		shift := uint(52 - log2 - scale) // mantissa × 5^scale is to be shifted right
		if uint(scale) >= uint(len(fives)) || shift > 63 {
			return digits{}, false
		}
		high, low := bits.Mul64(mantissa, fives[scale])
		m, rest := high<<(64-shift)|low>>shift, low<<(64-shift)
		m += rest >> 63 // no branch: it would be guessed wrong every other time
		if rest == 1<<63 {
			m &^= 1
		}
		if m < powers[count] {
			return digits{m, exp, count}, true
		}
	}
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

// longest is how many bytes append needs at the most: 17 digits, a point, e-308.
const longest = 24

// append appends the digits as C's %g does with a precision of count, so without
// zeros at the end, and adds ".0" to an integer.
func (d digits) append(dst []byte) []byte {
	dst = slices.Grow(dst, longest)
	n := len(dst)
	b := dst[n : n+longest]
	switch {
	case d.exp < -4 || d.exp >= d.count:
		return dst[:n+d.writeScientific(b)]
	case d.exp < 0:
		copy(b, "0.000")
		return dst[:n+1-d.exp+d.write(b[1-d.exp:])]
	}
	// The digits before the point go back one place, which makes room for it.
	end, point := 1+d.write(b[1:]), d.exp+1
	for i := range point {
		b[i] = b[i+1]
	}
	b[point] = '.'
	if end < point+2 {
		b[point+1] = '0'
		end = point + 2
	}
	return dst[:n+end]
}

func (d digits) writeScientific(b []byte) int {
	n := 1 + d.write(b[1:])
	b[0], b[1] = b[1], '.'
	if n == 2 {
		n = 1
	}
	sign, exp := byte('+'), d.exp
	if exp < 0 {
		sign, exp = '-', -exp
	}
	b = append(b[:n], 'e', sign)
	if exp < 10 {
		b = append(b, '0')
	}
	return len(strconv.AppendInt(b, int64(exp), 10))
}

// write writes the digits, with zeros at the end to make them 9 or 17, and returns
// how many there are without zeros at the end.
func (d digits) write(b []byte) int {
	m, n := d.m, 17
	if d.count <= 9 {
		m, n = m*powers[9-d.count], 9
	}
	end := n
	for i := n - 8; i > 0; i -= 8 {
		eight := splitEight(uint32(m % 1e8))
		m /= 1e8
		binary.LittleEndian.PutUint64(b[i:], eight|0x3030303030303030)
		if end == i+8 && eight>>56 == 0 { // seldom, so that nothing waits for end
			end -= bits.LeadingZeros64(eight) / 8
		}
	}
	b[0] = byte('0' + m)
	return end
}

// splitEight takes a number apart into eight digits, the first in the lowest byte.
// Halves, quarters and eighths are divided side by side, by multiplications that
// are exact for numbers of 4 and of 2 digits.
func splitEight(m uint32) uint64 {
	v := uint64(m/1e4) | uint64(m%1e4)<<32
	hundreds := v * 10486 >> 20 & 0x0000007f0000007f
	v = hundreds | (v-100*hundreds)<<16
	tens := v * 103 >> 10 & 0x000f000f000f000f
	return tens | (v-10*tens)<<8
}
