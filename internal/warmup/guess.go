package warmup

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// guess runs each signature once on zeros, the default one first. TensorFlow can end
// the process over a value that an operation does not expect, and then the process
// that comes after finds the marker and does not guess.
func (r *Report) guess(ctx context.Context, o Options) error {
	requests := r.guesses(o)
	if len(requests) == 0 {
		return nil
	}
	m, err := openMarker(o.MarkerDir, o.Model.Identity)
	if err != nil {
		r.note("a guess that ends the process cannot be marked, so nothing was warmed up: %v", err)
		return nil
	}
	defer m.close()
	if left := m.left(); left != "" {
		r.note("not warmed up, the first request will be slower: the process ended while signature %s was run on zeros; remove %s to try again", left, m.path())
		return nil
	}
	for _, request := range requests {
		if err := m.write(request.Signature.Name); err != nil {
			r.note("a guess that ends the process cannot be marked, so the warm-up ended: %v", err)
			break
		}
		_, err := o.Model.Predict(ctx, request)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.Guessed++
		if err != nil {
			r.note("signature %q was run on zeros to warm it up, which it refuses; its first request may be slower: %s", request.Signature.Name, firstLine(err))
		}
	}
	return nil
}

// guesses are the requests that are worth trying.
func (r *Report) guesses(o Options) []*infer.Request {
	var requests []*infer.Request
	for _, signature := range inOrder(o.Model.Catalog()) {
		if slices.ContainsFunc(requests, func(r *infer.Request) bool { return sameRun(r.Signature, signature) }) {
			continue // TensorFlow prepares a run once, by its tensors
		}
		var request *infer.Request
		err := o.HasEffects(signature.Name)
		if err == nil {
			request, err = zeros(signature, o.Limits.MaxTensor)
		}
		if err != nil {
			r.note("signature %q is not warmed up, its first request will be slower: %v", signature.Name, err)
			continue
		}
		requests = append(requests, request)
	}
	return requests
}

// sameRun reports whether runs of two signatures on zeros are the same.
func sameRun(a, b *infer.Signature) bool {
	same := func(x, y infer.TensorInfo) bool { return x.Tensor == y.Tensor && slices.Equal(x.Shape, y.Shape) }
	return slices.EqualFunc(a.Inputs, b.Inputs, same) && slices.EqualFunc(a.Outputs, b.Outputs, same)
}

// inOrder is the signatures by name, behind the default one.
func inOrder(c *infer.Catalog) []*infer.Signature {
	var signatures []*infer.Signature
	if s, ok := c.Signatures[c.Default]; ok {
		signatures = append(signatures, s)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Signatures)) {
		if name != c.Default {
			signatures = append(signatures, c.Signatures[name])
		}
	}
	return signatures
}

// firstLine leaves out where in the graph an error came up.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
