package pack_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/pack"
)

// answering is a model that answers one tensor.
type answering struct{ value *infer.Tensor }

func (a answering) Catalog() *infer.Catalog {
	return &infer.Catalog{Signatures: map[string]*infer.Signature{"serving_default": {
		Name:    "serving_default",
		Inputs:  []infer.TensorInfo{{Name: "x", Tensor: "x:0", DType: infer.Float, Shape: infer.Shape{-1}}},
		Outputs: []infer.TensorInfo{{Name: "y", Tensor: "y:0", DType: a.value.DType, Shape: a.value.Shape}},
	}}}
}

func (a answering) Run(context.Context, []infer.Feed, []infer.TensorInfo) ([]*infer.Tensor, error) {
	return []*infer.Tensor{a.value}, nil
}

func (a answering) Close() error { return nil }

func vector(t *testing.T, d infer.DType, data []byte) *infer.Tensor {
	t.Helper()
	tensor, err := infer.NewTensor(d, infer.Shape{int64(len(data) / d.Size())}, data)
	if err != nil {
		t.Fatal(err)
	}
	return tensor
}

func halves(bits ...uint16) []byte {
	var data []byte
	for _, b := range bits {
		data = binary.LittleEndian.AppendUint16(data, b)
	}
	return data
}

func floats(values ...float32) []byte {
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return data
}

// Each type of floats may differ by its own precision, as a part of the largest element,
// and other types not at all. 1 is 0x3c00 as half and 0x3f80 as bfloat16.
func TestHowMuchAnswersMayDiffer(t *testing.T) {
	for _, c := range []struct {
		name           string
		dtype          infer.DType
		original, then []byte
		differs        bool
	}{
		{"half by two units in the last place", infer.Half, halves(0x3c00, 0), halves(0x3c02, 0), false},
		{"half by three", infer.Half, halves(0x3c00, 0), halves(0x3c03, 0), true},
		{"half by 2^-10 beside 1", infer.Half, halves(0x3c00, 0), halves(0x3c00, 0x1400), false},
		{"half by 2^-8 beside 1", infer.Half, halves(0x3c00, 0), halves(0x3c00, 0x1c00), true},
		{"half that becomes infinite", infer.Half, halves(0x3c00, 0), halves(0x7c00, 0), true},
		{"half that is no number in both", infer.Half, halves(0x3c00, 0x7e00), halves(0x3c00, 0x7e01), false},
		{"half that is no number in one", infer.Half, halves(0x3c00, 0), halves(0x3c00, 0x7e00), true},
		{"bfloat16 by two units in the last place", infer.Bfloat16, halves(0x3f80), halves(0x3f82), false},
		{"bfloat16 by three", infer.Bfloat16, halves(0x3f80), halves(0x3f83), true},
		{"float by a millionth", infer.Float, floats(1, -100), floats(1, -100.0001), false},
		{"float by a thousandth", infer.Float, floats(1, -100), floats(1, -100.1), true},
		{"float by a half beside infinity", infer.Float, floats(1, float32(math.Inf(1))), floats(1.5, float32(math.Inf(1))), true},
		{"an integer", infer.Int64, []byte{1, 0, 0, 0, 0, 0, 0, 0}, []byte{2, 0, 0, 0, 0, 0, 0, 0}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			original := &infer.Model{Runner: answering{vector(t, c.dtype, c.original)}}
			packed := &infer.Model{Runner: answering{vector(t, c.dtype, c.then)}}
			agreement, err := pack.Compare(t.Context(), pack.Models{Original: original, Again: original, Packed: packed}, pack.Questions{})
			if c.differs {
				if !errors.Is(err, pack.ErrDisagree) {
					t.Errorf("error %v, want ErrDisagree", err)
				}
				return
			}
			if err != nil || agreement.Outputs == 0 || agreement.Outputs != agreement.Runs {
				t.Errorf("error %v, %+v", err, agreement)
			}
		})
	}
}

// What the original answers otherwise each time says nothing of the packed model, and
// the report says so.
func TestWhatTheOriginalDoesNotRepeatIsNotCompared(t *testing.T) {
	one, two := &infer.Model{Runner: answering{vector(t, infer.Float, floats(1))}}, &infer.Model{Runner: answering{vector(t, infer.Float, floats(2))}}
	agreement, err := pack.Compare(t.Context(), pack.Models{Original: one, Again: two, Packed: two}, pack.Questions{})
	if err != nil {
		t.Fatal(err)
	}
	if agreement.Outputs != 0 || len(agreement.Excluded) != 1 || len(agreement.Unproven) != 1 || !strings.Contains(agreement.Unproven[0], "otherwise each time") {
		t.Errorf("%+v", agreement)
	}
}
