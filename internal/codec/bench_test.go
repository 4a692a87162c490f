package codec_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"math/rand/v2"
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

func BenchmarkEncode(b *testing.B) {
	for _, shape := range [][]int64{{1, 1000}, {1, 224, 224, 3}} {
		for _, d := range []infer.DType{infer.Float, infer.Double} {
			n, err := infer.Elements(shape)
			if err != nil {
				b.Fatal(err)
			}
			random := rand.New(rand.NewPCG(1, 2))
			var data []byte
			for range n {
				if d == infer.Float {
					data = binary.LittleEndian.AppendUint32(data, math.Float32bits(random.Float32()))
				} else {
					data = binary.LittleEndian.AppendUint64(data, math.Float64bits(random.Float64()))
				}
			}
			value, err := infer.NewTensor(d, shape, data)
			if err != nil {
				b.Fatal(err)
			}
			results := []infer.Result{{TensorInfo: infer.TensorInfo{Name: "y"}, Value: value}}
			b.Run(d.String()+infer.FormatShape(shape), func(b *testing.B) {
				b.ReportAllocs()
				var dst []byte
				for b.Loop() {
					dst, err = codec.AppendPredict(dst[:0], results, true)
					if err != nil {
						b.Fatal(err)
					}
				}
				b.SetBytes(int64(len(dst)))
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/element")
			})
		}
	}
}
