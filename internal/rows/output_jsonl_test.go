package rows_test

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// The texts of values are TensorFlow Serving's (its json_tensor_test.cc).
func TestOutputOfJSONLines(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	ints := answer(t, "int", infer.Uint8, []int64{2, 3, 2}, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	for _, tt := range []struct {
		name   string
		blocks []*rows.Outcome
		want   []string
		unfit  int
	}{
		{"no rows", nil, nil, 0},
		{"scalars", []*rows.Outcome{block(answered(floats(t, "y", []int64{2}, 2.5, 3)))}, []string{
			`{"prediction":2.5}`, `{"prediction":3.0}`}, 0},
		{"floats as TensorFlow Serving writes them", []*rows.Outcome{
			block(answered(floats(t, "y", []int64{2, 3}, 9000000, 999999, .5, .0003, .00003, 555557.5))),
			block(answered(floats(t, "y", []int64{2, 2}, nan, inf, 3, -inf)))}, []string{
			`{"prediction":[9e+06,999999.0,0.5]}`, `{"prediction":[0.0003,3e-05,555557.5]}`,
			`{"prediction":[NaN,Infinity]}`, `{"prediction":[3.0,-Infinity]}`}, 0},
		{"several outputs are an object", []*rows.Outcome{block(answered(floats(t, "float", []int64{2, 1}, 1, 2), ints,
			words(t, "str", []int64{2}, "a\"\n", "\xff"), words(t, "str_bytes", []int64{2}, "hello", "world")))}, []string{
			`{"prediction":{"float":[1.0],"int":[[1,2],[3,4],[5,6]],"str":"a\"\n","str_bytes":{"b64":"aGVsbG8="}}}`,
			`{"prediction":{"float":[2.0],"int":[[7,8],[9,10],[11,12]],"str":{"b64":"/w=="},"str_bytes":{"b64":"d29ybGQ="}}}`}, 0},
		{"an error is at its place", []*rows.Outcome{block(
			one(failed("first")), answered(floats(t, "y", []int64{1}, 1)), one(failed(`of "x"`)), answered(floats(t, "y", []int64{1, 1}, 2)))}, []string{
			`{"error":"first"}`, `{"prediction":1.0}`, `{"error":"of \"x\""}`, `{"prediction":[2.0]}`}, 0},
		{"rows in another order than the answer's", []*rows.Outcome{block([]rows.Row{
			{Results: []infer.Result{ints}, Index: 1}, {Results: []infer.Result{ints}, Index: 0}})}, []string{
			`{"prediction":[[7,8],[9,10],[11,12]]}`, `{"prediction":[[1,2],[3,4],[5,6]]}`}, 0},
		{"a type that has no text", []*rows.Outcome{block(answered(answer(t, "y", infer.Qint8, []int64{1}, []byte{1})), answered(floats(t, "y", []int64{1}, 1)))}, []string{
			`{"error":"output \"y\" of type qint8 cannot be written as text"}`, `{"prediction":1.0}`}, 1},
		{"rows without elements", []*rows.Outcome{block(answered(floats(t, "y", []int64{2, 0})))}, []string{
			`{"prediction":[]}`, `{"prediction":[]}`}, 0},
	} {
		got, unfit, err := write(t, rows.OutputOptions{Format: rows.JSONLines, Catalog: outputCatalog(nil, []infer.TensorInfo{declared("y", infer.Float)})}, tt.blocks...)
		want := strings.Join(append(tt.want, ""), "\n")
		if got != want || unfit != tt.unfit || err != nil {
			t.Errorf("%s: got %d unfit, %v\n%s\nwant %d\n%s", tt.name, unfit, err, got, tt.unfit, want)
		}
	}
}

func TestOutputOfJSONLinesWithInstances(t *testing.T) {
	b := block(answered(floats(t, "y", []int64{1}, 1)), one(failed("bad")))
	b.Instance = func(dst []byte, record int) []byte { return strconv.AppendInt(dst, int64(10+record), 10) }
	without := block(one(failed("no JSON")))
	o := rows.OutputOptions{Format: rows.JSONLines, Catalog: outputCatalog(nil, nil), Join: true}
	got, _, err := write(t, o, b, without)
	want := "{\"instance\":10,\"prediction\":1.0}\n{\"instance\":11,\"error\":\"bad\"}\n{\"instance\":null,\"error\":\"no JSON\"}\n"
	if got != want || err != nil {
		t.Errorf("got %v\n%s\nwant\n%s", err, got, want)
	}
}

func TestMessagesOfErrorRows(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"one line", infer.Errorf(infer.ErrInternal, "a\r\n\t [[{{node x}}]]\u2028b"), "a [[{{node x}}]] b"},
		{"valid UTF-8", infer.Errorf(infer.ErrInternal, "a\xff"), "a\uFFFD"},
		{"cut", infer.Errorf(infer.ErrInternal, "%s", strings.Repeat("é", 3000)), strings.Repeat("é", 512) + "..."},
		{"cut inside a character", infer.Errorf(infer.ErrInternal, "a%s", strings.Repeat("é", 3000)), "a" + strings.Repeat("é", 511) + "\uFFFD..."},
		{"wrapped", fmt.Errorf("s3://secret: %w", infer.Errorf(infer.ErrInternal, "public")), "public"},
		{"of nobody's concern", errors.New("s3://secret"), "internal error"},
		{"empty", infer.Errorf(infer.ErrInternal, "\n"), "internal error"},
	} {
		o := rows.OutputOptions{Format: rows.JSONLines, Catalog: outputCatalog(nil, nil)}
		got, _, err := write(t, o, block(one(rows.Row{Err: tt.err})))
		if want := `{"error":"` + tt.want + "\"}\n"; got != want || err != nil {
			t.Errorf("%s: got %q, %v, want %q", tt.name, got, err, want)
		}
	}
}
