package warmup_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/warmup"
	"github.com/tensorlambda/tensorlambda/internal/warmup/predictionlog"
)

// recorder is a runner that keeps what it was asked.
type recorder struct {
	catalog infer.Catalog
	asked   [][]infer.Feed
	run     func() error // nil succeeds
}

func (r *recorder) Catalog() *infer.Catalog { return &r.catalog }
func (r *recorder) Close() error            { return nil }
func (r *recorder) Run(_ context.Context, feeds []infer.Feed, fetches []infer.TensorInfo) ([]*infer.Tensor, error) {
	r.asked = append(r.asked, feeds)
	if r.run != nil {
		if err := r.run(); err != nil {
			return nil, err
		}
	}
	return make([]*infer.Tensor, len(fetches)), nil
}

// signatures is a model whose signatures have one input x each, of these shapes.
func signatures(shapes map[string]infer.Shape) *recorder {
	r := &recorder{catalog: infer.Catalog{Default: "serving_default", Signatures: make(map[string]*infer.Signature)}}
	for name, shape := range shapes {
		r.catalog.Signatures[name] = &infer.Signature{
			Name:    name,
			Inputs:  []infer.TensorInfo{{Name: "x", Tensor: name + "_x:0", DType: infer.Float, Shape: shape}},
			Outputs: []infer.TensorInfo{{Name: "y", Tensor: name + "_y:0"}},
		}
	}
	return r
}

// options are those of a model that lies in dir.
func options(t *testing.T, r *recorder, dir string) warmup.Options {
	t.Helper()
	return warmup.Options{
		Model:      &infer.Model{Runner: r, Identity: "the model"},
		Dir:        dir,
		HasEffects: func(string) error { return nil },
		MarkerDir:  filepath.Join(t.TempDir(), "models"),
	}
}

// testModel is a SavedModel of the integration tests, which Python made.
func testModel(name string) string { return filepath.Join("..", "..", "test", "models", name) }

// withRequests is a folder with a file of warm-up requests.
func withRequests(t *testing.T, content []byte) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, predictionlog.Path)
	if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o700), os.WriteFile(path, content, 0o600)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// halfPlusTwo has the signatures of test/models/warmup.
func halfPlusTwo() *recorder {
	r := signatures(map[string]infer.Shape{"serving_default": {-1, 1}})
	examples := []infer.TensorInfo{{Name: "inputs", Tensor: "examples:0", DType: infer.String, Shape: infer.Shape{-1}}}
	r.catalog.Signatures["regress_x_to_y"] = &infer.Signature{Name: "regress_x_to_y", Inputs: examples, Outputs: []infer.TensorInfo{{Name: "outputs"}}}
	r.catalog.Signatures["classify_x_to_y"] = &infer.Signature{Name: "classify_x_to_y", Inputs: examples, Outputs: []infer.TensorInfo{{Name: "scores"}}}
	return r
}

func TestTheModelsRequestsAreReplayedAndNothingElse(t *testing.T) {
	r := halfPlusTwo()
	o := options(t, r, testModel("warmup"))
	// Effects that the model's owner asks for are the owner's business.
	o.HasEffects = func(string) error { return errors.New("writes a variable") }
	report, err := warmup.Run(t.Context(), o)
	if err != nil || report.Replayed != 3 || report.Guessed != 0 || len(report.Notes) > 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	var tensors []string
	for _, feeds := range r.asked {
		tensors = append(tensors, feeds[0].Tensor+infer.FormatShape(feeds[0].Value.Shape))
	}
	if want := []string{"serving_default_x:0[2,1]", "examples:0[1]", "examples:0[1]"}; !slices.Equal(tensors, want) {
		t.Errorf("fed %q, want %q", tensors, want)
	}
}

