package codec_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

const digitRows = 10_240

// digits are rows of 64 floats, as the digits model takes them, in three forms.
func digits() (nested, flat, table []byte) {
	random := rand.New(rand.NewPCG(1, 2))
	for range digitRows {
		nested = append(nested, '[')
		flat = append(flat, '[')
		for i := range 64 {
			number := strconv.AppendFloat(nil, float64(random.IntN(17))/16, 'g', -1, 32)
			if i > 0 {
				nested = append(nested, ", "...)
				flat = append(flat, ", "...)
				table = append(table, ',')
			}
			if i%8 == 0 {
				nested = append(nested, '[')
			}
			nested = append(append(append(nested, '['), number...), ']')
			flat = append(flat, number...)
			table = append(table, number...)
			if i%8 == 7 {
				nested = append(nested, ']')
			}
		}
		nested = append(nested, "]\n"...)
		flat = append(flat, "]\n"...)
		table = append(table, '\n')
	}
	return nested, flat, table
}

// BenchmarkRows compares rows in batches of 256 with one body of the same.
func BenchmarkRows(b *testing.B) {
	nested, flat, table := digits()
	for _, tt := range []struct {
		name  string
		body  []byte
		shape infer.Shape
		whole func([]byte, *infer.Catalog, codec.Limits) (*codec.Predict, error)
		rows  func(*infer.Catalog, []byte) (codec.Rows, error)
	}{
		{"lines/nested", nested, infer.Shape{-1, 8, 8, 1}, codec.DecodeJSONLines, jsonRowsOf},
		{"lines/flat", flat, infer.Shape{-1, 64}, codec.DecodeJSONLines, jsonRowsOf},
		{"csv", table, infer.Shape{-1, 8, 8, 1}, decodeCSV, csvRowsOf},
		{"csv/quoted", bytes.ReplaceAll(table, []byte(",0,"), []byte(`,"0",`)), infer.Shape{-1, 8, 8, 1}, decodeCSV, csvRowsOf},
	} {
		catalog := shaped(infer.Float, tt.shape)
		b.Run(tt.name+"/body", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(tt.body)))
			for b.Loop() {
				if _, err := tt.whole(tt.body, catalog, codec.Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(tt.name+"/batches", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(tt.body)))
			lines := slices.Collect(bytes.Lines(tt.body))
			rows, err := tt.rows(catalog, lines[0])
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				for _, line := range lines {
					if err := rows.Add(line); err != nil {
						b.Fatal(err)
					}
					if rows.Len() == 256 {
						if _, err := rows.Take(); err != nil {
							b.Fatal(err)
						}
					}
				}
			}
		})
	}
}

func jsonRowsOf(c *infer.Catalog, _ []byte) (codec.Rows, error) {
	return codec.NewJSONRows(c, codec.Limits{})
}

func csvRowsOf(c *infer.Catalog, first []byte) (codec.Rows, error) {
	layout, _, err := codec.NewCSVLayout(c, first, "", codec.Limits{})
	if err != nil {
		return nil, err
	}
	return layout.Rows(), nil
}
