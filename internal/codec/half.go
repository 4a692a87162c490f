package codec

import "math"

// halfBits rounds f to IEEE 754 binary16, to nearest, ties to even.
func halfBits(f float64) uint16 { return shortBits(f, 5, 10) }

// bfloat16Bits rounds f to bfloat16, to nearest, ties to even.
func bfloat16Bits(f float64) uint16 { return shortBits(f, 8, 7) }

// shortBits rounds f to a binary format of 16 bits with the given widths of
// exponent and fraction. What is too large becomes an infinity.
func shortBits(f float64, expBits, fracBits int) uint16 {
	b := math.Float64bits(f)
	sign := uint16(b >> 63 << 15)
	infinity := uint16(1<<expBits-1) << fracBits
	switch {
	case f != f:
		return sign | infinity | 1<<(fracBits-1)
	case math.IsInf(f, 0):
		return sign | infinity
	}
	bias := 1<<(expBits-1) - 1
	exp := int(b>>52&0x7FF) - 1023 + bias
	frac := b & (1<<52 - 1)
	drop := 52 - fracBits
	if exp <= 0 {
		// Subnormal: the hidden bit becomes part of the fraction.
		frac |= 1 << 52
		drop += 1 - exp
		exp = 0
		if drop > 54 {
			return sign
		}
	}
	if exp >= 1<<expBits-1 {
		return sign | infinity
	}
	rest, middle := frac&(1<<drop-1), uint64(1)<<(drop-1)
	v := uint64(exp)<<fracBits + frac>>drop
	if rest > middle || rest == middle && v&1 == 1 {
		v++ // may carry into the exponent, which is right up to infinity
	}
	return sign | uint16(v)
}

// halfFloat widens a binary16, which is exact.
func halfFloat(b uint16) float32 {
	sign := uint32(b>>15) << 31
	exp := uint32(b >> 10 & 0x1F)
	frac := uint32(b & 0x3FF)
	switch exp {
	case 0:
		f := float32(frac) * (1.0 / (1 << 24))
		return math.Float32frombits(math.Float32bits(f) | sign)
	case 0x1F:
		return math.Float32frombits(sign | 0xFF<<23 | frac<<13)
	default:
		return math.Float32frombits(sign | (exp+127-15)<<23 | frac<<13)
	}
}

// bfloat16Float widens a bfloat16, which is exact.
func bfloat16Float(b uint16) float32 { return math.Float32frombits(uint32(b) << 16) }
