package infer_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

func TestElements(t *testing.T) {
	cases := []struct {
		shape []int64
		want  int64
		err   bool
	}{
		{nil, 1, false},
		{[]int64{}, 1, false},
		{[]int64{2, 3}, 6, false},
		{[]int64{2, 0, 3}, 0, false},
		{[]int64{math.MaxInt64}, math.MaxInt64, false},
		{[]int64{-1}, 0, true},
		{[]int64{1 << 32, 1 << 32}, 0, true},
		{[]int64{1 << 62, 2}, 0, true},
		{[]int64{0, 1 << 62, 1 << 62}, 0, true}, // hostile, although it is empty
	}
	for _, c := range cases {
		got, err := infer.Elements(c.shape)
		if got != c.want || (err != nil) != c.err {
			t.Errorf("Elements(%v) = %d, %v, want %d", c.shape, got, err, c.want)
		}
		if err != nil && !errors.Is(err, infer.ErrInvalidArgument) {
			t.Errorf("Elements(%v): %v is not the client's fault", c.shape, err)
		}
	}
}

func TestBytesIsCheckedAgainstTheLimit(t *testing.T) {
	cases := []struct {
		dtype infer.DType
		shape []int64
		limit int64
		want  int64
		err   error
	}{
		{infer.Float, []int64{2, 3}, 24, 24, nil},
		{infer.Float, []int64{2, 3}, 23, 0, infer.ErrTooLarge},
		{infer.Float, []int64{2, 3}, 0, 24, nil},
		{infer.String, []int64{4}, 128, 128, nil},
		{infer.Double, []int64{math.MaxInt64 / 8, 2}, 0, 0, infer.ErrTooLarge},
		{infer.Float, []int64{2, 0, 3}, 24, 0, nil},
		{infer.Float, []int64{2, 0, 3}, 23, 0, infer.ErrTooLarge}, // a sum over the middle has 24 bytes
		{infer.Complex128, []int64{1 << 40, 1 << 40}, 0, 0, infer.ErrInvalidArgument},
	}
	for _, c := range cases {
		got, err := infer.Bytes(c.dtype, c.shape, c.limit)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("Bytes(%s, %v, %d) = %d, %v, want %d, %v", c.dtype, c.shape, c.limit, got, err, c.want, c.err)
		}
	}
}

func TestShape(t *testing.T) {
	cases := []struct {
		shape   infer.Shape
		text    string
		json    string
		matches [][]int64
		refuses [][]int64
	}{
		{nil, "<unknown>", "null", [][]int64{{}, {1}, {2, 3}}, nil},
		{infer.Shape{}, "[]", "[]", [][]int64{{}, nil}, [][]int64{{1}}},
		{infer.Shape{-1, 3}, "[?,3]", "[-1,3]", [][]int64{{0, 3}, {7, 3}}, [][]int64{{3}, {7, 4}, {1, 3, 1}}},
	}
	for _, c := range cases {
		encoded, err := json.Marshal(c.shape)
		if c.shape.String() != c.text || string(encoded) != c.json || err != nil {
			t.Errorf("%#v is %s and %s, want %s and %s", c.shape, c.shape, encoded, c.text, c.json)
		}
		for _, shape := range c.matches {
			if !c.shape.Matches(shape) {
				t.Errorf("%s refuses %v", c.shape, shape)
			}
		}
		for _, shape := range c.refuses {
			if c.shape.Matches(shape) {
				t.Errorf("%s takes %v", c.shape, shape)
			}
		}
	}
}

func TestNewTensorWantsTheBytesOfItsShape(t *testing.T) {
	if tensor, err := infer.NewTensor(infer.Int16, []int64{2, 2}, make([]byte, 8)); err != nil || tensor.Len() != 4 {
		t.Errorf("a fitting tensor: %v, %v", tensor, err)
	}
	if _, err := infer.NewTensor(infer.Int16, []int64{2, 2}, make([]byte, 7)); !errors.Is(err, infer.ErrInvalidArgument) {
		t.Errorf("seven bytes for four int16: %v", err)
	}
	if _, err := infer.NewTensor(infer.Resource, nil, nil); !errors.Is(err, infer.ErrUnimplemented) {
		t.Errorf("a resource: %v", err)
	}
	if _, err := infer.NewStringTensor([]int64{2}, []byte("ab"), []int{0, 1}); err == nil {
		t.Error("two strings with two offsets were accepted")
	}
}

// dense is a signature as a frozen graph has it.
var dense = &infer.Signature{
	Name:    "serving_default",
	Inputs:  []infer.TensorInfo{{Name: "image", Tensor: "input_1:0", DType: infer.Float, Shape: infer.Shape{-1, 2}}},
	Outputs: []infer.TensorInfo{{Name: "scores", Tensor: "dense/Softmax:0", DType: infer.Float}},
}

