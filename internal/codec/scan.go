package codec

import (
	"bytes"
	"slices"

	"github.com/tensorlambda/tensorlambda/internal/jsontext"
)

// rapidjson's texts for bodies that are not JSON.
const (
	textEmpty         = "The document is empty."
	textTrailing      = "The document root must not be followed by other values."
	textValue         = "Invalid value."
	textMissName      = "Missing a name for object member."
	textMissColon     = "Missing a colon after a name of object member."
	textMissCurly     = "Missing a comma or '}' after an object member."
	textMissSquare    = "Missing a comma or ']' after an array element."
	textHex           = "Incorrect hex digit after \\u escape in string."
	textSurrogate     = "The surrogate pair in string is invalid."
	textEscape        = "Invalid escape character in string."
	textMissQuotation = "Missing a closing quotation mark in string."
	textEncoding      = "Invalid encoding in string."
	textTooBig        = "Number too big to be stored in double."
	textMissFraction  = "Miss fraction part in number."
	textMissExponent  = "Miss exponent in number."
)

// maxMembers bounds the members of the objects whose keys are remembered.
const maxMembers = 1 << 14

// scanner checks the syntax of JSON. Its methods take the offset where
// something starts and return the offset behind it. The grammar is RFC 8259
// with rapidjson's literals for numbers that are not finite.
type scanner struct {
	s        []byte
	maxDepth int
	strict   bool // refuse those literals
}

