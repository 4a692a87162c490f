package codec_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// asked is a request without inputs for outputs of the given names. more are its
// other members, outputs the elements of "outputs".
func asked(t testing.TB, names, more, outputs string) *codec.Infer {
	t.Helper()
	body := fmt.Sprintf(`{"inputs": [], "outputs": [%s] %s}`, outputs, more)
	r, err := codec.DecodeInfer([]byte(body), codec.WholeBody, catalogOf(strings.Fields(names)), codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEncodeInfer(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	one := func(r infer.Result) []infer.Result { return []infer.Result{r} }
	tests := []struct {
		name, more string
		results    []infer.Result
		want       string // the outputs
	}{
		{"data is flat", "", one(result(t, "y", infer.Float, []int64{2, 1, 2}, []float32{1, 2.5, 3, 1e-9}...)),
			`"outputs":[{"name":"y","datatype":"FP32","shape":[2,1,2],"data":[1.0,2.5,3.0,1e-09]}]`},
		{"a scalar", "", one(result(t, "y", infer.Int64, nil, int64(7))), `"outputs":[{"name":"y","datatype":"INT64","shape":[],"data":[7]}]`},
		{"no elements", "", one(result[float32](t, "y", infer.Float, []int64{0, 3})), `"outputs":[{"name":"y","datatype":"FP32","shape":[0,3],"data":[]}]`},
		{"no strings", "", one(stringResult(t, "y", []int64{0})), `"outputs":[{"name":"y","datatype":"BYTES","shape":[0],"data":[]}]`},
		{"the id is echoed", `, "id": "a\"\u00e9"`, one(result(t, "y", infer.Bool, []int64{1}, true)),
			`"id":"a\"é","outputs":[{"name":"y","datatype":"BOOL","shape":[1],"data":[true]}]`},
		{"an empty id too", `, "id": ""`, one(result(t, "y", infer.Bool, []int64{1}, true)),
			`"id":"","outputs":[{"name":"y","datatype":"BOOL","shape":[1],"data":[true]}]`},
		{"NaN is null", "", one(result(t, "y", infer.Float, []int64{3}, float32(nan), 1, float32(nan))),
			`"outputs":[{"name":"y","datatype":"FP32","shape":[3],"data":[null,1.0,null]}]`},
		{"NaN of the other floats", "", []infer.Result{
			result(t, "a", infer.Double, []int64{2}, 1.5, nan), result(t, "b", infer.Half, []int64{2}, uint16(0x7e00), 0x3c00),
			result(t, "c", infer.Bfloat16, []int64{1}, uint16(0x7fc0)),
		}, `"outputs":[{"name":"a","datatype":"FP64","shape":[2],"data":[1.5,null]},{"name":"b","datatype":"FP16","shape":[2],"data":[null,1.0]},` +
			`{"name":"c","datatype":"BF16","shape":[1],"data":[null]}]`},
		{"strings", "", one(stringResult(t, "y", []int64{3}, "é", "", "a\"\n")), `"outputs":[{"name":"y","datatype":"BYTES","shape":[3],"data":["é","","a\"\n"]}]`},
		{"strings that are not all text", "", one(stringResult(t, "y", []int64{3}, "ok", "\xff\xfe", "")),
			`"outputs":[{"name":"y","datatype":"BYTES","shape":[3],"parameters":{"content_type":"base64"},"data":["b2s=","//4=",""]}]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var names []string
			for _, r := range tt.results {
				names = append(names, r.Name)
			}
			reply, err := codec.EncodeInfer(`m"1`, "2", asked(t, strings.Join(names, " "), tt.more, ""), tt.results)
			if err != nil {
				t.Fatal(err)
			}
			if want := `{"model_name":"m\"1","model_version":"2",` + tt.want + `}`; len(reply.Pieces) != 1 || string(reply.Pieces[0]) != want {
				t.Errorf("got  %s\nwant %s", reply.Pieces, want)
			}
			if reply.ContentType != "application/json" || reply.JSONLength != 0 {
				t.Errorf("got %q with JSON of %d bytes, want all JSON", reply.ContentType, reply.JSONLength)
			}
		})
	}
	_, err := codec.EncodeInfer("m", "1", asked(t, "y", "", ""), one(result(t, "y", infer.Double, []int64{2}, 1, -inf)))
	wantInvalid(t, err, `output "y": element 1 is an infinity, which JSON cannot say; ask for the output with the parameter binary_data`)
	_, err = codec.EncodeInfer("m", "1", asked(t, "y", "", ""), one(result(t, "y", infer.Complex64, []int64{1}, complex64(1))))
	if want := `output "y" is of type complex64, which this protocol has no datatype for`; !errors.Is(err, infer.ErrUnimplemented) || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestEncodeInferEveryDatatype(t *testing.T) {
	for _, e := range elementsOf {
		t.Run(e.datatype, func(t *testing.T) {
			raw := unhex(t, e.binary)
			value := stringResult(t, "y", []int64{2}, "ab", "")
			if e.dtype != infer.String {
				value = result(t, "y", e.dtype, []int64{2}, raw...)
			}
			reply, err := codec.EncodeInfer("m", "1", asked(t, "y", "", ""), []infer.Result{value})
			if err != nil {
				t.Fatal(err)
			}
			want := fmt.Sprintf(`{"model_name":"m","model_version":"1","outputs":[{"name":"y","datatype":%q,"shape":[2],"data":%s}]}`, e.datatype, e.json)
			if got := string(bytes.Join(reply.Pieces, nil)); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			reply, err = codec.EncodeInfer("m", "1", asked(t, "y", `, "parameters": {"binary_data_output": true}`, ""), []infer.Result{value})
			if err != nil {
				t.Fatal(err)
			}
			want = fmt.Sprintf(`{"model_name":"m","model_version":"1","outputs":[{"name":"y","datatype":%q,"shape":[2],"parameters":{"binary_data_size":%d}}]}`, e.datatype, len(raw))
			if got := bytes.Join(reply.Pieces, nil); string(got[:reply.JSONLength]) != want || !bytes.Equal(got[reply.JSONLength:], raw) {
				t.Errorf("got  %s\nwant %s and %x", got, want, raw)
			}
			if reply.ContentType != "application/octet-stream" || reply.JSONLength != len(want) || reply.Len() != len(want)+len(raw) {
				t.Errorf("got %q, %d of JSON in %d bytes", reply.ContentType, reply.JSONLength, reply.Len())
			}
		})
	}
}

// An output's binary_data goes before the request's binary_data_output.
func TestEncodeInferBinaryOutputs(t *testing.T) {
	const outputs = `{"name": "a"}, {"name": "b", "parameters": {"binary_data": true}}, {"name": "c", "parameters": {"binary_data": false}}`
	for more, want := range map[string]string{
		"": "b",
		`, "parameters": {"binary_data_output": false}`: "b",
		`, "parameters": {"binary_data_output": true}`:  "a b",
	} {
		results := []infer.Result{
			result(t, "a", infer.Int8, []int64{1}, int8(1)), stringResult(t, "b", []int64{1}, "x"), result(t, "c", infer.Int8, []int64{1}, int8(3)),
		}
		reply, err := codec.EncodeInfer("m", "1", asked(t, "a b c", more, outputs), results)
		if err != nil {
			t.Fatal(err)
		}
		var parsed struct {
			Outputs []struct {
				Name       string
				Parameters struct {
					Size *int `json:"binary_data_size"`
				}
				Data []any
			}
		}
		if err := json.Unmarshal(reply.Pieces[0], &parsed); err != nil {
			t.Fatal(err)
		}
		var binary []string
		for _, o := range parsed.Outputs {
			if (o.Parameters.Size != nil) == (o.Data != nil) {
				t.Errorf("%s: output %q must have either a size or data", more, o.Name)
			}
			if o.Parameters.Size != nil {
				binary = append(binary, o.Name)
				if piece := reply.Pieces[len(binary)]; len(piece) != *o.Parameters.Size {
					t.Errorf("%s: output %q has %d bytes and states %d", more, o.Name, len(piece), *o.Parameters.Size)
				}
			}
		}
		if got := strings.Join(binary, " "); got != want {
			t.Errorf("%s: binary are %q, want %q", more, got, want)
		}
	}
}

// Numbers are sent from where they are. Infinities are no fault there.
func TestEncodeInferBinaryAliasesTheResult(t *testing.T) {
	results := []infer.Result{result(t, "y", infer.Float, []int64{2}, float32(math.Inf(1)), float32(math.NaN()))}
	reply, err := codec.EncodeInfer("m", "1", asked(t, "y", `, "parameters": {"binary_data_output": true}`, ""), results)
	if err != nil {
		t.Fatal(err)
	}
	if len(reply.Pieces) != 2 || &reply.Pieces[1][0] != &results[0].Value.Data[0] {
		t.Errorf("got %q, want the tensor's own bytes behind the JSON", reply.Pieces)
	}
}

// An output of no bytes is binary all the same: the client reads its size.
func TestEncodeInferBinaryOfNoBytes(t *testing.T) {
	results := []infer.Result{result[float32](t, "y", infer.Float, []int64{0, 3})}
	reply, err := codec.EncodeInfer("m", "1", asked(t, "y", "", `{"name": "y", "parameters": {"binary_data": true}}`), results)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(bytes.Join(reply.Pieces, nil)); !strings.Contains(text, `"binary_data_size":0`) || reply.JSONLength != len(text) {
		t.Errorf("got %s with JSON of %d bytes", text, reply.JSONLength)
	}
}

// What an output says, an input may say: strings that a request gave in binary,
// with their lengths between them, come out as they went in.
func TestEncodeInferStringsWithPrefix(t *testing.T) {
	head := inferOf(binaryIn("s", "BYTES", "[2]", 11))
	raw := unhex(t, "03000000 616263 00000000")
	r, err := codec.DecodeInfer(append([]byte(head), raw...), len(head), inputsOf("s:string"), codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	results := []infer.Result{{TensorInfo: infer.TensorInfo{Name: "y"}, Value: r.Feeds[0].Value}}
	reply, err := codec.EncodeInfer("m", "1", asked(t, "y", `, "parameters": {"binary_data_output": true}`, ""), results)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(reply.Pieces[1], raw) {
		t.Errorf("got %x, want %x", reply.Pieces[1], raw)
	}
}
