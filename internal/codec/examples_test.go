package codec_test

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// examplesCatalog has the signatures of a model that classifies and regresses, and
// some that do neither.
func examplesCatalog() *infer.Catalog {
	in := func(names ...string) (infos []infer.TensorInfo) {
		for _, name := range names {
			infos = append(infos, input(name, infer.String))
		}
		return infos
	}
	c := &infer.Catalog{Default: "serving_default", Signatures: make(map[string]*infer.Signature)}
	for name, s := range map[string]*infer.Signature{
		"serving_default": {Inputs: in("inputs"), Outputs: in("outputs", "scores")},
		"classify":        {Inputs: in("inputs"), Outputs: in("classes", "scores")},
		"labels":          {Inputs: in("inputs"), Outputs: in("classes")},
		"scores":          {Inputs: in("inputs"), Outputs: in("other", "scores")},
		"regress":         {Inputs: in("inputs"), Outputs: in("outputs"), Method: "tensorflow/serving/predict"},
		"floats":          {Inputs: []infer.TensorInfo{input("inputs", infer.Float)}, Outputs: in("outputs")},
		"two inputs":      {Inputs: in("inputs", "more"), Outputs: in("outputs")},
		"three outputs":   {Inputs: in("inputs"), Outputs: in("classes", "more", "scores")},
		"no inputs":       {Outputs: in("outputs")},
		"other names":     {Inputs: in("x"), Outputs: in("y")},
		"other outputs":   {Inputs: in("inputs"), Outputs: in("y")},
	} {
		s.Name = name
		c.Signatures[name] = s
	}
	return c
}

// examplesOf decodes a body for :regress and tells the examples that it feeds.
func examplesOf(t *testing.T, body string) []string {
	t.Helper()
	req, err := codec.DecodeExamples([]byte(body), examplesCatalog(), codec.Classify, codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	value := req.Feeds[0].Value
	if value.DType != infer.String || !slices.Equal(value.Shape, []int64{int64(value.Len())}) {
		t.Fatalf("feeds a %s of shape %v, not a vector of strings", value.DType, value.Shape)
	}
	var examples []string
	for i := range value.Len() {
		examples = append(examples, exampleText(value.Element(i)))
	}
	return examples
}

// exampleText reads a serialized tf.train.Example by the definitions of
// example.proto and feature.proto: "name=kind[value …]" for each entry of its map.
func exampleText(serialized []byte) string {
	var entries []string
	for _, features := range message(serialized)[1] {
		for _, entry := range message(features)[1] {
			fields := message(entry)
			name, feature := fields[1][0], message(fields[2][0])
			text := "none[]"
			for kind, lists := range feature {
				text = listText(kind, slices.Concat(lists...))
			}
			entries = append(entries, fmt.Sprintf("%s=%s", name, text))
		}
	}
	return strings.Join(entries, " ")
}

func listText(kind protowire.Number, list []byte) string {
	var values []any
	for _, v := range message(list)[1] {
		switch kind {
		case 1:
			values = append(values, fmt.Sprintf("%q", v))
		case 2:
			for ; len(v) > 0; v = v[4:] {
				bits, _ := protowire.ConsumeFixed32(v)
				values = append(values, math.Float32frombits(bits))
			}
		case 3:
			for len(v) > 0 {
				i, n := protowire.ConsumeVarint(v)
				values = append(values, int64(i))
				v = v[n:]
			}
		}
	}
	return map[protowire.Number]string{1: "bytes", 2: "float", 3: "int64"}[kind] + fmt.Sprint(values)
}

// message is the fields of a protobuf message all of whose fields have lengths.
func message(b []byte) map[protowire.Number][][]byte {
	fields := make(map[protowire.Number][][]byte)
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		value, size := protowire.ConsumeBytes(b[max(n, 0):])
		if n < 0 || size < 0 || kind != protowire.BytesType {
			panic(fmt.Sprintf("%x is no message of such fields", b))
		}
		fields[number] = append(fields[number], value)
		b = b[n+size:]
	}
	return fields
}

