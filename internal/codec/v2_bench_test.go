package codec_test

import (
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

const imageBytes = 224 * 224 * 3 * 4

func BenchmarkInferBinary(b *testing.B) {
	head := inferOf(binaryIn("image", "FP32", "[1, 224, 224, 3]", imageBytes))
	body := append([]byte(head), make([]byte, imageBytes)...)
	catalog := oneInput("image", infer.Float)
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := codec.DecodeInfer(body, len(head), catalog, codec.Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encode", func(b *testing.B) {
		request := asked(b, "y", `, "parameters": {"binary_data_output": true}`, "")
		results := []infer.Result{result(b, "y", infer.Float, []int64{1, 224, 224, 3}, make([]float32, imageBytes/4)...)}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := codec.EncodeInfer("m", "1", request, results); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// imageInfer is the request of imageBody in this protocol, its data nested or flat.
func imageInfer(body []byte, nested bool) []byte {
	data := strings.TrimSuffix(strings.TrimPrefix(string(body), `{"instances":`), "}")
	if !nested {
		data = "[" + strings.NewReplacer("[", "", "]", "").Replace(data) + "]"
	}
	return []byte(inferOf(in("image", "FP32", "[1, 224, 224, 3]", data)))
}

func BenchmarkInferJSON(b *testing.B) {
	catalog := oneInput("image", infer.Float)
	for _, p := range pixels {
		for _, form := range []string{"nested", "flat"} {
			body := imageInfer(imageBody(p.number), form == "nested")
			b.Run(p.name+"/"+form, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(body)))
				for b.Loop() {
					if _, err := codec.DecodeInfer(body, codec.WholeBody, catalog, codec.Limits{}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
