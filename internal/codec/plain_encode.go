package codec

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/npy"
)

// maxPadded bounds the array that strings become: every item takes as much room
// as the longest, so a single long string could fill the memory.
const maxPadded = 64 << 20

// EncodeNPY makes a reply that is the only result as a .npy file. Its data
// aliases the result's. bfloat16, which NumPy does not have, becomes float32.
// Strings become byte strings (type S), as TensorFlow's own arrays hold them.
//
// The errors are *infer.Error with ErrInvalidArgument: several results, types
// that NumPy has not, and strings that end in NUL, which it would cut; and
// ErrTooLarge for strings that padding would blow up.
func EncodeNPY(results []infer.Result) (*Reply, error) {
	if len(results) != 1 {
		return nil, invalid("a .npy file holds one array, but the answer has %d: choose one with 'output_filter', or accept JSON", len(results))
	}
	r := &results[0]
	h := npy.Header{Shape: r.Value.Shape}
	data := r.Value.Data
	var ok bool
	switch r.Value.DType {
	case infer.String:
		var err error
		if h.DType, data, err = padded(r); err != nil {
			return nil, err
		}
	case infer.Bfloat16:
		h.DType, data = npy.DType{Kind: npy.Float, Size: 4}, widened(r.Value)
	default:
		if h.DType, ok = npy.TypeOf(r.Value.DType); !ok {
			return nil, invalid("output %q of type %s cannot be written as a .npy file", r.Name, r.Value.DType)
		}
	}
	return &Reply{ContentType: npy.ContentType, Pieces: [][]byte{npy.AppendHeader(nil, h), data}}, nil
}

// padded is an array of strings, each with zeros behind it up to the longest.
func padded(r *infer.Result) (npy.DType, []byte, error) {
	t := r.Value
	longest := 1 // as in NumPy, where no item is empty
	for i := range t.Len() {
		s := t.Element(i)
		if bytes.HasSuffix(s, []byte{0}) {
			return npy.DType{}, nil, invalid("output %q: element %s ends in a NUL byte, which NumPy would cut off: accept JSON",
				r.Name, formatIndex(indexOf(t.Shape, i)))
		}
		longest = max(longest, len(s))
	}
	d := npy.DType{Kind: npy.Bytes, Size: longest}
	if t.Len() > maxPadded/longest {
		return d, nil, infer.Errorf(infer.ErrTooLarge, "output %q: %d strings of up to %d bytes would be padded to more than %d bytes: accept JSON",
			r.Name, t.Len(), longest, maxPadded)
	}
	out := make([]byte, t.Len()*longest)
	for i := range t.Len() {
		copy(out[i*longest:], t.Element(i))
	}
	t.KeepAlive()
	return d, out, nil
}

// widened is the elements of a tensor of bfloat16 as floats.
func widened(t *infer.Tensor) []byte {
	out := AppendWidened(make([]byte, 0, 2*len(t.Data)), t.DType, t.Data)
	t.KeepAlive()
	return out
}

// AppendWidened appends data, elements of type half or bfloat16, as elements of type
// float, which is exact.
func AppendWidened(dst []byte, d infer.DType, data []byte) []byte {
	widen := bfloat16Float
	if d == infer.Half {
		widen = halfFloat
	}
	for ; len(data) > 0; data = data[2:] {
		f := widen(binary.LittleEndian.Uint16(data))
		dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(f))
	}
	return dst
}

// EncodeJSONLines makes a reply with one row a line: {"prediction": …} with an
// element of AppendPredict's "predictions". Its errors are AppendPredict's.
func EncodeJSONLines(results []infer.Result) (*Reply, error) {
	batch, err := CheckRows(results)
	if err != nil {
		return nil, err
	}
	size := 16 * batch
	for _, r := range results {
		size += textSize(r.Value)
	}
	dst := slices.Grow([]byte(nil), size)
	for row := range batch {
		dst = append(dst, `{"prediction":`...)
		dst = appendRow(dst, results, row, batch)
		dst = append(dst, "}\n"...)
	}
	return &Reply{ContentType: "application/jsonlines", Pieces: [][]byte{dst}}, nil
}

// checkRows checks that results can be written by rows, and returns how many
// these are and about how long their text will be.
func checkRows(results []infer.Result) (batch, size int, err error) {
	if len(results) == 0 {
		return 0, 0, invalid("there are no outputs to write")
	}
	for _, r := range results {
		if !supported(r.Value.DType) {
			return 0, 0, invalid("output %q of type %s cannot be written as text", r.Name, r.Value.DType)
		}
		size += textSize(r.Value)
	}
	batch, err = batchSize(results)
	return batch, size, err
}
