package codec

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/jsontext"
	"github.com/tensorlambda/tensorlambda/internal/npy"
)

// AppendPredict appends the reply of TensorFlow Serving's REST :predict to dst
// and returns it: {"predictions": …} for the row form, else {"outputs": …}. With
// one result it stands there itself, with several they are objects keyed by
// name. Results are in the order given.
//
// The text is TensorFlow Serving's but for white space, of which there is none:
// a reply of Lambda has a size limit. Elements of strings that are not valid
// UTF-8 are {"b64": …} under any name, not only where it ends in "_bytes".
//
// The errors are *infer.Error with ErrInvalidArgument: results that have no
// common batch size in row form, and types that have no JSON form; and ErrTooLarge
// for those of checkLists. dst is then to be thrown away.
func AppendPredict(dst []byte, results []infer.Result, row bool) ([]byte, error) {
	if len(results) == 0 {
		return dst, invalid("Cannot convert empty tensor map to JSON")
	}
	batch := 0
	if row {
		var err error
		if batch, err = batchSize(results); err != nil {
			return dst, err
		}
	}
	size := 64
	for _, r := range results {
		if !supported(r.Value.DType) {
			return dst, invalid("Failed to write JSON value for tensor type: %s", r.Value.DType)
		}
		if err := checkLists(r); err != nil {
			return dst, err
		}
		size += textSize(r.Value)
	}
	dst = slices.Grow(dst, size)
	if row {
		dst = appendRows(dst, results, batch)
	} else {
		dst = append(dst, `{"outputs":`...)
		dst = appendNamed(dst, results, func(dst []byte, r *infer.Result) []byte {
			return appendTensor(dst, r, r.Value.Shape, 0, r.Value.Len())
		})
	}
	return append(dst, '}'), nil
}

// batchSize is the size of the first dimension, which all results must share.
func batchSize(results []infer.Result) (int, error) {
	batch := int64(-1)
	for _, r := range results {
		if len(r.Value.Shape) == 0 {
			return 0, invalid("Tensor name: %s has no shape information ", r.Name)
		}
		size := r.Value.Shape[0]
		if batch >= 0 && size != batch {
			return 0, invalid("Tensor name: %s has inconsistent batch size: %d expecting: %d", r.Name, size, batch)
		}
		batch = size
	}
	return int(batch), nil
}

// textSize is about how long the text of t will be.
func textSize(t *infer.Tensor) int {
	switch t.DType {
	case infer.String:
		return len(t.Data) + 4*t.Len()
	case infer.Double:
		return 20 * t.Len()
	default:
		return 12 * t.Len()
	}
}

// A result may have this many lists, and some more for each element.
const (
	spareLists   = 1 << 20
	elementLists = 4
)

// checkLists refuses a result that would be next to nothing but brackets: a few
// bytes of a request can name a shape of millions of rows with nothing in them, and
// an element can stand in 254 lists.
func checkLists(r infer.Result) error {
	lists, level := 0.0, 1.0 // which no shape makes overflow
	for _, d := range r.Value.Shape {
		lists += level
		level *= float64(d)
	}
	if lists > spareLists+elementLists*float64(r.Value.Len()) {
		return infer.Errorf(infer.ErrTooLarge, "output %q of shape %s has too many lists for its %d elements: accept %s",
			r.Name, infer.FormatShape(r.Value.Shape), r.Value.Len(), npy.ContentType)
	}
	return nil
}

func appendRows(dst []byte, results []infer.Result, batch int) []byte {
	dst = append(dst, `{"predictions":[`...)
	for row := range batch {
		if row > 0 {
			dst = append(dst, ',')
		}
		dst = appendRow(dst, results, row, batch)
	}
	return append(dst, ']')
}

// AppendRow appends row number row of results as AppendPredict's "predictions" hold
// it: the element of the only result, or an object keyed by name. CheckRows must have
// passed. It is for writing rows one by one, and allocates nothing but room in dst.
func AppendRow(dst []byte, results []infer.Result, row int) []byte {
	return appendRow(dst, results, row, int(results[0].Value.Shape[0]))
}

// CheckRows checks that AppendRow and AppendCSVRow can write results, and returns
// how many rows there are. The errors are *infer.Error: AppendPredict's in row form.
func CheckRows(results []infer.Result) (int, error) {
	batch, _, err := checkRows(results)
	if err != nil {
		return 0, err
	}
	for _, r := range results {
		if err := checkLists(r); err != nil {
			return 0, err
		}
	}
	return batch, nil
}

// Writable reports whether a tensor of type d can be written as text.
func Writable(d infer.DType) bool { return supported(d) }

// appendRow appends one of batch rows.
func appendRow(dst []byte, results []infer.Result, row, batch int) []byte {
	return appendNamed(dst, results, func(dst []byte, r *infer.Result) []byte {
		n := r.Value.Len() / batch
		return appendTensor(dst, r, r.Value.Shape[1:], row*n, n)
	})
}

