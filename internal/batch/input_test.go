package batch

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// Nothing is wrong with an input without rows, but seldom is it meant.
func TestInputsWithoutRowsAreWarnedOf(t *testing.T) {
	for _, tt := range []struct {
		name, content string
		warned        bool
	}{
		{"rows.csv", "", true},
		{"rows.csv", "x\n", true},
		{"rows.jsonl", "\n\n", true},
		{"rows.jsonl", "2\n", false},
		{"rows.csv", "x\n2\n", false},
	} {
		dir := t.TempDir()
		in := filepath.Join(dir, tt.name)
		if err := os.WriteFile(in, []byte(tt.content), 0o600); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		scorer := New(Options{
			Store:  blob.Stores{Files: &blob.Files{}},
			Model:  func(context.Context) (*infer.Model, error) { return new(scalar).model(), nil },
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		_, err := scorer.Score(t.Context(), Request{
			Object: Object{URI: blob.URI{Scheme: blob.FileScheme, Key: in}}, Output: blob.URI{Scheme: blob.FileScheme, Key: filepath.Join(dir, "out.jsonl")},
		})
		if err != nil {
			t.Fatal(err)
		}
		if warned := strings.Contains(log.String(), "the input has no rows") && strings.Contains(log.String(), tt.name); warned != tt.warned {
			t.Errorf("%s %q: the log is %q, want a warning: %v", tt.name, tt.content, &log, tt.warned)
		}
	}
}
