package codec_test

import (
	"math"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

func TestTheBestClassesAreNamed(t *testing.T) {
	abc, nan := []string{"a", "b", "c"}, float32(math.NaN())
	scores := func(name string, shape []int64, v ...float32) infer.Result {
		return result(t, name, infer.Float, shape, v...)
	}
	for _, tt := range []struct {
		name    string
		results []infer.Result
		labels  []string
		k       int
		want    string
		fault   string
	}{
		{"two of three, of two rows", []infer.Result{scores("y", []int64{2, 3}, 0.25, 0.5, 0.125, 1, 2, 3)}, abc, 2,
			`[[{"index":1,"label":"b","score":0.5},{"index":0,"label":"a","score":0.25}],[{"index":2,"label":"c","score":3.0},{"index":1,"label":"b","score":2.0}]]`, ""},
		{"equal scores by class, NaN last, no more than there are", []infer.Result{scores("y", []int64{1, 3}, nan, 1, 1)}, nil, 9,
			`[[{"index":1,"score":1.0},{"index":2,"score":1.0},{"index":0,"score":NaN}]]`, ""},
		{"a vector is one row", []infer.Result{scores("y", []int64{3}, 1, 3, 2)}, abc, 1, `[[{"index":1,"label":"b","score":3.0}]]`, ""},
		{"the output that has as many classes as there are labels", []infer.Result{scores("x", []int64{1, 2}, 8, 9), scores("y", []int64{1, 3}, 1, 3, 2)}, abc, 1,
			`[[{"index":1,"label":"b","score":3.0}]]`, ""},
		{"a label is text", []infer.Result{scores("y", []int64{1, 2}, 2, 1)}, []string{"<b>\"", "x"}, 1, `[[{"index":0,"label":"<b>\"","score":2.0}]]`, ""},
		{"no rows", []infer.Result{scores("y", []int64{0, 3})}, abc, 1, `[]`, ""},
		{"none has as many", []infer.Result{scores("y", []int64{1, 2}, 1, 2)}, abc, 1, "", "no output has a score for each of the 3 labels"},
		{"no classes", []infer.Result{scores("y", []int64{2, 1}, 1, 2)}, nil, 1, "", "no output has a score for each of the classes"},
		{"two have", []infer.Result{scores("x", []int64{1, 2}, 1, 2), scores("y", []int64{1, 2}, 1, 2)}, nil, 1, "", `outputs "x" and "y"`},
	} {
		body, err := codec.AppendPredict(nil, tt.results, false)
		if err != nil {
			t.Fatal(err)
		}
		got, err := codec.AppendTop(body[:len(body):len(body)], tt.results, tt.labels, tt.k)
		switch want := strings.TrimSuffix(string(body), "}") + `,"top":` + tt.want + `}`; {
		case tt.fault != "":
			if err == nil || !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("%s: error %v, want %q", tt.name, err, tt.fault)
			}
		case err != nil || string(got) != want:
			t.Errorf("%s: got %s (%v)\nwant %s", tt.name, got, err, want)
		}
	}
}
