package npy_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/npy"
)

// Each element of an array in Fortran's order must land where its index says,
// for every size of item and for shapes within and beyond the tiles that the
// copy works in.
func TestItemsOfArraysInFortransOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	types := []infer.DType{infer.Int8, infer.Half, infer.Float, infer.Double, infer.Complex128}
	for range 200 {
		d := types[random.IntN(len(types))]
		shape := make([]int64, 1+random.IntN(5))
		elements := int64(1)
		for i := range shape {
			shape[i] = 1 + random.Int64N([]int64{2, 5, 40, 100}[random.IntN(4)])
			if elements*shape[i] > 20_000 {
				shape[i] = 1
			}
			elements *= shape[i]
		}
		size := int64(d.Size())
		data := make([]byte, elements*size)
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		want := make([]byte, 0, len(data))
		for i := range elements {
			// The index of element i, counted with the last index fastest, and
			// where it lies with the first fastest.
			rest, stride := i, elements
			place := int64(0)
			for k := len(shape) - 1; k >= 0; k-- {
				stride /= shape[k]
				place += rest % shape[k] * stride
				rest /= shape[k]
			}
			want = append(want, data[place*size:(place+1)*size]...)
		}
		dtype, _ := npy.TypeOf(d)
		h := npy.Header{DType: dtype, Fortran: true, Shape: shape}
		if got := h.Items(data); !bytes.Equal(got, want) {
			t.Fatalf("%s of shape %v is transposed wrongly", d, shape)
		}
	}
}
