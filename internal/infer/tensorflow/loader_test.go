package tensorflow_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tf "github.com/galeone/tensorflow/tensorflow/go"

	"github.com/tensorlambda/tensorlambda/internal/infer/tensorflow"
	"github.com/tensorlambda/tensorlambda/internal/libtensorflow"
	"github.com/tensorlambda/tensorlambda/internal/pack"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel"
)

// TestTensorFlowsOwnLoaderTakesPackedModels loads them with the C++ loader, that of
// TensorFlow Serving, which restores variables, fills tables and runs the init op.
func TestTensorFlowsOwnLoaderTakesPackedModels(t *testing.T) {
	loaded := 0
	err := filepath.WalkDir(models, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != "saved_model.pb" {
			return err
		}
		name := strings.TrimPrefix(filepath.Dir(path), models+"/")
		if strings.HasPrefix(name, "unsafe_") {
			return nil
		}
		t.Run(name, func(t *testing.T) {
			dir, tags := packed(t, filepath.Dir(path))
			model, err := tf.LoadSavedModel(dir, tags, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer model.Session.Close()
			if len(model.Signatures) == 0 {
				t.Error("it has no signatures")
			}
			loaded++
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if loaded < 30 {
		t.Errorf("only %d models were loaded", loaded)
	}
}

// packed packs a model into a folder, and is that and the tags of its meta graph.
func packed(t *testing.T, dir string) (folder string, tags []string) {
	t.Helper()
	definition, err := tensorflow.ReadSavedModel(dir, tensorflow.Options{AllowUnsafeOps: true, Tags: tagsOf(t, dir)})
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(dir, "saved_model.pb"))
	if err != nil {
		t.Fatal(err)
	}
	result, err := pack.SavedModel(content, pack.Options{
		Tags: definition.Tags(), Operations: libtensorflow.OpList(), Values: definition.Variables, Evaluate: tensorflow.Evaluate,
	})
	if err != nil {
		t.Fatal(err)
	}
	folder = t.TempDir()
	for _, part := range []string{"assets", "variables"} {
		if part == "variables" && !result.Variables {
			continue
		}
		err := os.CopyFS(filepath.Join(folder, part), os.DirFS(filepath.Join(dir, part)))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "saved_model.pb"), result.Model, 0o600); err != nil {
		t.Fatal(err)
	}
	return folder, definition.Tags()
}

// tagsOf is the tags of the first meta graph of a model.
func tagsOf(t *testing.T, dir string) []string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, "saved_model.pb"))
	if err != nil {
		t.Fatal(err)
	}
	model, err := savedmodel.ReadSavedModel(content)
	if err != nil {
		t.Fatal(err)
	}
	return model.MetaGraphs[0].Tags
}