func TestAnOwnRequestThatFailsFailsTheWarmUp(t *testing.T) {
	refused := infer.Errorf(infer.ErrInvalidArgument, "Feature: x is required")
	for _, tt := range []struct {
		name, dir string
		run       func() error
		message   string
	}{
		{"TensorFlow refuses it", testModel("warmup"), func() error { return refused }, "record 1 (predict_log) of assets.extra/tf_serving_warmup_requests"},
		{"it cannot be read", withRequests(t, []byte("no TFRecord")), nil, "TFRecord"},
	} {
		r := halfPlusTwo()
		r.run = tt.run
		_, err := warmup.Run(t.Context(), options(t, r, tt.dir))
		if !errors.Is(err, warmup.ErrRequest) || !strings.Contains(err.Error(), tt.message) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestAnEmptyFileOfRequestsTurnsGuessingOff(t *testing.T) {
	r := halfPlusTwo()
	report, err := warmup.Run(t.Context(), options(t, r, withRequests(t, nil)))
	if err != nil || len(r.asked) > 0 || len(report.Notes) > 0 {
		t.Errorf("asked %v, %+v, %v", r.asked, report, err)
	}
}

func TestZerosAreOfBatchOneAndOfShapesThatAreKnown(t *testing.T) {
	r := signatures(map[string]infer.Shape{
		"a scalar": {}, "a vector": {3}, "serving_default": {-1, 2}, "two open": {-1, -1}, "no rank": nil, "terabytes": {1 << 40}, "empty": {0, 2},
	})
	report, err := warmup.Run(t.Context(), options(t, r, ""))
	if err != nil || report.Guessed != 4 || report.Replayed != 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	var shapes []string
	for _, feeds := range r.asked {
		v := feeds[0].Value
		if slices.ContainsFunc(v.Data, func(b byte) bool { return b != 0 }) || len(v.Data) != 4*v.Len() {
			t.Errorf("fed %v", v.Data)
		}
		shapes = append(shapes, infer.FormatShape(v.Shape))
	}
	if want := []string{"[1,2]", "[]", "[3]", "[0,2]"}; !slices.Equal(shapes, want) {
		t.Errorf("fed %q, want the default signature's and then by name: %q", shapes, want)
	}
	for i, name := range []string{"no rank", "terabytes", "two open"} {
		if len(report.Notes) != 3 || !strings.Contains(report.Notes[i], name) {
			t.Errorf("notes %q, want one on %q", report.Notes, name)
		}
	}
}

// TestSignaturesOfTheSameTensorsAreRunOnce is about models as pack leaves them.
func TestSignaturesOfTheSameTensorsAreRunOnce(t *testing.T) {
	r := signatures(map[string]infer.Shape{"serving_default": {-1, 1}, "serve": {-1, 1}, "other": {-1, 2}})
	same := *r.catalog.Signatures["serving_default"]
	same.Name = "serve"
	r.catalog.Signatures["serve"] = &same
	report, err := warmup.Run(t.Context(), options(t, r, ""))
	if err != nil || report.Guessed != 2 || len(r.asked) != 2 || len(report.Notes) > 0 {
		t.Errorf("%d runs, %+v, %v", len(r.asked), report, err)
	}
}

func TestEmptyStringsAreZeros(t *testing.T) {
	r := signatures(map[string]infer.Shape{"serving_default": {-1, 3}})
	r.catalog.Signatures["serving_default"].Inputs[0].DType = infer.String
	if _, err := warmup.Run(t.Context(), options(t, r, "")); err != nil || len(r.asked) != 1 {
		t.Fatalf("asked %v, %v", r.asked, err)
	}
	if v := r.asked[0][0].Value; v.Len() != 3 || len(v.Data) != 0 || !slices.Equal(v.Shape, []int64{1, 3}) {
		t.Errorf("fed %+v", v)
	}
}

func TestZerosAreHeldToTheLimitTogether(t *testing.T) {
	r := signatures(map[string]infer.Shape{"serving_default": {8}})
	s := r.catalog.Signatures["serving_default"]
	s.Inputs = append(s.Inputs, infer.TensorInfo{Name: "z", Tensor: "z:0", DType: infer.Uint8, Shape: infer.Shape{1}})
	o := options(t, r, "")
	for limit, guessed := range map[int64]int{31: 0, 32: 0, 33: 1} {
		o.Limits.MaxTensor = limit
		if report, err := warmup.Run(t.Context(), o); err != nil || report.Guessed != guessed {
			t.Errorf("33 bytes within %d: %+v, %v", limit, report, err)
		}
	}
}

func TestSignaturesWithEffectsAreNotGuessedAt(t *testing.T) {
	r := signatures(map[string]infer.Shape{"serving_default": {1}, "train": {1}})
	o := options(t, r, "")
	o.HasEffects = func(signature string) error {
		if signature == "train" {
			return errors.New("it writes variables")
		}
		return nil
	}
	report, err := warmup.Run(t.Context(), o)
	if err != nil || report.Guessed != 1 || len(report.Notes) != 1 || !strings.Contains(report.Notes[0], "it writes variables") {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestZerosThatAreRefusedAreANote(t *testing.T) {
	r := signatures(map[string]infer.Shape{"serving_default": {1}, "other": {1}})
	r.run = func() error { return infer.Errorf(infer.ErrInvalidArgument, "no zeros\n\t [[{{node x}}]]") }
	report, err := warmup.Run(t.Context(), options(t, r, ""))
	if err != nil || len(r.asked) != 2 || len(report.Notes) != 2 || !strings.HasSuffix(report.Notes[0], "no zeros") {
		t.Errorf("asked %d times, %+v, %v", len(r.asked), report, err)
	}
}

// A start that is called off is no failure of the model's requests.
func TestAWarmUpEndsWithItsContext(t *testing.T) {
	for _, dir := range []string{"", testModel("warmup")} {
		ctx, cancel := context.WithCancel(t.Context())
		r := halfPlusTwo()
		r.run = func() error { cancel(); return ctx.Err() }
		_, err := warmup.Run(ctx, options(t, r, dir))
		if !errors.Is(err, context.Canceled) || errors.Is(err, warmup.ErrRequest) || len(r.asked) != 1 {
			t.Errorf("asked %d times: %v", len(r.asked), err)
		}
	}
}