// Rows C are the tests of TensorFlow Serving's json_tensor_test.cc.
func TestDecodeExamples(t *testing.T) {
	tests := []struct {
		row, body string
		want      []string
	}{
		{"C1", `{"examples": [
			{"names": ["foo", "bar"], "ratings": [8.0, 9.0], "age": 20},
			{"names": ["baz"], "ratings": 6.0}]}`,
			[]string{`names=bytes["foo" "bar"] ratings=float[8 9] age=int64[20]`, `names=bytes["baz"] ratings=float[6]`}},
		{"C2", `{"signature_name": "labels", "context": {"query": "pizza", "location": ["sfo"]}, "examples": [
			{"names": ["foo", "bar"], "ratings": [8.0, 9.0, NaN, Infinity], "age": 20},
			{"names": ["baz", {"b64": "aGVsbG8="}], "ratings": 6.0, "intboolmix": [1, true, false]},
			{"names": "bar", "ratings": -Infinity}]}`,
			[]string{
				`query=bytes["pizza"] location=bytes["sfo"] names=bytes["foo" "bar"] ratings=float[8 9 NaN +Inf] age=int64[20]`,
				`query=bytes["pizza"] location=bytes["sfo"] names=bytes["baz" "hello"] ratings=float[6] intboolmix=int64[1 1 0]`,
				`query=bytes["pizza"] location=bytes["sfo"] names=bytes["bar"] ratings=float[-Inf]`,
			}},
		{"X37", `{"signature_name": "", "examples": [{"x": 1.0}]}`, []string{"x=float[1]"}},

		{"the context may come last", `{"examples": [{"x": 1.0}, {}], "context": {"c": 1}}`, []string{"c=int64[1] x=float[1]", "c=int64[1]"}},
		{"no features", `{"context": {}, "examples": [{}, {}]}`, []string{"", ""}},
		{"no values have no kind", `{"examples": [{"x": []}]}`, []string{"x=none[]"}},
		{"an exponent makes a float", `{"examples": [{"x": [1e2, 1E-2]}]}`, []string{"x=float[100 0.01]"}},
		{"ends of int64", `{"examples": [{"x": [-9223372036854775808, 9223372036854775807, -0, 0]}]}`,
			[]string{"x=int64[-9223372036854775808 9223372036854775807 0 0]"}},
		{"beyond 64 bits it is a float", `{"examples": [{"x": [18446744073709551616, -9223372036854775809]}]}`,
			[]string{"x=float[1.8446744e+19 -9.223372e+18]"}},
		{"out of a float's range", `{"examples": [{"x": [1e300, -1e300, 1e-300]}]}`, []string{"x=float[+Inf -Inf 0]"}},
		{"escapes in names and values", `{"examples": [{"\u0061\n": "\ud83d\ude00\u0000"}]}`, []string{"a\n=bytes[\"😀\\x00\"]"}},
		{"bytes that are not UTF-8", "{\"examples\": [{\"x\": \"\xff\"}]}", []string{`x=bytes["\xff"]`}},
		{"white space everywhere", " { \"examples\" : [ { \"x\" : [ 1 , true ] , \"y\" : { \"b64\" : \"YQ\" } } , { } ] } ", []string{`x=int64[1 1] y=bytes["a"]`, ""}},
		{"keys of other methods mean nothing", `{"instances": [null], "inputs": {}, "examples": [{}]}`, []string{""}},
	}
	for _, tt := range tests {
		t.Run(tt.row, func(t *testing.T) {
			if got := examplesOf(t, tt.body); !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// What a signature must have, as in TensorFlow Serving's classifier.cc and
// regressor.cc: its method name is not looked at.
func TestDecodeExamplesSignature(t *testing.T) {
	tests := []struct {
		signature, method string
		fetches           string
		refused           string
	}{
		{"", codec.Classify, "scores", ""},
		{"classify", codec.Classify, "classes scores", ""},
		{"labels", codec.Classify, "classes", ""},
		{"scores", codec.Classify, "scores", ""},
		{"regress", codec.Regress, "outputs", ""},
		{"floats", codec.Regress, "outputs", ""},
		{"nope", codec.Classify, "", "No signature was found with the name: nope"},
		{"nope", codec.Regress, "", "No signature was found with the name: nope"},
		{"two inputs", codec.Classify, "", "Expected one input Tensor."},
		{"no inputs", codec.Regress, "", "Expected one input Tensor."},
		{"three outputs", codec.Classify, "", "Expected one or two output Tensors, found 3"},
		{"", codec.Regress, "", "Expected one output Tensor."},
		{"other names", codec.Classify, "", "No classification inputs found in SignatureDef: other names"},
		{"other names", codec.Regress, "", "No regression inputs found in SignatureDef: other names"},
		{"regress", codec.Classify, "", `Expected classification signature outputs to contain at least one of "classes" or "scores". Signature was: regress`},
		{"other outputs", codec.Regress, "", "No regression outputs found in SignatureDef: other outputs"},
		// Without a method it is the signature's, or what its outputs fit.
		{"classify", "", "classes scores", ""},
		{"floats", "", "outputs", ""},
		{"scores", "", "scores", ""},
	}
	for _, tt := range tests {
		t.Run(tt.signature+" "+tt.method, func(t *testing.T) {
			body := fmt.Sprintf(`{"examples": [{}, {}], "signature_name": %q}`, tt.signature)
			req, err := codec.DecodeExamples([]byte(body), examplesCatalog(), tt.method, codec.Limits{})
			if tt.refused != "" {
				wantInvalid(t, err, tt.refused)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var fetches []string
			for _, f := range req.Fetches {
				fetches = append(fetches, f.Name)
			}
			if got := strings.Join(fetches, " "); got != tt.fetches {
				t.Errorf("fetches %s, want %s", got, tt.fetches)
			}
			feed := req.Feeds[0]
			if len(req.Feeds) != 1 || feed.Name != "inputs" || feed.Tensor != "inputs_op:0" || feed.Value.DType != infer.String || feed.Value.Len() != 2 {
				t.Errorf("feeds %+v", req.Feeds)
			}
		})
	}
}

// Rows CE are the tests of TensorFlow Serving's json_tensor_test.cc.
func TestDecodeExamplesRefuses(t *testing.T) {
	tests := []struct{ row, body, want string }{
		{"CE name", `{"signature_name": ["hello"], "examples": [{"names": ["foo"]}]}`, "'signature_name' key must be a string"},
		{"CE context", `{"context": [{"names": ["foo", "bar"]}]}`, "Example must be JSON object but got JSON Array (in 'context')"},
		{"CE object", `{"examples": {"names": ["foo", "bar"]}}`, "Expecting 'examples' value to be an list/array"},
		{"CE list", `{"examples": [[{"names": ["foo", "bar"]}]]}`, "Example must be JSON object but got JSON Array (in example 0)"},
		{"CE null", `{"examples": [{"names": [10, null]}]}`, "Feature: names has element with unexpected JSON type: Null"},
		{"CE float", `{"examples": [{"names": [10, 10.0]}]}`, "Unexpected element type in feature: names expecting type: int64"},
		{"CE nested object", `{"examples": [{"names": [10, {"test": 10}]}]}`, "Feature: names has element with unexpected JSON type: Object"},
		{"CE nested list", `{"examples": [{"names": [[10], 20]}]}`, "Feature: names has element with unexpected JSON type: Array"},
		{"CE uint64", `{"examples": [{"names": [20, 18446744073709551603]}]}`, "Feature: names has uint64_t element. Only int64_t is supported."},
		{"X36 empty", `{"examples": []}`, `JSON Value: {"examples": []} 'examples' value is an empty array`},
		{"X36 missing", `{"signature_name": "regress"}`, "When method is classify, key 'examples' is expected and was not found"},

		{"which example", `{"examples": [{}, {}, {"x": null}]}`, "(in example 2)"},
		{"neither a list nor a value", `{"examples": [{"x": null}]}`, "Feature: x has element with unexpected JSON type: Null"},
		{"an empty object", `{"examples": [{"x": {}}]}`, "unexpected JSON type: Object"},
		{"more than base64", `{"examples": [{"x": {"b64": "YQ==", "y": 1}}]}`, "unexpected JSON type: Object"},
		{"base64 that is none", `{"examples": [{"x": {"b64": "***"}}]}`, "Unable to base64 decode"},
		{"an integer among floats", `{"examples": [{"x": [1.5, 2]}]}`, "expecting type: float"},
		{"a bool among floats", `{"examples": [{"x": [1.5, true]}]}`, "expecting type: float"},
		{"a string among integers", `{"examples": [{"x": [1, "2"]}]}`, "expecting type: int64"},
		{"a number among strings", `{"examples": [{"x": ["1", 2]}]}`, "expecting type: bytes"},
		{"base64 among bools", `{"examples": [{"x": [true, {"b64": "YQ=="}]}]}`, "expecting type: int64"},
		{"a uint64 among floats is mixed before it is unsupported", `{"examples": [{"x": [1.5, 9223372036854775808]}]}`, "expecting type: float"},
		{"numbers", `{"examples": [1]}`, "Example must be JSON object but got JSON Number"},
		{"null", `{"examples": null}`, "list/array"},
		{"departure: features occur once", `{"examples": [{"x": 1, "y": 2, "\u0078": 1.0}]}`, `duplicate key "x" at offset: 31`},
		{"departure: keys occur once", `{"examples": [{}], "examples": [{}]}`, `duplicate key "examples"`},
		{"departure: nothing may follow", `{"examples": [{}]}x`, "The document root must not be followed by other values. at offset: 18"},
		{"syntax goes before everything", `{"examples": [{"x": null}], "z": ]}`, "JSON Parse error: Invalid value. at offset: 33"},
		{"the context before the examples", `{"examples": [1], "context": 2}`, "(in 'context')"},
		{"no object", `[1]`, "Is not object"},
		{"nothing", ``, "JSON Parse error: The document is empty"},
		{"too deep", `{"examples": [{"x": ` + nested(500000) + `}]}`, "nested deeper than 64 levels"},
	}
	for _, tt := range tests {
		for _, method := range []string{codec.Classify, codec.Regress} {
			t.Run(tt.row+" "+method, func(t *testing.T) {
				_, err := codec.DecodeExamples([]byte(tt.body), examplesCatalog(), method, codec.Limits{})
				wantInvalid(t, err, tt.want)
			})
		}
	}
}

func TestDecodeExamplesLimit(t *testing.T) {
	tests := []struct {
		name, body string
		bytes      int64 // of the serialized examples and 32 each
	}{
		{"empty examples", `{"examples": [{}, {}, {}]}`, 3 * 32},
		{"one feature", `{"examples": [{"x": 1.0}]}`, 32 + 17}, // 17 as Python serializes it
		{"with a context", `{"context": {"x": 1.0}, "examples": [{}, {"x": 1.0}]}`, 2*32 + 3*17},
	}
	for _, tt := range tests {
		if _, err := codec.DecodeExamples([]byte(tt.body), examplesCatalog(), codec.Classify, codec.Limits{MaxTensorBytes: tt.bytes}); err != nil {
			t.Errorf("%s: limit of %d bytes: %v", tt.name, tt.bytes, err)
		}
		_, err := codec.DecodeExamples([]byte(tt.body), examplesCatalog(), codec.Classify, codec.Limits{MaxTensorBytes: tt.bytes - 1})
		if !errors.Is(err, infer.ErrTooLarge) || !strings.Contains(err.Error(), "MAX_TENSOR_BYTES") {
			t.Errorf("%s: limit of %d bytes: got %v, want too large", tt.name, tt.bytes-1, err)
		}
	}
}

// Hostile bodies are refused for little memory. In time that grows with the square
// of their size this test would not end.
func TestDecodeExamplesOfHostileBodies(t *testing.T) {
	const limit = 1 << 16
	many := func(text string, n int) string { return strings.Repeat(text+",", n-1) + text }
	for name, body := range map[string]string{
		"a context times examples": `{"context": {"x": "` + strings.Repeat("a", 1<<15) + `"}, "examples": [` + many("{}", 1<<20) + `]}`,
		"empty examples":           `{"examples": [` + many("{}", 1<<20) + `]}`,
		"integers of ten bytes":    `{"examples": [{"x": [` + many("-1", 1<<20) + `]}]}`,
		"empty strings":            `{"examples": [{"x": [` + many(`""`, 1<<20) + `]}]}`,
		"a large context":          `{"context": {"x": [` + many("true", 1<<20) + `]}, "examples": [{}]}`,
	} {
		sent := []byte(body)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := codec.DecodeExamples(sent, examplesCatalog(), codec.Classify, codec.Limits{MaxTensorBytes: limit})
		runtime.ReadMemStats(&after)
		if !errors.Is(err, infer.ErrTooLarge) {
			t.Errorf("%s: got %v, want too large", name, err)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 8*limit {
			t.Errorf("%s: allocated %d bytes under a limit of %d", name, got, limit)
		}
	}
}

// Names are counted and compared within one example.
func TestDecodeExamplesOfManyNames(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"0":0`)
	for i := 1; i < 1<<14; i++ {
		fmt.Fprintf(&b, `,"%d":0`, i)
	}
	names := b.String()
	if n := len(examplesOf(t, `{"examples": [`+names+`},`+names+`}]}`)); n != 2 {
		t.Errorf("%d examples", n)
	}
	_, err := codec.DecodeExamples([]byte(`{"examples": [`+names+`,"x":0}]}`), examplesCatalog(), codec.Classify, codec.Limits{})
	wantInvalid(t, err, "more than 16384 members")
}
