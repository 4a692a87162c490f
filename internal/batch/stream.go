package batch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// Rows are rows that came as they are, and not as an object of a store.
type Rows struct {
	Data      []byte
	Format    rows.Format // of Data
	Output    rows.Format // of the answers; not rows.NPY, whose head is written last
	Signature string      // empty means the default
	Name      string      // what errors call the rows; empty means rows.csv and the like
}

// Stream scores rows and writes the answers to w in order, a write for each block of
// them, as soon as they are there. What is wrong with a row is said in its place; an
// error that is an *infer.Error is about the input as a whole.
func (s *Scorer) Stream(ctx context.Context, r Rows, w io.Writer) error {
	model, err := s.model(ctx)
	if err != nil {
		return err
	}
	if model, err = asking(model, r.Signature); err != nil {
		return err
	}
	in := &input{
		object:   blob.Object{URI: blob.URI{Scheme: blob.FileScheme, Key: cmp.Or(r.Name, "rows"+r.Format.Extension())}, Size: int64(len(r.Data))},
		encoding: rows.Encoding{Format: r.Format},
		data:     r.Data, inMemory: true,
	}
	_, err = s.run(ctx, stream{in: in, model: model, format: r.Output, sink: onward{w}})
	for _, kind := range []error{rows.ErrFormat, rows.ErrCorrupt, rows.ErrTooLarge, rows.ErrOutput} {
		if errors.Is(err, kind) {
			return infer.Errorf(infer.ErrInvalidArgument, "%s", err)
		}
	}
	return err
}

// asking is a model whose default signature is the given one.
func asking(m *infer.Model, signature string) (*infer.Model, error) {
	catalog := *m.Catalog()
	if _, err := catalog.Signature(signature); err != nil || signature == "" {
		return m, err
	}
	catalog.Default = signature
	other := *m
	other.Runner = withCatalog{m.Runner, &catalog}
	return &other, nil
}

// withCatalog is a runner with another catalog of the same graph.
type withCatalog struct {
	infer.Runner
	catalog *infer.Catalog
}

func (w withCatalog) Catalog() *infer.Catalog { return w.catalog }

// onward is a sink whose bytes are gone once they are written.
type onward struct{ io.Writer }

func (onward) Rewrite([]byte) error {
	return fmt.Errorf("%w: its beginning is written last", rows.ErrOutput)
}
