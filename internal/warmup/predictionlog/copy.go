package predictionlog

import (
	"context"
	"fmt"
	"io"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// Copy writes the records to w, byte for byte, and leaves out those whose requests a
// model with all the signatures takes and one with those that are kept does not. A
// record that both refuse is its owner's to mend, and goes along. It returns how many
// records it wrote and left out. The error is ErrFile, that of w, or of ctx.
func (f *File) Copy(ctx context.Context, w io.Writer, all, kept *infer.Catalog, l Limits) (written, left int, err error) {
	l = l.withDefaults()
	takes := func(c *infer.Catalog, serialized []byte) bool {
		d := decoder{catalog: c, budget: budget{l.MaxTensor, l.MaxTensor}}
		var r Record
		return d.record(serialized, &r) == nil && r.Skipped == ""
	}
	for serialized, err := range f.serialized(ctx, l.MaxRecord) {
		if err != nil {
			return written, left, err
		}
		if !takes(kept, serialized) && takes(all, serialized) {
			left++
			continue
		}
		if _, err := w.Write(rows.AppendTFRecord(nil, serialized)); err != nil {
			return written, left, fmt.Errorf("write %s: %w", Path, err)
		}
		written++
	}
	return written, left, ctx.Err()
}
