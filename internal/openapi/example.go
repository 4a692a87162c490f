package openapi

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/npy"
)

// maxExample is how many elements an example may have: a longer one shows nothing.
const maxExample = 1 << 10

// text is the example of a string.
const text = "text"

// sample is a tensor of zeros, of false, or of words, as an example. Its sizes are those
// that are declared, and 1 where they are open.
type sample struct {
	infer.TensorInfo
	shape []int64
}

func sampleOf(t infer.TensorInfo) sample {
	s := sample{t, []int64{1}}
	if t.Shape != nil {
		s.shape = slices.Clone([]int64(t.Shape))
	}
	for i, size := range s.shape {
		if size < 0 {
			s.shape[i] = 1
		}
	}
	return s
}

// shown reports whether the sample is worth showing.
func (s *sample) shown() bool {
	n, err := infer.Elements(s.shape)
	return err == nil && n > 0 && n <= maxExample
}

// Value is an example of a tensor as JSON: zeros, false or a word, in the declared shape,
// with 1 where a size is open. ok is false where it would be empty or too long.
func Value(t infer.TensorInfo) (value string, ok bool) {
	s := sampleOf(t)
	if !s.shown() {
		return "", false
	}
	return string(s.json()), true
}

// samples are examples of the signature's inputs. ok is false where there are none worth
// showing: they would be empty or too long, or be no serialized tf.train.Examples.
func (s *signature) samples() (all []sample, ok bool) {
	if s.takesExamples() && s.Inputs[0].DType == infer.String {
		return nil, false
	}
	total := 0
	for _, t := range s.Inputs {
		sample := sampleOf(t)
		if s.rows && s.batch > 0 {
			sample.shape[0] = s.batch
		}
		if !sample.shown() {
			return nil, false
		}
		total += sample.size()
		all = append(all, sample)
	}
	return all, total <= maxExample
}

// element is an element as JSON.
func (s *sample) element() string {
	switch s.DType {
	case infer.Float, infer.Double, infer.Half, infer.Bfloat16:
		return "0.0"
	case infer.String:
		return `"` + text + `"`
	case infer.Bool:
		return "false"
	default:
		return "0"
	}
}

func (s *sample) size() int {
	n, _ := infer.Elements(s.shape) // shown has seen that they can be counted
	return int(n)
}

// json is the tensor as nested lists.
func (s *sample) json() json.RawMessage { return s.lists(s.shape) }

// row is one row of it. Row form does not exist for a scalar.
func (s *sample) row() json.RawMessage { return s.lists(s.shape[1:]) }

func (s *sample) lists(shape []int64) json.RawMessage {
	value := s.element()
	for _, size := range slices.Backward(shape) {
		value = "[" + strings.TrimSuffix(strings.Repeat(value+",", int(size)), ",") + "]"
	}
	return json.RawMessage(value)
}

// flat is the tensor as one list.
func (s *sample) flat() json.RawMessage { return s.lists([]int64{int64(s.size())}) }

// bytes are the elements one behind the other.
func (s *sample) bytes() []byte {
	if s.DType == infer.String {
		return bytes.Repeat([]byte(text), s.size())
	}
	return make([]byte, s.size()*s.DType.Size())
}

// npy is the tensor as a .npy file. NumPy has no bfloat16; the server takes float32.
func (s *sample) npy() []byte {
	number := s.TensorInfo
	if number.DType == infer.Bfloat16 {
		number.DType = infer.Float
	}
	h := npy.Header{Shape: s.shape}
	var ok bool
	if h.DType, ok = npy.TypeOf(number.DType); !ok {
		h.DType = npy.DType{Kind: npy.Bytes, Size: len(text)}
	}
	return append(npy.AppendHeader(nil, h), (&sample{number, s.shape}).bytes()...)
}

// rowObject is a row of all inputs, as JSON.
func rowObject(samples []sample) map[string]json.RawMessage {
	row := map[string]json.RawMessage{}
	for _, s := range samples {
		row[s.Name] = s.row()
	}
	return row
}

// rowsOf are all rows of the samples as JSON: objects where there are several inputs.
func rowsOf(samples []sample) []any {
	row := any(samples[0].row())
	if len(samples) > 1 {
		row = rowObject(samples)
	}
	return slices.Repeat([]any{row}, int(samples[0].shape[0]))
}

// csvOf is the rows of the samples as CSV, with a header.
func csvOf(samples []sample) string {
	var header, row []string
	for _, s := range samples {
		element := strings.Trim(s.element(), `"`)
		if len(s.shape) == 1 {
			header, row = append(header, s.Name), append(row, element)
			continue
		}
		for i := range s.size() / int(s.shape[0]) {
			header, row = append(header, s.Name+"_"+strconv.Itoa(i)), append(row, element)
		}
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write(header) // a builder takes everything
	for range samples[0].shape[0] {
		_ = w.Write(row)
	}
	w.Flush()
	return b.String()
}

// linesOf is the rows of the samples as JSON lines.
func linesOf(samples []sample) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	for _, row := range rowsOf(samples) {
		_ = encoder.Encode(row) // which is JSON already, and a builder takes everything
	}
	return b.String()
}

// binaryBody is an example that JSON cannot hold.
func binaryBody(body []byte) example {
	return example{Summary: "bytes, here in base64", Base64: body}
}
