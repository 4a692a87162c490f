package codec_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// classifier is a catalog with a signature for classify.
func classifier() *infer.Catalog {
	c := catalogOf([]string{"classes", "scores"}, infer.TensorInfo{Name: "inputs", Tensor: "examples:0", DType: infer.String, Shape: infer.Shape{-1}})
	c.Signatures[c.Default].Method = "tensorflow/serving/classify"
	return c
}

// A record means what an element of "examples" does, and feeds the same bytes.
func TestExampleRows(t *testing.T) {
	records := []string{`{"x": 1.5, "n": [1, 2], "s": "a"}`, `{"b64": {"b64": "aGk="}}`, `{}`, ` {"x": true}` + "\n"}
	want, err := codec.DecodeExamples([]byte(`{"examples": [`+strings.Join(records, ",")+"]}"), classifier(), "", codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	rows := jsonRows(t, classifier(), codec.Limits{})
	for range 2 { // the second batch is in memory like the first's
		for _, record := range records {
			if err := rows.Add([]byte(record)); err != nil {
				t.Fatal(err)
			}
		}
		got, err := rows.Take()
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Feeds) != 1 || got.Feeds[0].Name != "inputs" || describe(got.Feeds[0].Value) != describe(want.Feeds[0].Value) {
			t.Errorf("got  %v\nwant %v", describe(got.Feeds[0].Value), describe(want.Feeds[0].Value))
		}
		if len(got.Fetches) != 2 || got.Fetches[0].Name != "classes" || got.Fetches[1].Name != "scores" {
			t.Errorf("fetches %v", got.Fetches)
		}
	}
}

func TestExampleRowsRefuse(t *testing.T) {
	rows := jsonRows(t, classifier(), codec.Limits{})
	got := outcomes(t, rows, `{}`, `[1]`, `{"x": [1, 1.5]}`, `{"x": 1, "x": 2}`, `{"x": null}`, `{"x"`, "", `{}`)
	want := []string{
		"! Example must be JSON object but got JSON Array",
		"! Unexpected element type in feature: x expecting type: int64",
		`! JSON object: duplicate key "x" at offset: 9`,
		"! Feature: x has element with unexpected JSON type: Null",
		"! JSON Parse error: Missing a colon after a name of object member. at offset: 5",
		"! JSON Parse error: Invalid value. at offset: 1",
		`inputs=[2] "" ""`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestExampleRowsLimit(t *testing.T) {
	// An empty example takes infer.StringOverhead; {"x": 1} is 12 bytes more:
	// 10 of an entry, which are "x", its list and their headers, in a field.
	rows := jsonRows(t, classifier(), codec.Limits{MaxTensorBytes: 2*infer.StringOverhead + 14})
	for i, record := range []string{`{}`, `{"x": 1}`} {
		if err := rows.Add([]byte(record)); err != nil {
			t.Fatalf("row %d: %v", i, err)
		}
	}
	if err := rows.Add([]byte(`{}`)); !errors.Is(err, codec.ErrNextBatch) || rows.Len() != 2 {
		t.Errorf("a row over the limit of the batch: %v, %d rows", err, rows.Len())
	}
	if _, err := rows.Take(); err != nil {
		t.Fatal(err)
	}
	if err := rows.Add([]byte(`{"x": "` + strings.Repeat("a", 100) + `"}`)); !errors.Is(err, infer.ErrTooLarge) || rows.Len() != 0 {
		t.Errorf("a row over the limit: %v, %d rows", err, rows.Len())
	}
}

// Only a vector of strings can take examples; a signature of that method with
// another input has ordinary rows.
func TestExampleRowsWantAVectorOfStrings(t *testing.T) {
	c := classifier()
	c.Signatures[c.Default].Inputs[0].DType = infer.Float
	if got := outcomes(t, jsonRows(t, c, codec.Limits{}), "1", "2"); !slices.Equal(got, []string{"inputs=[2] 1 2"}) {
		t.Errorf("got %q", got)
	}
}

// A line of CSV is no serialized example, so every row would fail.
func TestExamplesAreNoCSV(t *testing.T) {
	if _, _, err := codec.NewCSVLayout(classifier(), []byte("x,n"), "", codec.Limits{}); !errors.Is(err, infer.ErrInvalidArgument) || !strings.Contains(err.Error(), "TFRecord") {
		t.Errorf("error %v, want one that says what to write", err)
	}
}
