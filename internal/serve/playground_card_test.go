package serve_test

import (
	"context"
	"encoding/json"
	"reflect"
	"sync/atomic"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/serve"
)

// Whoever decodes images says which inputs take them; it is asked once for each.
func TestCardSaysWhatTakesImages(t *testing.T) {
	var asked atomic.Int32
	model := halfPlusTwo("pictures")
	catalog := halfPlusTwoCatalog()
	catalog.Signatures["serving_default"].Inputs = []infer.TensorInfo{
		{Name: "numbers", DType: infer.Int32, Shape: infer.Shape{-1, 224, 224, 3}},
		{Name: "picture", DType: infer.Uint8, Shape: infer.Shape{1, -1, -1, 3}},
	}
	catalog.Image = func(_ context.Context, input infer.TensorInfo, image []byte) (*infer.Tensor, error) {
		asked.Add(1)
		if input.DType == infer.Int32 {
			return nil, infer.Errorf(infer.ErrFailedPrecondition, "input %q takes no image", input.Name)
		}
		return infer.NewTensor(infer.Uint8, []int64{1, 1, 1, 3}, []byte{0, 0, 0})
	}
	model.Runner = runner{catalog, runHalfPlusTwo}
	h := handler(serve.Options{Model: having(model), Playground: page(nil)})
	for range 2 {
		var card struct {
			Signatures map[string]struct{ Inputs []struct{ Image *bool } }
		}
		w := do(h, "GET", "/playground/model.json", "")
		if err := json.Unmarshal(w.Body.Bytes(), &card); err != nil {
			t.Fatal(err)
		}
		if got, want := card.Signatures["serving_default"].Inputs, []struct{ Image *bool }{{nil}, {new(true)}}; !reflect.DeepEqual(got, want) {
			t.Errorf("the card is %s", w.Body)
		}
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("images were decoded %d times for 2 inputs", n)
	}
}
