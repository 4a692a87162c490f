package batch

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
	"github.com/tensorlambda/tensorlambda/internal/telemetry"
)

// input is a version of an object that is about to be scored.
type input struct {
	object    blob.Object
	sequencer string
	encoding  rows.Encoding

	inMemory bool // it is no object of a store: data is its content
	data     []byte
}

// open looks an input up.
func (s *Scorer) open(ctx context.Context, o Object) (*input, error) {
	object, err := s.o.Store.Stat(ctx, o.URI, o.VersionID)
	if err != nil {
		return nil, fmt.Errorf("input: %w", err)
	}
	if o.VersionID == "" && o.ETag != "" && unquoted(object.ETag) != o.ETag {
		return nil, fmt.Errorf("input %s: %w: it has ETag %s, and the event was about %q", o.URI, blob.ErrChanged, object.ETag, o.ETag)
	}
	encoding, err := rows.Detect(o.URI.Key, object.ContentType, object.ContentEncoding)
	if err != nil {
		return nil, fmt.Errorf("input %s: %w", o.URI, err)
	}
	return &input{object: object, sequencer: o.Sequencer, encoding: encoding}, nil
}

// version is what tells the content of the input from that of other versions.
func (in *input) version() string {
	if v := in.object.VersionID; v != "" && v != "null" { // null: a bucket without versioning
		return v
	}
	return unquoted(in.object.ETag)
}

// readOptions are those of rows for this input.
func (s *Scorer) readOptions(in *input, model *infer.Model, part rows.Part) rows.Options {
	o := rows.Options{
		Encoding: in.encoding, Catalog: model.Catalog(), Limits: s.o.Limits, Part: part, Join: s.o.Join, Header: s.o.Header,
	}
	if !in.inMemory { // whoever sends rows sees the answers, and not this log
		o.Warn = func(text string) { s.warn(in, text) }
	}
	return o
}

// warn tells what may be wrong with an input that is scored all the same.
func (s *Scorer) warn(in *input, text string) {
	s.o.Logger.Warn(text, "input", in.object.URI.String())
}

// source is the bytes of the input.
func (s *Scorer) source(in *input) rows.Source {
	return rows.Source{
		Size: in.object.Size,
		Open: func(ctx context.Context, from, to int64) (io.ReadCloser, error) {
			if in.inMemory {
				return io.NopCloser(bytes.NewReader(in.data[from:to])), nil
			}
			return s.o.Store.OpenRange(ctx, in.object, from, to)
		},
	}
}

// model waits for the model. The error is ErrNoModel, whatever the reason: objects
// are not to blame for it.
func (s *Scorer) model(ctx context.Context) (*infer.Model, error) {
	c, start := telemetry.CallOf(ctx), time.Now()
	model, err := s.o.Model(ctx)
	c.Wait += time.Since(start)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoModel, err)
	}
	c.Model, c.Version = model.Name, model.Version
	return model, nil
}

// deadline is when to stop working so that Margin is left; zero where ctx has none.
func (s *Scorer) deadline(ctx context.Context) time.Time {
	end, ok := ctx.Deadline()
	if !ok {
		return time.Time{}
	}
	return end.Add(-min(s.o.Margin, time.Until(end)/4))
}

// outputURI is OUTPUT_URI + the key of an input + suffix. An input among the outputs
// is refused: each answer would be the next input, without end.
func (s *Scorer) outputURI(in blob.URI, suffix string) (blob.URI, error) {
	prefix := s.o.Output
	if prefix == (blob.URI{}) {
		return blob.URI{}, fmt.Errorf("input %s: %w", in, ErrNoOutput)
	}
	prefix = prefix.Prefix()
	if prefix.Scheme == in.Scheme && prefix.Bucket == in.Bucket && strings.HasPrefix(in.Key, prefix.Key) {
		return blob.URI{}, fmt.Errorf("input %s: %w, %s: its answer would be an input again; give OUTPUT_URI another bucket, or a prefix that the inputs are not under", in, ErrLoop, prefix)
	}
	return prefix.Join(in.Key + suffix), nil
}
