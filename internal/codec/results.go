package codec

import (
	"encoding/binary"
	"math"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// AppendResults appends the reply of TensorFlow Serving's REST :classify or
// :regress for n examples, {"results": […]}, to dst and returns it. results are
// what the fetches of DecodeExamples gave.
//
// An element of a classification is a list of [label, score]; the label is "" for
// a model without classes and the score 0.0 for one without scores. The text is
// that of AppendPredict: labels that are not valid UTF-8 are {"b64": …}.
//
// The errors are *infer.Error with ErrInvalidArgument: results that are not of the
// types and shapes that the method promises. dst is then to be thrown away.
func AppendResults(dst []byte, method string, results []infer.Result, n int) ([]byte, error) {
	appendAll := appendRegressions
	if method == Classify {
		appendAll = appendClassifications
	}
	dst, err := appendAll(append(dst, `{"results":[`...), results, n)
	return append(dst, "]}"...), err
}

// resultNamed finds a result by the signature's name for it.
func resultNamed(results []infer.Result, name string) *infer.Tensor {
	for _, r := range results {
		if r.Name == name {
			return r.Value
		}
	}
	return nil
}

func appendClassifications(dst []byte, results []infer.Result, n int) ([]byte, error) {
	if n == 0 {
		return dst, invalid("Cannot convert empty ClassificationResults to JSON")
	}
	classes, scores := resultNamed(results, classesOutput), resultNamed(results, scoresOutput)
	if classes == nil && scores == nil {
		return dst, infer.Errorf(infer.ErrInternal, "neither classes nor scores were fetched")
	}
	if err := checkMatrix(classes, "classes", infer.String, n); err != nil {
		return dst, err
	}
	if err := checkMatrix(scores, "scores", infer.Float, n); err != nil {
		return dst, err
	}
	var width int
	switch {
	case classes == nil:
		width = int(scores.Shape[1])
	case scores == nil || scores.Shape[1] == classes.Shape[1]:
		width = int(classes.Shape[1])
	default:
		return dst, invalid("Tensors class and score should match in dim_size(1). Got %d vs. %d", classes.Shape[1], scores.Shape[1])
	}
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '[')
		for k := i * width; k < (i+1)*width; k++ {
			if k > i*width {
				dst = append(dst, ',')
			}
			dst = appendClass(dst, classes, scores, k)
		}
		dst = append(dst, ']')
	}
	return dst, nil
}

// appendClass appends element k of both tensors, either of which may be nil.
func appendClass(dst []byte, classes, scores *infer.Tensor, k int) []byte {
	dst = append(dst, '[')
	if classes == nil {
		dst = append(dst, `""`...)
	} else {
		dst = appendText(dst, classes.Element(k), false)
		classes.KeepAlive()
	}
	dst = append(dst, ',')
	if scores == nil {
		dst = append(dst, "0.0"...)
	} else {
		dst = appendFloat(dst, floatAt(scores, k))
	}
	return append(dst, ']')
}

// checkMatrix checks that t, where it is not nil, has a row for each of n examples.
func checkMatrix(t *infer.Tensor, name string, want infer.DType, n int) error {
	switch {
	case t == nil:
		return nil
	case len(t.Shape) != 2:
		return invalid("Expected Tensor shape: [batch_size num_classes] but got %s", infer.FormatShape(t.Shape))
	case t.DType != want:
		return invalid("Expected %s Tensor of %s. Got: %s", name, want.Enum(), t.DType.Enum())
	case t.Shape[0] != int64(n):
		return invalid("Expected %s output batch size of %d. Got: %d", name, n, t.Shape[0])
	default:
		return nil
	}
}

func appendRegressions(dst []byte, results []infer.Result, n int) ([]byte, error) {
	if n == 0 {
		return dst, invalid("Cannot convert empty RegressionResults to JSON")
	}
	values := resultNamed(results, regressOutput)
	switch {
	case values == nil:
		return dst, infer.Errorf(infer.ErrInternal, "outputs were not fetched")
	case len(values.Shape) != 1 && (len(values.Shape) != 2 || values.Shape[1] != 1):
		return dst, invalid("Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got %s", infer.FormatShape(values.Shape))
	case values.Shape[0] != int64(n):
		return dst, invalid("Input batch size did not match output batch size: %d vs. %d", n, values.Shape[0])
	case values.DType != infer.Float:
		return dst, invalid("Expected output Tensor of DT_FLOAT.  Got: %s", values.DType.Enum())
	}
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendFloat(dst, floatAt(values, i))
	}
	return dst, nil
}

// floatAt is element i of a tensor of floats.
func floatAt(t *infer.Tensor, i int) float32 {
	f := math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*i:]))
	t.KeepAlive()
	return f
}
