package batch

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// writes notes every write.
type writes struct{ each [][]byte }

func (w *writes) Write(p []byte) (int, error) {
	w.each = append(w.each, bytes.Clone(p))
	return len(p), nil
}

// streaming scores rows by two at a time.
func streaming(m *scalar) *Scorer {
	return New(Options{
		Model:  func(context.Context) (*infer.Model, error) { return m.model(), nil },
		Limits: rows.Limits{BlockRows: 2}, Logger: slog.New(slog.DiscardHandler),
	})
}

// The rows of a request are scored as those of an object are, a write for each block, so
// that whoever waits sees the first answers first.
func TestStreamWritesABlockAtATime(t *testing.T) {
	var out writes
	err := streaming(&scalar{}).Stream(t.Context(), Rows{Data: []byte("1\n\"two\"\n3\n"), Format: rows.JSONLines, Output: rows.JSONLines}, &out)
	if err != nil || len(out.each) != 2 {
		t.Fatalf("%d writes, %v", len(out.each), err)
	}
	first, second := bytes.Split(bytes.TrimSpace(out.each[0]), []byte("\n")), out.each[1]
	if len(first) != 2 || !bytes.HasPrefix(first[0], []byte(`{"prediction":`)) || !bytes.HasPrefix(first[1], []byte(`{"error":`)) || !bytes.HasPrefix(second, []byte(`{"prediction":`)) {
		t.Errorf("got %s and %s", out.each[0], second)
	}
}

func TestStreamOfNothing(t *testing.T) {
	for _, format := range []rows.Format{rows.JSONLines, rows.CSV} {
		var out writes
		if err := streaming(&scalar{}).Stream(t.Context(), Rows{Format: format, Output: rows.JSONLines}, &out); err != nil || len(out.each) != 0 {
			t.Errorf("%s: %d writes, %v", format, len(out.each), err)
		}
	}
}

// What is wrong with the request as a whole is the client's to know; what is wrong with
// the model is not.
func TestStreamFails(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   Rows
		fail error // of the model
		want error
		told bool // to the client
	}{
		{"an unknown signature", Rows{Data: []byte("1\n"), Format: rows.JSONLines, Output: rows.JSONLines, Signature: "none"}, nil, infer.ErrInvalidArgument, true},
		{"a format that ends at its beginning", Rows{Data: []byte("1\n"), Format: rows.JSONLines, Output: rows.NPY}, nil, infer.ErrInvalidArgument, true},
		{"a model that is gone", Rows{Data: []byte("1\n"), Format: rows.JSONLines, Output: rows.JSONLines}, infer.ErrUnavailable, infer.ErrUnavailable, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := streaming(&scalar{before: func() error { return tt.fail }}).Stream(t.Context(), tt.in, &writes{})
			_, told := errors.AsType[*infer.Error](err)
			if !errors.Is(err, tt.want) || told != tt.told {
				t.Errorf("got %v (told %v), want %v (told %v)", err, told, tt.want, tt.told)
			}
		})
	}
}

// Errors call the rows what their owner calls them.
func TestStreamNamesTheRows(t *testing.T) {
	for name, want := range map[string]string{"": "input rows.csv: ", "my flowers.csv": "input my flowers.csv: "} {
		err := streaming(&scalar{}).Stream(t.Context(), Rows{Data: []byte("a,b\n1,2\n"), Format: rows.CSV, Output: rows.JSONLines, Name: name}, &writes{})
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want it to begin with %q", name, err, want)
		}
	}
}

// A signature that the request names is asked in the place of the default one.
func TestStreamAsksTheSignatureThatIsNamed(t *testing.T) {
	m := (&scalar{}).model()
	catalog := *m.Catalog()
	for name, signature := range catalog.Signatures {
		catalog.Default = "missing"
		catalog.Signatures = map[string]*infer.Signature{name: signature}
		m.Runner = withCatalog{m.Runner, &catalog}
		s := New(Options{Model: func(context.Context) (*infer.Model, error) { return m, nil }, Logger: slog.New(slog.DiscardHandler)})
		var out writes
		in := Rows{Data: []byte("1\n"), Format: rows.JSONLines, Output: rows.CSV, Signature: name}
		if err := s.Stream(t.Context(), in, &out); err != nil || len(out.each) == 0 {
			t.Errorf("%q: %v", name, err)
		}
		in.Signature = ""
		if err := s.Stream(t.Context(), in, &out); !errors.Is(err, infer.ErrInvalidArgument) {
			t.Errorf("without its name: %v", err)
		}
	}
}
