package codec

import (
	"errors"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

func TestRawTensor(t *testing.T) {
	tests := []struct {
		name  string
		dtype infer.DType
		shape infer.Shape
		size  int // of a body of zeros
		want  string
		err   string // part of it
	}{
		{"a known shape", infer.Float, infer.Shape{2, 3}, 24, "[2,3]", ""},
		{"a scalar", infer.Int64, infer.Shape{}, 8, "[]", ""},
		{"the batch follows from the size", infer.Float, infer.Shape{-1, 3}, 24, "[2,3]", ""},
		{"so does a dimension inside", infer.Int16, infer.Shape{2, -1, 3}, 24, "[2,2,3]", ""},
		{"of no bytes", infer.Float, infer.Shape{-1, 3}, 0, "[0,3]", ""},
		{"half", infer.Half, infer.Shape{-1}, 6, "[3]", ""},
		{"bool", infer.Bool, infer.Shape{-1}, 6, "[6]", ""},
		{"too short", infer.Float, infer.Shape{2, 3}, 20, "", "shape [2,3] needs 24 bytes, got 20"},
		{"no multiple", infer.Float, infer.Shape{-1, 3}, 20, "", "shape [?,3] needs a multiple of 12 bytes, got 20"},
		{"a dimension times zero", infer.Float, infer.Shape{-1, 0}, 0, "", "shape [?,0] needs a multiple of 0 bytes, got 0"},
		{"two unknown dimensions", infer.Float, infer.Shape{-1, -1}, 24, "", "of [?,?] at most one dimension may be unknown"},
		{"unknown rank", infer.Float, nil, 24, "", "of <unknown> at most one dimension may be unknown"},
		{"more elements than can be counted", infer.Float, infer.Shape{-1, 1 << 40, 1 << 40}, 24, "", "cannot have shape [?,1099511627776,1099511627776]"},
		{"no bytes, but a huge dimension", infer.Float, infer.Shape{-1, 1 << 19}, 0, "", "larger than the limit of 1048576 bytes"},
		{"no raw form", infer.Complex64, infer.Shape{-1}, 8, "", "type complex64 cannot be given as raw bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := make([]byte, tt.size)
			got, err := rawTensor(infer.TensorInfo{Name: "x", DType: tt.dtype}, tt.shape, body, 1<<20)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("got %v, want …%s…", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if infer.FormatShape(got.Shape) != tt.want || got.DType != tt.dtype {
				t.Errorf("got %s %s, want %s", got.DType, infer.FormatShape(got.Shape), tt.want)
			}
			if len(got.Data) != len(body) || len(body) > 0 && &got.Data[0] != &body[0] {
				t.Error("the tensor is not the body")
			}
		})
	}
}

func TestRawTensorOfStrings(t *testing.T) {
	body := []byte("\x89PNG\x00")
	for shape, want := range map[string]struct {
		shape infer.Shape
		got   string
	}{
		"a list of one":  {infer.Shape{1}, "[1]"},
		"a batch of one": {infer.Shape{-1, 1}, "[1,1]"},
		"a scalar":       {infer.Shape{}, "[]"},
		"unknown rank":   {nil, "[1]"},
	} {
		got, err := rawTensor(infer.TensorInfo{Name: "s", DType: infer.String}, want.shape, body, 1<<20)
		if err != nil {
			t.Errorf("%s: %v", shape, err)
			continue
		}
		if infer.FormatShape(got.Shape) != want.got || got.Len() != 1 || string(got.Element(0)) != "\x89PNG\x00" || &got.Data[0] != &body[0] {
			t.Errorf("%s: got %s %q", shape, infer.FormatShape(got.Shape), got.Data)
		}
	}
	_, err := rawTensor(infer.TensorInfo{Name: "s", DType: infer.String}, infer.Shape{2}, body, 1<<20)
	if want := `raw bytes are one string, but input "s" has shape [2]`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestRawTensorLimits(t *testing.T) {
	for _, d := range []infer.DType{infer.Uint8, infer.String} {
		limit := map[infer.DType]int64{infer.Uint8: 16, infer.String: 48}[d] // a string costs 32 besides its bytes
		info := infer.TensorInfo{Name: "x", DType: d}
		if _, err := rawTensor(info, infer.Shape{-1}, make([]byte, 16), limit); err != nil {
			t.Errorf("%s at the limit: %v", d, err)
		}
		if _, err := rawTensor(info, infer.Shape{-1}, make([]byte, 16), limit-1); !errors.Is(err, infer.ErrTooLarge) {
			t.Errorf("%s over the limit: %v", d, err)
		}
	}
}

// TensorFlow takes a bool for granted to be 0 or 1.
func TestRawTensorChecksBools(t *testing.T) {
	info := infer.TensorInfo{Name: "b", DType: infer.Bool}
	if _, err := rawTensor(info, infer.Shape{-1}, []byte{0, 1, 1}, 1<<20); err != nil {
		t.Error(err)
	}
	_, err := rawTensor(info, infer.Shape{-1}, []byte{0, 1, 2}, 1<<20)
	if want := `input "b": byte 2 of type BOOL is 2; it must be 0 or 1`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
