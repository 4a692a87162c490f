package event

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/tensorlambda/tensorlambda/internal/jsontext"
)

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
		plain := jsontext.Unescaped(c)
		switch {
		case plain != 0:
			out = append(out, plain)
		case c == 'u':
			r, used := unicodeEscape(raw)
			if used == 0 {
				return nil, errors.New(`\u without four hexadecimal digits in a string`)
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
	r, ok := jsontext.Hex4(raw)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 4
	}
	if len(raw) >= 10 && raw[4] == '\\' && raw[5] == 'u' {
		if low, ok := jsontext.Hex4(raw[6:]); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, 10
			}
		}
	}
	return utf8.RuneError, 4
}
