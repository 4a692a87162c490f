package tensorflow_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/infer/tensorflow"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel"
)

func TestModelsThatAreRefused(t *testing.T) {
	cases := []struct {
		model string
		opts  tensorflow.Options
		kind  error
		says  string
	}{
		{"nowhere", tensorflow.Options{}, fs.ErrNotExist, "saved_model.pb"},
		{"unsafe_read", tensorflow.Options{}, savedmodel.ErrUnsafe, "ReadFile"},
		{"unsafe_read.pb", tensorflow.Options{}, savedmodel.ErrUnsafe, "ReadFile"},
		{"unsafe_save", tensorflow.Options{}, savedmodel.ErrUnsafe, "SaveV2"},
		{"unsafe_nested", tensorflow.Options{}, savedmodel.ErrUnsafe, "MODEL_ALLOW_UNSAFE_OPS=true"},
		{"unsafe_pyfunc", tensorflow.Options{}, savedmodel.ErrUnsafe, "PyFunc"},
		{"unsafe_table", tensorflow.Options{}, savedmodel.ErrUnsafe, "InitializeTableFromTextFile"},
		{"two_meta_graphs", tensorflow.Options{Tags: []string{"gpu"}}, savedmodel.ErrTags, `"serve"`},
		{"half_plus_two/00000123", tensorflow.Options{Signature: "nope"}, infer.ErrFailedPrecondition, "regress_x_to_y"},
		{"no_placeholder.pb", tensorflow.Options{}, savedmodel.ErrTensor, "MODEL_INPUTS"},
		{"two_placeholders.pb", tensorflow.Options{Outputs: []savedmodel.Binding{{Name: "y", Tensor: "dense_1/BiasAd:0"}}},
			savedmodel.ErrTensor, "dense_1/BiasAdd"},
		{"expected.json", tensorflow.Options{}, fs.ErrNotExist, "saved_model.pb"},
	}
	for _, c := range cases {
		path := filepath.Join(models, c.model)
		if c.model == "expected.json" { // a file where the folder should be
			path = filepath.Join(t.TempDir(), "empty")
		}
		_, err := read(path, c.opts)
		if !errors.Is(err, c.kind) || err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want %q", c.model, err, c.says)
		}
	}
}

func TestAssetsThatLeadOutOfTheModelAreRefused(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "words")
	if err := os.WriteFile(outside, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	links := map[string]func(dir string) error{
		"the file is a link": func(dir string) error {
			files, err := filepath.Glob(filepath.Join(dir, "assets", "*"))
			if err != nil || len(files) == 0 {
				return fmt.Errorf("no assets to replace: %w", err)
			}
			return errors.Join(os.Remove(files[0]), os.Symlink(outside, files[0]))
		},
		"the folder is a link": func(dir string) error {
			assets := filepath.Join(dir, "assets")
			moved := filepath.Join(t.TempDir(), "moved")
			return errors.Join(os.Rename(assets, moved), os.Symlink(moved, assets))
		},
	}
	for name, link := range links {
		dir := t.TempDir()
		if err := errors.Join(os.CopyFS(dir, os.DirFS(filepath.Join(models, "strings"))), link(dir)); err != nil {
			t.Fatal(err)
		}
		if _, err := tensorflow.ReadSavedModel(dir, tensorflow.Options{}); !errors.Is(err, savedmodel.ErrUnsafe) {
			t.Errorf("%s: got %v", name, err)
		}
		if _, err := tensorflow.ReadSavedModel(dir, tensorflow.Options{AllowUnsafeOps: true}); err != nil {
			t.Errorf("%s, trusted: got %v", name, err)
		}
	}
}

func TestTrustedModelsLoad(t *testing.T) {
	for _, model := range []string{"unsafe_read", "unsafe_read.pb", "unsafe_save", "unsafe_nested"} {
		definition, err := read(filepath.Join(models, model), tensorflow.Options{AllowUnsafeOps: true})
		if err != nil {
			t.Errorf("%s: %v", model, err)
			continue
		}
		runner, err := definition.Load()
		if err != nil {
			t.Errorf("%s: %v", model, err)
			continue
		}
		runner.Close()
	}
}

