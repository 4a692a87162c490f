package codec_test

import (
	"encoding/json"
	"errors"
	"math"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// Rows R are the tests of TensorFlow Serving's json_tensor_test.cc.
func TestAppendResults(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	classes := stringResult(t, "classes", []int64{2, 3}, "car", "bike", "bus", "car", "bike", "bus")
	scores := result(t, "scores", infer.Float, []int64{2, 3}, []float32{0.2, 0.7, 0.1, 0.7, 0.1, 0.2}...)
	tests := []struct {
		row, method string
		results     []infer.Result
		n           int
		want        string
	}{
		{"R1", codec.Classify, []infer.Result{classes, scores}, 2,
			`{"results":[[["car",0.2],["bike",0.7],["bus",0.1]],[["car",0.7],["bike",0.1],["bus",0.2]]]}`},
		{"R2", codec.Regress, []infer.Result{result(t, "outputs", infer.Float, []int64{3}, float32(0.2), 0.9, 1)}, 3, `{"results":[0.2,0.9,1.0]}`},
		{"R3", codec.Regress, []infer.Result{result(t, "outputs", infer.Float, []int64{5}, 0.2, inf, 1, -inf, nan)}, 5,
			`{"results":[0.2,Infinity,1.0,-Infinity,NaN]}`},
		{"without scores", codec.Classify, []infer.Result{classes}, 2,
			`{"results":[[["car",0.0],["bike",0.0],["bus",0.0]],[["car",0.0],["bike",0.0],["bus",0.0]]]}`},
		{"without classes", codec.Classify, []infer.Result{result(t, "scores", infer.Float, []int64{1, 1}, float32(12))}, 1, `{"results":[[["",12.0]]]}`},
		{"no classes in the table", codec.Classify, []infer.Result{result[float32](t, "scores", infer.Float, []int64{2, 0})}, 2, `{"results":[[],[]]}`},
		{"a column", codec.Regress, []infer.Result{result(t, "outputs", infer.Float, []int64{2, 1}, float32(42), 0.5)}, 2, `{"results":[42.0,0.5]}`},
		{"departure: labels that are no text", codec.Classify,
			[]infer.Result{stringResult(t, "classes", []int64{1, 2}, "\xff", `"é"`)}, 1, `{"results":[[[{"b64":"/w=="},0.0],["\"é\"",0.0]]]}`},
	}
	for _, tt := range tests {
		t.Run(tt.row, func(t *testing.T) {
			got, err := codec.AppendResults([]byte("before "), tt.method, tt.results, tt.n)
			if err != nil {
				t.Fatal(err)
			}
			if want := "before " + tt.want; string(got) != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if tt.row != "R3" && !json.Valid(got[len("before "):]) {
				t.Error("no JSON")
			}
		})
	}
}

// R4 and the texts of TensorFlow Serving's classifier.cc and regressor.cc.
func TestAppendResultsRefuses(t *testing.T) {
	floats := func(name string, shape ...int64) infer.Result {
		n, err := infer.Elements(shape)
		if err != nil {
			t.Fatal(err)
		}
		return result(t, name, infer.Float, shape, make([]float32, n)...)
	}
	labels := stringResult(t, "classes", []int64{2, 2}, "a", "b", "c", "d")
	tests := []struct {
		row, method string
		results     []infer.Result
		n           int
		want        string
	}{
		{"R4 classify", codec.Classify, []infer.Result{floats("scores", 0, 3)}, 0, "Cannot convert empty ClassificationResults to JSON"},
		{"R4 regress", codec.Regress, []infer.Result{floats("outputs", 0)}, 0, "Cannot convert empty RegressionResults to JSON"},
		{"classes of rank 1", codec.Classify, []infer.Result{stringResult(t, "classes", []int64{2}, "a", "b")}, 2, "Expected Tensor shape: [batch_size num_classes] but got [2]"},
		{"classes of numbers", codec.Classify, []infer.Result{result(t, "classes", infer.Int64, []int64{1, 1}, int64(7))}, 1, "Expected classes Tensor of DT_STRING. Got: DT_INT64"},
		{"classes of other examples", codec.Classify, []infer.Result{labels}, 3, "Expected classes output batch size of 3. Got: 2"},
		{"scores of rank 3", codec.Classify, []infer.Result{floats("scores", 1, 1, 1)}, 1, "Expected Tensor shape: [batch_size num_classes] but got [1,1,1]"},
		{"scores of doubles", codec.Classify, []infer.Result{result(t, "scores", infer.Double, []int64{1, 1}, 1.0)}, 1, "Expected scores Tensor of DT_FLOAT. Got: DT_DOUBLE"},
		{"scores of other examples", codec.Classify, []infer.Result{floats("scores", 4, 1)}, 3, "Expected scores output batch size of 3. Got: 4"},
		{"tables of two widths", codec.Classify, []infer.Result{labels, floats("scores", 2, 3)}, 2, "Tensors class and score should match in dim_size(1). Got 2 vs. 3"},
		{"a scalar", codec.Regress, []infer.Result{floats("outputs")}, 1, "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got []"},
		{"a table", codec.Regress, []infer.Result{floats("outputs", 2, 3)}, 2, "[batch_size, 1] but got [2,3]"},
		{"of other examples", codec.Regress, []infer.Result{floats("outputs", 3)}, 2, "Input batch size did not match output batch size: 2 vs. 3"},
		{"of doubles", codec.Regress, []infer.Result{result(t, "outputs", infer.Double, []int64{1}, 1.0)}, 1, "Expected output Tensor of DT_FLOAT.  Got: DT_DOUBLE"},
	}
	for _, tt := range tests {
		t.Run(tt.row, func(t *testing.T) {
			_, err := codec.AppendResults(nil, tt.method, tt.results, tt.n)
			wantInvalid(t, err, tt.want)
		})
	}
}

// Results that the caller did not fetch are no fault of the client.
func TestAppendResultsWithoutResults(t *testing.T) {
	for _, method := range []string{codec.Classify, codec.Regress} {
		if _, err := codec.AppendResults(nil, method, nil, 1); !errors.Is(err, infer.ErrInternal) {
			t.Errorf("%s: got %v", method, err)
		}
	}
}
