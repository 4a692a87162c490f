package test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// packModel packs a model of models/ and is the folder of the result.
func packModel(t *testing.T, model string, arguments ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "packed") + "/"
	o := command(t, []string{raw(t)}, append([]string{"pack", absolute(t, "models/"+model), out}, arguments...)...)
	if o.status != 0 {
		t.Fatalf("pack: exit status %d: %s", o.status, o.stderr)
	}
	return out
}

func describePacked(t *testing.T, folder string) description {
	t.Helper()
	var d description
	o := command(t, nil, "inspect", folder, "--json")
	if err := json.Unmarshal([]byte(o.stdout), &d); err != nil {
		t.Fatalf("inspect: %v: %s", err, o.stderr)
	}
	return d
}

// A packed model answers what Python's TensorFlow answers for the original, and is
// made of what every TensorFlow can load.
func TestPackedModelsAnswerAsTheOriginals(t *testing.T) {
	t.Parallel()
	cases := predictCases(t)
	for _, model := range slices.Sorted(maps.Keys(cases)) {
		if strings.HasSuffix(model, ".pb") {
			continue
		}
		t.Run(model, func(t *testing.T) {
			t.Parallel()
			folder := packModel(t, model)
			for _, operation := range describePacked(t, folder).Operations {
				if strings.HasPrefix(operation.Op, "_") || operation.Device != "" {
					t.Errorf("operation %+v", operation)
				}
			}
			s := startServer(t, folder, raw(t), "TF_ENABLE_ONEDNN_OPTS=1")
			for _, c := range cases[model] {
				if c.Request != "" {
					c.checkColumns(t, s.predict(c.Request))
				}
			}
		})
	}
}

// Python's loader takes every packed model whose original it takes, and gets the same
// answers from both.
func TestPackedModelsLoadInPython(t *testing.T) {
	t.Parallel()
	var args []string
	for _, model := range savedModels(t) {
		if !strings.HasPrefix(model, "unsafe_") {
			args = append(args, absolute(t, "models/"+model)+"="+packModel(t, model))
		}
	}
	python(t, "packed.py", args...)
}

func TestPackedModelKeepsWhatItWrites(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		model     string
		variables bool
	}{{"counter", true}, {"image", false}, {"half_plus_two", false}} {
		t.Run(c.model, func(t *testing.T) {
			t.Parallel()
			folder := packModel(t, c.model)
			_, err := os.Stat(filepath.Join(folder, "variables"))
			if kept := describePacked(t, folder).OpCounts["VarHandleOp"] > 0; kept != c.variables || (err == nil) != c.variables {
				t.Errorf("variables in the graph %v, folder of variables %v, want %v", kept, err, c.variables)
			}
		})
	}
}

func TestPackSaysWhyItDoesNot(t *testing.T) {
	t.Parallel()
	image := absolute(t, "models/image")
	for _, c := range []struct {
		name   string
		args   []string
		status int
		stderr string
	}{
		{"no output", []string{image}, 2, "want INPUT and OUTPUT"},
		{"onto itself", []string{image, image + "/"}, 2, "a place of its own"},
		{"a frozen graph", []string{absolute(t, "models/two_placeholders.pb"), "OUT/"}, 1, "frozen graph"},
		{"to a frozen graph", []string{image, "OUT/model.pb"}, 2, "a folder, a prefix or a .tar.gz"},
		{"a signature that is not there", []string{image, "OUT/", "--signature", "classify"}, 1, `no signature "classify"`},
		{"a model that the guard refuses", []string{absolute(t, "models/unsafe_read"), "OUT/"}, 1, "ReadFile"},
		{"no model", []string{absolute(t, "models") + "/nowhere", "OUT/"}, 1, "nowhere"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			args := []string{"pack"}
			for _, arg := range c.args {
				args = append(args, strings.Replace(arg, "OUT/", folder+"/", 1))
			}
			o := command(t, []string{raw(t)}, args...)
			if o.status != c.status || !strings.Contains(o.stderr, c.stderr) {
				t.Errorf("exit status %d, want %d with %q: %s", o.status, c.status, c.stderr, o.stderr)
			}
			if left, _ := os.ReadDir(folder); len(left) > 0 {
				t.Errorf("it left %v", left)
			}
		})
	}
}

// A packed archive is the same bytes each time, so its checksum can be pinned.
func TestPackedArchiveIsReproducible(t *testing.T) {
	t.Parallel()
	var archives [2]string
	for i := range archives {
		out := filepath.Join(t.TempDir(), "model.tar.gz")
		if o := command(t, []string{raw(t)}, "pack", absolute(t, "models/image"), out); o.status != 0 {
			t.Fatalf("exit status %d: %s", o.status, o.stderr)
		}
		archives[i] = string(read(t, out))
	}
	if archives[0] != archives[1] {
		t.Error("two archives of one model differ")
	}
}
