package rows_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// outputSink keeps what an output writes.
type outputSink struct{ data []byte }

func (s *outputSink) Write(p []byte) (int, error) {
	s.data = append(s.data, p...)
	return len(p), nil
}

func (s *outputSink) Rewrite(head []byte) error {
	if len(head) > len(s.data) {
		return fmt.Errorf("%d bytes to replace, and %d are written", len(head), len(s.data))
	}
	copy(s.data, head)
	return nil
}

// outputCatalog has one signature with these tensors.
func outputCatalog(inputs, outputs []infer.TensorInfo) *infer.Catalog {
	s := &infer.Signature{Name: "serving_default", Inputs: inputs, Outputs: outputs}
	return &infer.Catalog{Signatures: map[string]*infer.Signature{s.Name: s}, Default: s.Name}
}

// declared is a tensor of a signature; without a shape its rank is unknown.
func declared(name string, d infer.DType, shape ...int64) infer.TensorInfo {
	return infer.TensorInfo{Name: name, DType: d, Shape: infer.Shape(shape)}
}

// floats is an answer of floats.
func floats(t testing.TB, name string, shape []int64, values ...float64) infer.Result {
	t.Helper()
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(v)))
	}
	return answer(t, name, infer.Float, shape, data)
}

func answer(t testing.TB, name string, d infer.DType, shape []int64, data []byte) infer.Result {
	t.Helper()
	value, err := infer.NewTensor(d, shape, data)
	if err != nil {
		t.Fatal(err)
	}
	return infer.Result{TensorInfo: infer.TensorInfo{Name: name, DType: d}, Value: value}
}

// words is an answer of strings.
func words(t testing.TB, name string, shape []int64, elements ...string) infer.Result {
	t.Helper()
	offsets := []int{0}
	for _, s := range elements {
		offsets = append(offsets, offsets[len(offsets)-1]+len(s))
	}
	value, err := infer.NewStringTensor(shape, []byte(strings.Join(elements, "")), offsets)
	if err != nil {
		t.Fatal(err)
	}
	return infer.Result{TensorInfo: infer.TensorInfo{Name: name, DType: infer.String}, Value: value}
}

// answered is a row for each of the answers' first dimension.
func answered(results ...infer.Result) []rows.Row { return answeredFor(nil, results...) }

// answeredFor is rows of answers to feeds.
func answeredFor(feeds []infer.Feed, results ...infer.Result) []rows.Row {
	out := make([]rows.Row, results[0].Value.Shape[0])
	for i := range out {
		out[i] = rows.Row{Results: results, Feeds: feeds, Index: i}
	}
	return out
}

// failed is a row that failed with a message.
func failed(message string) rows.Row {
	return rows.Row{Err: infer.Errorf(infer.ErrInvalidArgument, "%s", message)}
}

// block is a block of rows.
func block(parts ...[]rows.Row) *rows.Outcome {
	o := &rows.Outcome{Decoded: &rows.Decoded{}}
	for _, part := range parts {
		o.Rows = append(o.Rows, part...)
	}
	o.N = len(o.Rows)
	return o
}

func one(row rows.Row) []rows.Row { return []rows.Row{row} }

// write writes blocks and returns the file and how many rows did not fit.
func write(t *testing.T, o rows.OutputOptions, blocks ...*rows.Outcome) (text string, unfit int, err error) {
	t.Helper()
	sink := &outputSink{}
	output, err := rows.NewOutput(sink, o)
	if err != nil {
		return "", 0, err
	}
	for _, b := range blocks {
		chunk, err := output.Encode(b)
		if err != nil {
			return "", unfit, err
		}
		n, err := output.Write(chunk)
		if unfit += n; err != nil {
			return "", unfit, err
		}
	}
	err = output.Close()
	return string(sink.data), unfit, err
}
