package batch

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// scoreFile scores a file of this content, in blocks of one row by one worker, and
// returns its output; nil where there is none.
func scoreFile(ctx context.Context, t *testing.T, m interface{ model() *infer.Model }, name, content, output string) ([]byte, error) {
	t.Helper()
	dir := t.TempDir()
	in, out := filepath.Join(dir, name), filepath.Join(dir, output)
	if err := os.WriteFile(in, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	scorer := New(Options{
		Store:   blob.Stores{Files: &blob.Files{}},
		Model:   func(context.Context) (*infer.Model, error) { return m.model(), nil },
		Workers: 1, Limits: rows.Limits{BlockRows: 1}, Logger: slog.New(slog.DiscardHandler),
	})
	_, err := scorer.Score(ctx, Request{
		Object: Object{URI: blob.URI{Scheme: blob.FileScheme, Key: in}}, Output: blob.URI{Scheme: blob.FileScheme, Key: out},
	})
	got, readErr := os.ReadFile(out)
	if readErr != nil && !errors.Is(readErr, os.ErrNotExist) {
		t.Fatal(readErr)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 2 || got == nil && len(left) > 1 {
		t.Errorf("%q: something half-written is left", left)
	}
	return got, err
}

// Whatever ends a job names the input and how far it came, and leaves no output.
func TestWhatEndsAJobNamesTheInput(t *testing.T) {
	ends := errors.New("the time is over")
	for _, c := range []struct {
		name, input, content, output string
		fail                         error // of the model's third run, where set
		cancel                       error // of the invocation in the third run, where set
		want                         error
		place                        string
	}{
		{"a deadline in mid-job", "rows.jsonl", "1\n2\n3\n4\n", "out.jsonl", nil, ends, ends, "behind row"},
		{"a model that is gone", "rows.jsonl", "1\n2\n3\n4\n", "out.jsonl", infer.ErrUnavailable, nil, infer.ErrUnavailable, "rows from 3 on"},
		{"a damaged tail", "rows.tfrecord", "no record", "out.jsonl", nil, nil, rows.ErrCorrupt, "behind row 0"},
		{"an error row in npy", "rows.jsonl", "1\n\"two\"\n", "out.npy", nil, nil, rows.ErrOutput, "row 2"},
		{"a panic", "rows.jsonl", "1\n2\n3\n4\n", "out.jsonl", errPanics, nil, infer.ErrInternal, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			runs := 0
			model := &scalar{before: func() error {
				if runs++; runs != 3 {
					return nil
				}
				if errors.Is(c.fail, errPanics) {
					panic("model")
				}
				if c.cancel != nil {
					cancel(c.cancel)
					return infer.Errorf(infer.ErrDeadlineExceeded, "cancelled")
				}
				return c.fail
			}}
			got, err := scoreFile(ctx, t, model, c.input, c.content, c.output)
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.input) || !strings.Contains(err.Error(), c.place) {
				t.Errorf("got %v, want %v with the input and %q", err, c.want, c.place)
			}
			if got != nil {
				t.Errorf("output %q", got)
			}
		})
	}
}

var errPanics = errors.New("panic")

// TensorFlow's texts have several lines and may repeat whole graphs; that of a job
// goes into replies and logs.
func TestFirstErrorIsOneShortLine(t *testing.T) {
	model := &scalar{before: func() error {
		return infer.Errorf(infer.ErrInvalidArgument, "bad\n\t [[{{node n}}]]%s", strings.Repeat("x", 1<<20))
	}}
	_, err := scoreFile(t.Context(), t, model, "rows.jsonl", "1\n2\n", "out.jsonl")
	if !errors.Is(err, ErrAllRowsFailed) || !strings.Contains(err.Error(), "bad [[{{node n}}]]") || len(err.Error()) > 2000 {
		t.Errorf("%d bytes: %.200q", len(err.Error()), err)
	}
}
