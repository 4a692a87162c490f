package codec_test

import (
	"encoding/binary"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// imageBody is a row request with one image of 224×224×3 numbers.
func imageBody(number func([]byte, *rand.Rand) []byte) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	list := func(dst []byte, n int, element func([]byte) []byte) []byte {
		for i := range n {
			dst = element(append(dst, "[,"[min(i, 1)]))
		}
		return append(dst, ']')
	}
	body := list([]byte(`{"instances":[`), 224, func(dst []byte) []byte {
		return list(dst, 224, func(dst []byte) []byte {
			return list(dst, 3, func(dst []byte) []byte { return number(dst, random) })
		})
	})
	return append(body, "]}"...)
}

// How clients write pixels: floats as such, as the doubles that Python makes of
// them, cut to four places, and as bytes.
var pixels = []struct {
	name   string
	number func([]byte, *rand.Rand) []byte
}{
	{"float32", func(dst []byte, r *rand.Rand) []byte {
		return strconv.AppendFloat(dst, float64(r.Float32()), 'g', -1, 32)
	}},
	{"float64", func(dst []byte, r *rand.Rand) []byte { return strconv.AppendFloat(dst, r.Float64(), 'g', -1, 64) }},
	{"places4", func(dst []byte, r *rand.Rand) []byte { return strconv.AppendFloat(dst, r.Float64(), 'f', 4, 64) }},
	{"integer", func(dst []byte, r *rand.Rand) []byte { return strconv.AppendInt(dst, int64(r.IntN(256)), 10) }},
}

func BenchmarkDecodeImage(b *testing.B) {
	catalog := oneInput("image", infer.Float)
	for _, p := range pixels {
		body := imageBody(p.number)
		b.Run(p.name+"/codec", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if _, err := codec.DecodePredict(body, catalog, codec.Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(p.name+"/encoding-json", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				var v struct{ Instances [][][][]float32 }
				if err := json.Unmarshal(body, &v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEncodeFloats has both write the same lists.
func BenchmarkEncodeFloats(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, shape := range [][]int64{{1, 1000}, {1, 224, 224, 3}} {
		n, err := infer.Elements(shape)
		if err != nil {
			b.Fatal(err)
		}
		floats, doubles := make([]float32, n), make([]float64, n)
		for i := range n {
			floats[i], doubles[i] = random.Float32(), random.Float64()
		}
		benchmarkEncode(b, infer.Float, shape, floats)
		benchmarkEncode(b, infer.Double, shape, doubles)
	}
}

func benchmarkEncode[T float32 | float64](b *testing.B, d infer.DType, shape []int64, numbers []T) {
	data, err := binary.Append(nil, binary.LittleEndian, numbers)
	if err != nil {
		b.Fatal(err)
	}
	value, err := infer.NewTensor(d, shape, data)
	if err != nil {
		b.Fatal(err)
	}
	results := []infer.Result{{TensorInfo: infer.TensorInfo{Name: "y"}, Value: value}}
	name := d.String() + infer.FormatShape(shape)
	b.Run(name+"/codec", func(b *testing.B) {
		b.ReportAllocs()
		var dst []byte
		for b.Loop() {
			if dst, err = codec.AppendPredict(dst[:0], results, true); err != nil {
				b.Fatal(err)
			}
		}
		b.SetBytes(int64(len(dst)))
	})
	lists := map[string]any{"predictions": [][]T{numbers}}
	if len(shape) == 4 {
		lists["predictions"] = [][][][]T{rowsOf(rowsOf(numbers, shape[3]), shape[2])}
	}
	b.Run(name+"/encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		var dst []byte
		for b.Loop() {
			if dst, err = json.Marshal(lists); err != nil {
				b.Fatal(err)
			}
		}
		b.SetBytes(int64(len(dst)))
	})
}

// rowsOf cuts a list into lists of n.
func rowsOf[T any](list []T, n int64) [][]T { return slices.Collect(slices.Chunk(list, int(n))) }
