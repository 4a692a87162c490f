package codec

import "github.com/tensorlambda/tensorlambda/internal/infer"

// The methods of TensorFlow Serving that take examples, as paths name them.
const (
	Classify = "classify"
	Regress  = "regress"
)

// The methods that signatures have for them.
const (
	classifyMethod = "tensorflow/serving/classify"
	regressMethod  = "tensorflow/serving/regress"
)

// The names that TensorFlow Serving's methods want in a signature
// (tensorflow/cc/saved_model/signature_constants.h).
const (
	examplesInput = "inputs"
	classesOutput = "classes"
	scoresOutput  = "scores"
	regressOutput = "outputs"
)

// Examples is a decoded request of TensorFlow Serving's :classify or :regress.
type Examples struct {
	*infer.Request
	Method string // Classify or Regress
	N      int    // how many examples there are
}

// DecodeExamples reads the body of a request to TensorFlow Serving's REST
// :classify or :regress: "examples", each an object of features, and "context",
// features that all of them have. The request feeds one vector of strings, a
// serialized tf.train.Example each, so its length is the number of examples; that
// is its type also where the signature declares another, as in TensorFlow Serving.
// The signature's method name is not looked at, unless method is empty: then it
// tells which of the two is meant, and where it says neither the outputs do.
//
// The tensor is a copy: the body may be reused afterwards. The errors are
// *infer.Error for the client: ErrInvalidArgument, and ErrTooLarge for examples
// over the limit. It is safe for concurrent use.
func DecodeExamples(body []byte, c *infer.Catalog, method string, l Limits) (*Examples, error) {
	l = l.withDefaults()
	d := &examplesDocument{body: body}
	if err := readRoot(body, l, &d.root, d.part); err != nil {
		return nil, err
	}
	value, err := d.read(l)
	if err != nil {
		return nil, err
	}
	sig, err := examplesSignature(c, string(d.signatureName))
	if err != nil {
		return nil, err
	}
	if method == "" {
		method = methodOf(sig)
	}
	input, fetches, err := examplesContract(sig, method)
	if err != nil {
		return nil, err
	}
	req := &infer.Request{Signature: sig, Feeds: []infer.Feed{{TensorInfo: input, Value: value}}, Fetches: fetches}
	return &Examples{req, method, value.Len()}, nil
}

// methodOf is the method that a signature is made for.
func methodOf(sig *infer.Signature) string {
	switch sig.Method {
	case classifyMethod:
		return Classify
	case regressMethod:
		return Regress
	}
	if _, ok := sig.Output(regressOutput); ok {
		return Regress
	}
	return Classify
}

// examplesDocument is the body of a request whose syntax has been checked, and
// where its parts are.
type examplesDocument struct {
	body          []byte
	root          span
	signatureName []byte
	context       *span
	examples      *span
}

// part takes note of a member of the outermost object.
func (d *examplesDocument) part(sc *scanner, key []byte, i int) (end int, err error) {
	switch string(key) {
	case "signature_name":
		d.signatureName, end, err = signatureName(sc, d.root, i)
		return end, err
	case "context":
		end, err = sc.value(i, 1)
		d.context = &span{i, end}
	case "examples":
		end, err = sc.value(i, 1)
		d.examples = &span{i, end}
	default:
		end, err = sc.value(i, 1)
	}
	return end, err
}

// read serializes the examples. The context comes first, as in TensorFlow Serving.
func (d *examplesDocument) read(l Limits) (*infer.Tensor, error) {
	r := exampleReader{budget: budget{left: l.MaxTensorBytes, limit: l.MaxTensorBytes}}
	if d.context != nil {
		if err := r.readContext(&cursor{d.body, d.context.start}); err != nil {
			return nil, err
		}
	}
	text := func() string { return shown(d.root.of(d.body)) }
	if d.examples == nil {
		return nil, invalid("JSON Value: %s When method is classify, key 'examples' is expected and was not found", text())
	}
	list := &cursor{d.body, d.examples.start}
	if list.peek() != '[' {
		return nil, invalid("JSON Value: %s Expecting 'examples' value to be an list/array", text())
	}
	n := listSize(d.body, list.i)
	if n == 0 {
		return nil, invalid("JSON Value: %s 'examples' value is an empty array", text())
	}
	if err := r.reserve(n, d.examples.end-d.examples.start); err != nil {
		return nil, err
	}
	if err := r.readAll(list); err != nil {
		return nil, err
	}
	return infer.NewStringTensor([]int64{n}, r.data, r.offsets)
}

// examplesSignature finds a signature as Catalog.Signature does, but says what
// TensorFlow Serving says of one that is not there: it has another text for these
// methods.
func examplesSignature(c *infer.Catalog, name string) (*infer.Signature, error) {
	if name == "" {
		name = c.Default
	}
	if sig, ok := c.Signatures[name]; ok {
		return sig, nil
	}
	return nil, invalid("No signature was found with the name: %s", shown([]byte(name)))
}

// examplesContract is the input that takes the examples and the outputs that make
// the answer. It refuses a signature that TensorFlow Serving's classifier.cc or
// regressor.cc refuses; where these print the whole signature, it gives the name.
func examplesContract(sig *infer.Signature, method string) (infer.TensorInfo, []infer.TensorInfo, error) {
	if len(sig.Inputs) != 1 {
		return infer.TensorInfo{}, nil, invalid("Expected one input Tensor.")
	}
	input, ok := sig.Input(examplesInput)
	fetchesOf := regressFetches
	if method == Classify {
		fetchesOf = classifyFetches
	}
	fetches, err := fetchesOf(sig, ok)
	return input, fetches, err
}

func classifyFetches(sig *infer.Signature, hasInput bool) ([]infer.TensorInfo, error) {
	if n := len(sig.Outputs); n != 1 && n != 2 {
		return nil, invalid("Expected one or two output Tensors, found %d", n)
	}
	if !hasInput {
		return nil, invalid("No classification inputs found in SignatureDef: %s", sig.Name)
	}
	var fetches []infer.TensorInfo
	for _, name := range []string{classesOutput, scoresOutput} {
		if info, ok := sig.Output(name); ok {
			fetches = append(fetches, info)
		}
	}
	if len(fetches) == 0 {
		return nil, invalid(`Expected classification signature outputs to contain at least one of "classes" or "scores". Signature was: %s`, sig.Name)
	}
	return fetches, nil
}

func regressFetches(sig *infer.Signature, hasInput bool) ([]infer.TensorInfo, error) {
	if len(sig.Outputs) != 1 {
		return nil, invalid("Expected one output Tensor.")
	}
	if !hasInput {
		return nil, invalid("No regression inputs found in SignatureDef: %s", sig.Name)
	}
	output, ok := sig.Output(regressOutput)
	if !ok {
		return nil, invalid("No regression outputs found in SignatureDef: %s", sig.Name)
	}
	return []infer.TensorInfo{output}, nil
}
