package codec_test

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// fed is what an infer request feeds, as described says it of a predict request.
func fed(r *codec.Infer) string {
	var feeds []string
	for _, f := range r.Feeds {
		feeds = append(feeds, f.Name+"="+describe(f.Value))
	}
	return strings.Join(feeds, " ")
}

// in is one element of a request's "inputs".
func in(name, datatype, shape, data string) string {
	return fmt.Sprintf(`{"name": %q, "shape": %s, "datatype": %q, "data": %s}`, name, shape, datatype, data)
}

func inferOf(inputs ...string) string { return `{"inputs": [` + strings.Join(inputs, ", ") + `]}` }

func TestDecodeInfer(t *testing.T) {
	tests := []struct {
		name, inputs, body, want string
	}{
		{"flat", "x:float", inferOf(in("x", "FP32", "[2, 3]", "[1, 2.5, 3, 4, 5, 6]")), "x=[2,3] 1 2.5 3 4 5 6"},
		{"nested", "x:float", inferOf(in("x", "FP32", "[2, 3]", "[[1, 2.5, 3], [4, 5, 6]]")), "x=[2,3] 1 2.5 3 4 5 6"},
		{"data before shape and datatype", "x:float", `{"inputs": [{"data": [[1, 2], [3, 4]], "datatype": "FP32", "shape": [2, 2], "name": "x"}]}`, "x=[2,2] 1 2 3 4"},
		{"flat data for a higher rank", "x:int32", inferOf(in("x", "INT32", "[1, 2, 1, 2]", "[1, 2, 3, 4]")), "x=[1,2,1,2] 1 2 3 4"},
		{"nested data of every rank that is nested", "x:int32", inferOf(in("x", "INT32", "[1, 2, 1, 2]", "[[[[1, 2]], [[3, 4]]]]")), "x=[1,2,1,2] 1 2 3 4"},
		{"a scalar", "x:float", inferOf(in("x", "FP32", "[]", "[5]")), "x=[] 5"},
		{"no elements", "x:float", inferOf(in("x", "FP32", "[0, 3]", "[]")), "x=[0,3]"},
		{"no elements, nested", "x:float", inferOf(in("x", "FP32", "[2, 0, 3]", "[[], []]")), "x=[2,0,3]"},
		{"null is NaN", "x:float", inferOf(in("x", "FP32", "[3]", "[1, null, -2]")), "x=[3] 1 NaN -2"},
		{"null is NaN in every type of floats", "d:double h:half b:bfloat16",
			inferOf(in("d", "FP64", "[2]", "[null, 1]"), in("h", "FP16", "[2]", "[null, 1]"), in("b", "BF16", "[1, 1]", "[[null]]")),
			"b=[1,1] 0x7fc0 d=[2] NaN 1 h=[2] 0x7e00 0x3c00"},
		{"several inputs in any order", "a:float b:string c:bool",
			inferOf(in("c", "BOOL", "[2]", "[true, false]"), in("a", "FP32", "[1]", "[1]"), in("b", "BYTES", "[1]", `["é"]`)),
			`a=[1] 1 b=[1] "é" c=[2] true false`},
		{"strings", "s:string", inferOf(in("s", "BYTES", "[2, 2]", `[["a", ""], ["\u0062", {"b64": "//4="}]]`)), `s=[2,2] "a" "" "b" "\xff\xfe"`},
		{"MLServer's base64", "s:string", `{"inputs": [{"name": "s", "shape": [2], "datatype": "BYTES", "parameters": {"content_type": "base64"}, "data": ["//4=", "YQ=="]}]}`,
			`s=[2] "\xff\xfe" "a"`},
		{"MLServer's base64 behind the data", "s:string", `{"inputs": [{"name": "s", "shape": [1], "datatype": "BYTES", "data": ["YQ=="], "parameters": {"content_type": "base64"}}]}`,
			`s=[1] "a"`},
		{"other content types say nothing", "s:string", `{"inputs": [{"name": "s", "shape": [1], "datatype": "BYTES", "parameters": {"content_type": "str", "headers": {"a": [1]}}, "data": ["YQ=="]}]}`,
			`s=[1] "YQ=="`},
		{"numbers of half are rounded", "h:half", inferOf(in("h", "FP16", "[3]", "[1, 65519, 1e-9]")), "h=[3] 0x3c00 0x7bff 0x0000"},
		{"keys that mean nothing", "x:int8", `{"model_name": "m", "x": {"y": [null]}, "inputs": [{"z": [1], "name": "x", "shape": [1], "datatype": "INT8", "data": [1]}], "parameters": {"sequence_id": 5, "a": null}}`, "x=[1] 1"},
		{"null where a key could be missing", "x:int8", `{"id": null, "parameters": null, "outputs": null, "inputs": [{"name": "x", "shape": [1], "datatype": "INT8", "parameters": null, "data": [1]}]}`, "x=[1] 1"},
		{"white space everywhere", "x:int8", " \n{ \"inputs\"\t:\r[ { \"name\" : \"x\" , \"shape\" : [ 1 , 2 ] , \"datatype\" : \"INT8\" , \"data\" : [ [ 1 , 2 ] ] } ] , \"outputs\" : [ ] } ", "x=[1,2] 1 2"},
		{"a byte order mark", "x:int8", "\xEF\xBB\xBF" + inferOf(in("x", "INT8", "[1]", "[1]")), "x=[1] 1"},
		{"escaped keys and names", "x:int8", `{"in\u0070uts": [{"n\u0061me": "\u0078", "shape": [1], "datatype": "INT\u0038", "data": [1]}]}`, "x=[1] 1"},
		{"the shape is TensorFlow's to judge", "x:int8", inferOf(in("x", "INT8", "[1, 1, 1, 1, 1, 1, 1, 1, 1, 1]", "[1]")), "x=[1,1,1,1,1,1,1,1,1,1] 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := codec.DecodeInfer([]byte(tt.body), codec.WholeBody, inputsOf(tt.inputs), codec.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if got := fed(r); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestDecodeInferRefuses(t *testing.T) {
	x := in("x", "FP32", "[1]", "[1]")
	param := func(text string) string {
		return `{"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [1], "parameters": ` + text + `}]}`
	}
	tests := []struct {
		name, inputs, body, want string
	}{
		{"nothing", "x:float", "", "JSON Parse error: The document is empty."},
		{"no object", "x:float", `[1]`, "JSON Value: [1] Is not object"},
		{"no JSON", "x:float", `{"inputs": [}`, "inputs[0] must be an object"},
		{"cut off", "x:float", `{"inputs": [` + x, "Missing a comma or ']' after an array element. at offset: "},
		{"cut off in a shape", "x:float", `{"inputs": [{"shape": [1`, "Missing a comma or ']' after an array element. at offset: "},
		{"more than one document", "x:float", inferOf(x) + "{}", "must not be followed by other values"},
		{"a key twice", "x:float", `{"inputs": [` + x + `], "inputs": []}`, `duplicate key "inputs"`},
		{"a key of an input twice", "x:float", `{"inputs": [{"name": "x", "name": "x"}]}`, `duplicate key "name"`},
		{"a parameter twice", "x:float", param(`{"a": 1, "a": 1}`), `duplicate key "a"`},
		{"no inputs", "x:float", `{"outputs": []}`, `the key "inputs" is missing`},
		{"inputs are null", "x:float", `{"inputs": null}`, `the key "inputs" is missing`},
		{"inputs are an object", "x:float", `{"inputs": {}}`, "inputs must be an array"},
		{"an input is a number", "x:float", `{"inputs": [1]}`, "inputs[0] must be an object"},
		{"id is a number", "x:float", `{"id": 5}`, "id must be a string"},
		{"no name", "x:float", `{"inputs": [` + x + `, {"shape": [1], "datatype": "FP32", "data": [1]}]}`, `inputs[1]: the key "name" is missing`},
		{"no shape", "x:float", `{"inputs": [{"name": "x", "datatype": "FP32", "data": [1]}]}`, `inputs[0]: the key "shape" is missing`},
		{"no datatype", "x:float", `{"inputs": [{"name": "x", "shape": [1], "data": [1]}]}`, `inputs[0]: the key "datatype" is missing`},
		{"no data", "x:float", `{"inputs": [{"name": "x", "shape": [1], "datatype": "FP32"}]}`, `inputs[0]: input "x" has neither "data" nor the parameter binary_data_size`},
		{"data twice", "x:float", param(`{"binary_data_size": 4}`), `inputs[0]: input "x" has both "data" and the parameter binary_data_size`},
		{"name is a number", "x:float", `{"inputs": [{"name": 1}]}`, "inputs[0]: name must be a string"},
		{"data is no list", "x:float", inferOf(in("x", "FP32", "[]", "1")), "inputs[0]: data must be an array"},
		{"shape is no list", "x:float", inferOf(in("x", "FP32", "1", "[1]")), "inputs[0]: shape must be an array"},
		{"shape of text", "x:float", inferOf(in("x", "FP32", `["1"]`, "[1]")), "inputs[0]: a dimension of shape must be an integer of 0 or more"},
		{"shape with a variable size", "x:float", inferOf(in("x", "FP32", "[-1]", "[1]")), "inputs[0]: a dimension of shape must be an integer of 0 or more, not -1"},
		{"shape with a fraction", "x:float", inferOf(in("x", "FP32", "[1.0]", "[1]")), "a dimension of shape must be an integer of 0 or more, not 1.0"},
		{"shape beyond an int64", "x:float", inferOf(in("x", "FP32", "[9223372036854775808]", "[1]")), "a dimension of shape must be an integer of 0 or more, not 9223372036854775808"},
		{"shape beyond counting", "x:float", inferOf(in("x", "FP32", "[4294967296, 4294967296]", "[1]")), `input "x": shape [4294967296,4294967296] has more elements than can be counted`},
		{"shape beyond counting but for a zero", "x:float", inferOf(in("x", "FP32", "[0, 4294967296, 4294967296]", "[]")), "has more elements than can be counted"},
		{"shape of too high a rank", "x:float", inferOf(in("x", "FP32", "["+strings.Repeat("1,", 254)+"1]", "[1]")), "inputs[0]: shape has more than 254 dimensions"},
		{"too few values", "x:float", inferOf(in("x", "FP32", "[3]", "[1, 2]")), `input "x": shape [3] has 3 elements, but data has 2`},
		{"too many values", "x:float", inferOf(in("x", "FP32", "[3]", "[1, 2, 3, 4]")), `input "x": shape [3] has 3 elements, but data has 4`},
		{"the example of the specification, BOOL [3]", "x:bool", inferOf(in("x", "BOOL", "[3]", "[true]")), `input "x": shape [3] has 3 elements, but data has 1`},
		{"a shape of gigabytes", "x:float", inferOf(in("x", "FP32", "[1000000000000]", "[1]")), `has 1000000000000 elements, but data has 1`},
		{"nested otherwise", "x:float", inferOf(in("x", "FP32", "[2, 3]", "[[1, 2], [3, 4], [5, 6]]")), `input "x": data is nested as [3,2], which is neither flat nor the shape [2,3]`},
		{"nested otherwise, bool", "x:bool", inferOf(in("x", "BOOL", "[2]", "[[true], [false]]")), `data is nested as [2,1], which is neither flat nor the shape [2]`},
		{"ragged", "x:float", inferOf(in("x", "FP32", "[2, 2]", "[[1, 2], [3]]")), `Encountered list at unexpected size: 1 at level: 1 expected size: 2 (at index [1]) in input "x"`},
		{"another datatype", "x:float", inferOf(in("x", "FP64", "[1]", "[1]")), `input "x" has datatype FP64, but the model takes FP32`},
		{"another model", "x:int8", inferOf(in("x", "FP32", "[1]", "[1]")), `input "x" has datatype FP32, but the model takes INT8`},
		{"TensorFlow's name of a datatype", "x:float", inferOf(in("x", "DT_FLOAT", "[1]", "[1]")), `has datatype DT_FLOAT, but the model takes FP32`},
		{"text for a number", "x:float", inferOf(in("x", "FP32", "[1]", `["1"]`)), `JSON Value: "1" Type: String is not of expected type: float (at index [0]) in input "x"`},
		{"null for an integer", "x:int8", inferOf(in("x", "INT8", "[1]", "[null]")), "JSON Value: null Type: Null is not of expected type: int8"},
		{"an integer out of range", "x:uint8", inferOf(in("x", "UINT8", "[2]", "[255, 256]")), "JSON Value: 256 Type: Number is not of expected type: uint8: out of range, 0 to 255"},
		{"a number for a bool", "x:bool", inferOf(in("x", "BOOL", "[1]", "[1]")), "is not of expected type: bool"},
		{"NaN", "x:float", inferOf(in("x", "FP32", "[2]", "[1, NaN]")), "NaN and Infinity are not JSON: write NaN as null, or send the tensor as binary data, at offset: "},
		{"-Infinity", "x:double", inferOf(in("x", "FP64", "[1]", "[-Infinity]")), "NaN and Infinity are not JSON"},
		{"-Infinity in the short cut", "x:float", inferOf(in("x", "FP32", "[1]", "[-Infinity]")), "NaN and Infinity are not JSON"},
		{"NaN in a key that means nothing", "x:float", `{"a": NaN, "inputs": [` + x + `]}`, "NaN and Infinity are not JSON"},
		{"no base64", "s:string", `{"inputs": [{"name": "s", "shape": [1], "datatype": "BYTES", "parameters": {"content_type": "base64"}, "data": ["***"]}]}`, `Unable to base64 decode (at index [0]) in input "s"`},
		{"an unknown input", "a:float x:float", inferOf(in("z", "FP32", "[1]", "[1]")), `input "z" is none of signature "serving_default", which takes a,x`},
		{"a missing input", "a:float x:float", inferOf(x), `input "a" is missing; signature "serving_default" takes a,x`},
		{"an input twice", "x:float", inferOf(x, x), `input "x" is given more than once, lastly as "x"`},
		{"parameters are a list", "x:float", param("[]"), "inputs[0]: parameters must be an object"},
		{"shared memory", "x:float", param(`{"shared_memory_region": "a"}`), "inputs[0]: shared memory is not supported by this server"},
		{"an unknown signature", "x:float", `{"parameters": {"signature_name": "nope"}, "inputs": [` + x + `]}`, `Serving signature name: "nope" not found in signature def`},
		{"signature_name is a number", "x:float", `{"parameters": {"signature_name": 1}, "inputs": []}`, "parameters: signature_name must be a string"},
		{"binary_data_output is text", "x:float", `{"parameters": {"binary_data_output": "true"}, "inputs": []}`, "parameters: binary_data_output must be true or false"},
		{"binary_data is a number", "x:float", `{"inputs": [], "outputs": [{"name": "y", "parameters": {"binary_data": 1}}]}`, "outputs[0]: binary_data must be true or false"},
		{"classification", "x:float", `{"inputs": [], "outputs": [{"name": "y", "parameters": {"classification": 3}}]}`, "outputs[0]: the parameter classification is not supported by this server"},
		{"shared memory for an output", "x:float", `{"inputs": [], "outputs": [{"name": "y", "parameters": {"shared_memory_byte_size": 3}}]}`, "outputs[0]: shared memory is not supported"},
		{"an output without a name", "x:float", `{"inputs": [], "outputs": [{}]}`, `outputs[0]: the key "name" is missing`},
		{"an unknown output", "x:float", `{"inputs": [` + x + `], "outputs": [{"name": "z"}]}`, `output "z" is none of signature "serving_default", which has y`},
		{"an output twice", "x:float", `{"inputs": [` + x + `], "outputs": [{"name": "y"}, {"name": "y"}]}`, `output "y" is asked for more than once`},
		{"binary data without the header", "x:float", `{"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "parameters": {"binary_data_size": 4}}]}` + "\x00\x00\x80\x3f",
			"the header Inference-Header-Content-Length, which says where the JSON ends, is missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := codec.DecodeInfer([]byte(tt.body), codec.WholeBody, inputsOf(tt.inputs), codec.Limits{})
			wantInvalid(t, err, tt.want)
		})
	}
}

// The short cut for floats and the way of everything else agree, whatever is
// sent: only the short cut needs to know shape and datatype in advance.
func TestDecodeInferIsTheSameInAnyOrder(t *testing.T) {
	for _, shape := range []string{"[2, 2]", "[4]", "[]", "[0]", "[2, 3]", "[1, 4]"} {
		for _, data := range []string{"[1, 2, 3, 4]", "[[1, 2], [3, 4]]", "[[1, 2], [3]]", "[]", "[5]", "[[1, 2, 3, 4]]", "[1, null, 3, 4]", "[1, [2]]", "[1, 2, 3, 4", `[1, "2"]`, "[1, 2, 3, 4,]"} {
			texts := make([]string, 2)
			for i, body := range []string{
				`{"inputs": [{"name": "x", "datatype": "FP32", "shape": ` + shape + `, "data": ` + data + `}]}`,
				`{"inputs": [{"name": "x", "datatype": "FP32", "data": ` + data + `, "shape": ` + shape + `}]}`,
			} {
				r, err := codec.DecodeInfer([]byte(body), codec.WholeBody, inputsOf("x:float"), codec.Limits{})
				if err != nil {
					texts[i], _, _ = strings.Cut(err.Error(), " at offset")
				} else {
					texts[i] = fed(r)
				}
			}
			if texts[0] != texts[1] {
				t.Errorf("shape %s, data %s: shape first gives %q, data first %q", shape, data, texts[0], texts[1])
			}
		}
	}
}

func TestDecodeInferOutputs(t *testing.T) {
	catalog := catalogOf([]string{"b", "a", "c"}, input("x", infer.Float))
	catalog.ByTensor = true
	for outputs, want := range map[string]string{
		"":                "a b c",
		`, "outputs": []`: "a b c",
		`, "outputs": [{"name": "c"}, {"name": "a", "parameters": {"z": 1}}]`: "c a",
		`, "outputs": [{"x": 1, "name": "c", "parameters": null}]`:            "c",
		`, "outputs": [{"name": "b_op:0"}, {"name": "a_op"}]`:                 "b_op:0 a_op",
	} {
		body := `{"inputs": [` + in("x", "FP32", "[1]", "[1]") + `]` + outputs + `}`
		r, err := codec.DecodeInfer([]byte(body), codec.WholeBody, catalog, codec.Limits{})
		if err != nil {
			t.Errorf("%s: %v", body, err)
			continue
		}
		var names []string
		for _, f := range r.Fetches {
			names = append(names, f.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: fetches %s, want %s", body, got, want)
		}
	}
}

func TestDecodeInferWithoutOutputs(t *testing.T) {
	catalog := catalogOf(nil, infer.TensorInfo{Name: "x", Tensor: "x:0", DType: infer.Float, Shape: infer.Shape{1}})
	for length, body := range map[int]string{codec.WholeBody: inferOf(in("x", "FP32", "[1]", "[1]")), 0: "\x00\x00\x80\x3f"} {
		_, err := codec.DecodeInfer([]byte(body), length, catalog, codec.Limits{})
		wantInvalid(t, err, `signature "serving_default" has no outputs to return`)
	}
}

func TestDecodeInferSignature(t *testing.T) {
	catalog := inputsOf("x:float")
	catalog.Signatures["other"] = &infer.Signature{
		Name:    "other",
		Inputs:  []infer.TensorInfo{input("x", infer.Int32)},
		Outputs: []infer.TensorInfo{{Name: "z", Tensor: "z:0"}},
	}
	body := inferOf(in("x", "INT32", "[1]", "[7]"))
	body = strings.TrimSuffix(body, "}") + `, "parameters": {"signature_name": "other"}}`
	r, err := codec.DecodeInfer([]byte(body), codec.WholeBody, catalog, codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Signature.Name != "other" || fed(r) != "x=[1] 7" || len(r.Fetches) != 1 || r.Fetches[0].Name != "z" {
		t.Errorf("got signature %q, %s, fetches %v", r.Signature.Name, fed(r), r.Fetches)
	}
}

// MODEL_ANY_TENSOR: a request may feed a tensor inside the graph instead of the
// inputs, under any of its names but only once.
func TestDecodeInferAnyTensor(t *testing.T) {
	catalog := inputsOf("x:float")
	catalog.Tensor = func(name string) (infer.TensorInfo, bool) {
		return infer.TensorInfo{Tensor: infer.TensorName(name), DType: infer.Int8}, strings.HasPrefix(name, "hidden")
	}
	r, err := codec.DecodeInfer([]byte(inferOf(in("hidden:1", "INT8", "[1]", "[7]"))), codec.WholeBody, catalog, codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fed(r), "hidden:1=[1] 7"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	twice := inferOf(in("hidden", "INT8", "[1]", "[7]"), in("hidden:0", "INT8", "[1]", "[8]"))
	_, err = codec.DecodeInfer([]byte(twice), codec.WholeBody, catalog, codec.Limits{})
	wantInvalid(t, err, `inputs "hidden" and "hidden:0" are the same tensor and cannot both be fed`)
}

func TestDecodeInferUnimplemented(t *testing.T) {
	_, err := codec.DecodeInfer([]byte(inferOf(in("x", "FP32", "[1]", "[1]"))), codec.WholeBody, oneInput("x", infer.Complex64), codec.Limits{})
	if want := `input "x" is of type complex64, which this protocol has no datatype for`; !errors.Is(err, infer.ErrUnimplemented) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestDecodeInferLimits(t *testing.T) {
	tests := []struct {
		name, inputs, body string
		bytes              int64 // that the tensors need
	}{
		{"floats", "x:float", inferOf(in("x", "FP32", "[10]", "[1,2,3,4,5,6,7,8,9,10]")), 40},
		{"floats, data first", "x:float", `{"inputs": [{"data": [1,2,3], "name": "x", "shape": [3], "datatype": "FP32"}]}`, 12},
		{"all inputs together", "a:float b:uint8", inferOf(in("a", "FP32", "[2]", "[1,2]"), in("b", "UINT8", "[3]", "[1,2,3]")), 11},
		{"no elements, but a sum over them has", "x:float", inferOf(in("x", "FP32", "[4, 0, 3]", "[]")), 48},
		{"strings", "s:string", inferOf(in("s", "BYTES", "[2]", `["abc", ""]`)), 2*32 + 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := codec.DecodeInfer([]byte(tt.body), codec.WholeBody, inputsOf(tt.inputs), codec.Limits{MaxTensorBytes: tt.bytes}); err != nil {
				t.Errorf("limit of %d bytes: %v", tt.bytes, err)
			}
			_, err := codec.DecodeInfer([]byte(tt.body), codec.WholeBody, inputsOf(tt.inputs), codec.Limits{MaxTensorBytes: tt.bytes - 1})
			if !errors.Is(err, infer.ErrTooLarge) || !strings.Contains(err.Error(), "MAX_TENSOR_BYTES") {
				t.Errorf("limit of %d bytes: got %v, want too large", tt.bytes-1, err)
			}
		})
	}
}

func TestDecodeInferDepth(t *testing.T) {
	deep := func(levels int) string { // the request, "inputs" and the input are three
		return inferOf(in("x", "FP32", "[1]", strings.Repeat("[", levels-3)+"1"+strings.Repeat("]", levels-3)))
	}
	for _, body := range []string{deep(5), `{"a": [[[[]]]], "inputs": [` + in("x", "FP32", "[1]", "[1]") + `]}`} {
		if _, err := codec.DecodeInfer([]byte(body), codec.WholeBody, inputsOf("x:float"), codec.Limits{MaxDepth: 5}); err != nil && !strings.Contains(err.Error(), "nested as") {
			t.Errorf("5 levels: %v", err)
		}
	}
	for _, body := range []string{
		deep(6),
		`{"a": [[[[[]]]]], "inputs": []}`,
		`{"inputs": [{"a": [[[]]]}]}`,
		`{"inputs": [{"parameters": {"a": [[]]}}]}`,
		`{"parameters": {"a": [[[[]]]]}}`,
	} {
		_, err := codec.DecodeInfer([]byte(body), codec.WholeBody, inputsOf("x:float"), codec.Limits{MaxDepth: 5})
		wantInvalid(t, err, "nested deeper than 5 levels (MAX_JSON_DEPTH)")
	}
	for depth := range 3 {
		_, err := codec.DecodeInfer([]byte(inferOf(in("x", "FP32", "[1]", "[1]"))), codec.WholeBody, inputsOf("x:float"), codec.Limits{MaxDepth: depth + 1})
		wantInvalid(t, err, "nested deeper than")
	}
}

func TestDecodeInferBoundsItsLists(t *testing.T) {
	_, err := codec.DecodeInfer([]byte(inferOf(strings.Repeat(in("x", "FP32", "[1]", "[1]")+",", 16384)+"{}")), codec.WholeBody, inputsOf("x:float"), codec.Limits{})
	wantInvalid(t, err, "inputs[16384]: there are more than 16384 elements")
}

// However many inputs state however large a shape, what is made and cleared for
// them is a small multiple of the body.
func TestDecodeInferAllocatesAsTheBodyIsLong(t *testing.T) {
	for name, shape := range map[string]int{"terabytes": math.MaxInt32, "as much as the body could hold": 200_000} {
		one := in("x", "FP32", fmt.Sprintf("[%d]", shape), "[1]") + ","
		body := []byte(inferOf(strings.Repeat(one, 10_000) + "{}"))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := codec.DecodeInfer(body, codec.WholeBody, inputsOf("x:float"), codec.Limits{})
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 40*uint64(len(body)) {
			t.Errorf("%s: allocated %d bytes for a body of %d", name, got, len(body))
		}
	}
}
