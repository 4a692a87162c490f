package batch

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// brightness is a model that takes one image of any size and no batch: how many pixels it
// has, and the lightest and the darkest.
type brightness struct {
	fail error
	took []int64 // the shape of what it took last
}

func (m *brightness) model() *infer.Model {
	return &infer.Model{Name: "brightness", Version: "1", Identity: "b", Runner: m}
}

func (m *brightness) Close() error { return nil }

func (m *brightness) Catalog() *infer.Catalog {
	tensor := func(name string, shape ...int64) infer.TensorInfo {
		return infer.TensorInfo{Name: name, Tensor: name + ":0", DType: infer.Uint8, Shape: shape}
	}
	scalar := tensor("count")
	scalar.Shape = infer.Shape{}
	return &infer.Catalog{
		Default: "serving_default",
		Signatures: map[string]*infer.Signature{"serving_default": {
			Name: "serving_default", Inputs: []infer.TensorInfo{tensor("image", -1, -1, 1)}, Outputs: []infer.TensorInfo{scalar, tensor("ends", 2)},
		}},
		// Each byte of a file is a pixel here.
		Image: func(_ context.Context, _ infer.TensorInfo, image []byte) (*infer.Tensor, error) {
			if len(image) == 0 {
				return nil, infer.Errorf(infer.ErrInvalidArgument, "not an image")
			}
			return infer.NewTensor(infer.Uint8, []int64{int64(len(image)), 1, 1}, image)
		},
	}
}

func (m *brightness) Run(_ context.Context, feeds []infer.Feed, _ []infer.TensorInfo) ([]*infer.Tensor, error) {
	if m.fail != nil {
		return nil, m.fail
	}
	m.took = feeds[0].Value.Shape
	pixels := feeds[0].Value.Data
	count, err := infer.NewTensor(infer.Uint8, nil, []byte{byte(len(pixels))})
	ends, err2 := infer.NewTensor(infer.Uint8, []int64{2}, []byte{slices.Max(pixels), slices.Min(pixels)})
	return []*infer.Tensor{count, ends}, errors.Join(err, err2)
}

// An image that is the whole value of an input is one row, whatever first dimensions the
// outputs have.
func TestAnImageWithoutABatchIsOneRow(t *testing.T) {
	for output, want := range map[string]string{
		"out.jsonl": `{"prediction":{"count":3,"ends":[9,5]}}` + "\n",
		"out.csv":   "count,ends_0,ends_1,error\n3,9,5,\n",
	} {
		m := &brightness{}
		got, err := scoreFile(t.Context(), t, m, "a.png", "\x05\x09\x07", output)
		if err != nil || string(got) != want {
			t.Errorf("%s: got %q (%v), want %q", output, got, err, want)
		}
		if want := []int64{3, 1, 1}; !slices.Equal(m.took, want) {
			t.Errorf("the model took the shape %v, want %v", m.took, want)
		}
	}
	if got, err := scoreFile(t.Context(), t, &brightness{}, "a.png", "\x05\x09\x07", "out.parquet"); err != nil || !strings.HasPrefix(string(got), "PAR1") {
		t.Errorf("parquet: %.10q, %v", got, err)
	}
}

func TestAnImageWithoutABatchThatFails(t *testing.T) {
	for _, tt := range []struct {
		name, file, content string
		fail, want          error
		row                 string
	}{
		{"is a row", "rows.jsonl", `{"b64":"BQ=="}` + "\n", nil, ErrAllRowsFailed, "takes one image and has no rows"},
		{"is none", "a.png", "", nil, ErrAllRowsFailed, "not an image"},
		{"is not for the model", "a.png", "\x05", infer.Errorf(infer.ErrInvalidArgument, "too dark"), ErrAllRowsFailed, "too dark"},
		{"has a model that fails", "a.png", "\x05", errors.New("secret"), ErrAllRowsFailed, "internal error"},
		{"has no model", "a.png", "\x05", infer.ErrUnavailable, infer.ErrUnavailable, ""},
	} {
		got, err := scoreFile(t.Context(), t, &brightness{fail: tt.fail}, tt.file, tt.content, "out.jsonl")
		if !errors.Is(err, tt.want) || !strings.Contains(string(got), tt.row) || strings.Contains(string(got), "secret") {
			t.Errorf("an image that %s: got %q, %v", tt.name, got, err)
		}
	}
}
