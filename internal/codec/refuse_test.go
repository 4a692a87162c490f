package codec_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// refused are requests that get a 400 and what it says. Rows E are the tests of
// TensorFlow Serving's json_tensor_test.cc, rows X follow from json_tensor.cc.
var refused = []struct {
	row, inputs, body, want string
}{
	{"E1", "x:int32", "", "JSON Parse error: The document is empty"},
	{"E2", "x:int32", `{"signature_name": 5, "instances": [1]}`, "'signature_name' key must be a string value"},
	{"E3", "x:int32", `{"instances": [1], "inputs": [1]}`, "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist "},
	{"E4", "x:int32", `{"instances": [[1,2],[3,4],[5,6,7]]}`, "Failed to process element: 2 of 'instances' list. Error: INVALID_ARGUMENT: Expecting tensor size: 2 but got: 3"},
	{"E5", "x:int32", `{"instances": [[1,2],[3,4],[[5,6]]]}`, "Expecting shape [2] but got: [1,2]"},
	{"E6", "x:int32", `{"instances": [1,[1]]}`, "Expecting shape [] but got: [1]"},
	{"E7", "x:int32", `{"instances": [[1,2],["a","b"]]}`, `JSON Value: "a" Type: String is not of expected type: int32`},
	{"E8", "int:int32 str:string", `{"instances": [{"int": [[1,2],[3,4],[5,6]], "str": ["a"]}, {"int": [[[1,2],[3,4],[5,6]]], "str": ["a"]}]}`,
		"Failed to process element: 1 key: int of 'instances' list. Error: INVALID_ARGUMENT: Expecting shape [3,2] but got: [1,3,2]"},
	{"E9", "int:int32 str:string", `{"instances": [{"int": [[1,2],[3,4],[5,6],[7,8]], "str": ["a"]}, {"int": [[1,2],[3,4],[5,6]], "str": ["a"]}]}`,
		"Expecting tensor size: 8 but got: 6"},
	{"E10", "int:int32 str:string", `{"instances": [{"int": [1], "str": ["a"]}, [1,20,30]]}`, "Expecting object but got list at item 1 of input list"},
	{"E11", "str:string", `{"instances": [["a"], {"str": ["b"]}]}`, "Expecting value/list but got object at item 1 of input list"},
	{"E11 after a scalar", "str:string", `{"instances": ["a", "b", {"str": "c"}]}`, "Expecting value/list but got object at item 2 of input list"},

	{"P3", "x:int32", `{"signature_name": ` + nested(500000) + `, "instances": [1]}`, "'signature_name' key must be a string value"},
	{"P2 departure: depth is limited", "x:int32", `{"instances": [1], "unknown": ` + nested(500000) + `}`, "nested deeper than 64 levels"},

	{"X1", "x:int32", `{"instances": [1.0]}`, "JSON Value: 1.0 Type: Number is not of expected type: int32"},
	{"X2", "x:int32", `{"instances": [1e2]}`, "Type: Number is not of expected type: int32"},
	{"X3", "x:int32", `{"instances": [2147483648]}`, "JSON Value: 2147483648 Type: Number is not of expected type: int32"},
	{"X4", "x:int32", `{"instances": [true]}`, "Type: True is not of expected type: int32"},
	{"X5 number", "b:bool", `{"instances": [1]}`, "Type: Number is not of expected type: bool"},
	{"X5 string", "b:bool", `{"instances": ["true"]}`, "Type: String is not of expected type: bool"},
	{"X6 departure: no wrapping", "u:uint8", `{"instances": [[0, 300]]}`,
		"element: 0 of 'instances' list. Error: INVALID_ARGUMENT: JSON Value: 300 Type: Number is not of expected type: uint8: out of range, 0 to 255 (at index [1])"},
	{"X8", "x:int64", `{"instances": [9223372036854775808]}`, "is not of expected type: int64: out of range, -9223372036854775808 to 9223372036854775807"},
	{"X9", "x:float", `{"instances": [null]}`, "JSON Value: null Type: Null is not of expected type: float"},
	{"X10", "x:float", `{"instances": ["1.0"]}`, `JSON Value: "1.0" Type: String is not of expected type: float`},
	{"X11 Nan", "x:float", `{"instances": [Nan]}`, "JSON Parse error: Invalid value. at offset: 17"},
	{"X11 nan", "x:float", `{"instances": [nan]}`, "JSON Parse error: Invalid value."},
	{"X11 +Inf", "x:float", `{"instances": [+Inf]}`, "JSON Parse error: Invalid value."},
	{"X12", "x:float", `{"instances": [1e400]}`, "JSON Parse error: Number too big to be stored in double. at offset: 15"},
	{"X12 in digits", "x:float", `{"instances": [1` + strings.Repeat("0", 309) + `]}`, "Number too big to be stored in double."},
	{"X12 in a key that means nothing", "x:float", `{"instances": [1], "z": [-1e309]}`, "Number too big to be stored in double."},
	{"X13 empty", "x:float", `{"instances": []}`, "No values in 'instances' array"},
	{"X13 object", "x:float", `{"instances": {}}`, "Expecting 'instances' to be an list/array"},
	{"X13 string", "x:float", `{"instances": "x"}`, "Expecting 'instances' to be an list/array"},
	{"X15", "x:float", `{"instances": [[],[1]]}`, "Expecting tensor size: 0 but got: 1"},
	{"X16", "x:float", `{"instances": [[[1,2],[3]]]}`, "Encountered list at unexpected size: 1 at level: 1 expected size: 2 (at index [1])"},
	{"X17", "x:float", `{"instances": [[[1],2]]}`, "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2"},
	{"X18", "x:float", `{"instances": [[1,[2]]]}`, "Encountered list at unexpected level: 1 expected < 1"},
	{"X19", "a:float b:float", `{"instances": [1,2]}`, "instances is a plain list, but expecting list of objects as multiple input tensors required as per tensorinfo_map"},
	{"X19 base64", "a:string b:float", `{"instances": [{"b64": "AA=="}]}`, "instances is a plain list, but expecting list of objects"},
	{"X20", "a:float b:float", `{"instances": [{"a":1}]}`, `Failed to process element: 0 of 'instances' list. JSON object: {"a":1} keys must be equal to: a,b`},
	{"X21", "a:float", `{"instances": [{"a":1,"z":2}]}`, "Failed to process element: 0 key: z of 'instances' list. Error: INVALID_ARGUMENT: JSON object: does not have named input: z"},
	{"X23", "a:float b:float", `{"inputs": {"a":[1]}}`, "Missing named input: b in 'inputs' object."},
	{"X23 plain", "a:float b:float", `{"inputs": [1]}`, "inputs is a plain value/list, but expecting an object as multiple input tensors required as per tensorinfo_map"},
	{"X24", "a:float", `{"inputs": [[1],[2,3]]}`, `Encountered list at unexpected size: 2 at level: 1 expected size: 1 (at index [1]) in input "a"`},
	{"X25", "s:string", `{"instances": [{"b64": "***"}]}`, "Unable to base64 decode"},
	{"X26", "s:string", `{"instances": [{"b64": "AA==", "x": 1}]}`, "does not have named input: b64"},
	{"X28", "x:float", `{"instances": [{"b64": "AAAA"}]}`, `JSON Value: {"b64": "AAAA"} Type: Object is not of expected type: float`},
	{"X30", "x:float", `[1,2]`, "JSON Value: [1,2] Is not object"},
	{"X31 departure: nothing may follow", "x:float", `{"instances": [1]} trailing`, "The document root must not be followed by other values. at offset: 19"},
	{"X33", "x:float", `{"x": 1}`, "Missing 'inputs' or 'instances' key"},
	{"X38", "x:float", `{"instances": null}`, "Expecting 'instances' to be an list/array"},
	{"X39 departure: keys occur once", "x:float", `{"instances": [1], "instances": [2]}`, `duplicate key "instances" at offset: 19`},

	{"duplicate key under an escape", "x:float", `{"instances": [1], "inst\u0061nces": [2]}`, `duplicate key "instances"`},
	{"duplicate key that means nothing", "x:float", `{"z": 1, "instances": [1], "z": 2}`, `duplicate key "z"`},
	{"duplicate input, column", "a:float", `{"inputs": {"a": 1, "a": 2}}`, `duplicate key "a"`},
	{"duplicate input, row", "a:float", `{"instances": [{"a": 1, "a": 2}]}`, "key: a of 'instances' list. Error: INVALID_ARGUMENT: JSON object: named input is given more than once"},
	{"null is no string", "s:string", `{"inputs": [null]}`, "Type: Null is not of expected type: string"},
	{"an object is no string", "s:string", `{"inputs": [{"a": 1}]}`, `JSON Value: {"a": 1} not formatted correctly for base64 data`},
	{"half takes numbers only", "h:half", `{"inputs": ["1"]}`, "is not of expected type: half"},
	{"double takes numbers only", "d:double", `{"inputs": [true]}`, "is not of expected type: double"},
	{"NaN is no integer", "x:int8", `{"inputs": [NaN]}`, "JSON Value: NaN Type: Number is not of expected type: int8"},
	{"negative unsigned", "u:uint32", `{"inputs": [-1]}`, "is not of expected type: uint32: out of range, 0 to 4294967295"},
	{"far out of range", "u:uint64", `{"inputs": [99999999999999999999999]}`, "is not of expected type: uint64: out of range"},
	{"wrong size goes before wrong type", "x:float", `{"inputs": [[1,2],["a"]]}`, "unexpected size: 1 at level: 1 expected size: 2"},
	{"wrong size of an outer list first", "x:float", `{"inputs": [[[1],[2]],[["a"]]]}`, "unexpected size: 1 at level: 1 expected size: 2 (at index [1])"},
	{"place in deep lists", "x:float", `{"inputs": [[[1,2],[3,4]],[[5,6],[7,"x"]]]}`, "(at index [1,1,1])"},
	{"row of scalars", "x:float", `{"instances": [1,2,null,4]}`, "Failed to process element: 2 of 'instances' list."},
	{"complex in rows", "c:complex64", `{"instances": [1]}`, "Error: UNIMPLEMENTED: Conversion of JSON Value: 1 to type: complex64"},
	{"base64 padding", "s:string", `{"inputs": {"b64": "YQ="}}`, "Unable to base64 decode"},
	{"base64 of one character", "s:string", `{"inputs": {"b64": "Y"}}`, "Unable to base64 decode"},
	{"base64 of the URL alphabet", "s:string", `{"inputs": {"b64": "_-8="}}`, "Unable to base64 decode"},
	{"base64 padded without need", "s:string", `{"inputs": {"b64": "YWJj="}}`, "Unable to base64 decode"},
}