// appendNamed appends what value makes of the only result, or an object of what
// it makes of each.
func appendNamed(dst []byte, results []infer.Result, value func([]byte, *infer.Result) []byte) []byte {
	if len(results) == 1 {
		return value(dst, &results[0])
	}
	for i := range results {
		dst = append(dst, "{,"[min(i, 1)])
		dst = jsontext.AppendQuoted(dst, []byte(results[i].Name))
		dst = append(dst, ':')
		dst = value(dst, &results[i])
	}
	return append(dst, '}')
}

// appendTensor appends n elements of r from start on as nested lists of the given
// shape. It recurses once for each dimension.
func appendTensor(dst []byte, r *infer.Result, shape []int64, start, n int) []byte {
	if len(shape) == 0 {
		dst = appendElements(dst, r, start, 1)
		r.Value.KeepAlive()
		return dst
	}
	size := int(shape[0])
	dst = append(dst, '[')
	if len(shape) == 1 {
		dst = appendElements(dst, r, start, size)
		r.Value.KeepAlive()
		return append(dst, ']')
	}
	if len(shape) == 2 { // lists may be short (the channels of a pixel): each is a call less
		inner := int(shape[1])
		for i := range size {
			dst = appendElements(append(dst, '['), r, start+i*inner, inner)
			dst = append(dst, ']', ',')
		}
		r.Value.KeepAlive()
		return closed(dst, size)
	}
	for i := range size {
		dst = append(appendTensor(dst, r, shape[1:], start+i*(n/size), n/size), ',')
	}
	return closed(dst, size)
}

// closed ends a list of n elements, each with a comma behind it.
func closed(dst []byte, n int) []byte {
	if n > 0 {
		dst = dst[:len(dst)-1]
	}
	return append(dst, ']')
}

// appendElements appends n elements from start on, with commas between them.
func appendElements(dst []byte, r *infer.Result, start, n int) []byte {
	if n == 0 {
		return dst
	}
	t := r.Value
	if t.DType == infer.String {
		asBytes := strings.HasSuffix(r.Name, "_bytes")
		for i := start; i < start+n; i++ {
			dst = append(appendText(dst, t.Element(i), asBytes), ',')
		}
		return dst[:len(dst)-1]
	}
	size := t.DType.Size()
	data := t.Data[start*size : (start+n)*size]
	if t.DType == infer.Float {
		for ; len(data) >= 4; data = data[4:] {
			dst = append(appendFloat(dst, math.Float32frombits(binary.LittleEndian.Uint32(data))), ',')
		}
		return dst[:len(dst)-1]
	}
	for ; len(data) > 0; data = data[size:] {
		dst = append(appendNumber(dst, t.DType, data[:size]), ',')
	}
	return dst[:len(dst)-1]
}

// appendNumber appends one element of type d.
func appendNumber(dst []byte, d infer.DType, b []byte) []byte {
	switch d {
	case infer.Double:
		return appendDouble(dst, math.Float64frombits(binary.LittleEndian.Uint64(b)))
	case infer.Half:
		return appendFloat(dst, halfFloat(binary.LittleEndian.Uint16(b)))
	case infer.Bfloat16:
		return appendFloat(dst, bfloat16Float(binary.LittleEndian.Uint16(b)))
	case infer.Bool:
		return strconv.AppendBool(dst, b[0] != 0)
	case infer.Int8:
		return strconv.AppendInt(dst, int64(int8(b[0])), 10)
	case infer.Int16:
		return strconv.AppendInt(dst, int64(int16(binary.LittleEndian.Uint16(b))), 10)
	case infer.Int32:
		return strconv.AppendInt(dst, int64(int32(binary.LittleEndian.Uint32(b))), 10)
	case infer.Int64:
		return strconv.AppendInt(dst, int64(binary.LittleEndian.Uint64(b)), 10)
	case infer.Uint8:
		return strconv.AppendUint(dst, uint64(b[0]), 10)
	case infer.Uint16:
		return strconv.AppendUint(dst, uint64(binary.LittleEndian.Uint16(b)), 10)
	case infer.Uint32:
		return strconv.AppendUint(dst, uint64(binary.LittleEndian.Uint32(b)), 10)
	default:
		return strconv.AppendUint(dst, binary.LittleEndian.Uint64(b), 10)
	}
}

// appendText appends an element of a string tensor.
func appendText(dst, s []byte, asBytes bool) []byte {
	if !asBytes && utf8.Valid(s) {
		return jsontext.AppendText(dst, s)
	}
	dst = append(dst, `{"b64":"`...)
	dst = base64.StdEncoding.AppendEncode(dst, s)
	return append(dst, `"}`...)
}

// AppendError appends the body of a reply that tells the client what went
// wrong: {"error": message}, always valid UTF-8.
func AppendError(dst []byte, message string) []byte {
	dst = append(dst, `{"error":`...)
	dst = jsontext.AppendQuoted(dst, []byte(message))
	return append(dst, '}')
}
