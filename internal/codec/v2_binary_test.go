package codec_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// unhex is the bytes of hexadecimal text with blanks between them.
func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// binaryIn is one element of a request's "inputs" whose data follows the JSON.
func binaryIn(name, datatype, shape string, size int) string {
	return fmt.Sprintf(`{"name": %q, "shape": %s, "datatype": %q, "parameters": {"binary_data_size": %d}}`, name, shape, datatype, size)
}

// elementsOf are two elements of every datatype: as JSON, and as the binary
// tensor extension has them, by the definitions of IEEE 754, of bfloat16 and of
// two's complement, little-endian. JSON is what this server writes.
var elementsOf = []struct {
	datatype string
	dtype    infer.DType
	json     string
	binary   string
}{
	{"BOOL", infer.Bool, "[true,false]", "01 00"},
	{"UINT8", infer.Uint8, "[1,255]", "01 ff"},
	{"UINT16", infer.Uint16, "[1,65535]", "0100 ffff"},
	{"UINT32", infer.Uint32, "[1,4294967295]", "01000000 ffffffff"},
	{"UINT64", infer.Uint64, "[1,18446744073709551615]", "0100000000000000 ffffffffffffffff"},
	{"INT8", infer.Int8, "[127,-128]", "7f 80"},
	{"INT16", infer.Int16, "[258,-32768]", "0201 0080"},
	{"INT32", infer.Int32, "[16909060,-2]", "04030201 feffffff"},
	{"INT64", infer.Int64, "[72623859790382856,-2]", "0807060504030201 feffffffffffffff"},
	{"FP16", infer.Half, "[1.0,-2.5]", "003c 00c1"},
	{"BF16", infer.Bfloat16, "[1.0,-2.5]", "803f 20c0"},
	{"FP32", infer.Float, "[1.0,-2.5]", "0000803f 000020c0"},
	{"FP64", infer.Double, "[1.0,-2.5]", "000000000000f03f 00000000000004c0"},
	{"BYTES", infer.String, `["ab",""]`, "02000000 6162 00000000"},
}