// nested is JSON with lists in lists.
func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

func TestDecodePredictRefuses(t *testing.T) {
	for _, tt := range refused {
		t.Run(tt.row, func(t *testing.T) {
			_, err := codec.DecodePredict([]byte(tt.body), inputsOf(tt.inputs), codec.Limits{})
			wantInvalid(t, err, tt.want)
		})
	}
}

// The texts are rapidjson's.
func TestDecodePredictSyntax(t *testing.T) {
	tests := []struct{ body, want string }{
		{" \n", "The document is empty. at offset: 2"},
		{`instances = [1, 2]`, "Invalid value. at offset: 0"},
		{`{`, "Missing a name for object member. at offset: 1"},
		{`{1: 2}`, "Missing a name for object member. at offset: 1"},
		{`{"a" 1}`, "Missing a colon after a name of object member. at offset: 5"},
		{`{"a": 1 "b": 2}`, "Missing a comma or '}' after an object member. at offset: 8"},
		{`{"a": 1,}`, "Missing a name for object member. at offset: 8"},
		{`{"a": [1 2]}`, "Missing a comma or ']' after an array element. at offset: 9"},
		{`{"a": [1,]}`, "Invalid value. at offset: 9"},
		{`{"a": [1}`, "Missing a comma or ']' after an array element. at offset: 8"},
		{`{"a": {"b": 1]}`, "Missing a comma or '}' after an object member. at offset: 13"},
		{`{"a": {"b": 1, 2}}`, "Missing a name for object member. at offset: 15"},
		{`{"instances": [1`, "Missing a comma or ']' after an array element. at offset: 16"},
		{`{"instances": [`, "Invalid value. at offset: 15"},
		{`{"a": tru}`, "Invalid value. at offset: 9"},
		{`{"a": Infini}`, "Invalid value. at offset: 12"},
		{`{"a": 01}`, "Missing a comma or '}' after an object member. at offset: 7"},
		{`{"a": .5}`, "Invalid value. at offset: 6"},
		{`{"a": -}`, "Invalid value. at offset: 7"},
		{`{"a": 1.}`, "Miss fraction part in number. at offset: 8"},
		{`{"a": 1e}`, "Miss exponent in number. at offset: 8"},
		{`{"a": 1e+}`, "Miss exponent in number."},
		{`{"a": "b`, "Missing a closing quotation mark in string. at offset: 8"},
		{`{"a": "b\`, "Invalid escape character in string."},
		{`{"a": "\x"}`, "Invalid escape character in string. at offset: 7"},
		{`{"a": "\u12G4"}`, "Incorrect hex digit after \\u escape in string. at offset: 7"},
		{`{"a": "\u12`, "Incorrect hex digit after \\u escape in string."},
		{`{"a": "\ud800"}`, "The surrogate pair in string is invalid. at offset: 7"},
		{`{"a": "\ud800\u0041"}`, "The surrogate pair in string is invalid."},
		{`{"a": "\udc00"}`, "The surrogate pair in string is invalid."},
		{"{\"a\": \"tab\there\"}", "Invalid encoding in string. at offset: 10"},
		{"{\"a\": \x00}", "Invalid value. at offset: 6"},
		{`{"a": 'b'}`, "Invalid value."},
		{`{"instances": [1]}}`, "The document root must not be followed by other values. at offset: 18"},
	}
	for _, tt := range tests {
		t.Run(tt.body, func(t *testing.T) {
			_, err := codec.DecodePredict([]byte(tt.body), inputsOf("x:float"), codec.Limits{})
			wantInvalid(t, err, "JSON Parse error: "+tt.want)
		})
	}
}

func TestDecodePredictUnimplemented(t *testing.T) {
	for _, d := range []infer.DType{
		infer.Complex64, infer.Complex128, infer.Qint8, infer.Quint8, infer.Qint32,
		infer.Qint16, infer.Quint16, infer.Resource, infer.Variant,
	} {
		_, err := codec.DecodePredict([]byte(`{"inputs": [1]}`), oneInput("x", d), codec.Limits{})
		want := "Conversion of JSON Value: [1] to type: " + d.String()
		if !errors.Is(err, infer.ErrUnimplemented) || err.Error() != want {
			t.Errorf("%s: got %v, want %s", d, err, want)
		}
	}
}

func TestDecodePredictWithoutInputs(t *testing.T) {
	_, err := codec.DecodePredict([]byte(`{"instances": [1]}`), catalogOf([]string{"y"}), codec.Limits{})
	wantInvalid(t, err, "Failed to get input map for signature: serving_default")
}

// Messages repeat a client's JSON up to a length, and are valid UTF-8 wherever
// the cut falls.
func TestDecodePredictCutsWhatItRepeats(t *testing.T) {
	for shift := range 4 {
		value := `"` + strings.Repeat("x", shift) + strings.Repeat("€", 200) + `"`
		_, err := codec.DecodePredict([]byte(`{"inputs": [`+value+`]}`), inputsOf("x:float"), codec.Limits{})
		wantInvalid(t, err, "... Type: String is not of expected type: float")
		if msg := err.Error(); len(msg) > 400 || !utf8.ValidString(msg) || strings.ContainsRune(msg, utf8.RuneError) {
			t.Errorf("shift %d: %d bytes: %q", shift, len(msg), msg)
		}
	}
	named := `{"signature_name": "` + strings.Repeat("€", 1000) + `", "inputs": 1}`
	_, err := codec.DecodePredict([]byte(named), inputsOf("x:float"), codec.Limits{})
	wantInvalid(t, err, `..." not found in signature def`)
	if len(err.Error()) > 400 {
		t.Errorf("%d bytes: %v", len(err.Error()), err)
	}
	_, err = codec.DecodePredict([]byte("{\"inputs\": [\"\xff\xfe\"]}"), inputsOf("x:float"), codec.Limits{})
	if err == nil || !utf8.ValidString(err.Error()) {
		t.Errorf("got %q", err)
	}
}

func TestDecodePredictDepth(t *testing.T) {
	const limit = 5
	inside := `{"inputs": ` + strings.Repeat("[", limit-1) + "1" + strings.Repeat("]", limit-1) + `}`
	if _, err := codec.DecodePredict([]byte(inside), inputsOf("x:float"), codec.Limits{MaxDepth: limit}); err != nil {
		t.Errorf("%d levels: %v", limit, err)
	}
	for _, body := range []string{
		`{"inputs": ` + strings.Repeat("[", limit) + "1" + strings.Repeat("]", limit) + `}`,
		`{"inputs": {"x": ` + strings.Repeat("[", limit-1) + "1" + strings.Repeat("]", limit-1) + `}}`,
		`{"z": ` + strings.Repeat(`{"a":`, limit) + "1" + strings.Repeat("}", limit) + `}`,
		strings.Repeat("[", 1_000_000),
		strings.Repeat(`{"inputs":`, 100_000),
	} {
		_, err := codec.DecodePredict([]byte(body), inputsOf("x:float"), codec.Limits{MaxDepth: limit})
		wantInvalid(t, err, "nested deeper than 5 levels (MAX_JSON_DEPTH)")
	}
	// A limit above the default holds too.
	deep := `{"inputs": ` + strings.Repeat("[", 200) + "1" + strings.Repeat("]", 200) + `}`
	p, err := codec.DecodePredict([]byte(deep), inputsOf("x:float"), codec.Limits{MaxDepth: 201})
	if err != nil {
		t.Fatal(err)
	}
	if got := len(p.Feeds[0].Value.Shape); got != 200 {
		t.Errorf("got rank %d, want 200", got)
	}
}

func TestDecodePredictMembers(t *testing.T) {
	var b strings.Builder
	for i := range 20_000 {
		b.WriteString(`,"` + strings.Repeat("k", 1+i%3) + strings.Repeat("0", i/3%100) + string(rune('a'+i/300)) + `":0`)
	}
	_, err := codec.DecodePredict([]byte(`{"instances":[1]`+b.String()+`}`), inputsOf("x:float"), codec.Limits{})
	wantInvalid(t, err, "more than 16384 members")
}

func TestDecodePredictTensorLimit(t *testing.T) {
	tests := []struct {
		name, inputs, body string
		bytes              int64 // that the tensors need
	}{
		{"column", "x:float", `{"inputs": [1,2,3,4,5,6,7,8,9,10]}`, 40},
		{"row", "x:double", `{"instances": [[1,2],[3,4]]}`, 32},
		{"rows of scalars", "x:int16", `{"instances": [1,2,3]}`, 6},
		{"all inputs together", "a:float b:uint8", `{"inputs": {"a": [1,2], "b": [1,2,3]}}`, 11},
		{"named rows", "a:float b:uint8", `{"instances": [{"a": 1, "b": [2,3]}, {"a": 1, "b": [2,3]}]}`, 12},
		{"strings", "s:string", `{"inputs": ["abc", "", {"b64": "AAAA"}]}`, 3*32 + 6},
		{"bools", "b:bool", `{"inputs": [true, false]}`, 2},
		{"half", "h:half", `{"inputs": [1, 2]}`, 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := codec.DecodePredict([]byte(tt.body), inputsOf(tt.inputs), codec.Limits{MaxTensorBytes: tt.bytes}); err != nil {
				t.Errorf("limit of %d bytes: %v", tt.bytes, err)
			}
			_, err := codec.DecodePredict([]byte(tt.body), inputsOf(tt.inputs), codec.Limits{MaxTensorBytes: tt.bytes - 1})
			if !errors.Is(err, infer.ErrTooLarge) || !strings.Contains(err.Error(), "MAX_TENSOR_BYTES") {
				t.Errorf("limit of %d bytes: got %v, want too large", tt.bytes-1, err)
			}
		})
	}
}

// A hostile body makes the decoder allocate no more than a small multiple of
// the tensor limit.
func TestDecodePredictAllocatesWithinTheLimit(t *testing.T) {
	const limit = 1 << 16
	for name, body := range map[string]string{
		"numbers": `{"instances": [` + strings.Repeat("0,", 1<<20) + `0]}`,
		"rows":    `{"instances": [[0],` + strings.Repeat("[0],", 1<<20) + `[0]]}`,
		"strings": `{"instances": [` + strings.Repeat(`"",`, 1<<20) + `""]}`,
		"commas":  `{"instances": ["` + strings.Repeat(`,`, 1<<20) + `"]}`,
	} {
		catalog := inputsOf("x:double")
		if name == "strings" {
			catalog = inputsOf("x:string")
		}
		sent := []byte(body)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := codec.DecodePredict(sent, catalog, codec.Limits{MaxTensorBytes: limit})
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 8*limit {
			t.Errorf("%s: allocated %d bytes under a limit of %d", name, got, limit)
		}
	}
}
