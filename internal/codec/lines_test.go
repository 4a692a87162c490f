package codec_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

func TestDecodeJSONLines(t *testing.T) {
	for _, tt := range []struct {
		name, inputs, body, want string
	}{
		{"values", "x:float", "1\n2.5\n-3e2\n", "row x=[3] 1 2.5 -300"},
		{"lists", "x:float", "[1, 2]\n [3,4] \n", "row x=[2,2] 1 2 3 4"},
		{"lists in lists", "x:float", "[[1],[2]]\n[[3],[4]]", "row x=[2,2,1] 1 2 3 4"},
		{"no line feed at the end", "x:int8", "1\n2", "row x=[2] 1 2"},
		{"blank lines, CRLF, a byte order mark", "x:float", "\xEF\xBB\xBF\n[1]\r\n \t\r\n\n[2]\r\n", "row x=[2,1] 1 2"},
		{"one unusual row among lists of floats", "x:float", "[1,2]\n[3,NaN]\n[5,6]\n", "row x=[3,2] 1 2 3 NaN 5 6"},
		{"the first row is unusual", "x:float", "[-Infinity]\n[2]\n", "row x=[2,1] -Inf 2"},
		{"empty lists", "x:float", "[]\n[]\n", "row x=[2,0]"},
		{"integers", "x:int64", "[1,-2]\n[3,9223372036854775807]\n", "row x=[2,2] 1 -2 3 9223372036854775807"},
		{"bools", "x:bool", "true\nfalse", "row x=[2] true false"},
		{"strings and base64", "s:string", "\"a\\nb\"\n{\"b64\": \"aGk=\"}\n", `row s=[2] "a\nb" "hi"`},
		{"objects", "a:float b:string", "{\"a\": 1, \"b\": [\"x\"]}\n{\"b\": [\"y\"], \"a\": 2}\n", `row a=[2] 1 2 b=[2,1] "x" "y"`},
		{"objects for one input", "a:float", "{\"a\": [1]}\n{\"a\": [2]}", "row a=[2,1] 1 2"},
		{"an input named b64", "b64:string x:float", `{"b64": "raw", "x": 1}`, `row b64=[1] "raw" x=[1] 1`},
		{"a row much longer than the first could tell", "x:string", "\"\"\n\"" + strings.Repeat("a", 1000) + "\"\n", `row x=[2] "" "` + strings.Repeat("a", 1000) + `"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := codec.DecodeJSONLines([]byte(tt.body), inputsOf(tt.inputs), codec.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if got := described(p); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestDecodeJSONLinesRefuses(t *testing.T) {
	deep := strings.Repeat("[", 65) + strings.Repeat("]", 65)
	for _, tt := range []struct {
		name, inputs, body, want string
	}{
		{"nothing", "x:float", "", "JSON lines: the body has no rows"},
		{"blank lines", "x:float", "\n \r\n", "JSON lines: the body has no rows"},
		{"no JSON", "x:float", "[1]\n\n[2\n", "JSON line 3: JSON Parse error: Missing a comma or ']' after an array element. at offset: 3"},
		{"a word", "x:float", "abc", "JSON line 1: JSON Parse error: Invalid value. at offset: 0"},
		{"two values on a line", "x:float", "1 2\n", "JSON line 1: JSON Parse error: The document root must not be followed by other values. at offset: 2"},
		{"two lists on a line", "x:float", "[1] [2]\n", "JSON line 1: JSON Parse error: The document root must not be followed by other values. at offset: 4"},
		{"a wrong type", "x:float", "[1,2]\n[1,\"a\"]\n", `JSON line 2: JSON Value: "a" Type: String is not of expected type: float (at index [1])`},
		{"another length", "x:float", "[1,2]\n[1]\n", "JSON line 2: Expecting tensor size: 2 but got: 1"},
		{"another shape", "x:float", "[1,2]\n[[1,2]]\n", "JSON line 2: Expecting shape [2] but got: [1,2]"},
		{"a scalar behind a list", "x:float", "[1]\n1\n", "JSON line 2: Expecting shape [1] but got: []"},
		{"an object behind a list", "x:float", "[1]\n{\"x\": [1]}\n", "JSON line 2: expecting value/list but got object, unlike the first row"},
		{"a list behind an object", "x:float", "{\"x\": [1]}\n[1]\n", "JSON line 2: expecting object but got value/list, unlike the first row"},
		{"a list for several inputs", "a:float b:float", "[1]\n",
			`JSON line 1: a line with a value or list is for signatures with one input, but signature "serving_default" has 2 (a, b): send JSON, or an object that names the inputs`},
		{"an unknown input", "a:float", "{\"a\": 1}\n{\"b\": 1}\n", `JSON line 2: input "b": JSON object: does not have named input: b`},
		{"an input is missing", "a:float b:float", "{\"a\": 1}\n", `JSON line 1: JSON object: {"a": 1} keys must be equal to: a,b`},
		{"an input twice", "a:float", "{\"a\": 1, \"a\": 1}\n", `JSON line 1: input "a": JSON object: named input is given more than once`},
		{"a wrong type of an input", "a:int8", "{\"a\": 1.5}\n", `JSON line 1: input "a": JSON Value: 1.5 Type: Number is not of expected type: int8`},
		{"too deep", "x:float", "1\n" + deep, "JSON line 2: JSON Parse error: nested deeper than 64 levels (MAX_JSON_DEPTH) at offset: 64"},
		{"no JSON form", "x:complex64", "1\n", "JSON line 1: Conversion of JSON Value: 1 to type: complex64"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := codec.DecodeJSONLines([]byte(tt.body), inputsOf(tt.inputs), codec.Limits{})
			if !errors.Is(err, infer.ErrInvalidArgument) || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestDecodeJSONLinesLeavesTheBody(t *testing.T) {
	buffer := []byte("[1]\n[2]]]]]")
	p, err := codec.DecodeJSONLines(buffer[:7], inputsOf("x:int8"), codec.Limits{})
	if err != nil || described(p) != "row x=[2,1] 1 2" {
		t.Errorf("got %v, %v", p, err)
	}
	if string(buffer) != "[1]\n[2]]]]]" {
		t.Errorf("the buffer is now %q", buffer)
	}
}

// FuzzDecodeJSONLines: lines mean what a list of them does in DecodePredict.
func FuzzDecodeJSONLines(f *testing.F) {
	for _, s := range []string{
		"[1,2]\n[3,4]", "1\n2\n", "{\"x\": 1}\n{\"x\": [2]}", "\"a\"\n{\"b64\": \"YQ==\"}", "[[]]\n[[1]]", "[1,NaN]\n[2,3]\n", "-\n", "1e400", "\"\n\"", "{",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var rows [][]byte
		for line := range bytes.SplitSeq(bytes.TrimPrefix(body, []byte("\xEF\xBB\xBF")), []byte{'\n'}) {
			if line = bytes.Trim(line, " \t\r"); len(line) > 0 {
				rows = append(rows, line)
			}
		}
		list := []byte(`{"instances":[`)
		list = append(append(list, bytes.Join(rows, []byte{','})...), "]}"...)
		for _, inputs := range []string{"x:float", "x:int8", "x:string", "x:double y:bool"} {
			p, err := codec.DecodeJSONLines(body, inputsOf(inputs), codec.Limits{MaxTensorBytes: fuzzLimit})
			checkPlain(t, p, err)
			if err != nil {
				continue // a line break inside a row is right in a list only
			}
			want, err := codec.DecodePredict(list, inputsOf(inputs), codec.Limits{MaxTensorBytes: fuzzLimit})
			if err != nil {
				t.Fatalf("%s: lines are accepted, but in a list they are not: %v", inputs, err)
			}
			if described(p) != described(want) {
				t.Fatalf("%s:\ngot  %s\nwant %s", inputs, described(p), described(want))
			}
		}
	})
}