func TestDecodeInferEveryDatatype(t *testing.T) {
	for _, e := range elementsOf {
		t.Run(e.datatype, func(t *testing.T) {
			raw, catalog := unhex(t, e.binary), oneInput("x", e.dtype)
			json := inferOf(binaryIn("x", e.datatype, "[2]", len(raw)))
			fromBinary, err := codec.DecodeInfer(append([]byte(json), raw...), len(json), catalog, codec.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			fromJSON, err := codec.DecodeInfer([]byte(inferOf(in("x", e.datatype, "[2]", e.json))), codec.WholeBody, catalog, codec.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if e.dtype == infer.String {
				if got, want := fed(fromBinary), `x=[2] "ab" ""`; got != want || fed(fromJSON) != want {
					t.Errorf("got %s from binary and %s from JSON, want %s", got, fed(fromJSON), want)
				}
				return
			}
			for _, r := range []*codec.Infer{fromBinary, fromJSON} {
				if value := r.Feeds[0].Value; value.DType != e.dtype || !bytes.Equal(value.Data, raw) || len(value.Shape) != 1 || value.Shape[0] != 2 {
					t.Errorf("got %s %v %x, want %x", value.DType, value.Shape, value.Data, raw)
				}
			}
		})
	}
}

// The layout by hand: JSON, then the tensors of the inputs that have a size, in
// their order, without anything between them.
func TestDecodeInferBinaryLayout(t *testing.T) {
	json := inferOf(
		binaryIn("u", "UINT32", "[2, 2]", 16),
		in("j", "INT8", "[1]", "[-1]"),
		binaryIn("b", "BOOL", "[3]", 3),
		binaryIn("empty", "FP64", "[0, 4]", 0),
		binaryIn("s", "BYTES", "[2]", 11),
	)
	body := append([]byte(json), unhex(t, "01000000 02000000 03000000 ffffffff"+"01 00 01"+"00000000 03000000 c3a900")...)
	r, err := codec.DecodeInfer(body, len(json), inputsOf("b:bool empty:double j:int8 s:string u:uint32"), codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := `b=[3] true false true empty=[0,4] j=[1] -1 s=[2] "" "é\x00" u=[2,2] 1 2 3 4294967295`
	if got := fed(r); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Binary tensors are read where they are, whatever their alignment.
func TestDecodeInferBinaryAliasesTheBody(t *testing.T) {
	json := inferOf(binaryIn("x", "FP32", "[1]", 4), binaryIn("s", "BYTES", "[1]", 5))
	body := append([]byte(json), unhex(t, "0000803f 01000000 61")...)
	r, err := codec.DecodeInfer(body, len(json), inputsOf("s:string x:float"), codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for i, at := range []int{len(json) + 4, len(json)} {
		if got := r.Feeds[i].Value.Data; &got[0] != &body[at] {
			t.Errorf("input %q is not at offset %d of the body", r.Feeds[i].Name, at)
		}
	}
	if s := r.Feeds[0].Value; s.Prefix != 4 || string(s.Element(0)) != "a" {
		t.Errorf("the string is %q behind %d bytes, want a behind its length", s.Element(0), s.Prefix)
	}
}

func TestDecodeInferBinaryRefuses(t *testing.T) {
	tests := []struct {
		name, inputs, json, tensors, want string
	}{
		{"too little", "x:float", inferOf(binaryIn("x", "FP32", "[2]", 8)), "0000803f", `input "x": binary_data_size is 8, but 4 bytes are left of the body`},
		{"too little for the second", "a:int8 b:int8", inferOf(binaryIn("a", "INT8", "[2]", 2), binaryIn("b", "INT8", "[2]", 2)), "01 02 03", `input "b": binary_data_size is 2, but 1 bytes are left`},
		{"too much", "x:float", inferOf(binaryIn("x", "FP32", "[1]", 4)), "0000803f 00", "1 bytes follow the last binary tensor"},
		{"tensors of nobody", "x:float", inferOf(in("x", "FP32", "[1]", "[1]")), "00", "1 bytes follow the last binary tensor"},
		{"not the size of the shape", "x:float", inferOf(binaryIn("x", "FP32", "[2]", 4)), "0000803f", `input "x": FP32 elements of shape [2] do not have the 4 bytes of binary_data_size`},
		{"a shape of exabytes", "x:float", inferOf(binaryIn("x", "FP32", "[4611686018427387904]", 4)), "0000803f", "do not have the 4 bytes of binary_data_size"},
		{"a size below zero", "x:float", inferOf(binaryIn("x", "FP32", "[1]", -4)), "", "inputs[0]: binary_data_size must be an integer of 0 or more, not -4"},
		{"a size that is text", "x:float", `{"inputs": [{"parameters": {"binary_data_size": "4"}}]}`, "", "inputs[0]: binary_data_size must be an integer of 0 or more"},
		{"no bool", "x:bool", inferOf(binaryIn("x", "BOOL", "[2]", 2)), "01 02", `input "x": byte 1 of type BOOL is 2; it must be 0 or 1`},
		{"a string cut in its length", "s:string", inferOf(binaryIn("s", "BYTES", "[2]", 10)), "05000000 6162636465 00", `input "s": element 1 of type BYTES ends within its length`},
		{"a string cut", "s:string", inferOf(binaryIn("s", "BYTES", "[1]", 5)), "02000000 61", `input "s": element 0 of type BYTES has 2 bytes, but 1 are left`},
		{"a string of gigabytes", "s:string", inferOf(binaryIn("s", "BYTES", "[1]", 5)), "ffffffff 61", "element 0 of type BYTES has 4294967295 bytes, but 1 are left"},
		{"more strings than stated", "s:string", inferOf(binaryIn("s", "BYTES", "[1]", 8)), "00000000 00000000", `input "s": 4 bytes follow the last of 1 BYTES elements`},
		{"fewer strings than stated", "s:string", inferOf(binaryIn("s", "BYTES", "[2]", 4)), "00000000", `input "s": binary_data_size is 4, too small for BYTES elements of shape [2]`},
		{"terabytes of strings", "s:string", inferOf(binaryIn("s", "BYTES", "[1099511627776]", 4)), "00000000", "too small for BYTES elements"},
		{"JSON that is longer than stated", "x:float", inferOf(binaryIn("x", "FP32", "[1]", 4)) + " ,", "0000803f", "must not be followed by other values"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := codec.DecodeInfer(append([]byte(tt.json), unhex(t, tt.tensors)...), len(tt.json), inputsOf(tt.inputs), codec.Limits{})
			wantInvalid(t, err, tt.want)
		})
	}
	for _, length := range []int{-2, 3} {
		_, err := codec.DecodeInfer([]byte("{}"), length, inputsOf("x:float"), codec.Limits{})
		wantInvalid(t, err, fmt.Sprintf("Inference-Header-Content-Length is %d, but the body has 2 bytes", length))
	}
}

func TestDecodeInferBinaryLimits(t *testing.T) {
	tests := []struct {
		name, inputs, json, tensors string
		bytes                       int64 // that the tensors need
	}{
		{"numbers", "a:float b:int8", inferOf(binaryIn("a", "FP32", "[1]", 4), binaryIn("b", "INT8", "[2]", 2)), "0000803f 01 02", 6},
		{"strings", "s:string", inferOf(binaryIn("s", "BYTES", "[2]", 11)), "03000000 616263 00000000", 2*32 + 3},
	}
	for _, tt := range tests {
		body := append([]byte(tt.json), unhex(t, tt.tensors)...)
		if _, err := codec.DecodeInfer(body, len(tt.json), inputsOf(tt.inputs), codec.Limits{MaxTensorBytes: tt.bytes}); err != nil {
			t.Errorf("%s, limit of %d bytes: %v", tt.name, tt.bytes, err)
		}
		if _, err := codec.DecodeInfer(body, len(tt.json), inputsOf(tt.inputs), codec.Limits{MaxTensorBytes: tt.bytes - 1}); !errors.Is(err, infer.ErrTooLarge) {
			t.Errorf("%s, limit of %d bytes: got %v, want too large", tt.name, tt.bytes-1, err)
		}
	}
}

func TestDecodeInferRaw(t *testing.T) {
	catalog := catalogOf([]string{"y", "z"}, infer.TensorInfo{Name: "x", Tensor: "x:0", DType: infer.Float, Shape: infer.Shape{-1, 2}})
	body := unhex(t, "0000803f 000020c0")
	r, err := codec.DecodeInfer(body, 0, catalog, codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fed(r), "x=[1,2] 1 -2.5"; got != want || &r.Feeds[0].Value.Data[0] != &body[0] {
		t.Errorf("got %s, want %s where the body is", got, want)
	}
	results := []infer.Result{result(t, "y", infer.Int8, []int64{1}, int8(1)), result(t, "z", infer.Int8, []int64{1}, int8(2))}
	reply, err := codec.EncodeInfer("m", "1", r, results)
	if err != nil {
		t.Fatal(err)
	}
	if len(reply.Pieces) != 3 || reply.Pieces[1][0] != 1 || reply.Pieces[2][0] != 2 {
		t.Errorf("got %q, want JSON and two binary outputs", reply.Pieces)
	}
}

// A raw string comes without a length in front, as Triton takes it.
func TestDecodeInferRawString(t *testing.T) {
	r, err := codec.DecodeInfer([]byte("\x05\x00\x00\x00jpeg"), 0, inputsOf("image:string"), codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fed(r), `image=[1] "\x05\x00\x00\x00jpeg"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestDecodeInferRawRefuses(t *testing.T) {
	_, err := codec.DecodeInfer(make([]byte, 4), 0, inputsOf("a:float b:float"), codec.Limits{})
	wantInvalid(t, err, `a request of raw bytes is for signatures with one input, but signature "serving_default" has 2`)
	_, err = codec.DecodeInfer(make([]byte, 4), 0, inputsOf("a:float"), codec.Limits{})
	wantInvalid(t, err, `raw bytes do not say the shape of input "a"`)
	_, err = codec.DecodeInfer(make([]byte, 4), 0, &infer.Catalog{Default: "nope"}, codec.Limits{})
	wantInvalid(t, err, `Serving signature name: "nope" not found in signature def`)
}

// However large a binary tensor is, decoding costs a few small allocations.
func TestDecodeInferBinaryAllocates(t *testing.T) {
	json := inferOf(binaryIn("image", "FP32", "[1, 224, 224, 3]", 4*224*224*3))
	body := append([]byte(json), make([]byte, 4*224*224*3)...)
	catalog := oneInput("image", infer.Float)
	allocations := testing.AllocsPerRun(10, func() {
		if _, err := codec.DecodeInfer(body, len(json), catalog, codec.Limits{}); err != nil {
			t.Fatal(err)
		}
	})
	if allocations > 40 {
		t.Errorf("%v allocations, want a few", allocations)
	}
}
