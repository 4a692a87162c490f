package codec

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/npy"
)

// DecodeNPY reads a request that is one .npy file, for the only input of the
// default signature. An array of the input's own type, little-endian and
// row-major, is not copied: the tensor aliases body. Other orders are put right,
// and other types of numbers are converted where that loses nothing but
// precision: floats to floats, integers to floats, and integers to integers that
// can hold them. Errors are those of DecodePredict.
func DecodeNPY(body []byte, c *infer.Catalog, l Limits) (*Predict, error) {
	p, err := newPlain(c, "a .npy file", l)
	if err != nil {
		return nil, err
	}
	info, err := p.input()
	if err != nil {
		return nil, err
	}
	h, size, err := npy.ReadHeader(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	value, err := npyTensor(info, &h, body[size:], p.limit)
	if err != nil {
		return nil, err
	}
	return p.predict(info, value), nil
}

// npyTensor makes a tensor for info of the data of an array, which it aliases
// where it can. limit bounds the tensor in bytes.
func npyTensor(info infer.TensorInfo, h *npy.Header, data []byte, limit int64) (*infer.Tensor, error) {
	size, err := h.DataSize()
	if err != nil {
		return nil, err
	}
	if size != int64(len(data)) {
		return nil, invalid("npy: an array of type %s and shape %s has %d bytes, but the file holds %d behind its header",
			h.DType.Name(), infer.FormatShape(h.Shape), size, len(data))
	}
	if err := castable(info, h.DType); err != nil {
		return nil, err
	}
	b := budget{left: limit, limit: limit}
	if _, err := infer.Bytes(info.DType, h.Shape, limit); err != nil {
		return nil, b.tooLarge()
	}
	data = h.Items(data)
	if info.DType == infer.String {
		return npyStrings(info, h, data, &b)
	}
	if from := h.DType; !sameItems(info.DType, from) {
		if data, err = cast(info, from, h.Shape, data); err != nil {
			return nil, err
		}
	}
	if info.DType == infer.Bool {
		if err := checkBools(info.Name, data); err != nil {
			return nil, err
		}
	}
	return infer.NewTensor(info.DType, h.Shape, data)
}

// npyStrings makes strings of items of fixed size, whose padding it leaves out
// as NumPy does. Text becomes UTF-8.
func npyStrings(info infer.TensorInfo, h *npy.Header, data []byte, b *budget) (*infer.Tensor, error) {
	n := len(data) / h.DType.Size
	offsets := make([]int, 1, n+1)
	var out []byte
	for i := range n {
		item := data[i*h.DType.Size:][:h.DType.Size]
		before := len(out)
		if h.DType.Kind == npy.Bytes {
			out = append(out, bytes.TrimRight(item, "\x00")...)
		} else {
			var ok bool
			if out, ok = appendCodePoints(out, item); !ok {
				return nil, invalid("npy: input %q: element %s is not valid Unicode", info.Name, formatIndex(indexOf(h.Shape, i)))
			}
		}
		if err := b.take(int64(len(out)-before) + infer.StringOverhead); err != nil {
			return nil, err
		}
		offsets = append(offsets, len(out))
	}
	return infer.NewStringTensor(h.Shape, out, offsets)
}

// appendCodePoints appends item, UTF-32 padded with zeros, as UTF-8. ok is false
// for surrogates and for what lies beyond Unicode.
func appendCodePoints(dst, item []byte) (out []byte, ok bool) {
	for len(item) > 0 && binary.LittleEndian.Uint32(item[len(item)-4:]) == 0 {
		item = item[:len(item)-4]
	}
	for ; len(item) > 0; item = item[4:] {
		c := binary.LittleEndian.Uint32(item)
		if c > utf8.MaxRune || !utf8.ValidRune(rune(c)) {
			return dst, false
		}
		dst = utf8.AppendRune(dst, rune(c))
	}
	return dst, true
}

// indexOf is the index of element i of a tensor of the given shape.
func indexOf(shape []int64, i int) []int64 {
	index := make([]int64, len(shape))
	rest := int64(i)
	for k := len(shape) - 1; k >= 0; k-- {
		index[k] = rest % shape[k]
		rest /= shape[k]
	}
	return index
}
