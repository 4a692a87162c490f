// Package jsontext scans and quotes JSON strings without allocation: what the
// readers and writers of this program share, each of which has its own grammar
// around it.
package jsontext

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// The bytes of a word, each set to one value.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// Plain is how many bytes of s come before the first one that cannot stand in a
// JSON string as it is: a quotation mark, a backslash or a control character. It
// looks at 8 bytes at once, since base64 and bodies of megabytes pass through it.
func Plain(s []byte) int {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		word := binary.LittleEndian.Uint64(s[i:])
		quote, slash := word^'"'*ones, word^'\\'*ones
		// A byte of x is below n where (x - n) borrows and x has no high bit.
		// Borrows can only mark bytes above the first hit wrongly, and only the
		// first hit is used.
		hit := ((word - 0x20*ones) &^ word) | ((quote - ones) &^ quote) | ((slash - ones) &^ slash)
		if hit &= highs; hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' {
			return i
		}
	}
	return i
}

// Unescaped is the byte that a backslash before c stands for; 0 where c is 'u' or
// may not follow a backslash.
func Unescaped(c byte) byte {
	switch c {
	case '"', '\\', '/':
		return c
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	default:
		return 0
	}
}

// Hex4 reads the four hexadecimal digits that s starts with.
func Hex4(s []byte) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range s[:4] {
		switch {
		case c-'0' < 10:
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// AppendText appends text, which is valid UTF-8, as a JSON string. Plain
// stretches are copied whole.
func AppendText(dst, text []byte) []byte {
	dst = append(dst, '"')
	for {
		n := Plain(text)
		dst = append(dst, text[:n]...)
		if n == len(text) {
			return append(dst, '"')
		}
		dst = appendEscaped(dst, text[n])
		text = text[n+1:]
	}
}

// AppendQuoted appends any bytes as a JSON string that is valid UTF-8: each byte
// that is not becomes U+FFFD.
func AppendQuoted(dst, s []byte) []byte {
	if utf8.Valid(s) {
		return AppendText(dst, s)
	}
	dst = append(dst, '"')
	for len(s) > 0 {
		r, size := utf8.DecodeRune(s)
		if c := s[0]; c < 0x20 || c == '"' || c == '\\' {
			dst = appendEscaped(dst, c)
		} else {
			dst = utf8.AppendRune(dst, r)
		}
		s = s[size:]
	}
	return append(dst, '"')
}

// appendEscaped appends the escape sequence of a character that needs one.
func appendEscaped(dst []byte, c byte) []byte {
	const digits = "0123456789ABCDEF"
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	default:
		return append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&0xF])
	}
}