func TestADamagedModelIsAnErrorOfTheLoad(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(models, "counter"))); err != nil {
		t.Fatal(err)
	}
	index := filepath.Join(dir, "variables", "variables.index")
	if err := os.WriteFile(index, []byte("not an index"), 0o600); err != nil {
		t.Fatal(err)
	}
	definition, err := tensorflow.ReadSavedModel(dir, tensorflow.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := definition.Load(); err == nil || !strings.Contains(err.Error(), "load model") {
		t.Errorf("got %v", err)
	}
}

func TestAnyTensor(t *testing.T) {
	fetch := func(opts tensorflow.Options, model, name string) (infer.TensorInfo, bool) {
		definition, err := read(filepath.Join(models, model), opts)
		if err != nil {
			t.Fatal(err)
		}
		signature, err := definition.Catalog().Signature("")
		if err != nil {
			t.Fatal(err)
		}
		return definition.Catalog().Output(signature, name)
	}
	open := tensorflow.Options{AnyTensor: true}
	if _, ok := fetch(tensorflow.Options{}, "two_placeholders.pb", "keep_prob"); ok {
		t.Error("a tensor that is no output may be fetched without MODEL_ANY_TENSOR")
	}
	if info, ok := fetch(open, "two_placeholders.pb", "keep_prob"); !ok || info.DType != infer.Float {
		t.Errorf("any tensor: got %+v, %t", info, ok)
	}
	if _, ok := fetch(open, "two_placeholders.pb", "keep_prob:1"); ok {
		t.Error("an output that the operation does not have was found")
	}
	// The saver is in the graph of every exported model, and reads and writes
	// files: no signature reaches it, and any tensor must not either.
	content, err := os.ReadFile(filepath.Join(models, "counter", "saved_model.pb"))
	if err != nil {
		t.Fatal(err)
	}
	model, err := savedmodel.ReadSavedModel(content)
	if err != nil {
		t.Fatal(err)
	}
	saver := model.MetaGraphs[0].Saver
	for _, name := range []string{saver.Save, saver.Restore} {
		if info, ok := fetch(open, "counter", name); ok || name == "" {
			t.Errorf("the saver's %q may be fetched as %+v", name, info)
		}
	}
}

func TestStatusOfTensorFlowIsUnderstood(t *testing.T) {
	// Were the binding to rename the field that the code is read from, every
	// client's mistake would count as the server's.
	runner := load(t, "failing")
	signature, err := runner.Catalog().Signature("")
	if err != nil {
		t.Fatal(err)
	}
	v := value{DType: "int32", Shape: []int64{1}, Values: []any{"-1"}}
	_, err = runner.Run(t.Context(), []infer.Feed{{TensorInfo: signature.Inputs[0], Value: v.tensor(t)}}, signature.Outputs)
	if !errors.Is(err, infer.ErrInvalidArgument) || !strings.Contains(err.Error(), "indices") {
		t.Errorf("got %v", err)
	}
}

func TestEffectsAreKnownBeforeARun(t *testing.T) {
	cases := []struct {
		model, signature string
		effects          bool
	}{
		{"counter", "serving_default", true},  // adds to a variable
		{"counter", "read", false},            // reads it
		{"strings", "serving_default", false}, // looks up in a table that the init op filled
		{"half_plus_two/00000123", "serving_default", false},
		{"two_placeholders.pb", "serving_default", false},
		{"unsafe_save", "serving_default", true},
	}
	for _, c := range cases {
		definition, err := read(filepath.Join(models, c.model), tensorflow.Options{AllowUnsafeOps: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := definition.HasEffects(c.signature); (got != nil) != c.effects {
			t.Errorf("%s, %s: %v", c.model, c.signature, got)
		}
	}
}

func TestAnOperationWithoutAKernelIsNoMatterUntilItRuns(t *testing.T) {
	runner := loadFor(t, "unsafe_pyfunc", tensorflow.Options{AllowUnsafeOps: true})
	defer runner.Close()
	signature, err := runner.Catalog().Signature("")
	if err != nil {
		t.Fatal(err)
	}
	value, err := infer.NewTensor(infer.Float, []int64{1}, make([]byte, 4))
	if err != nil {
		t.Fatal(err)
	}
	_, err = runner.Run(t.Context(), []infer.Feed{{TensorInfo: signature.Inputs[0], Value: value}}, signature.Outputs)
	if !errors.Is(err, infer.ErrUnimplemented) || !strings.Contains(err.Error(), "PyFunc") {
		t.Errorf("got %v, want ErrUnimplemented that names PyFunc", err)
	}
}
