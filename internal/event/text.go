package event

import (
	"encoding/binary"
	"math/bits"
)

// The bytes of a word, each set to one value.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// appendText appends text as a JSON string. The text is valid UTF-8; the
// caller has looked. Plain stretches are found eight bytes at a time and copied
// whole, since the text is a reply's body and may be megabytes.
func appendText(dst []byte, text []byte) []byte {
	dst = append(dst, '"')
	for len(text) > 0 {
		n := plainPrefix(text)
		dst = append(dst, text[:n]...)
		if n == len(text) {
			break
		}
		dst = appendEscape(dst, text[n])
		text = text[n+1:]
	}
	return append(dst, '"')
}

// plainPrefix counts the bytes before the first one that a JSON string must
// escape: a quote, a backslash, or a control character.
func plainPrefix(text []byte) int {
	i := 0
	for ; i+8 <= len(text); i += 8 {
		word := binary.LittleEndian.Uint64(text[i:])
		quote, slash := word^'"'*ones, word^'\\'*ones
		// A byte of x is below n where (x - n) borrows and x has no high
		// bit. Borrows can only mark bytes above the first hit wrongly, and
		// only the first hit is used.
		hit := ((word - 0x20*ones) &^ word) | ((quote - ones) &^ quote) | ((slash - ones) &^ slash)
		if hit &= highs; hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
	}
	for ; i < len(text); i++ {
		if c := text[i]; c < 0x20 || c == '"' || c == '\\' {
			return i
		}
	}
	return i
}

func appendEscape(dst []byte, c byte) []byte {
	const digits = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	default:
		return append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
	}
}
