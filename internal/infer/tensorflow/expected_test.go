package tensorflow_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// expectation is a case of expected.json.
type expectation struct {
	Model     string
	Signature string
	Inputs    map[string]value
	Outputs   map[string]value
	Error     string // a TensorFlow status code in place of outputs
}

type value struct {
	DType  string
	Shape  []int64
	Values []any // numbers, booleans, "NaN" and "Infinity", base64 for strings
}

// expectations reads expected.json.
func expectations(t *testing.T) []expectation {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(models, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expected struct{ Cases []expectation }
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	if err := decoder.Decode(&expected); err != nil {
		t.Fatal(err)
	}
	return expected.Cases
}

var dtypes = map[string]infer.DType{
	"float": infer.Float, "double": infer.Double, "half": infer.Half, "bfloat16": infer.Bfloat16,
	"int8": infer.Int8, "int16": infer.Int16, "int32": infer.Int32, "int64": infer.Int64,
	"uint8": infer.Uint8, "uint16": infer.Uint16, "uint32": infer.Uint32, "uint64": infer.Uint64,
	"bool": infer.Bool, "string": infer.String,
}

var kinds = map[string]error{"INVALID_ARGUMENT": infer.ErrInvalidArgument, "OUT_OF_RANGE": infer.ErrInvalidArgument}

// tensor makes the tensor that a value of expected.json describes.
func (v value) tensor(t *testing.T) *infer.Tensor {
	t.Helper()
	dtype, ok := dtypes[v.DType]
	if !ok {
		t.Fatalf("expected.json has a tensor of type %q", v.DType)
	}
	shape := v.Shape
	if shape == nil {
		shape = []int64{}
	}
	var data []byte
	offsets := []int{0}
	for _, element := range v.Values {
		data = appendElement(t, data, dtype, element)
		offsets = append(offsets, len(data))
	}
	tensor, err := infer.NewStringTensor(shape, data, offsets)
	if dtype != infer.String {
		tensor, err = infer.NewTensor(dtype, shape, data)
	}
	if err != nil {
		t.Fatal(err)
	}
	return tensor
}

func appendElement(t *testing.T, data []byte, dtype infer.DType, element any) []byte {
	t.Helper()
	le := binary.LittleEndian
	if b, ok := element.(bool); ok {
		return append(data, map[bool]byte{true: 1}[b])
	}
	text := fmt.Sprint(element)
	switch dtype {
	case infer.String:
		decoded, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return append(data, decoded...)
	case infer.Float, infer.Double, infer.Half, infer.Bfloat16:
		var f float64
		if _, err := fmt.Sscan(text, &f); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		switch dtype {
		case infer.Double:
			return le.AppendUint64(data, math.Float64bits(f))
		case infer.Half:
			return le.AppendUint16(data, half(f))
		case infer.Bfloat16: // exact: Python printed a bfloat16
			return le.AppendUint16(data, uint16(math.Float32bits(float32(f))>>16))
		}
		return le.AppendUint32(data, math.Float32bits(float32(f)))
	}
	if strings.HasPrefix(text, "-") {
		var i int64
		if _, err := fmt.Sscan(text, &i); err != nil {
			t.Fatal(err)
		}
		return append(data, le.AppendUint64(nil, uint64(i))[:dtype.Size()]...)
	}
	var u uint64
	if _, err := fmt.Sscan(text, &u); err != nil {
		t.Fatal(err)
	}
	return append(data, le.AppendUint64(nil, u)[:dtype.Size()]...)
}

// half is the bits of a number that a half can hold exactly.
func half(f float64) uint16 {
	bits := uint16(0)
	if math.Signbit(f) {
		bits, f = 0x8000, -f
	}
	switch {
	case math.IsNaN(f):
		return bits | 0x7e00
	case math.IsInf(f, 0):
		return bits | 0x7c00
	case f < math.Ldexp(1, -14): // subnormal, in steps of 2^-24
		return bits | uint16(f*math.Ldexp(1, 24))
	}
	fraction, exponent := math.Frexp(f) // f = fraction × 2^exponent, fraction in [0.5, 1)
	return bits | uint16(exponent+14)<<10 | uint16((fraction*2-1)*1024)
}
