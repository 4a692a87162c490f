package codec

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/jsontext"
)

// AppendTop adds the k best classes of each row to dst, which ends with a reply of
// AppendPredict, and returns it: a member "top" with a list for each row of objects with
// the class's "index", its "label" where there are labels, and its "score", best first.
//
// The scores are the one result of floats whose last dimension is the number of labels,
// or without labels the one result of floats with more than one class. Equal scores are
// in the order of the classes, and NaN is behind all numbers. The error is an
// *infer.Error with ErrInvalidArgument where there is not one such result.
func AppendTop(dst []byte, results []infer.Result, labels []string, k int) ([]byte, error) {
	r, err := scoresOf(results, labels)
	if err != nil {
		return dst, err
	}
	classes := int(r.Value.Shape[len(r.Value.Shape)-1])
	scores, order := make([]float64, classes), make([]int, classes)
	size := r.Value.DType.Size()
	dst = append(dst[:len(dst)-1], `,"top":[`...)
	for row := range r.Value.Len() / classes {
		data := r.Value.Data[row*classes*size:]
		for i := range scores {
			scores[i], order[i] = widen(r.Value.DType, data[i*size:]), i
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) }) // which has NaN last
		if row > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '[')
		for n, i := range order[:min(k, classes)] {
			if n > 0 {
				dst = append(dst, ',')
			}
			dst = strconv.AppendInt(append(dst, `{"index":`...), int64(i), 10)
			if labels != nil {
				dst = jsontext.AppendQuoted(append(dst, `,"label":`...), []byte(labels[i]))
			}
			if dst = append(dst, `,"score":`...); r.Value.DType == infer.Float {
				dst = appendFloat(dst, float32(scores[i]))
			} else {
				dst = appendNumber(dst, r.Value.DType, data[i*size:])
			}
			dst = append(dst, '}')
		}
		dst = append(dst, ']')
	}
	r.Value.KeepAlive()
	return append(dst, "]}"...), nil
}

// scoresOf is the result that has a score for each class.
func scoresOf(results []infer.Result, labels []string) (*infer.Result, error) {
	var found []*infer.Result
	for i := range results {
		shape := results[i].Value.Shape
		if !isFloat(results[i].Value.DType) || len(shape) == 0 || len(shape) > 2 {
			continue
		}
		if classes := shape[len(shape)-1]; labels == nil && classes > 1 || labels != nil && classes == int64(len(labels)) {
			found = append(found, &results[i])
		}
	}
	what := "classes"
	if labels != nil {
		what = strconv.Itoa(len(labels)) + " labels"
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, invalid("top: no output has a score for each of the %s", what)
	default:
		return nil, invalid("top: outputs %q and %q have scores for the %s: choose one by output_filter", found[0].Name, found[1].Name, what)
	}
}
