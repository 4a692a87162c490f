package codec_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// The texts follow protobuf's JSON mapping with all default values printed.
func TestAppendMetadata(t *testing.T) {
	tests := []struct {
		name      string
		signature infer.Signature
		want      string
	}{
		{"nothing", infer.Signature{}, `{"inputs":{},"outputs":{},"method_name":"","defaults":{}}`},
		{
			"shapes",
			infer.Signature{
				Method: "tensorflow/serving/predict",
				Inputs: []infer.TensorInfo{
					{Name: "image", Tensor: "x:0", DType: infer.Float, Shape: infer.Shape{-1, 8}},
					{Name: "scalar", Tensor: "s:0", DType: infer.String, Shape: infer.Shape{}},
				},
				Outputs: []infer.TensorInfo{{Name: "\"y\xff", Tensor: "y:1", DType: infer.Bfloat16}},
			},
			`{"inputs":{"image":{"dtype":"DT_FLOAT","tensor_shape":{"dim":[{"size":"-1","name":""},{"size":"8","name":""}],"unknown_rank":false},"name":"x:0"},` +
				`"scalar":{"dtype":"DT_STRING","tensor_shape":{"dim":[],"unknown_rank":false},"name":"s:0"}},` +
				"\"outputs\":{\"\\\"y\uFFFD\":{\"dtype\":\"DT_BFLOAT16\",\"tensor_shape\":{\"dim\":[],\"unknown_rank\":true},\"name\":\"y:1\"}}," +
				`"method_name":"tensorflow/serving/predict","defaults":{}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &infer.Catalog{Signatures: map[string]*infer.Signature{"s": &tt.signature}}
			got := string(codec.AppendMetadata([]byte("before "), "m/1", "007", c))
			want := `before {"model_spec":{"name":"m/1","signature_name":"","version":"007"},"metadata":{"signature_def":{"signature_def":{"s":` + tt.want + `}}}}`
			if got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// Signatures and defaults come in one order, that of their names.
func TestAppendMetadataIsSorted(t *testing.T) {
	c := &infer.Catalog{Signatures: map[string]*infer.Signature{}}
	for i := range 20 {
		name := fmt.Sprintf("%02d", i*7%20)
		c.Signatures[name] = &infer.Signature{Defaults: map[string][]byte{"b" + name: nil, "a" + name: nil}}
	}
	text := string(codec.AppendMetadata(nil, "m", "1", c))
	last := 0
	for i := range 20 {
		for _, key := range []string{fmt.Sprintf(`"%02d":{`, i), fmt.Sprintf(`"a%02d":{`, i), fmt.Sprintf(`"b%02d":{`, i)} {
			at := strings.Index(text, key)
			if at < last {
				t.Fatalf("%s stands at %d, behind %d", key, at, last)
			}
			last = at
		}
	}
}

// field appends a field with a length.
func field(b []byte, number protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), value)
}

func varintField(b []byte, number protowire.Number, value uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, number, protowire.VarintType), value)
}

// A default value is TensorFlow's TensorProto: want holds its fields that are not
// what an empty one has.
func TestAppendMetadataDefaults(t *testing.T) {
	const minusOne = 1<<64 - 1
	varints := func(values ...uint64) (packed []byte) {
		for _, v := range values {
			packed = protowire.AppendVarint(packed, v)
		}
		return packed
	}
	floats := func(bits ...uint32) (packed []byte) {
		for _, v := range bits {
			packed = protowire.AppendFixed32(packed, v)
		}
		return packed
	}
	dim := field(nil, 2, varintField(field(nil, 2, []byte("rows")), 1, minusOne))
	unpacked := protowire.AppendFixed32(protowire.AppendTag(nil, 5, protowire.Fixed32Type), 0x3f800000)
	tests := []struct {
		name    string
		encoded []byte
		want    map[string]any
	}{
		{"empty", nil, nil},
		{"type, version and content", field(varintField(varintField(nil, 1, 1), 3, 5), 4, []byte{0xff, 0xfe, 0}),
			map[string]any{"dtype": "DT_FLOAT", "version_number": 5, "tensor_content": "//4A"}},
		{"shape", field(nil, 2, dim), map[string]any{"tensor_shape": map[string]any{"dim": []any{map[string]any{"size": "-1", "name": ""}}, "unknown_rank": false}}},
		{"shape in two parts", field(field(nil, 2, nil), 2, varintField(nil, 3, 1)), map[string]any{"tensor_shape": map[string]any{"dim": []any{}, "unknown_rank": true}}},
		{"float_val", field(nil, 5, floats(0x3dcccccd, 0x7fc00000, 0x7f800000, 0xff800000, 0x4b800000)),
			map[string]any{"float_val": []any{0.1, "NaN", "Infinity", "-Infinity", 16777216.0}}},
		{"float_val, not packed and packed", append(append(unpacked, unpacked...), field(nil, 5, floats(0x40000000))...), map[string]any{"float_val": []any{1.0, 1.0, 2.0}}},
		{"double_val", field(nil, 6, protowire.AppendFixed64(nil, 0x3fb999999999999a)), map[string]any{"double_val": []any{0.1}}},
		{"int_val", field(nil, 7, varints(1, minusOne)), map[string]any{"int_val": []any{1, -1}}},
		{"string_val", field(field(nil, 8, []byte("a\xff")), 8, nil), map[string]any{"string_val": []any{"Yf8=", ""}}},
		{"scomplex_val", field(nil, 9, floats(0x3f800000, 0)), map[string]any{"scomplex_val": []any{1.0, 0.0}}},
		{"int64_val", field(nil, 10, varints(1<<63, 1<<63-1)), map[string]any{"int64_val": []any{"-9223372036854775808", "9223372036854775807"}}},
		{"bool_val", field(nil, 11, varints(1, 0)), map[string]any{"bool_val": []any{true, false}}},
		{"dcomplex_val", field(nil, 12, protowire.AppendFixed64(nil, 0)), map[string]any{"dcomplex_val": []any{0.0}}},
		{"half_val", field(nil, 13, varints(0x3c00)), map[string]any{"half_val": []any{15360}}},
		{"uint32_val", field(nil, 16, varints(1<<32-1)), map[string]any{"uint32_val": []any{4294967295}}},
		{"uint64_val", field(nil, 17, varints(minusOne)), map[string]any{"uint64_val": []any{"18446744073709551615"}}},
		{"float8_val", field(nil, 18, []byte{1}), map[string]any{"float8_val": "AQ=="}},
		{"a list that breaks off", field(nil, 5, append(floats(0x3f800000), 1, 2)), map[string]any{"float_val": []any{1.0}}},
		{"a list that breaks off at once", field(nil, 10, []byte{0x80}), nil},
		{"a known field of another type", varintField(field(nil, 1, []byte("x")), 4, 1), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := map[string]any{
				"dtype": "DT_INVALID", "tensor_shape": map[string]any{"dim": []any{}, "unknown_rank": false}, "version_number": 0, "tensor_content": "",
				"half_val": []any{}, "float_val": []any{}, "double_val": []any{}, "int_val": []any{}, "string_val": []any{}, "scomplex_val": []any{},
				"int64_val": []any{}, "bool_val": []any{}, "dcomplex_val": []any{}, "resource_handle_val": []any{}, "variant_val": []any{},
				"uint32_val": []any{}, "uint64_val": []any{}, "float8_val": "",
			}
			for name, value := range tt.want {
				want[name] = value
			}
			if got, want := defaultText(t, tt.encoded), sorted(t, want); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// defaultText is what metadata shows of a default value, with sorted keys.
func defaultText(t *testing.T, encoded []byte) string {
	t.Helper()
	c := &infer.Catalog{Signatures: map[string]*infer.Signature{"s": {Defaults: map[string][]byte{"x": encoded}}}}
	text := codec.AppendMetadata(nil, "m", "1", c)
	var reply struct {
		Metadata struct {
			Outer struct {
				Signatures map[string]struct{ Defaults map[string]any } `json:"signature_def"`
			} `json:"signature_def"`
		}
	}
	if err := json.Unmarshal(text, &reply); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return sorted(t, reply.Metadata.Outer.Signatures["s"].Defaults["x"])
}

func sorted(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Whatever a model holds as a default value, the reply is JSON.
func FuzzAppendMetadataDefaults(f *testing.F) {
	f.Add(field(varintField(nil, 1, 7), 8, []byte("text")))
	f.Add(field(nil, 5, []byte{0, 0, 0, 0, 1}))
	f.Add([]byte{0x2a, 0x80})
	f.Fuzz(func(t *testing.T, encoded []byte) {
		defaultText(t, encoded)
	})
}
