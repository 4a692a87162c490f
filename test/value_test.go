package test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// tensor is a tensor in expected.json.
type tensor struct {
	DType  string
	Shape  []int
	Values []json.RawMessage // flat, in row-major order
}

// decode reads JSON as TensorFlow Serving writes it: NaN and infinities are bare
// words, which become strings. Numbers stay text.
func decode(text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(quoteNonFinite(text)))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

func quoteNonFinite(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		word := leadingWord(text[i:])
		switch {
		case word != "":
			b.WriteString(`"` + word + `"`)
			i += len(word)
		case text[i] == '"':
			end := stringEnd(text, i)
			b.WriteString(text[i:end])
			i = end
		default:
			b.WriteByte(text[i])
			i++
		}
	}
	return b.String()
}

func leadingWord(text string) string {
	for _, word := range []string{"NaN", "Infinity", "-Infinity"} {
		if strings.HasPrefix(text, word) {
			return word
		}
	}
	return ""
}

// stringEnd is the index behind the JSON string that starts at i.
func stringEnd(text string, i int) int {
	for i++; i < len(text) && text[i] != '"'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return min(i+1, len(text))
}

// differs says how a decoded JSON value differs from a tensor; "" means not. A
// list without elements ends the shape that JSON can tell.
func (want tensor) differs(got any, alias string) string {
	var leaves []any
	shape, ok := flatten(got, &leaves)
	wantShape := want.Shape
	if i := slices.Index(wantShape, 0); i >= 0 {
		wantShape = wantShape[:i+1]
	}
	if !ok || !slices.Equal(shape, wantShape) {
		return fmt.Sprintf("shape %v (regular: %v), want %v", shape, ok, wantShape)
	}
	if len(leaves) != len(want.Values) {
		return fmt.Sprintf("%d elements, want %d", len(leaves), len(want.Values))
	}
	for i, leaf := range leaves {
		if !same(leaf, want.Values[i], want.DType, alias) {
			return fmt.Sprintf("element %d is %v, want %s", i, leaf, want.Values[i])
		}
	}
	return ""
}

// flatten collects the leaves of nested lists and tells their shape; ok is false
// for ragged ones.
func flatten(v any, leaves *[]any) (shape []int, ok bool) {
	list, isList := v.([]any)
	if !isList {
		*leaves = append(*leaves, v)
		return nil, true
	}
	shape = []int{len(list)}
	var inner []int
	for i, element := range list {
		s, ok := flatten(element, leaves)
		if !ok || i > 0 && !slices.Equal(s, inner) {
			return nil, false
		}
		inner = s
	}
	return append(shape, inner...), true
}

func same(got any, want json.RawMessage, dtype, alias string) bool {
	switch dtype {
	case "string":
		var encoded string
		if json.Unmarshal(want, &encoded) != nil {
			return false
		}
		return sameText(got, encoded, alias)
	case "bool":
		return fmt.Sprint(got) == string(want)
	case "float", "double", "half", "bfloat16":
		return sameFloat(got, want, dtype)
	default:
		number, ok := got.(json.Number)
		return ok && number.String() == string(want)
	}
}

// sameText holds strings to the documented rule: text as it is, {"b64"} for what
// is not UTF-8 and for outputs whose name ends in _bytes.
func sameText(got any, encoded, alias string) bool {
	want, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return false
	}
	if utf8.Valid(want) && !strings.HasSuffix(alias, "_bytes") {
		return got == string(want)
	}
	object, ok := got.(map[string]any)
	return ok && len(object) == 1 && object["b64"] == encoded
}

// sameFloat compares bits: what was printed, read as the type, must be the value
// that TensorFlow computed.
func sameFloat(got any, want json.RawMessage, dtype string) bool {
	if word, ok := got.(string); ok {
		return bytes.Equal(want, []byte(strconv.Quote(word)))
	}
	number, ok := got.(json.Number)
	if !ok {
		return false
	}
	wanted, err := strconv.ParseFloat(string(want), 64)
	if err != nil {
		return false
	}
	size := 64
	if dtype == "float" {
		size = 32
	}
	read, err := strconv.ParseFloat(number.String(), size)
	if err != nil {
		return false
	}
	switch dtype {
	case "half":
		read = round(read, 11)
	case "bfloat16":
		read = round(read, 8)
	}
	return math.Float64bits(read) == math.Float64bits(wanted)
}

// round rounds to a number of significant bits, ties to even.
func round(v float64, bits int) float64 {
	fraction, exponent := math.Frexp(v)
	return math.Ldexp(math.RoundToEven(math.Ldexp(fraction, bits)), exponent-bits)
}
