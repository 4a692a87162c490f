package test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func copyModel(t *testing.T, model, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(absolute(t, model))); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(to, "assets"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// A deployment that names labels finds them in the packed model, whether they lay in the
// original or beside it.
func TestPackedModelsKeepTheirLabels(t *testing.T) {
	t.Parallel()
	labels := read(t, digitsFolder+"/labels.txt")
	inside := t.TempDir()
	copyModel(t, "models/image", inside)
	write(t, filepath.Join(inside, "labels.txt"), labels)
	write(t, filepath.Join(inside, "notes.md"), []byte("not a text that is kept"))
	nested := t.TempDir()
	copyModel(t, "models/image", nested)
	write(t, filepath.Join(nested, "assets", "labels.txt"), labels)
	for name, c := range map[string]struct {
		model, labels string
		want          []string
	}{
		"in the model, named":      {inside, "labels.txt", []string{"labels.txt"}},
		"in the model, not named":  {inside, "", []string{"labels.txt"}},
		"in its assets, named":     {nested, "labels.txt", []string{"labels.txt"}},
		"in its assets, not named": {nested, "", nil},
		"beside the archive":       {absolute(t, digitsFolder+"/digits.tar.gz"), "labels.txt", []string{"labels.txt"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := filepath.Join(t.TempDir(), "packed") + "/"
			settings := []string{raw(t), "MODEL_LABELS=" + c.labels}
			if o := command(t, settings, "pack", c.model, out); o.status != 0 {
				t.Fatalf("exit status %d: %s", o.status, o.stderr)
			}
			var kept []string
			for _, file := range filesBelow(t, out) {
				if name := strings.TrimPrefix(file, out); name != "saved_model.pb" {
					kept = append(kept, name)
				}
			}
			if !slices.Equal(kept, c.want) {
				t.Fatalf("it keeps %q, want %q", kept, c.want)
			}
			if c.labels != "" {
				startServer(t, out, settings...)
			}
		})
	}
}

// What is wrong with a call of pack is said with what would be right, and nothing is
// written.
func TestPackSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings  []string
		arguments []string
		says      string
	}{
		"no such signature": {nil, []string{"--signature", "foo"}, `pack: the model has no signature "foo", only "classify_x_to_y", `},
		"no such labels":    {[]string{"MODEL_LABELS=labels.txt"}, nil, "labels.txt is neither in the model nor at "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := filepath.Join(t.TempDir(), "packed")
			o := command(t, append(c.settings, raw(t)), append([]string{"pack", absolute(t, "models/half_plus_two"), out}, c.arguments...)...)
			if o.status != 1 || !strings.Contains(o.stderr, c.says) || strings.Contains(o.stderr, "malformed") {
				t.Errorf("exit status %d, %q, want %q", o.status, o.stderr, c.says)
			}
			if _, err := os.Stat(out); err == nil {
				t.Error("something was written")
			}
		})
	}
}
