package openapi

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// signature is a signature that can be asked by a body, and what of it the document
// needs more than once.
type signature struct {
	*infer.Signature
	key       string // as names of components may have it, unlike any other's
	isDefault bool
	// batch is the first dimension that all rows have together, -1 where a request
	// decides. rows says that there can be rows: that the inputs can have a first
	// dimension in common, and the outputs, too.
	batch int64
	rows  bool
}

// signatures are those of a catalog that can be asked, the default first and the rest by
// name, and the names of those that cannot.
func signatures(c *infer.Catalog) (able []signature, unable []string) {
	keys := map[string]bool{}
	for _, name := range slices.SortedFunc(maps.Keys(c.Signatures), func(a, b string) int {
		if (a == c.Default) != (b == c.Default) {
			return map[bool]int{true: -1, false: 1}[a == c.Default]
		}
		return strings.Compare(a, b)
	}) {
		sig := c.Signatures[name]
		if len(sig.Outputs) == 0 || !hasForm(sig.Inputs) || !hasForm(sig.Outputs) || !distinct(sig.Inputs) {
			unable = append(unable, name)
			continue
		}
		s := signature{Signature: sig, key: unique(keys, plain(name)), isDefault: name == c.Default}
		in, inputs := firstDimension(sig.Inputs)
		_, outputs := firstDimension(sig.Outputs)
		s.batch, s.rows = in, inputs && outputs && len(sig.Inputs) > 0
		able = append(able, s)
	}
	return able, unable
}

// hasForm reports whether bodies have a form for all of the tensors.
func hasForm(infos []infer.TensorInfo) bool {
	return !slices.ContainsFunc(infos, func(t infer.TensorInfo) bool { return datatypes[t.DType] == "" })
}

// distinct reports whether no two inputs are the same tensor, which could not be fed twice.
func distinct(inputs []infer.TensorInfo) bool {
	seen := map[string]bool{}
	for _, t := range inputs {
		if seen[t.Tensor] {
			return false
		}
		seen[t.Tensor] = true
	}
	return true
}

// firstDimension is the one that tensors have in common, -1 where it is open. ok is
// false where they cannot have one.
func firstDimension(infos []infer.TensorInfo) (size int64, ok bool) {
	size = -1
	for _, t := range infos {
		switch {
		case t.Shape == nil || len(t.Shape) > 0 && t.Shape[0] < 0:
		case len(t.Shape) == 0 || size >= 0 && t.Shape[0] != size:
			return 0, false
		default:
			size = t.Shape[0]
		}
	}
	return size, true
}

// plain is a name with an underscore for what names of components may not have.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r) {
			return r
		}
		return '_'
	}, name)
}

// unique is name, or name with a number behind it if it is taken.
func unique(taken map[string]bool, name string) string {
	free := name
	for n := 2; taken[free]; n++ {
		free = name + "_" + strconv.Itoa(n)
	}
	taken[free] = true
	return free
}

// The methods of TensorFlow Serving that take examples.
const (
	classifyMethod = "tensorflow/serving/classify"
	regressMethod  = "tensorflow/serving/regress"
)

// takesExamples reports whether the signature is made for :classify or :regress, and its
// input for serialized tf.train.Examples.
func (s *signature) takesExamples() bool {
	return (s.Method == classifyMethod || s.Method == regressMethod) &&
		len(s.Inputs) == 1 && s.Inputs[0].Name == "inputs"
}

// chosen is the schema of the signature's name in a request: it may be left out for the
// default.
func (s *signature) chosen() (name *schema, required []string) {
	name = &schema{Type: "string", Enum: []string{s.Name}}
	if s.isDefault {
		return name, nil
	}
	return name, []string{"signature_name"}
}

func names(infos []infer.TensorInfo) []string {
	list := make([]string, len(infos))
	for i, t := range infos {
		list[i] = t.Name
	}
	return list
}
