package infer

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// maxWarmUp is how many bytes of zeros a warm-up feeds at the most: a signature
// that declares gigantic inputs is not worth that at a start.
const maxWarmUp = 64 << 20

// WarmUp runs a signature once on zeros, since TensorFlow prepares a graph
// lazily: the first run takes tens to hundreds of times longer than the second.
// Dimensions that the signature leaves open are 1.
//
// An error says why no run took place or what TensorFlow thought of the zeros.
// Neither means that the model is bad: a real request may have a shape that
// nobody can guess.
func WarmUp(ctx context.Context, m *Model, signature *Signature) error {
	req := &Request{Signature: signature, Fetches: signature.Outputs}
	left := int64(maxWarmUp)
	for _, input := range signature.Inputs {
		value, err := zeros(input, left)
		if err != nil {
			return fmt.Errorf("warm-up input %q: %w", input.Name, err)
		}
		left -= int64(len(value.Data))
		req.Feeds = append(req.Feeds, Feed{TensorInfo: input, Value: value})
	}
	_, err := m.Predict(ctx, req)
	return err
}

// WarmUpSignature is the signature to warm a model up by: the default one, or the
// only one where there is no default.
func WarmUpSignature(m *Model) (*Signature, error) {
	c := m.Catalog()
	if s, ok := c.Signatures[c.Default]; ok {
		return s, nil
	}
	if len(c.Signatures) == 1 {
		return slices.Collect(maps.Values(c.Signatures))[0], nil
	}
	return nil, Errorf(ErrFailedPrecondition, "no default signature to warm up")
}

// zeros is a tensor of zeros, or of empty strings.
func zeros(info TensorInfo, limit int64) (*Tensor, error) {
	shape := make([]int64, len(info.Shape))
	for i, d := range info.Shape {
		shape[i] = max(d, 1)
		if d == 0 {
			shape[i] = 0
		}
	}
	if info.Shape == nil {
		shape = []int64{1}
	}
	size, err := Bytes(info.DType, shape, limit)
	if err != nil {
		return nil, err
	}
	if info.DType == String {
		return NewStringTensor(shape, nil, make([]int, size/StringOverhead+1))
	}
	return NewTensor(info.DType, shape, make([]byte, size))
}
