package pack

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// ErrDisagree means that the packed model answers otherwise than the original.
var ErrDisagree = errors.New("the packed model answers otherwise")

// Tolerance of floating-point outputs: constants let TensorFlow choose other kernels,
// which add in another order. It is relative to the largest element of the output.
const Tolerance = 1e-5

// tolerance is Tolerance, or two units in the last place of types that have fewer.
func tolerance(d infer.DType) float64 {
	switch d {
	case infer.Half:
		return 2.0 / (1 << 10)
	case infer.Bfloat16:
		return 2.0 / (1 << 7)
	default:
		return Tolerance
	}
}

// Agreement is what comparing two models found.
type Agreement struct {
	Runs     int // that both models answered
	Given    int // of them requests of the model's own
	Outputs  int // tensors compared
	Equal    int // of them equal in every bit
	Largest  float64
	Refused  int      // runs that both models refused
	Excluded []string // outputs that cannot be compared, with the reason
	// Unproven are signatures of which nothing was compared, with the reason.
	Unproven []string
}

// Models are what Compare asks.
type Models struct {
	// Original, twice: models that draw random numbers do not agree with themselves.
	Original, Again *infer.Model
	Packed          *infer.Model
}

func (m Models) all() []*infer.Model { return []*infer.Model{m.Original, m.Again, m.Packed} }

// Questions are what Compare asks besides whatever it thinks of.
type Questions struct {
	// Given are requests for the packed model; tensors have the same names in both. It
	// may be nil.
	Given iter.Seq2[*infer.Request, error]
	// Examples are those of Packed.
	Examples map[string][]Feature
	// Progress, if not nil, is told after each request how many were asked of how many
	// that are known of. It is not called concurrently.
	Progress func(asked, known int)
}

// Compare asks both models the same questions, given ones and signature by signature
// random ones, and compares the answers. Where the original does not agree with itself,
// as with random numbers, nothing is compared. The error wraps ErrDisagree, or is that of
// the given requests.
func Compare(ctx context.Context, models Models, q Questions) (*Agreement, error) {
	c := &comparison{
		models: models, random: random{rand.New(rand.NewPCG(1, 2)), q.Examples},
		agreement: new(Agreement), compared: make(map[string]int), refusals: make(map[string]error),
	}
	signatures := models.Packed.Catalog().Signatures
	number, known := 0, len(signatures)*len(rounds)
	progress := func(asked int) {
		if q.Progress != nil {
			q.Progress(asked, known)
		}
	}
	given := q.Given
	if given == nil {
		given = func(func(*infer.Request, error) bool) {}
	}
	for request, err := range given {
		if number++; err == nil {
			err = c.put(ctx, request.Signature, []*infer.Request{request, request, request})
		}
		if err != nil {
			return nil, fmt.Errorf("the model's own request %d: %w", number, err)
		}
		known++
		progress(number)
	}
	c.agreement.Given = c.agreement.Runs
	for _, name := range slices.Sorted(maps.Keys(signatures)) {
		for _, r := range rounds {
			if err := c.ask(ctx, name, r); err != nil {
				return nil, fmt.Errorf("signature %q: %w", name, err)
			}
			number++
			progress(number)
		}
		if c.compared[name] == 0 {
			c.unproven(name)
		}
	}
	return c.agreement, nil
}

type comparison struct {
	models    Models
	random    random
	agreement *Agreement
	compared  map[string]int   // outputs of a signature
	refusals  map[string]error // why the original refused the last request of a signature that it did
}

func (c *comparison) unproven(signature string) {
	why := "the original answers otherwise each time"
	if refusal := c.refusals[signature]; refusal != nil {
		why, _, _ = strings.Cut(fmt.Sprintf("the original refuses every request that was tried (%v", refusal), "\n")
		why += ")"
	}
	c.agreement.Unproven = append(c.agreement.Unproven, fmt.Sprintf("nothing of signature %q was compared: %s", signature, why))
}

