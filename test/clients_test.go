package test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// served is a server that a script of clients/ wants, by the label it uses.
type served struct {
	label   string
	model   string // path; empty: the label is that of a test model
	setting string // may be empty
}

// Published clients understand the server, and it them: the expected values are
// Python's TensorFlow's, or arithmetic.
func TestPublishedClients(t *testing.T) {
	t.Parallel()
	for script, servers := range map[string][]served{
		"triton.py":          testModels("dtypes", "failing", "half_plus_two/00000123", "multi", "strings", "two_placeholders.pb"),
		"triton_requests.py": testModels("multi"),
		"serving.py":         testModels("classify_labels", "dtypes", "failing", "half_plus_two/00000123", "multi", "strings", "unknown_rank"),
		"plain.py":           append(identities(), served{label: "multi"}, served{label: "strings"}, served{label: "digits", model: digitsFolder + "/digits.pb"}),
	} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			var args []string
			for _, s := range servers {
				args = append(args, s.label+"="+s.start(t).model)
			}
			python(t, script, args...)
		})
	}
}

func testModels(labels ...string) (servers []served) {
	for _, label := range labels {
		servers = append(servers, served{label: label})
	}
	return servers
}

// identities are servers whose default signature is the identity of a type.
func identities() (servers []served) {
	for _, dtype := range []string{"float", "double", "half", "bfloat16", "int8", "int64", "uint16", "uint64", "bool", "string"} {
		servers = append(servers, served{label: dtype, model: "models/dtypes", setting: "MODEL_SIGNATURE=" + dtype})
	}
	return servers
}

func (s served) start(t *testing.T) *server {
	t.Helper()
	settings := []string{raw(t)}
	if s.setting != "" {
		settings = append(settings, s.setting)
	}
	model := s.model
	if model == "" {
		model = "models/" + s.label
	}
	return startServer(t, absolute(t, model), settings...)
}

// The metadata of every SavedModel here are, as messages and as JSON, the
// signatures in its own file.
func TestMetadataAreTheModelsSignatures(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	models := savedModels(t)
	if len(models) < 10 {
		t.Fatalf("found only %q", models)
	}
	var args []string
	for _, model := range models {
		file := filepath.Join(dir, strings.ReplaceAll(model, "/", "-")+".json")
		if writeMetadata(t, model, file) {
			args = append(args, model+"="+file)
		}
	}
	python(t, "metadata.py", args...)
}

// savedModels are the test models with signatures that can be loaded, as paths below
// models.
func savedModels(t *testing.T) (models []string) {
	t.Helper()
	err := filepath.WalkDir("models", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "warmup_failing" { // its own request ends each start
			return fs.SkipDir
		}
		if err == nil && d.Name() == "saved_model.pb" {
			models = append(models, strings.TrimPrefix(filepath.Dir(name), "models/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return models
}

// writeMetadata writes what a server of its own says of a model.
func writeMetadata(t *testing.T, model, file string) bool {
	return t.Run(model, func(t *testing.T) {
		s := startServer(t, absolute(t, "models/"+model), raw(t), "MODEL_ALLOW_UNSAFE_OPS=true")
		r := s.request(get, s.model+"/metadata", "")
		if r.StatusCode != http.StatusOK {
			t.Fatalf("answer %d %.300q", r.StatusCode, r.Body)
		}
		if err := os.WriteFile(file, []byte(r.Body), 0o600); err != nil {
			t.Fatal(err)
		}
	})
}

// python runs a script of clients/ to its end, which says whether all was right.
func python(t *testing.T, script string, args ...string) {
	t.Helper()
	_, _ = pythonSays(t, nil, script, args...)
}

// pythonSays is python for a script that is asked something: what it prints. ok is false
// where it failed, which the test has been told.
func pythonSays(t *testing.T, settings []string, script string, args ...string) (said []byte, ok bool) {
	t.Helper()
	interpreter, err := filepath.Abs("../build/venv/bin/python")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(interpreter); errors.Is(err, fs.ErrNotExist) {
		t.Fatal("no build/venv with the Python clients; run `make check`, which makes it before the tests")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience) // TensorFlow alone takes seconds to import
	defer cancel()
	cmd := exec.CommandContext(ctx, interpreter, append([]string{script}, args...)...)
	cmd.Dir = "clients"
	cmd.Env = append(append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "NO_PROXY=*"), settings...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Errorf("%s: %v\n%s%s", script, err, &stdout, &stderr)
		return nil, false
	}
	return stdout.Bytes(), true
}
