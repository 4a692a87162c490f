package codec_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// accepted are requests and what they feed. Rows P are the tests of TensorFlow
// Serving's json_tensor_test.cc, rows X follow from its json_tensor.cc.
var accepted = []struct {
	row, inputs, body, want string
}{
	{"P1", "default:int32", `{"instances": [[1,2],[3,4],[5,6]]}`, "row default=[3,2] 1 2 3 4 5 6"},
	{"P4", "x:float", `{"instances": [1, 2.0, 3, 4, 5.003, 0.007, 0.0]}`, "row x=[7] 1 2 3 4 5.003 0.007 0"},
	{"P5", "x:double", `{"instances": [1.0, 2, 3, 4, 0.662, 0, 0.0]}`, "row x=[7] 1 2 3 4 0.662 0 0"},
	{"P6 integer", "x:float", `{"instances": [1435774380]}`, "row x=[1] 1.4357743e+09"},
	{"P6 decimal", "x:float", `{"instances": [1435774380.0]}`, "row x=[1] 1.4357743e+09"},
	{"P7", "x:float", `{"instances": [1.79769e+308, -1.79769e+308]}`, "row x=[2] +Inf -Inf"},
	{"P8", "x:float", `{"instances": [2.22507e-308, -2.22507e-308]}`, "row x=[2] 0 -0"},
	{"P11", "s:string", `{"instances": [{"b64": "aGVsbG8="}, {"b64": "d29ybGQ="}]}`, `row s=[2] "hello" "world"`},
	{"P12", "s:string", `{"instances": [[{"b64": "aGVsbG8="}], [{"b64": "d29ybGQ="}]]}`, `row s=[2,1] "hello" "world"`},
	{"P13", "default:string", `{"instances": [{"default": [[{"b64": "aGVsbG8="}], [{"b64": "d29ybGQ="}]]}]}`, `row default=[1,2,1] "hello" "world"`},
	{
		"P14", "int:int32 str:string float:float dbl:double",
		`{"instances": [
			{"int": [[1,2],[3,4],[5,6]], "str": ["foo", "bar"], "float": [1.0, NaN], "dbl": [NaN]},
			{"int": [[7,8],[9,0],[1,2]], "str": ["\u0062az", "qux"], "float": [2.0, Infinity], "dbl": [2.0]}]}`,
		`row dbl=[2,1] NaN 2 float=[2,2] 1 NaN 2 +Inf int=[2,3,2] 1 2 3 4 5 6 7 8 9 0 1 2 str=[2,2] "foo" "bar" "baz" "qux"`,
	},
	{"P15 named", "int_tensor:int32", `{"inputs": {"int_tensor": [[[1,2],[3,4],[5,6]]]}}`, "column int_tensor=[1,3,2] 1 2 3 4 5 6"},
	{"P15 bare", "int_tensor:int32", `{"inputs": [[[1,2],[3,4],[5,6]]]}`, "column int_tensor=[1,3,2] 1 2 3 4 5 6"},
	{
		"P16", "int:int32 str:string bin:string",
		`{"inputs": {"int": [[[1,2],[3,4],[5,6]]], "str": ["foo", "bar"], "bin": {"b64": "aGVsbG8="}}}`,
		`column bin=[] "hello" int=[1,3,2] 1 2 3 4 5 6 str=[2] "foo" "bar"`,
	},
	{"X5", "b:bool", `{"instances": [true, false]}`, "row b=[2] true false"},
	{"X7", "u:uint64", `{"instances": [18446744073709551615]}`, "row u=[1] 18446744073709551615"},
	{"X11", "x:float", `{"instances": [NaN, -NaN, Inf, -Inf, Infinity, -Infinity]}`, "row x=[6] NaN NaN +Inf -Inf +Inf -Inf"},
	{"X14", "x:float", `{"instances": [[]]}`, "row x=[1,0]"},
	{"X22", "a:float", `{"inputs": {"a": [1], "z": [2]}}`, "column a=[1] 1"},
	{"X24", "a:float", `{"inputs": 5}`, "column a=[] 5"},
	{"X27", "s:string", `{"inputs": {"b64": "aGVsbG8="}}`, `column s=[] "hello"`},
	{"X29 departure: half works, column", "h:half", `{"inputs": [1, 65519, 65520]}`, "column h=[3] 0x3c00 0x7bff 0x7c00"},
	{"X29 departure: half works, row", "h:half", `{"instances": [1, -2]}`, "row h=[2] 0x3c00 0xc000"},
	{"departure: bfloat16 works", "h:bfloat16", `{"inputs": [1, -2, 3.4e38, 3.4e39]}`, "column h=[4] 0x3f80 0xc000 0x7f80 0x7f80"},
	{"departure: uint16 works", "u:uint16", `{"inputs": [0, 65535]}`, "column u=[2] 0 65535"},
	{"X32", "default:int32", "\xEF\xBB\xBF" + `{"instances": [[1,2],[3,4],[5,6]]}`, "row default=[3,2] 1 2 3 4 5 6"},
	{"X37", "x:float", `{"signature_name": "", "instances": [1]}`, "row x=[1] 1"},

	{"white space everywhere", "x:int8", " \n{ \"instances\"\t:\r[ [ 1 , -2 ] , [ 3 , 4 ] ] } ", "row x=[2,2] 1 -2 3 4"},
	{"unknown keys are ignored", "x:int8", `{"a": {"b": [null, true, "\u00e9"]}, "instances": [1], "c": 1e5}`, "row x=[1] 1"},
	{"ends of the integer types", "a:int8 b:int16 c:int32 d:int64", `{"inputs": {"a": [-128,127], "b": [-32768,32767],
		"c": [-2147483648,2147483647], "d": [-9223372036854775808,9223372036854775807]}}`,
		"column a=[2] -128 127 b=[2] -32768 32767 c=[2] -2147483648 2147483647 d=[2] -9223372036854775808 9223372036854775807"},
	{"ends of the unsigned types", "a:uint8 b:uint16 c:uint32 d:uint64", `{"inputs": {"a": [-0,255], "b": 65535, "c": 4294967295, "d": [0]}}`,
		"column a=[2] 0 255 b=[] 65535 c=[] 4294967295 d=[1] 0"},
	{"rows of empty lists", "x:float", `{"instances": [[[],[]],[[],[]]]}`, "row x=[2,2,0]"},
	{"empty tensor", "x:float", `{"inputs": []}`, "column x=[0]"},
	{"rank 8", "x:uint8", `{"inputs": [[[[[[[[1],[2]]]]]]]]}`, "column x=[1,1,1,1,1,1,2,1] 1 2"},
	{"one named input in rows", "a:float", `{"instances": [{"a": 1}, {"a": 2}]}`, "row a=[2] 1 2"},
	{"keys of rows in any order", "a:float b:int8", `{"instances": [{"a": 1, "b": [2]}, {"b": [4], "a": 3}]}`, "row a=[2] 1 3 b=[2,1] 2 4"},
	{"escapes", "s:string", `{"inputs": ["\"\\\/\b\f\n\r\t", "\u00e9\u20AC", "\ud83d\ude00", "\u0000", "é"]}`,
		`column s=[5] "\"\\/\b\f\n\r\t" "é€" "😀" "\x00" "é"`},
	{"bytes that are not UTF-8 pass", "s:string", "{\"inputs\": [\"a\xffb\"]}", `column s=[1] "a\xffb"`},
	{"strings mixed with base64", "s:string", `{"inputs": [["a", {"b64": "Yg=="}], [{ "b64" : "Yw" }, ""]]}`, `column s=[2,2] "a" "b" "c" ""`},
	{"absl's base64", "s:string", `{"inputs": [{"b64": ""}, {"b64": "YQ.."}, {"b64": " Y\nQ = = "}, {"b64": "\/+8="}, {"b64": "YR=="}]}`,
		`column s=[5] "" "a" "a" "\xff\xef" "a"`},
	{"an escaped key is the same key", "x:float", `{"in\u0073tances": [1]}`, "row x=[1] 1"},
	{"a key b64 among others is an input", "b64:string x:float", `{"inputs": {"b64": "raw", "x": 1}}`, `column b64=[] "raw" x=[] 1`},
	{"numbers that need all their digits", "x:double", `{"inputs": [9007199254740993, 2.2250738585072011e-308, 1.7976931348623157e308, 123456789012345678901234567890, 5e-324]}`,
		"column x=[5] 9.007199254740992e+15 2.225073858507201e-308 1.7976931348623157e+308 1.2345678901234568e+29 5e-324"},
	// 1 + 2^-24 + 2^-60 rounds up as a float, but as a double it is the middle,
	// which rounds to even.
	{"floats are rounded as doubles first", "x:float", `{"inputs": [1.0000000596046447753906250000009, 1.00000006]}`, "column x=[2] 1 1.0000001"},
}

