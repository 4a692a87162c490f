package codec_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// Whatever is sent, the tensors are whole, no larger than the limit and than the
// body can make them; and what is accepted is JSON to encoding/json too.
func FuzzDecodeInfer(f *testing.F) {
	for _, s := range []struct {
		body   string
		length int
	}{
		{inferOf(in("x", "FP32", "[2, 2]", "[[1, 2.5e3], [-0.0, null]]")), codec.WholeBody},
		{`{"inputs": [{"data": [1, 2], "shape": [2], "datatype": "FP32", "name": "x"}], "outputs": [{"name": "y", "parameters": {"binary_data": true}}]}`, codec.WholeBody},
		{inferOf(in("s", "BYTES", "[2]", `["a", {"b64": "AA=="}]`), in("x", "FP32", "[]", "[1]")), codec.WholeBody},
		{`{"id": "1", "parameters": {"binary_data_output": true, "signature_name": "serving_default"}, "inputs": []}`, codec.WholeBody},
		{inferOf(binaryIn("x", "FP32", "[1]", 4)) + "\x00\x00\x80\x3f", len(inferOf(binaryIn("x", "FP32", "[1]", 4)))},
		{inferOf(binaryIn("s", "BYTES", "[2]", 9)) + "\x01\x00\x00\x00a\x00\x00\x00\x00", len(inferOf(binaryIn("s", "BYTES", "[2]", 9)))},
		{inferOf(binaryIn("b", "BOOL", "[2]", 2)) + "\x01\x02", len(inferOf(binaryIn("b", "BOOL", "[2]", 2)))},
		{"\x00\x00\x80\x3f", 0},
		{`{"inputs": [{"shape": [1`, codec.WholeBody},
		{`{"inputs": [{"parameters": {"binary_data_size": 5`, codec.WholeBody},
		{`{"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [1`, codec.WholeBody},
	} {
		f.Add([]byte(s.body), s.length)
	}
	raw := oneInput("x", infer.Float)
	raw.Signatures[raw.Default].Inputs[0].Shape = infer.Shape{-1, 2}
	catalogs := []*infer.Catalog{inputsOf("x:float"), inputsOf("s:string"), inputsOf("b:bool"), inputsOf("s:string x:float"), raw, catalogOf([]string{"y"})}
	f.Fuzz(func(t *testing.T, body []byte, length int) {
		const limit = 1 << 16
		for _, catalog := range catalogs {
			r, err := codec.DecodeInfer(body, length, catalog, codec.Limits{MaxTensorBytes: limit})
			if err != nil {
				continue
			}
			size := 0
			for _, feed := range r.Feeds {
				size += len(feed.Value.Data)
				if n, err := infer.Elements(feed.Value.Shape); err != nil || int(n) != feed.Value.Len() {
					t.Errorf("shape %v has %d elements: %v", feed.Value.Shape, feed.Value.Len(), err)
				}
				_ = describe(feed.Value) // reads every element
			}
			if size > limit+4*len(body) { // lengths between strings are not charged
				t.Errorf("%d bytes of tensors under a limit of %d", size, limit)
			}
			text := body
			if length > 0 {
				text = body[:length]
			}
			if length != 0 && !json.Valid(bytes.TrimPrefix(text, []byte("\xEF\xBB\xBF"))) {
				t.Errorf("accepted what is no JSON: %q", text)
			}
		}
	})
}
