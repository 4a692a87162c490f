package codec

import (
	"strconv"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// DecodeRaw reads a request that is the bytes of one tensor, little-endian and
// row-major, for the only input of the default signature. shape is the text of
// the header X-Tensor-Shape, "" where there is none: then the signature's shape
// counts. In either, one size may be unknown and follows from the length. The
// body of an input of strings is its one element.
//
// The tensor aliases body. Errors are those of DecodePredict.
func DecodeRaw(body []byte, shape string, c *infer.Catalog, l Limits) (*Predict, error) {
	p, err := newPlain(c, "a body of raw bytes", l)
	if err != nil {
		return nil, err
	}
	info, err := p.input()
	if err != nil {
		return nil, err
	}
	given := info.Shape
	if shape != "" {
		if given, err = parseShape(shape); err != nil {
			return nil, err
		}
	} else if err := deducible(info, len(body)); err != nil {
		return nil, err
	}
	value, err := rawTensor(info, given, body, p.limit)
	if err != nil {
		return nil, err
	}
	return p.predict(info, value), nil
}

// deducible refuses a body without the header whose shape the signature does not
// decide, or that is empty: a client that means no rows can say so in the header.
func deducible(info infer.TensorInfo, size int) error {
	switch {
	case info.DType == infer.String:
		return nil
	case info.Shape == nil || unknowns(info.Shape) > 1:
		return invalid("raw bytes do not say the shape of input %q, which is %s in the signature: send it in the header X-Tensor-Shape, such as 1,224,224,3",
			info.Name, info.Shape)
	case size == 0:
		return invalid("the body is empty, but it must be the bytes of input %q", info.Name)
	default:
		return nil
	}
}

// parseShape reads the header.
func parseShape(text string) (infer.Shape, error) {
	shape, ok := sizes(strings.TrimSpace(text))
	if !ok || unknowns(shape) > 1 {
		return nil, invalid("X-Tensor-Shape: %q is no list of sizes such as 1,224,224,3; one of them may be -1", shown([]byte(text)))
	}
	return shape, nil
}

// sizes reads sizes with commas between them, also as Python prints a list or a
// tuple of them.
func sizes(list string) (infer.Shape, bool) {
	for _, brackets := range []string{"[]", "()"} {
		if strings.HasPrefix(list, brackets[:1]) && strings.HasSuffix(list, brackets[1:]) {
			list = strings.TrimSpace(list[1 : len(list)-1])
			if list == "" {
				return infer.Shape{}, true
			}
			break
		}
	}
	var shape infer.Shape
	for item := range strings.SplitSeq(strings.TrimSuffix(list, ","), ",") {
		size, err := strconv.ParseInt(strings.TrimSpace(item), 10, 64)
		if err != nil || size < -1 {
			return nil, false
		}
		shape = append(shape, size)
	}
	return shape, true
}
