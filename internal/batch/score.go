package batch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
	"github.com/tensorlambda/tensorlambda/internal/telemetry"
)

// Request is a call of Score, as `bootstrap score` makes it.
type Request struct {
	Object
	// Output is the object to be written; a prefix gets the input's name and the
	// extension of outputs.
	Output blob.URI
	Format rows.Format // empty means by Output's extension, else that of the options
	// Force scores again what is done already.
	Force bool
	// Progress, where set, is called after each block, by one goroutine.
	Progress func(Progress)
}

// Score scores one object into one other, whatever its size. An output in S3 that is
// there already for the same input, model and settings stays; files carry no identity
// and are written anew. The report is also set where the error is ErrAllRowsFailed.
func (s *Scorer) Score(ctx context.Context, r Request) (Report, error) {
	format := cmp.Or(r.Format, FormatOf(r.Output), s.o.Format)
	in, err := s.open(ctx, r.Object)
	if err != nil {
		return Report{}, err
	}
	output := r.Output
	if output.IsPrefix() {
		output = output.Join(path.Base(in.object.URI.Key) + suffix(format))
	}
	if output == in.object.URI {
		return Report{}, fmt.Errorf("output %s: %w: it is the input itself", output, rows.ErrOutput)
	}
	model, err := s.model(ctx)
	if err != nil {
		return Report{}, err
	}
	j := &job{s: s, in: in, model: model, output: output, format: format, force: r.Force}
	if r.Progress != nil {
		j.progress = func(p Progress) error { r.Progress(p); return nil }
	}
	return j.score(ctx)
}

// FormatOf is the format that the name of an output asks for, empty where it does not
// say.
func FormatOf(output blob.URI) rows.Format {
	format := rows.Format(strings.TrimPrefix(strings.ToLower(path.Ext(output.Key)), "."))
	if format == "ndjson" {
		format = rows.JSONLines
	}
	if _, ok := contentTypes[format]; !ok || output.IsPrefix() {
		return ""
	}
	return format
}

// suffix is what the name of an output has behind that of its input.
func suffix(format rows.Format) string { return ".out" + format.Extension() }

var contentTypes = map[rows.Format]string{
	rows.JSONLines: "application/jsonlines",
	rows.CSV:       "text/csv; charset=utf-8",
	rows.Parquet:   "application/vnd.apache.parquet",
	rows.NPY:       "application/x-npy",
}

// job is one input on its way to one output.
type job struct {
	s        *Scorer
	in       *input
	model    *infer.Model
	output   blob.URI
	format   rows.Format
	force    bool
	progress func(Progress) error
}

// attempts is how often a job looks again after somebody else wrote its output.
const attempts = 3

// score writes the output unless it, or that of a newer version, is there. The
// conditions of the write hold that decision: where another invocation has written
// meanwhile, it is made again.
func (j *job) score(ctx context.Context) (Report, error) {
	id := j.s.identity(j.in, j.model, j.format)
	for range attempts {
		options := blob.CreateOptions{ContentType: contentTypes[j.format], Metadata: id}
		skipped, err := j.decide(ctx, id, &options)
		if err != nil {
			return Report{}, err
		}
		if skipped != "" {
			return Report{Output: j.output.String(), Skipped: skipped}, nil
		}
		report, err := j.write(ctx, options)
		if !errors.Is(err, blob.ErrConflict) {
			return report, err
		}
	}
	return Report{}, fmt.Errorf("output %s: %w", j.output, ErrConflict)
}

// decide looks at the output that is there: whether it makes this job needless, or
// what it is that may be replaced.
func (j *job) decide(ctx context.Context, id identity, options *blob.CreateOptions) (skipped string, err error) {
	if j.output.Scheme == blob.FileScheme {
		return "", nil // no metadata, and no conditions
	}
	there, err := j.s.o.Store.Stat(ctx, j.output, "")
	switch {
	case errors.Is(err, blob.ErrNotFound):
		options.Absent = true
		return "", nil
	case err != nil:
		return "", fmt.Errorf("output: %w", err)
	case j.force:
	case id.same(there.Metadata):
		return Done, nil
	case id.olderThan(there.Metadata):
		return Superseded, nil
	}
	options.Replaces = there.ETag
	return "", nil
}

// write scores the rows into a new output.
func (j *job) write(ctx context.Context, options blob.CreateOptions) (Report, error) {
	upload, err := j.s.o.Store.Create(ctx, j.output, options)
	if err != nil {
		return Report{}, fmt.Errorf("output: %w", err)
	}
	defer j.drop(upload)
	tally, err := j.s.run(ctx, stream{
		in: j.in, model: j.model, format: j.format, sink: upload, progress: j.progress,
	})
	if err != nil {
		return Report{}, err
	}
	if err := commit(ctx, upload); err != nil {
		return Report{}, fmt.Errorf("output: %w", err)
	}
	if tally.rows == 0 {
		j.s.warn(j.in, "the input has no rows")
	}
	report := Report{Output: j.output.String(), Rows: tally.rows, Errors: tally.errors}
	if tally.rows > 0 && tally.errors == tally.rows {
		return report, fmt.Errorf("input %s: %w, all %d of them; the first: %s", j.in.object.URI, ErrAllRowsFailed, tally.rows, tally.first)
	}
	return report, nil
}

// commit makes an upload visible. It counts as writing: of a small output it is all of
// it.
func commit(ctx context.Context, upload blob.Upload) error {
	start := time.Now()
	_, err := upload.Commit(ctx)
	telemetry.CallOf(ctx).Write += time.Since(start)
	return err
}

// drop aborts an upload that was not committed.
func (j *job) drop(upload blob.Upload) {
	if err := upload.Abort(); err != nil {
		j.s.o.Logger.Warn("an unfinished upload may be left behind", "output", j.output.String(), "error", err)
	}
}