func TestCatalogNames(t *testing.T) {
	anyTensor := func(name string) (infer.TensorInfo, bool) {
		return infer.TensorInfo{Tensor: infer.TensorName(name)}, strings.HasPrefix(name, "hidden")
	}
	cases := []struct {
		catalog infer.Catalog
		name    string
		tensor  string // empty: not found
	}{
		{infer.Catalog{}, "image", "input_1:0"},
		{infer.Catalog{}, "input_1", ""},
		{infer.Catalog{}, "input_1:0", ""},
		{infer.Catalog{ByTensor: true}, "input_1", "input_1:0"},
		{infer.Catalog{ByTensor: true}, "input_1:0", "input_1:0"},
		{infer.Catalog{ByTensor: true}, "input_1:1", ""},
		{infer.Catalog{ByTensor: true}, "hidden", ""},
		{infer.Catalog{Tensor: anyTensor}, "hidden", "hidden:0"},
		{infer.Catalog{Tensor: anyTensor}, "hidden:3", "hidden:3"},
		{infer.Catalog{Tensor: anyTensor}, "other", ""},
	}
	for _, c := range cases {
		got, ok := c.catalog.Input(dense, c.name)
		if got.Tensor != c.tensor || ok != (c.tensor != "") {
			t.Errorf("input %q means %q, want %q", c.name, got.Tensor, c.tensor)
		}
	}
	byTensor := infer.Catalog{ByTensor: true}
	if got, _ := byTensor.Input(dense, "input_1:0"); got.Name != "image" {
		t.Errorf("an input named by its tensor is called %q, want its alias", got.Name)
	}
	if got, _ := byTensor.Output(dense, "dense/Softmax"); got.Name != "dense/Softmax" || got.Tensor != "dense/Softmax:0" {
		t.Errorf("an output named by its operation is %+v, want the name that was asked for", got)
	}
}

func TestUnknownSignature(t *testing.T) {
	catalog := infer.Catalog{Signatures: map[string]*infer.Signature{"serving_default": dense}, Default: "serving_default"}
	if s, err := catalog.Signature(""); s != dense || err != nil {
		t.Errorf("no name gives %v, %v", s, err)
	}
	_, err := catalog.Signature("nope")
	if !errors.Is(err, infer.ErrInvalidArgument) || err.Error() != `Serving signature name: "nope" not found in signature def` {
		t.Errorf("got %v", err)
	}
}

// recorder is a runner that keeps what it was fed.
type recorder struct {
	catalog infer.Catalog
	feeds   []infer.Feed
	results int
}

func (r *recorder) Catalog() *infer.Catalog { return &r.catalog }
func (r *recorder) Close() error            { return nil }
func (r *recorder) Run(_ context.Context, feeds []infer.Feed, _ []infer.TensorInfo) ([]*infer.Tensor, error) {
	r.feeds = feeds
	return make([]*infer.Tensor, r.results), nil
}

func TestPredictWantsATensorForEachFetch(t *testing.T) {
	m := &infer.Model{Name: "m", Runner: &recorder{results: 1}}
	_, err := m.Predict(t.Context(), &infer.Request{Fetches: make([]infer.TensorInfo, 2)})
	if !errors.Is(err, infer.ErrInternal) {
		t.Errorf("got %v", err)
	}
}

func TestOneImage(t *testing.T) {
	for _, tt := range []struct {
		shape infer.Shape
		dtype infer.DType
		want  bool
	}{
		{infer.Shape{224, 224, 3}, infer.Float, true},
		{infer.Shape{-1, -1, 3}, infer.Uint8, true},
		{infer.Shape{32, -1, 1}, infer.Float, true},
		{infer.Shape{1, 8, 4}, infer.Float, true}, // [H,W,C] before anything else
		{infer.Shape{3, 224, 224}, infer.Float, true},
		{infer.Shape{3, -1, -1}, infer.Float, true},
		{infer.Shape{3, 8, 3}, infer.Float, true},
		{infer.Shape{1, 28, 28}, infer.Float, false}, // a batch of one, as well
		{infer.Shape{-1, 28, 28}, infer.Float, false},
		{infer.Shape{-1, 8, 3}, infer.Float, false}, // rows of a sequence
		{infer.Shape{-1, -1, -1}, infer.Float, false},
		{infer.Shape{-1, -1, 64}, infer.Float, false},
		{infer.Shape{8, 8, 8}, infer.Float, false},
		{infer.Shape{-1, 8, 8, 3}, infer.Float, false},
		{infer.Shape{8, 3}, infer.Float, false},
		{infer.Shape{}, infer.Float, false},
		{nil, infer.Float, false},
		{infer.Shape{8, 8, 3}, infer.String, false},
	} {
		if got := (infer.TensorInfo{DType: tt.dtype, Shape: tt.shape}).OneImage(); got != tt.want {
			t.Errorf("%s%s: %t, want %t", tt.dtype, tt.shape, got, tt.want)
		}
	}
}
