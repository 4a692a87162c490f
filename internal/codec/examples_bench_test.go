package codec_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// BenchmarkDecodeExamples reads 1000 examples of ten floats, a name and an integer.
func BenchmarkDecodeExamples(b *testing.B) {
	one := `{"ratings": [0.1234567` + strings.Repeat(", 0.1234567", 9) + `], "name": "somebody", "age": 41}`
	body := []byte(`{"examples": [` + one + strings.Repeat(","+one, 999) + `]}`)
	catalog := examplesCatalog()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := codec.DecodeExamples(body, catalog, codec.Classify, codec.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAppendResults writes 1000 examples of ten labels with scores.
func BenchmarkAppendResults(b *testing.B) {
	labels, scores := make([]string, 10000), make([]float32, 10000)
	for i := range labels {
		labels[i], scores[i] = fmt.Sprintf("label %d", i%10), float32(i)/7
	}
	results := []infer.Result{
		stringResult(b, "classes", []int64{1000, 10}, labels...),
		result(b, "scores", infer.Float, []int64{1000, 10}, scores...),
	}
	var reply []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if reply, err = codec.AppendResults(reply[:0], codec.Classify, results, 1000); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(reply)))
}
