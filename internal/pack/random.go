package pack

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/tensorlambda/tensorlambda/internal/example"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// round is how random inputs are made. A model may take only some.
type round struct {
	batch, others int64 // the open dimensions: the first one, which most models have for a batch, and the others
	integers      int   // from 0 up to but without this, since they may be indexes into something
}

// rounds are those of a signature. Six can be split in most ways.
var rounds = []round{{6, 6, 10}, {1, 8, 2}, {2, 1, 10}, {1, 32, 2}}

// random makes inputs.
type random struct {
	*rand.Rand
	examples map[string][]Feature // by the tensor whose elements are such
}

// feeds are random values for the inputs of a signature.
func (c random) feeds(s *infer.Signature, r round) ([]*infer.Tensor, error) {
	values := make([]*infer.Tensor, len(s.Inputs))
	for i, input := range s.Inputs {
		shape := make(infer.Shape, len(input.Shape))
		for k, d := range input.Shape {
			switch {
			case d >= 0:
				shape[k] = d
			case k == 0:
				shape[k] = r.batch
			default:
				shape[k] = r.others
			}
		}
		value, err := c.value(input, shape, r.integers)
		if err != nil {
			return nil, fmt.Errorf("input %q: %w", input.Name, err)
		}
		values[i] = value
	}
	return values, nil
}

// maxInput bounds a random input.
const maxInput = 256 << 20

func (c random) value(input infer.TensorInfo, shape infer.Shape, integers int) (*infer.Tensor, error) {
	d := input.DType
	size, err := infer.Bytes(d, shape, maxInput)
	if err != nil {
		return nil, err
	}
	if d == infer.String {
		return c.strings(shape, func() []byte {
			if features := c.examples[input.Tensor]; features != nil {
				return c.example(features, integers)
			}
			return c.word()
		})
	}
	data := make([]byte, size)
	width := d.Size()
	for i := 0; i < len(data); i += width {
		c.element(d, data[i:i+width], integers)
	}
	return infer.NewTensor(d, shape, data)
}

func (c random) strings(shape infer.Shape, next func() []byte) (*infer.Tensor, error) {
	n, err := infer.Elements(shape)
	if err != nil {
		return nil, err
	}
	offsets := make([]int, n+1)
	var data []byte
	for i := range n {
		data = append(data, next()...)
		offsets[i+1] = len(data)
	}
	return infer.NewStringTensor(shape, data, offsets)
}

// example is a serialized tf.train.Example with the features.
func (c random) example(features []Feature, integers int) []byte {
	var all []byte
	for _, feature := range features {
		var values example.Feature
		n := feature.Values
		if n < 0 {
			n = c.IntN(4)
		}
		for range n {
			switch feature.DType {
			case infer.String:
				values.AppendBytes(c.word())
			case infer.Float:
				values.AppendFloat(float32(c.float()))
			default:
				values.AppendInt64(int64(c.IntN(integers)))
			}
		}
		all = example.AppendFeature(all, []byte(feature.Name), &values)
	}
	return example.Append(nil, all)
}

// words are texts to ask models of strings.
var words = []string{"", "a", "red", "green", "the quick brown fox", "0", "3.5", "2026-01-01", "größer"}

func (c random) word() []byte { return []byte(words[c.IntN(len(words))]) }

// float is between -1 and 1.
func (c random) float() float64 { return c.Float64()*2 - 1 }

// element fills one number.
func (c random) element(d infer.DType, p []byte, integers int) {
	f := c.float()
	switch d {
	case infer.Float:
		binary.LittleEndian.PutUint32(p, math.Float32bits(float32(f)))
	case infer.Double:
		binary.LittleEndian.PutUint64(p, math.Float64bits(f))
	case infer.Complex64:
		binary.LittleEndian.PutUint32(p, math.Float32bits(float32(f)))
	case infer.Complex128:
		binary.LittleEndian.PutUint64(p, math.Float64bits(f))
	case infer.Bfloat16:
		binary.LittleEndian.PutUint16(p, uint16(math.Float32bits(float32(f))>>16))
	case infer.Half:
		binary.LittleEndian.PutUint16(p, uint16(c.IntN(0x3c00))) // from 0 up to 1
	case infer.Bool:
		p[0] = byte(c.IntN(2))
	default:
		p[0] = byte(c.IntN(integers))
	}
}
