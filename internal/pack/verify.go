package pack

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// ErrDisagree means that the packed model answers otherwise than the original.
var ErrDisagree = errors.New("the packed model answers otherwise")

// Tolerance of floating-point outputs: constants let TensorFlow choose other kernels,
// which add in another order. It is relative to the largest element of the output.
const Tolerance = 1e-5

// Agreement is what comparing two models found.
type Agreement struct {
	Runs     int // that both models answered
	Outputs  int // tensors compared
	Equal    int // of them equal in every bit
	Largest  float64
	Refused  int      // runs that both models refused
	Excluded []string // outputs that cannot be compared, with the reason
}

// rounds is how many requests of random numbers a signature is asked.
const rounds = 4

// Compare asks both models the same random questions, signature by signature, and
// compares the answers. Dimensions that a signature leaves open are small. Where the
// original does not agree with itself, as with random numbers, nothing is compared.
// The error wraps ErrDisagree.
func Compare(ctx context.Context, original, again, packed *infer.Model) (*Agreement, error) {
	c := &comparison{original: original, again: again, packed: packed, random: rand.New(rand.NewPCG(1, 2)), agreement: new(Agreement)}
	signatures := packed.Catalog().Signatures
	for _, name := range slices.Sorted(maps.Keys(signatures)) {
		for range rounds {
			if err := c.ask(ctx, name); err != nil {
				return nil, fmt.Errorf("signature %q: %w", name, err)
			}
		}
	}
	return c.agreement, nil
}

type comparison struct {
	original, again, packed *infer.Model
	random                  *rand.Rand
	agreement               *Agreement
}

func (c *comparison) ask(ctx context.Context, name string) error {
	feeds, err := c.feeds(c.original.Catalog().Signatures[name])
	if err != nil {
		return err
	}
	var answers [3][]infer.Result
	var failures [3]error
	for i, model := range []*infer.Model{c.original, c.again, c.packed} {
		signature := model.Catalog().Signatures[name]
		request := &infer.Request{Signature: signature, Fetches: signature.Outputs}
		for k, input := range signature.Inputs {
			request.Feeds = append(request.Feeds, infer.Feed{TensorInfo: input, Value: feeds[k]})
		}
		answers[i], failures[i] = model.Predict(ctx, request)
	}
	if (failures[0] == nil) != (failures[2] == nil) {
		return fmt.Errorf("%w: %w where the other one answers", ErrDisagree, errors.Join(failures[0], failures[2]))
	}
	if !answered(failures[:]) { // by the original: that says nothing about the packed one
		c.agreement.Refused++
		return nil
	}
	c.agreement.Runs++
	for i, result := range answers[0] {
		if difference(result.Value, answers[1][i].Value) > Tolerance {
			c.exclude(name, result.Name)
			continue
		}
		if err := c.judge(result, answers[2]); err != nil {
			return err
		}
	}
	return nil
}

func answered(failures []error) bool {
	return !slices.ContainsFunc(failures, func(err error) bool { return err != nil })
}

func (c *comparison) exclude(signature, output string) {
	line := fmt.Sprintf("output %q of signature %q: the original answers otherwise each time", output, signature)
	if !slices.Contains(c.agreement.Excluded, line) {
		c.agreement.Excluded = append(c.agreement.Excluded, line)
	}
}

func (c *comparison) judge(want infer.Result, answers []infer.Result) error {
	k := slices.IndexFunc(answers, func(r infer.Result) bool { return r.Name == want.Name })
	if k < 0 {
		return fmt.Errorf("%w: no output %q", ErrDisagree, want.Name)
	}
	got := answers[k].Value
	if got.DType != want.Value.DType || !slices.Equal(got.Shape, want.Value.Shape) {
		return fmt.Errorf("%w: output %q is %s %s instead of %s %s", ErrDisagree, want.Name,
			got.DType, infer.FormatShape(got.Shape), want.Value.DType, infer.FormatShape(want.Value.Shape))
	}
	d := difference(want.Value, got)
	if d > Tolerance || math.IsNaN(d) {
		return fmt.Errorf("%w: output %q differs by %.2g of its largest element, where %.0e is allowed", ErrDisagree, want.Name, d, Tolerance)
	}
	c.agreement.Outputs++
	if d == 0 {
		c.agreement.Equal++
	}
	c.agreement.Largest = max(c.agreement.Largest, d)
	return nil
}

