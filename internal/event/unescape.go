package event

import (
	"bytes"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// escapes maps the byte behind a backslash to what the two stand for.
var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unescape decodes the inside of a string; what lies between escapes is copied
// in one go. Half a surrogate pair becomes U+FFFD, as in encoding/json.
func unescape(raw []byte) ([]byte, error) {
	out := make([]byte, 0, len(raw))
	for {
		n := bytes.IndexByte(raw, '\\')
		if n < 0 {
			return append(out, raw...), nil
		}
		out = append(out, raw[:n]...)
		raw = raw[n+1:] // never empty: skipString paired the backslashes
		c := raw[0]
		raw = raw[1:]
		switch {
		case escapes[c] != 0:
			out = append(out, escapes[c])
		case c == 'u':
			r, used := unicodeEscape(raw)
			if used == 0 {
				return nil, fmt.Errorf(`\u without four hexadecimal digits in a string`)
			}
			out = utf8.AppendRune(out, r)
			raw = raw[used:]
		default:
			return nil, fmt.Errorf(`\%c in a string is no JSON escape`, c)
		}
	}
}

// unicodeEscape reads the digits of a \u escape, with the second half of a
// surrogate pair where one follows. used is 0 where the digits are wrong.
func unicodeEscape(raw []byte) (r rune, used int) {
	r, ok := hex4(raw)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 4
	}
	if len(raw) >= 10 && raw[4] == '\\' && raw[5] == 'u' {
		if low, ok := hex4(raw[6:]); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, 10
			}
		}
	}
	return utf8.RuneError, 4
}

func hex4(raw []byte) (rune, bool) {
	if len(raw) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range raw[:4] {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}
