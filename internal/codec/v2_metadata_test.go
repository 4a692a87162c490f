package codec_test

import (
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

func TestAppendServerMetadata(t *testing.T) {
	got := codec.AppendServerMetadata([]byte("before "), "1.2.3")
	if want := `before {"name":"tensorlambda","version":"1.2.3","extensions":["binary_tensor_data"]}`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAppendModelMetadata(t *testing.T) {
	catalog := &infer.Catalog{Default: "serving_default", Signatures: map[string]*infer.Signature{
		"serving_default": {
			Inputs: []infer.TensorInfo{
				{Name: "image", DType: infer.Float, Shape: infer.Shape{-1, 8, 8, 1}},
				{Name: "odd \"é", DType: infer.Complex64, Shape: infer.Shape{}},
				{Name: "text", DType: infer.String, Shape: nil},
			},
			Outputs: []infer.TensorInfo{{Name: "scores", DType: infer.Bfloat16, Shape: infer.Shape{-1}}},
		},
		"other": {Inputs: []infer.TensorInfo{{Name: "z", DType: infer.Float}}},
	}}
	got := codec.AppendModelMetadata(nil, "digits", "3", "savedmodel", catalog)
	want := `{"name":"digits","versions":["3"],"platform":"tensorflow_savedmodel","inputs":[` +
		`{"name":"image","datatype":"FP32","shape":[-1,8,8,1]},` +
		`{"name":"odd \"é","datatype":"DT_COMPLEX64","shape":[]},` +
		`{"name":"text","datatype":"BYTES","shape":[-1]}],` +
		`"outputs":[{"name":"scores","datatype":"BF16","shape":[-1]}]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	catalog.Default = "nope"
	got = codec.AppendModelMetadata(nil, "m", "1", "graphdef", catalog)
	if want := `{"name":"m","versions":["1"],"platform":"tensorflow_graphdef","inputs":[],"outputs":[]}`; string(got) != want {
		t.Errorf("without the default signature: got %s, want %s", got, want)
	}
}
