package codec

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/jsontext"
)

// EncodeInfer makes the reply to req of the model with the given name and
// version. results are those of req, in the order of its fetches. Outputs that
// are wanted in binary follow the JSON and alias the results.
//
// In JSON, data is flat and in row-major order; NaN is null; strings that are
// not all valid UTF-8 are all base64, and the output's parameter content_type
// says so.
//
// The errors are *infer.Error: ErrInvalidArgument for an infinity in an output
// wanted as JSON, and ErrUnimplemented for a type that the protocol has no name
// for.
func EncodeInfer(name, version string, req *Infer, results []infer.Result) (*Reply, error) {
	size := 128
	for i := range results {
		size += 128 + len(results[i].Name)
		if !req.binary[i] {
			size += textSize(results[i].Value)
		}
	}
	text := make([]byte, 0, size)
	text = append(text, `{"model_name":`...)
	text = jsontext.AppendQuoted(text, []byte(name))
	text = append(text, `,"model_version":`...)
	text = jsontext.AppendQuoted(text, []byte(version))
	if req.id != nil {
		text = append(text, `,"id":`...)
		text = jsontext.AppendQuoted(text, []byte(*req.id))
	}
	text = append(text, `,"outputs":[`...)
	reply := &Reply{ContentType: "application/json", Pieces: make([][]byte, 1, 1+len(results))}
	for i := range results {
		if i > 0 {
			text = append(text, ',')
		}
		var err error
		if text, err = reply.appendOutput(text, &results[i], req.binary[i]); err != nil {
			return nil, err
		}
	}
	text = append(text, `]}`...)
	reply.Pieces[0] = text
	if len(reply.Pieces) > 1 {
		reply.ContentType = "application/octet-stream"
		reply.JSONLength = len(text)
	}
	return reply, nil
}

// appendOutput appends the output r to the JSON, and its data to the pieces
// where that is wanted in binary.
func (reply *Reply) appendOutput(dst []byte, r *infer.Result, isBinary bool) ([]byte, error) {
	t := r.Value
	if !supported(t.DType) {
		return nil, infer.Errorf(infer.ErrUnimplemented, `output %q is of type %s, which this protocol has no datatype for; name the "outputs" that are wanted`, r.Name, t.DType)
	}
	dst = append(dst, `{"name":`...)
	dst = jsontext.AppendQuoted(dst, []byte(r.Name))
	dst = append(dst, `,"datatype":"`...)
	dst = append(dst, datatype(t.DType)...)
	dst = append(dst, `","shape":`...)
	dst = appendSizes(dst, t.Shape)
	if isBinary {
		data, err := binaryData(r)
		if err != nil {
			return nil, err
		}
		reply.Pieces = append(reply.Pieces, data)
		dst = append(dst, `,"parameters":{"binary_data_size":`...)
		dst = strconv.AppendInt(dst, int64(len(data)), 10)
		return append(dst, `}}`...), nil
	}
	dst, err := appendFlat(dst, r)
	t.KeepAlive()
	return append(dst, `]}`...), err
}

func appendSizes(dst []byte, shape []int64) []byte {
	dst = append(dst, '[')
	for i, d := range shape {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(dst, d, 10)
	}
	return append(dst, ']')
}

// appendFlat appends the key "data" and the elements of r, up to the bracket that
// ends them.
func appendFlat(dst []byte, r *infer.Result) ([]byte, error) {
	const data = `,"data":[`
	t := r.Value
	switch {
	case t.DType == infer.String && !allText(t):
		dst = append(dst, `,"parameters":{"content_type":"base64"}`+data...)
		return appendBase64Strings(dst, t), nil
	case isFloat(t.DType) && !allFinite(t):
		return appendNullable(append(dst, data...), r)
	case t.DType == infer.String:
		dst = append(dst, data...)
		for i := range t.Len() {
			dst = append(jsontext.AppendText(dst, t.Element(i)), ',')
		}
		return withoutComma(dst), nil
	default:
		return appendElements(append(dst, data...), r, 0, t.Len()), nil
	}
}

// withoutComma takes the comma behind the last element of a list away.
func withoutComma(list []byte) []byte {
	if list[len(list)-1] == ',' {
		return list[:len(list)-1]
	}
	return list
}

func allText(t *infer.Tensor) bool {
	for i := range t.Len() {
		if !utf8.Valid(t.Element(i)) {
			return false
		}
	}
	return true
}

func appendBase64Strings(dst []byte, t *infer.Tensor) []byte {
	for i := range t.Len() {
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, t.Element(i))
		dst = append(dst, `",`...)
	}
	return withoutComma(dst)
}

// allFinite reports whether JSON has numbers for all elements of a tensor of
// floats. It takes a fraction of the time that writing them does.
func allFinite(t *infer.Tensor) bool {
	size := t.DType.Size()
	for data := t.Data; len(data) >= size; data = data[size:] {
		if f := widen(t.DType, data); f-f != 0 {
			return false
		}
	}
	return true
}

// widen is the float of type d that b starts with.
func widen(d infer.DType, b []byte) float64 {
	switch d {
	case infer.Float:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	case infer.Double:
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	case infer.Half:
		return float64(halfFloat(binary.LittleEndian.Uint16(b)))
	default:
		return float64(bfloat16Float(binary.LittleEndian.Uint16(b)))
	}
}

// appendNullable appends floats of which some are not finite.
func appendNullable(dst []byte, r *infer.Result) ([]byte, error) {
	d, size := r.Value.DType, r.Value.DType.Size()
	for i := range r.Value.Len() {
		switch f := widen(d, r.Value.Data[i*size:]); {
		case f != f:
			dst = append(dst, "null,"...)
		case math.IsInf(f, 0):
			return nil, invalid("output %q: element %d is an infinity, which JSON cannot say; ask for the output with the parameter binary_data", r.Name, i)
		default:
			dst = append(appendElements(dst, r, i, 1), ',')
		}
	}
	return withoutComma(dst), nil
}
