package codec_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
)

// A body that encoding/json reads as examples of legal features decodes to these
// features, and one that it does not read is refused, but for what only one of the
// two takes.
func FuzzDecodeExamples(f *testing.F) {
	for _, body := range []string{
		`{"examples": [{"names": ["foo", "bar"], "ratings": [8.0, 9.0], "age": 20}, {"ratings": 6.5e0}]}`,
		`{"context": {"query": "pizza"}, "examples": [{"x": [1, true, false]}, {"x": {"b64": "aGVsbG8="}}]}`,
		`{"examples": [{"x": []}, {}], "signature_name": "scores"}`, `{"examples": [{"x": [1, 1.0]}]}`,
		`{"examples": [{"x": 9223372036854775808}]}`, `{"examples": [{"x": -0}, {"x": 1e400}]}`,
		`{"examples": [[]]}`, `{"examples": [{"x": [[1]]}]}`, `{"examples": {}}`, `{"examples": [{"x": {"b64": 1}}]}`,
		`{"context": 1, "examples": [{}]}`, `{"examples": [{"x": NaN}]}`, `{"examples": [{"": "\ud800"}]}`, `{"examples"`,
	} {
		f.Add([]byte(body))
	}
	catalog := examplesCatalog()
	f.Fuzz(func(t *testing.T, body []byte) {
		const limit = 1 << 16
		req, err := codec.DecodeExamples(body, catalog, codec.Classify, codec.Limits{MaxTensorBytes: limit})
		if err != nil {
			return
		}
		value := req.Feeds[0].Value
		if size := len(value.Data) + 8*value.Len(); size > limit {
			t.Errorf("%d bytes under a limit of %d", size, limit)
		}
		var got []string
		for i := range value.Len() {
			got = append(got, exampleText(value.Element(i)))
		}
		if want, ok := naiveExamples(body); ok && !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	})
}

// naiveExamples reads a body that the decoder has taken by means of encoding/json.
// It leaves alone what that reads in another way: literals that are no JSON, bytes
// that are no UTF-8, and keys that differ in case only.
func naiveExamples(body []byte) (texts []string, ok bool) {
	if !json.Valid(body) || bytes.ContainsAny(body, "\\\uFFFD") || strings.ToValidUTF8(string(body), "") != string(body) {
		return nil, false
	}
	keys, order := naiveObject(body)
	if len(keys) != len(order) {
		return nil, false
	}
	var context []string
	if raw, ok := keys["context"]; ok {
		context = naiveFeatures(raw)
	}
	var examples []json.RawMessage
	if json.Unmarshal(keys["examples"], &examples) != nil {
		return nil, false
	}
	for _, raw := range examples {
		texts = append(texts, strings.Join(slices.Concat(context, naiveFeatures(raw)), " "))
	}
	return texts, true
}

// naiveObject is the members of an object and their names in order.
func naiveObject(raw []byte) (members map[string]json.RawMessage, order []string) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	members = make(map[string]json.RawMessage)
	if _, err := decoder.Token(); err != nil {
		panic(err)
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			panic(err)
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			panic(err)
		}
		members[name.(string)] = value
		order = append(order, name.(string))
	}
	return members, order
}

func naiveFeatures(raw []byte) (features []string) {
	members, order := naiveObject(raw)
	for _, name := range order {
		value := members[name]
		var list []json.RawMessage
		if json.Unmarshal(value, &list) != nil {
			list = []json.RawMessage{value}
		}
		kind := "none"
		var values []any
		for _, element := range list {
			var value any
			kind, value = naiveValue(element)
			values = append(values, value)
		}
		features = append(features, fmt.Sprintf("%s=%s%v", name, kind, values))
	}
	return features
}

func naiveValue(raw json.RawMessage) (kind string, value any) {
	text := strings.TrimSpace(string(raw))
	switch text[0] {
	case '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			panic(err)
		}
		return "bytes", strconv.Quote(s)
	case '{':
		var object struct{ B64 string }
		if err := json.Unmarshal(raw, &object); err != nil {
			panic(err)
		}
		text := strings.TrimRight(strings.Join(strings.Fields(object.B64), ""), "=.")
		decoded, err := base64.RawStdEncoding.DecodeString(text)
		if err != nil {
			panic(err)
		}
		return "bytes", strconv.Quote(string(decoded))
	case 't':
		return "int64", 1
	case 'f':
		return "int64", 0
	}
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return "int64", i
	}
	d, err := strconv.ParseFloat(text, 64)
	if err != nil {
		panic(err)
	}
	return "float", float32(d)
}