// space skips white space.
func (sc *scanner) space(i int) int {
	for i < len(sc.s) && isSpace(sc.s[i]) {
		i++
	}
	return i
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// at is the byte at i, or 0, which is no JSON, behind the end.
func (sc *scanner) at(i int) byte {
	if i < len(sc.s) {
		return sc.s[i]
	}
	return 0
}

// object checks the object that starts at i inside depth others. each gets the
// unescaped key and the offset of every member's value and returns the offset
// behind that value. A key that occurs twice is refused: parsers differ about
// which of the two counts.
func (sc *scanner) object(i, depth int, each func(key []byte, i int) (int, error)) (int, error) {
	if depth >= sc.maxDepth {
		return 0, sc.tooDeep(i)
	}
	i = sc.space(i + 1)
	if sc.at(i) == '}' {
		return i + 1, nil
	}
	var seen keySet
	for {
		start := i
		end, err := sc.key(i)
		if err != nil {
			return 0, err
		}
		key := unquoted(sc.s[start:end])
		if !seen.add(key) {
			return 0, invalid("JSON object: duplicate key %q at offset: %d", shown(key), start)
		}
		if seen.len() > maxMembers {
			return 0, invalid("JSON object: more than %d members at offset: %d", maxMembers, start)
		}
		if i, err = sc.colon(end); err != nil {
			return 0, err
		}
		if i, err = each(key, i); err != nil {
			return 0, err
		}
		i = sc.space(i)
		switch sc.at(i) {
		case ',':
			i = sc.space(i + 1)
		case '}':
			return i + 1, nil
		default:
			return 0, syntaxError(textMissCurly, i)
		}
	}
}

// value checks the value that starts at i inside depth arrays and objects. It
// keeps the open brackets on a stack of bytes, so that no body can exhaust the
// goroutine's.
func (sc *scanner) value(i, depth int) (int, error) {
	var room [DefaultMaxDepth]byte
	open := room[:0]
	for {
		var err error
		c := sc.at(i)
		switch {
		case c-'0' < 10 || c == '-':
			i, err = sc.number(i)
		case c == '[' || c == '{':
			if depth+len(open) >= sc.maxDepth {
				return 0, sc.tooDeep(i)
			}
			open = append(open, c+2) // '[' and ']', '{' and '}' are two apart
			i = sc.space(i + 1)
			if sc.at(i) != c+2 {
				if c == '{' {
					i, err = sc.member(i)
				}
				if err != nil {
					return 0, err
				}
				continue
			}
			open = open[:len(open)-1]
			i++
		default:
			i, err = sc.atom(i, c)
		}
		if err != nil {
			return 0, err
		}
		if i, open, err = sc.next(i, open); err != nil || len(open) == 0 {
			return i, err
		}
	}
}

// next moves from behind a value to the value that follows it, closing what
// ends in between.
func (sc *scanner) next(i int, open []byte) (int, []byte, error) {
	for len(open) > 0 {
		c := sc.at(i)
		if isSpace(c) {
			i = sc.space(i)
			c = sc.at(i)
		}
		bracket := open[len(open)-1]
		switch c {
		case ',':
			i++
			if isSpace(sc.at(i)) {
				i = sc.space(i)
			}
			if bracket == '}' {
				i, err := sc.member(i)
				return i, open, err
			}
			return i, open, nil
		case bracket:
			open = open[:len(open)-1]
			i++
		default:
			if bracket == '}' {
				return 0, open, syntaxError(textMissCurly, i)
			}
			return 0, open, syntaxError(textMissSquare, i)
		}
	}
	return i, open, nil
}

// member checks a key and its colon and returns the offset of the value.
func (sc *scanner) member(i int) (int, error) {
	i, err := sc.key(i)
	if err != nil {
		return 0, err
	}
	return sc.colon(i)
}

func (sc *scanner) key(i int) (int, error) {
	if sc.at(i) != '"' {
		return 0, syntaxError(textMissName, i)
	}
	return sc.str(i)
}

func (sc *scanner) colon(i int) (int, error) {
	i = sc.space(i)
	if sc.at(i) != ':' {
		return 0, syntaxError(textMissColon, i)
	}
	return sc.space(i + 1), nil
}

// atom checks a value that is neither a number in digits nor nested.
func (sc *scanner) atom(i int, c byte) (int, error) {
	switch c {
	case '"':
		return sc.str(i)
	case 't':
		return sc.literal(i, "true")
	case 'f':
		return sc.literal(i, "false")
	case 'n':
		return sc.literal(i, "null")
	case 'N', 'I':
		return sc.nonFinite(i)
	default:
		return 0, syntaxError(textValue, i)
	}
}

func (sc *scanner) literal(i int, want string) (int, error) {
	for k := range len(want) {
		if sc.at(i+k) != want[k] {
			return 0, syntaxError(textValue, i+k)
		}
	}
	return i + len(want), nil
}

// nonFinite checks NaN, Inf and Infinity.
func (sc *scanner) nonFinite(i int) (int, error) {
	if sc.strict {
		return 0, syntaxError("NaN and Infinity are not JSON: write NaN as null, or send the tensor as binary data,", i)
	}
	if sc.s[i] == 'N' {
		return sc.literal(i, "NaN")
	}
	if sc.at(i+3) == 'i' {
		return sc.literal(i, "Infinity")
	}
	return sc.literal(i, "Inf")
}

// str checks the string whose quotation mark is at i. As in rapidjson the bytes
// need not be UTF-8, but control characters must be escaped.
func (sc *scanner) str(i int) (int, error) {
	i++
	for {
		i += jsontext.Plain(sc.s[i:])
		if i >= len(sc.s) {
			return 0, syntaxError(textMissQuotation, i)
		}
		switch sc.s[i] {
		case '"':
			return i + 1, nil
		case '\\':
			n, text := escapeLength(sc.s[i:])
			if text != "" {
				return 0, syntaxError(text, i)
			}
			i += n
		case 0:
			return 0, syntaxError(textMissQuotation, i)
		default:
			return 0, syntaxError(textEncoding, i)
		}
	}
}

func (sc *scanner) tooDeep(i int) error {
	return invalid("JSON Parse error: nested deeper than %d levels (MAX_JSON_DEPTH) at offset: %d", sc.maxDepth, i)
}

// maxFew is how many keys of a keySet are kept in a list.
const maxFew = 8

// keySet finds keys that occur twice. The few keys of an ordinary request cost
// no map.
type keySet struct {
	few  [][]byte
	many map[string]struct{}
}

func (k *keySet) len() int { return len(k.few) + len(k.many) }

// add reports whether the key is new.
func (k *keySet) add(key []byte) bool {
	if slices.ContainsFunc(k.few, func(have []byte) bool { return bytes.Equal(have, key) }) {
		return false
	}
	if k.few == nil {
		k.few = make([][]byte, 0, maxFew)
	}
	if len(k.few) < maxFew {
		k.few = append(k.few, key)
		return true
	}
	if _, dup := k.many[string(key)]; dup {
		return false
	}
	if k.many == nil {
		k.many = make(map[string]struct{})
	}
	k.many[string(key)] = struct{}{}
	return true
}