// ask puts a random request to all models.
func (c *comparison) ask(ctx context.Context, name string, r round) error {
	feeds, err := c.random.feeds(c.models.Original.Catalog().Signatures[name], r)
	if err != nil { // no model is asked what is too large to be made
		c.refuse(name, err)
		return nil
	}
	var requests []*infer.Request
	for _, model := range c.models.all() {
		signature := model.Catalog().Signatures[name]
		request := &infer.Request{Signature: signature, Fetches: signature.Outputs}
		for k, input := range signature.Inputs {
			request.Feeds = append(request.Feeds, infer.Feed{TensorInfo: input, Value: feeds[k]})
		}
		requests = append(requests, request)
	}
	return c.put(ctx, requests[0].Signature, requests)
}

// put puts each model its request and compares the answers.
func (c *comparison) put(ctx context.Context, signature *infer.Signature, requests []*infer.Request) error {
	var answers [3][]infer.Result
	var failures [3]error
	for i, model := range c.models.all() {
		answers[i], failures[i] = model.Predict(ctx, requests[i])
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if (failures[0] == nil) != (failures[2] == nil) {
		return fmt.Errorf("%w: %w where the other one answers", ErrDisagree, errors.Join(failures[0], failures[2]))
	}
	name := ""
	if signature != nil {
		name = signature.Name
	}
	if !answered(failures[:]) { // by the original: that says nothing about the packed one
		c.refuse(name, errors.Join(failures[:2]...))
		return nil
	}
	c.agreement.Runs++
	for i, result := range answers[0] {
		if difference(result.Value, answers[1][i].Value) > tolerance(result.Value.DType) {
			c.exclude(name, result.Name)
			continue
		}
		if err := c.judge(result, answers[2]); err != nil {
			return err
		}
		c.compared[name]++
	}
	return nil
}

func (c *comparison) refuse(signature string, why error) {
	c.refusals[signature] = why
	c.agreement.Refused++
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
	if allowed := tolerance(got.DType); d > allowed {
		return fmt.Errorf("%w: output %q differs by %.2g of its largest element, where %.0e is allowed", ErrDisagree, want.Name, d, allowed)
	}
	c.agreement.Outputs++
	if d == 0 {
		c.agreement.Equal++
	}
	c.agreement.Largest = max(c.agreement.Largest, d)
	return nil
}

// difference is the largest difference of two tensors of one type and shape, as a part
// of the largest finite element: 0 where they are equal bit by bit, infinite where they
// cannot be compared.
func difference(a, b *infer.Tensor) float64 {
	defer a.KeepAlive()
	defer b.KeepAlive()
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
	at, size := number(a.DType), a.DType.Size()
	if at == nil {
		return math.Inf(1)
	}
	largest, most := 0.0, 0.0
	for i := 0; i < len(a.Data); i += size {
		x, y := at(a.Data[i:]), at(b.Data[i:])
		if x == y || math.IsNaN(x) && math.IsNaN(y) {
			continue
		}
		if math.IsNaN(x) || math.IsNaN(y) {
			return math.Inf(1)
		}
		most = max(most, math.Abs(x-y))
	}
	for i := 0; i < len(a.Data); i += size {
		if x := math.Abs(at(a.Data[i:])); x > largest && !math.IsInf(x, 1) {
			largest = x
		}
	}
	if most == 0 {
		return 0
	}
	return most / max(largest, math.SmallestNonzeroFloat32)
}

// number reads an element of a floating-point type; nil for other types.
func number(d infer.DType) func([]byte) float64 {
	switch d {
	case infer.Float:
		return func(p []byte) float64 { return float64(math.Float32frombits(binary.LittleEndian.Uint32(p))) }
	case infer.Double:
		return func(p []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(p)) }
	case infer.Bfloat16:
		return func(p []byte) float64 {
			return float64(math.Float32frombits(uint32(binary.LittleEndian.Uint16(p)) << 16))
		}
	case infer.Half:
		return func(p []byte) float64 { return half(binary.LittleEndian.Uint16(p)) }
	default:
		return nil
	}
}

// half is the number of IEEE 754's binary16.
func half(bits uint16) float64 {
	sign, exponent, fraction := 1.0, int(bits>>10&0x1f), float64(bits&0x3ff)
	if bits>>15 == 1 {
		sign = -1
	}
	switch {
	case exponent == 0x1f && fraction != 0:
		return math.NaN()
	case exponent == 0x1f:
		return sign * math.Inf(1)
	case exponent == 0:
		return sign * math.Ldexp(fraction, -24)
	default:
		return sign * math.Ldexp(1024+fraction, exponent-25)
	}
}
