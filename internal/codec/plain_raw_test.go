package codec_test

import (
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

func appendFloats(dst []byte, v ...float32) []byte {
	for _, f := range v {
		dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(f))
	}
	return dst
}

func appendDoubles(dst []byte, v ...float64) []byte {
	for _, f := range v {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(f))
	}
	return dst
}

func uint64s(v ...uint64) (dst []byte) {
	for _, n := range v {
		dst = binary.LittleEndian.AppendUint64(dst, n)
	}
	return dst
}

func appendInt(dst []byte, v int) []byte { return strconv.AppendInt(dst, int64(v), 10) }

// shaped is a catalog whose only input has a declared shape.
func shaped(d infer.DType, shape infer.Shape) *infer.Catalog {
	info := input("x", d)
	info.Shape = shape
	return catalogOf([]string{"y"}, info)
}

func TestDecodeRaw(t *testing.T) {
	six := appendFloats(nil, 0, 1, 2, 3, 4, 5)
	for _, tt := range []struct {
		name     string
		declared infer.Shape
		header   string
		want     string
	}{
		{"the declared shape", infer.Shape{2, 3}, "", "row x=[2,3] 0 1 2 3 4 5"},
		{"the batch follows from the size", infer.Shape{-1, 2}, "", "row x=[3,2] 0 1 2 3 4 5"},
		{"so does an inner dimension", infer.Shape{2, -1}, "", "row x=[2,3] 0 1 2 3 4 5"},
		{"the header goes before the signature", infer.Shape{-1, 2}, "1,6", "row x=[1,6] 0 1 2 3 4 5"},
		{"the header, unknown rank", nil, "2,3", "row x=[2,3] 0 1 2 3 4 5"},
		{"the header with two unknown dimensions", infer.Shape{-1, -1}, "-1,3", "row x=[2,3] 0 1 2 3 4 5"},
		{"as Python prints a list", nil, " [2, 3, 1] ", "row x=[2,3,1] 0 1 2 3 4 5"},
		{"as Python prints a tuple", nil, "(6,)", "row x=[6] 0 1 2 3 4 5"},
	} {
		p, err := codec.DecodeRaw(six, tt.header, shaped(infer.Float, tt.declared), codec.Limits{})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := described(p); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
		if &p.Feeds[0].Value.Data[0] != &six[0] {
			t.Errorf("%s: the body has been copied", tt.name)
		}
	}
}

