package codec_test

import (
	"bytes"
	"encoding/csv"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/npy"
)

const imageSize = 224 * 224 * 3

// imageLine is one row of as many numbers as an image has.
func imageLine(number func([]byte, *rand.Rand) []byte) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	var line []byte
	for range imageSize {
		line = append(number(line, random), ',')
	}
	line[len(line)-1] = '\n'
	return line
}

func BenchmarkDecodeCSV(b *testing.B) {
	catalog := shaped(infer.Float, infer.Shape{-1, 224, 224, 3})
	for _, p := range pixels {
		line := imageLine(p.number)
		b.Run(p.name+"/codec", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(line)))
			for b.Loop() {
				if _, err := decodeCSV(line, catalog, codec.Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(p.name+"/encoding-csv", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(line)))
			for b.Loop() {
				record, err := csv.NewReader(bytes.NewReader(line)).Read()
				if err != nil {
					b.Fatal(err)
				}
				image := make([]float32, len(record))
				for i, field := range record {
					f, err := strconv.ParseFloat(field, 32)
					if err != nil {
						b.Fatal(err)
					}
					image[i] = float32(f)
				}
			}
		})
	}
}

// Many short rows, as tables have them.
func BenchmarkDecodeTable(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	var text, lines []byte
	for range 10_000 {
		lines = append(lines, '[')
		for range 8 {
			text = append(strconv.AppendFloat(text, random.Float64(), 'g', -1, 32), ',')
			lines = append(strconv.AppendFloat(lines, random.Float64(), 'g', -1, 32), ',')
		}
		text[len(text)-1] = '\n'
		lines = append(lines[:len(lines)-1], "]\n"...)
	}
	for _, tt := range []struct {
		name   string
		body   []byte
		dtype  infer.DType
		decode func([]byte, *infer.Catalog, codec.Limits) (*codec.Predict, error)
	}{
		{"csv/float", text, infer.Float, decodeCSV},
		{"csv/double", text, infer.Double, decodeCSV},
		{"csv/header", append([]byte("x_1,x_0,x_2,x_3,x_4,x_5,x_6,x_7\n"), text...), infer.Float, decodeCSV},
		{"lines/float", lines, infer.Float, codec.DecodeJSONLines},
		{"lines/double", lines, infer.Double, codec.DecodeJSONLines},
	} {
		b.Run(tt.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(tt.body)))
			for b.Loop() {
				if _, err := tt.decode(tt.body, oneInput("x", tt.dtype), codec.Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecodeNPY(b *testing.B) {
	shape := []int64{224, 224, 3}
	for _, tt := range []struct {
		name string
		file []byte
	}{
		{"alias", npyFile(f4, false, shape, make([]byte, 4*imageSize))},
		{"float64", npyFile(f8, false, shape, make([]byte, 8*imageSize))},
		{"uint8", npyFile(npy.DType{Kind: npy.Uint, Size: 1}, false, shape, make([]byte, imageSize))},
		{"big-endian", npyFile(npy.DType{Kind: npy.Float, Size: 4, BigEndian: true}, false, shape, make([]byte, 4*imageSize))},
		{"fortran", npyFile(f4, true, shape, make([]byte, 4*imageSize))},
		{"fortran-matrix", npyFile(f4, true, []int64{1000, 1000}, make([]byte, 4_000_000))},
	} {
		catalog := oneInput("x", infer.Float)
		b.Run(tt.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(tt.file)))
			for b.Loop() {
				if _, err := codec.DecodeNPY(tt.file, catalog, codec.Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
