package codec_test

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

func TestAppendIntegers(t *testing.T) {
	tests := []struct {
		to   infer.DType
		v    []int64
		want []byte // nil is a refusal
	}{
		{infer.Int8, []int64{-128, 127}, []byte{0x80, 0x7f}},
		{infer.Int8, []int64{0, 128}, nil},
		{infer.Int8, []int64{-129}, nil},
		{infer.Uint8, []int64{255}, []byte{255}},
		{infer.Uint8, []int64{-1}, nil},
		{infer.Uint64, []int64{math.MaxInt64}, []byte{255, 255, 255, 255, 255, 255, 255, 127}},
		{infer.Uint64, []int64{-1}, nil},
		{infer.Int64, []int64{math.MinInt64}, []byte{0, 0, 0, 0, 0, 0, 0, 0x80}},
		{infer.Bool, []int64{0, 1}, []byte{0, 1}},
		{infer.Bool, []int64{2}, nil},
		{infer.Float, []int64{-2}, []byte{0, 0, 0, 0xc0}},
		{infer.Half, []int64{1}, []byte{0, 0x3c}},
		{infer.String, []int64{1}, nil},
		{infer.Complex64, []int64{1}, nil},
	}
	for _, tt := range tests {
		before := []byte("before")
		got, err := codec.AppendIntegers(before, tt.to, tt.v)
		if want := slices.Concat(before, tt.want); !bytes.Equal(got, want) || (err == nil) != (tt.want != nil) {
			t.Errorf("%v as %s: %v, %v; want %v", tt.v, tt.to, got, err, want)
		}
		if err != nil && !errors.Is(err, infer.ErrInvalidArgument) {
			t.Errorf("%v as %s: %v is not about the value", tt.v, tt.to, err)
		}
	}
}

func TestAppendFloats(t *testing.T) {
	tests := []struct {
		to   infer.DType
		want []byte // of 1.5; nil is a refusal
	}{
		{infer.Float, []byte{0, 0, 0xc0, 0x3f}},
		{infer.Double, []byte{0, 0, 0, 0, 0, 0, 0xf8, 0x3f}},
		{infer.Half, []byte{0, 0x3e}},
		{infer.Bfloat16, []byte{0xc0, 0x3f}},
		{infer.Int32, nil},
		{infer.String, nil},
	}
	for _, tt := range tests {
		if got, ok := codec.AppendFloats(nil, tt.to, []float64{1.5}); !bytes.Equal(got, tt.want) || ok != (tt.want != nil) {
			t.Errorf("%s: %v, %v", tt.to, got, ok)
		}
	}
}