func TestDecodeRawScalarsAndStrings(t *testing.T) {
	for _, tt := range []struct {
		name    string
		catalog *infer.Catalog
		header  string
		body    string
		want    string
	}{
		{"a scalar", shaped(infer.Uint8, infer.Shape{}), "", "\x07", "column x=[] 7"},
		{"a scalar by the header", shaped(infer.Uint8, nil), "[]", "\x07", "column x=[] 7"},
		{"no rows, as the header says", shaped(infer.Float, infer.Shape{-1, 3}), "0,3", "", "row x=[0,3]"},
		{"a string", shaped(infer.String, infer.Shape{-1}), "", "\x89PNG,1", `row x=[1] "\x89PNG,1"`},
		{"a string of unknown rank", shaped(infer.String, nil), "", "a", `row x=[1] "a"`},
		{"a scalar string", shaped(infer.String, infer.Shape{}), "", "a", `column x=[] "a"`},
		{"an empty string", shaped(infer.String, infer.Shape{-1}), "", "", `row x=[1] ""`},
		{"a string by the header", shaped(infer.String, nil), "1,1", "a", `row x=[1,1] "a"`},
		{"halves", shaped(infer.Half, infer.Shape{-1}), "", "\x00\x3c", "row x=[1] 0x3c00"},
	} {
		p, err := codec.DecodeRaw([]byte(tt.body), tt.header, tt.catalog, codec.Limits{})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		} else if got := described(p); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestDecodeRawRefuses(t *testing.T) {
	const noList = ` is no list of sizes such as 1,224,224,3; one of them may be -1`
	for _, tt := range []struct {
		name    string
		catalog *infer.Catalog
		header  string
		size    int
		want    string
	}{
		{"unknown rank", shaped(infer.Float, nil), "", 24,
			`raw bytes do not say the shape of input "x", which is <unknown> in the signature: send it in the header X-Tensor-Shape, such as 1,224,224,3`},
		{"two unknown dimensions", shaped(infer.Float, infer.Shape{-1, -1}), "", 24,
			`raw bytes do not say the shape of input "x", which is [?,?] in the signature: send it in the header X-Tensor-Shape, such as 1,224,224,3`},
		{"an empty body", shaped(infer.Float, infer.Shape{-1, 3}), "", 0, `the body is empty, but it must be the bytes of input "x"`},
		{"several inputs", inputsOf("b:float a:int8"), "", 24,
			`a body of raw bytes is for signatures with one input, but signature "serving_default" has 2 (a, b): send JSON`},
		{"no inputs", catalogOf([]string{"y"}), "", 24, "Failed to get input map for signature: serving_default"},
		{"too few bytes", shaped(infer.Float, infer.Shape{2, 3}), "", 23, `raw bytes: input "x" of type float and shape [2,3] needs 24 bytes, got 23`},
		{"no multiple", shaped(infer.Float, infer.Shape{-1, 3}), "", 23, `raw bytes: input "x" of type float and shape [?,3] needs a multiple of 12 bytes, got 23`},
		{"words for a header", shaped(infer.Float, nil), "two,three", 24, `X-Tensor-Shape: "two,three"` + noList},
		{"two unknown in the header", shaped(infer.Float, nil), "-1,-1", 24, `X-Tensor-Shape: "-1,-1"` + noList},
		{"a negative size", shaped(infer.Float, nil), "-2,3", 24, `X-Tensor-Shape: "-2,3"` + noList},
		{"half a bracket", shaped(infer.Float, nil), "[2,3", 24, `X-Tensor-Shape: "[2,3"` + noList},
		{"two commas", shaped(infer.Float, nil), "2,,3", 24, `X-Tensor-Shape: "2,,3"` + noList},
		{"a size of 64 bits", shaped(infer.Float, nil), "9223372036854775808", 24, `X-Tensor-Shape: "9223372036854775808"` + noList},
	} {
		_, err := codec.DecodeRaw(make([]byte, tt.size), tt.header, tt.catalog, codec.Limits{})
		if !errors.Is(err, infer.ErrInvalidArgument) || err.Error() != tt.want {
			t.Errorf("%s:\ngot  %v\nwant %s", tt.name, err, tt.want)
		}
	}
}

func TestPlainBodiesNeedADefaultSignature(t *testing.T) {
	catalog := inputsOf("x:float")
	catalog.Default = "predict"
	decoders := map[string]func() error{
		"raw":   func() error { _, err := codec.DecodeRaw(nil, "", catalog, codec.Limits{}); return err },
		"npy":   func() error { _, err := codec.DecodeNPY(nil, catalog, codec.Limits{}); return err },
		"CSV":   func() error { _, err := decodeCSV(nil, catalog, codec.Limits{}); return err },
		"lines": func() error { _, err := codec.DecodeJSONLines(nil, catalog, codec.Limits{}); return err },
	}
	for name, decode := range decoders {
		if err := decode(); err == nil || !strings.Contains(err.Error(), `"predict" not found in signature def`) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func FuzzDecodeRaw(f *testing.F) {
	f.Add([]byte("12345678"), "[1, 2]", int32(infer.Float))
	f.Add([]byte("1"), "-1,0", int32(infer.Bool))
	f.Add([]byte("1"), "(1,)", int32(infer.String))
	f.Add([]byte{}, "1099511627776,1099511627776,0", int32(infer.Int8))
	f.Fuzz(func(t *testing.T, body []byte, header string, dtype int32) {
		for _, shape := range []infer.Shape{nil, {}, {-1, 2}} {
			p, err := codec.DecodeRaw(body, header, shaped(infer.DType(dtype), shape), codec.Limits{MaxTensorBytes: fuzzLimit})
			checkPlain(t, p, err)
		}
	})
}
