package tensorflow_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// moved is the same tensor in a body, shift bytes behind an address that fits
// every type. Strings have their lengths before them, as in the binary tensor
// extension.
func moved(t *infer.Tensor, shift int) *infer.Tensor {
	body := make([]byte, shift, shift+len(t.Data)+4*t.Len())
	m := *t
	if t.DType != infer.String {
		m.Data = append(body, t.Data...)[shift:]
		return &m
	}
	m.Prefix, m.Offsets = 4, []int{shift}
	for i := range t.Len() {
		body = binary.LittleEndian.AppendUint32(body, uint32(len(t.Element(i))))
		body = append(body, t.Element(i)...)
		m.Offsets = append(m.Offsets, len(body))
	}
	m.Data = body
	return &m
}

func TestFeedsMayLieAnywhereInABody(t *testing.T) {
	runner := load(t, "dtypes")
	for i, c := range expectations(t) {
		if c.Model != "dtypes" {
			continue
		}
		for shift := range 8 {
			t.Run(fmt.Sprintf("%d %s %v at %d", i, c.Signature, c.Inputs["x"].Shape, shift), func(t *testing.T) {
				signature, err := runner.Catalog().Signature(c.Signature)
				if err != nil {
					t.Fatal(err)
				}
				f := infer.Feed{TensorInfo: signature.Inputs[0], Value: moved(c.Inputs["x"].tensor(t), shift)}
				results, err := runner.Run(t.Context(), []infer.Feed{f}, signature.Outputs)
				if err != nil {
					t.Fatal(err)
				}
				same(t, "y", results[0], c.Outputs["y"].tensor(t))
			})
		}
	}
}

// A copy of a tensor's bytes in Go's heap would be a second one, beside that into
// C memory.
func TestBytesOfTensorsAreNotCopiedInGo(t *testing.T) {
	const size = 16 << 20
	data := bytes.Repeat([]byte{1}, size+1)[1:] // not aligned
	for _, c := range []struct {
		model, signature string
		dtype            infer.DType
	}{
		{"dtypes", "float", infer.Float},
		{"dtypes", "uint32", infer.Uint32},
		{"dtypes", "uint64", infer.Uint64},
		{"dtypes", "half", infer.Half},
		{"dtypes", "bfloat16", infer.Bfloat16},
		{"strings", "", infer.String}, // its result is an integer
	} {
		t.Run(c.dtype.String(), func(t *testing.T) {
			runner := load(t, c.model)
			signature, err := runner.Catalog().Signature(c.signature)
			if err != nil {
				t.Fatal(err)
			}
			value, err := infer.NewStringTensor([]int64{1}, data, []int{0, size})
			if c.dtype != infer.String {
				value, err = infer.NewTensor(c.dtype, []int64{int64(size / c.dtype.Size())}, data)
			}
			if err != nil {
				t.Fatal(err)
			}
			run := func() {
				if _, err := runner.Run(t.Context(), []infer.Feed{{TensorInfo: signature.Inputs[0], Value: value}}, signature.Outputs); err != nil {
					t.Fatal(err)
				}
			}
			run() // the side graphs are made when first needed
			if got := allocated(run); got > size/16 {
				t.Errorf("a run with %d bytes allocates %d in Go", size, got)
			}
		})
	}
}

// allocated is how many bytes of Go's heap f takes.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
