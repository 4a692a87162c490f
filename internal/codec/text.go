package codec

import (
	"bytes"
	"encoding/base64"
	"slices"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/tensorlambda/tensorlambda/internal/jsontext"
)

// escapeLength is the length of the escape sequence that s starts with, or
// rapidjson's text for what is wrong with it. A surrogate pair is one sequence.
func escapeLength(s []byte) (int, string) {
	if len(s) < 2 {
		return 0, textEscape
	}
	if s[1] != 'u' {
		if jsontext.Unescaped(s[1]) == 0 {
			return 0, textEscape
		}
		return 2, ""
	}
	r, ok := jsontext.Hex4(s[2:])
	if !ok {
		return 0, textHex
	}
	if !utf16.IsSurrogate(r) {
		return 6, ""
	}
	if len(s) < 8 || s[6] != '\\' || s[7] != 'u' {
		return 0, textSurrogate
	}
	low, ok := jsontext.Hex4(s[8:])
	if !ok {
		return 0, textHex
	}
	if utf16.DecodeRune(r, low) == utf8.RuneError {
		return 0, textSurrogate
	}
	return 12, ""
}

// appendUnquoted appends the bytes that a checked JSON string, given with its
// quotation marks, stands for. They are never more than the string's own.
func appendUnquoted(dst, quoted []byte) []byte {
	s := quoted[1 : len(quoted)-1]
	for {
		k := bytes.IndexByte(s, '\\')
		if k < 0 {
			return append(dst, s...)
		}
		dst = append(dst, s[:k]...)
		s = s[k:]
		if s[1] != 'u' {
			dst = append(dst, jsontext.Unescaped(s[1]))
			s = s[2:]
			continue
		}
		r, _ := jsontext.Hex4(s[2:])
		s = s[6:]
		if utf16.IsSurrogate(r) {
			low, _ := jsontext.Hex4(s[2:])
			r = utf16.DecodeRune(r, low)
			s = s[6:]
		}
		dst = utf8.AppendRune(dst, r)
	}
}

// unquoted is what a checked JSON string stands for. It aliases the string
// where that holds no escapes.
func unquoted(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	return appendUnquoted(nil, quoted)
}

// appendBase64 appends what text decodes to under the rules of
// absl::Base64Unescape: the alphabet of RFC 4648 section 4; white space counts
// for nothing; padding may be left out, but must be right where it is; '.' pads
// like '='. It returns dst and false for anything else.
func appendBase64(dst, text []byte) ([]byte, bool) {
	if out, ok := appendSolidBase64(dst, text); ok {
		return out, true
	}
	// Rare, so that the usual case need not look for white space first.
	solid := slices.DeleteFunc(slices.Clone(text), func(c byte) bool { return c == ' ' || c-'\t' < 5 })
	if len(solid) == len(text) {
		return dst, false
	}
	return appendSolidBase64(dst, solid)
}

func appendSolidBase64(dst, text []byte) ([]byte, bool) {
	data := bytes.TrimRight(text, "=.")
	if pad := len(text) - len(data); pad > 0 && pad != (4-len(data)%4)%4 {
		return dst, false
	}
	out, err := base64.RawStdEncoding.AppendDecode(dst, data)
	// The decoder drops line breaks, after which the padding is not as counted.
	if err != nil || len(out)-len(dst) != base64.RawStdEncoding.DecodedLen(len(data)) {
		return dst, false
	}
	return out, true
}
