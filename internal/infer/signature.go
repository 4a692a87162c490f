package infer

import (
	"context"
	"slices"
	"strings"
)

// TensorInfo is a tensor of a graph as a signature declares it.
type TensorInfo struct {
	Name   string // the alias: how requests and replies name it
	Tensor string // operation:index in the graph
	DType  DType
	Shape  Shape
}

// OneImage reports whether an image would be the whole value of an input of numbers, and
// not a row of it: of the shapes of three dimensions [H,W,C] and [C,H,W] have none for a
// batch. An open first dimension before a fixed one is that of a batch, and [1,H,W] means
// the same either way. Whether the input takes images at all, only Catalog.Image knows.
func (t TensorInfo) OneImage() bool {
	s := t.Shape
	if len(s) != 3 || t.DType == String {
		return false
	}
	if IsChannels(s[2]) {
		return s[0] >= 0 || s[1] < 0
	}
	return s[0] > 1 && IsChannels(s[0])
}

// IsChannels reports whether images have so many channels: grey, RGB, RGBA.
func IsChannels(size int64) bool { return size == 1 || size == 3 || size == 4 }

// Signature is one way to call a model: named inputs and outputs, as in
// TensorFlow's SignatureDef. Inputs and Outputs are sorted by Name. A Signature
// is not changed once it is in a Catalog.
type Signature struct {
	Name    string
	Method  string // "tensorflow/serving/predict"; may be empty
	Inputs  []TensorInfo
	Outputs []TensorInfo
	// Defaults holds the values that the model gives for inputs that a request
	// leaves out, by the input's alias, each as a serialized
	// tensorflow.TensorProto; nil where there are none. Metadata shows them. The
	// REST protocols want every input all the same, as TensorFlow Serving does.
	Defaults map[string][]byte
}

// Input finds an input by its alias.
func (s *Signature) Input(name string) (TensorInfo, bool) { return byName(s.Inputs, name) }

// Output finds an output by its alias.
func (s *Signature) Output(name string) (TensorInfo, bool) { return byName(s.Outputs, name) }

func byName(infos []TensorInfo, name string) (TensorInfo, bool) {
	i, ok := slices.BinarySearchFunc(infos, name, func(t TensorInfo, n string) int { return strings.Compare(t.Name, n) })
	if !ok {
		return TensorInfo{}, false
	}
	return infos[i], true
}

// SortTensors sorts infos by Name, as Signature wants them.
func SortTensors(infos []TensorInfo) {
	slices.SortFunc(infos, func(a, b TensorInfo) int { return strings.Compare(a.Name, b.Name) })
}

// InitOpSignature is the key under which TensorFlow 2 stores the initialiser
// among the signatures. It cannot be called: readers leave it out.
const InitOpSignature = "__saved_model_init_op"

// Catalog is what a request is decoded against: the callable signatures and the
// rules for naming tensors. It is plain data, safe for concurrent use once made.
type Catalog struct {
	Signatures map[string]*Signature
	// Default is the signature of a request that names none.
	Default string
	// ByTensor lets requests name the tensors of a signature by operation
	// ("input_1") or tensor ("input_1:0") besides the alias. It is on for
	// frozen graphs, whose aliases nobody chose.
	ByTensor bool
	// Tensor finds any tensor of the graph by operation[:index]. It is nil
	// unless MODEL_ANY_TENSOR allows that.
	Tensor func(name string) (TensorInfo, bool)
	// Placeholders are the shapes that Placeholder operations carry themselves, by
	// operation: a value must fit them, while a signature only declares.
	Placeholders map[string]Shape
	// Image turns an encoded image into a value of an input: one row of it, with a first
	// dimension of 1, or all of it where the input takes OneImage. Its errors are *Error,
	// ErrFailedPrecondition for an input that takes no images, or that of ctx. It is nil
	// where nothing can decode images, and safe for concurrent use.
	Image func(ctx context.Context, input TensorInfo, image []byte) (*Tensor, error)
}

// Placeholder is the shape that a value of an input must fit; ok is false where any may
// be fed, for TensorFlow to decide.
func (c *Catalog) Placeholder(input TensorInfo) (shape Shape, ok bool) {
	operation, _, _ := strings.Cut(input.Tensor, ":")
	shape, ok = c.Placeholders[operation]
	return shape, ok
}

// Signature finds a signature; the empty name means the default. The error is
// ErrInvalidArgument with TensorFlow Serving's text.
func (c *Catalog) Signature(name string) (*Signature, error) {
	if name == "" {
		name = c.Default
	}
	if s, ok := c.Signatures[name]; ok {
		return s, nil
	}
	return nil, Errorf(ErrInvalidArgument, "Serving signature name: %q not found in signature def", name)
}

// Input finds the tensor that a request's input name means. Its Name is the
// alias where the tensor is one of the signature's inputs, so that two names
// for one tensor are seen as the same; else the name as given.
func (c *Catalog) Input(s *Signature, name string) (TensorInfo, bool) {
	return c.resolve(s.Inputs, name)
}

// Output finds the tensor that an output filter's name means, under the same
// rules as Input; but its Name is always the name as given, since the reply is
// keyed by what the client asked for.
func (c *Catalog) Output(s *Signature, name string) (TensorInfo, bool) {
	t, ok := c.resolve(s.Outputs, name)
	t.Name = name
	return t, ok
}

func (c *Catalog) resolve(infos []TensorInfo, name string) (TensorInfo, bool) {
	if t, ok := byName(infos, name); ok {
		return t, true
	}
	if c.ByTensor {
		tensor := TensorName(name)
		for _, t := range infos {
			if t.Tensor == tensor {
				return t, true
			}
		}
	}
	if c.Tensor != nil {
		if t, ok := c.Tensor(name); ok {
			t.Name = name
			return t, true
		}
	}
	return TensorInfo{}, false
}

// TensorName completes the name of an operation to that of its first output:
// "dense" becomes "dense:0"; a name with an index stays.
func TensorName(name string) string {
	if strings.Contains(name, ":") {
		return name
	}
	return name + ":0"
}