// difference is the largest difference of two tensors of one type and shape, as a part
// of the largest element: 0 where they are equal bit by bit, infinite where they
// cannot be compared.
func difference(a, b *infer.Tensor) float64 {
	if a.DType != b.DType || !slices.Equal(a.Shape, b.Shape) {
		return math.Inf(1)
	}
	if a.DType == infer.String {
		for i := range a.Len() {
			if !bytes.Equal(a.Element(i), b.Element(i)) {
				return math.Inf(1)
			}
		}
		return 0
	}
	if bytes.Equal(a.Data, b.Data) {
		return 0
	}
	var at func([]byte) float64
	size := a.DType.Size()
	switch a.DType {
	case infer.Float:
		at = func(p []byte) float64 { return float64(math.Float32frombits(binary.LittleEndian.Uint32(p))) }
	case infer.Double:
		at = func(p []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(p)) }
	default:
		return math.Inf(1)
	}
	largest, most := 0.0, 0.0
	for i := 0; i < len(a.Data); i += size {
		x, y := at(a.Data[i:]), at(b.Data[i:])
		if x == y || math.IsNaN(x) && math.IsNaN(y) {
			continue
		}
		most = max(most, math.Abs(x-y))
	}
	for i := 0; i < len(a.Data); i += size {
		if x := math.Abs(at(a.Data[i:])); x > largest {
			largest = x
		}
	}
	if most == 0 {
		return 0
	}
	return most / max(largest, math.SmallestNonzeroFloat32)
}

// feeds are random values for the inputs of a signature.
func (c *comparison) feeds(s *infer.Signature) ([]*infer.Tensor, error) {
	values := make([]*infer.Tensor, len(s.Inputs))
	batch := int64(1 + c.random.IntN(3)) // one for all inputs
	for i, input := range s.Inputs {
		shape := make(infer.Shape, len(input.Shape))
		for k, d := range input.Shape {
			switch {
			case d >= 0:
				shape[k] = d
			case k == 0:
				shape[k] = batch
			default:
				shape[k] = 8
			}
		}
		value, err := c.value(input.DType, shape)
		if err != nil {
			return nil, fmt.Errorf("input %q: %w", input.Name, err)
		}
		values[i] = value
	}
	return values, nil
}

// maxInput bounds a random input.
const maxInput = 256 << 20

func (c *comparison) value(d infer.DType, shape infer.Shape) (*infer.Tensor, error) {
	size, err := infer.Bytes(d, shape, maxInput)
	if err != nil {
		return nil, err
	}
	if d == infer.String {
		n, err := infer.Elements(shape)
		if err != nil {
			return nil, err
		}
		offsets := make([]int, n+1)
		var data []byte
		for i := range n {
			data = append(data, words[c.random.IntN(len(words))]...)
			offsets[i+1] = len(data)
		}
		return infer.NewStringTensor(shape, data, offsets)
	}
	data := make([]byte, size)
	width := d.Size()
	for i := 0; i < len(data); i += width {
		c.element(d, data[i:i+width])
	}
	return infer.NewTensor(d, shape, data)
}

// words are texts to ask models of strings.
var words = []string{"", "a", "red", "green", "the quick brown fox", "0", "3.5", "2026-01-01", "größer"}

// element fills one number: floats between -1 and 1, integers from 0 to 9, which are
// likely to be indexes that exist.
func (c *comparison) element(d infer.DType, p []byte) {
	f := c.random.Float64()*2 - 1
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
		binary.LittleEndian.PutUint16(p, uint16(c.random.IntN(0x3c00))) // from 0 up to 1
	case infer.Bool:
		p[0] = byte(c.random.IntN(2))
	default:
		p[0] = byte(c.random.IntN(10))
	}
}