func TestDecodePredict(t *testing.T) {
	for _, tt := range accepted {
		t.Run(tt.row, func(t *testing.T) {
			p, err := codec.DecodePredict([]byte(tt.body), inputsOf(tt.inputs), codec.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if got := described(p); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// P10: the body need not end where its buffer does.
func TestDecodePredictReadsNoFurtherThanTheBody(t *testing.T) {
	const body = `{"instances": [[1,2],[3,4],[5,6]]}`
	p, err := codec.DecodePredict([]byte(body + "]]]]")[:len(body)], inputsOf("x:int32"), codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := described(p), "row x=[3,2] 1 2 3 4 5 6"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// P9 and what a signature decides though its name may come last.
func TestDecodePredictSignature(t *testing.T) {
	catalog := inputsOf("x:float")
	catalog.Signatures["predict_images"] = &infer.Signature{
		Name:    "predict_images",
		Inputs:  []infer.TensorInfo{input("images", infer.Int32)},
		Outputs: []infer.TensorInfo{{Name: "scores", Tensor: "s:0"}, {Name: "tops", Tensor: "t:0"}},
	}
	for _, body := range []string{
		`{"signature_name": "predict_images", "instances": [[1,2]]}`,
		`{"instances": [[1,2]], "signature_name": "predict\u005fimages"}`,
	} {
		p, err := codec.DecodePredict([]byte(body), catalog, codec.Limits{})
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if got, want := described(p), "row images=[1,2] 1 2"; got != want {
			t.Errorf("%s: got %s, want %s", body, got, want)
		}
		if p.Signature.Name != "predict_images" || len(p.Fetches) != 2 || p.Fetches[0].Name != "scores" {
			t.Errorf("%s: got signature %q, fetches %v", body, p.Signature.Name, p.Fetches)
		}
	}
	_, err := codec.DecodePredict([]byte(`{"signature_name": "nope", "instances": [1]}`), catalog, codec.Limits{})
	if want := `Serving signature name: "nope" not found in signature def`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestDecodePredictOutputFilter(t *testing.T) {
	catalog := catalogOf([]string{"b", "a", "c"}, input("x", infer.Float))
	catalog.ByTensor = true
	tests := []struct {
		name, filter, want, err string
	}{
		{"absent", ``, "a b c", ""},
		{"in the order asked", `, "output_filter": ["c", "a"]`, "c a", ""},
		{"by tensor and operation", `, "output_filter": ["b_op:0", "a_op"]`, "b_op:0 a_op", ""},
		{"unknown", `, "output_filter": ["a", "z"]`, "", "output tensor alias not found in signature: z"},
		{"twice", `, "output_filter": ["a", "a"]`, "", "duplicate output tensor alias: a"},
		{"a string", `, "output_filter": "a"`, "", "'output_filter' key must be a list"},
		{"not of strings", `, "output_filter": ["a", 1]`, "", "'output_filter' key must be a list"},
		{"empty", `, "output_filter": []`, "", "'output_filter' key must be a list of one or more"},
		{"null", `, "output_filter": null`, "", "'output_filter' key must be a list"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := codec.DecodePredict([]byte(`{"instances": [1]`+tt.filter+`}`), catalog, codec.Limits{})
			if tt.err != "" {
				wantInvalid(t, err, tt.err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, f := range p.Fetches {
				names = append(names, f.Name)
			}
			if got := strings.Join(names, " "); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// Frozen graphs are asked by operation or tensor, and with MODEL_ANY_TENSOR
// anything in the graph may be fed.
func TestDecodePredictNamesTensors(t *testing.T) {
	byTensor := inputsOf("a:float b:float")
	byTensor.ByTensor = true
	anyTensor := inputsOf("a:float b:float")
	anyTensor.Tensor = func(name string) (infer.TensorInfo, bool) {
		known := map[string]infer.DType{"hidden:0": infer.Int32, "state:0": infer.Float, "a_op:0": infer.Float}
		d, ok := known[infer.TensorName(name)]
		return infer.TensorInfo{Tensor: infer.TensorName(name), DType: d}, ok
	}
	tests := []struct {
		name    string
		catalog *infer.Catalog
		body    string
		want    string
		err     string
	}{
		{"operation and tensor, column", byTensor, `{"inputs": {"a_op": 1, "b_op:0": 2}}`, "column a=[] 1 b=[] 2", ""},
		{"operation and tensor, row", byTensor, `{"instances": [{"a_op": 1, "b_op:0": 2}, {"a": 3, "b_op": 4}]}`, "row a=[2] 1 3 b=[2] 2 4", ""},
		{"two names for one tensor, column", byTensor, `{"inputs": {"a_op": 1, "a": 2, "b": 3}}`, "", "a is given more than once"},
		{"two names for one tensor, row", byTensor, `{"instances": [{"a_op": 1, "a_op:0": 2}]}`, "", "given more than once"},
		{"not by tensor unless allowed", inputsOf("a:float"), `{"instances": [{"a_op": 1}]}`, "", "does not have named input: a_op"},
		{"another tensor replaces inputs", anyTensor, `{"inputs": {"state": 2, "hidden": [1]}}`, "column hidden=[1] 1 state=[] 2", ""},
		{"another tensor beside an input", anyTensor, `{"inputs": {"hidden": [1], "b": 2}}`, "column b=[] 2 hidden=[1] 1", ""},
		{"another tensor in rows", anyTensor, `{"instances": [{"b": 2, "hidden:0": 1}, {"b": 3, "hidden:0": 2}]}`, "row b=[2] 2 3 hidden:0=[2] 1 2", ""},
		{"rows must agree", anyTensor, `{"instances": [{"b": 2, "hidden": 1}, {"b": 3}]}`, "", "keys must be equal to: b,hidden"},
		{"rows must not add", anyTensor, `{"instances": [{"b": 2, "hidden": 1}, {"a": 3}]}`, "", "missing in an earlier element"},
		{"inputs stay required without", anyTensor, `{"inputs": {"a": 1}}`, "", "Missing named input: b"},
		{"same tensor under alias and name", anyTensor, `{"inputs": {"a": 1, "a_op:0": 2}}`, "", "are the same tensor"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := codec.DecodePredict([]byte(tt.body), tt.catalog, codec.Limits{})
			if tt.err != "" {
				wantInvalid(t, err, tt.err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := described(p); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// wantInvalid checks that err is the client's fault and says text.
func wantInvalid(t *testing.T, err error, text string) {
	t.Helper()
	if !errors.Is(err, infer.ErrInvalidArgument) {
		t.Fatalf("got %v, want an invalid argument", err)
	}
	if !strings.Contains(err.Error(), text) {
		t.Errorf("got  %v\nwant %s", err, text)
	}
}
