package rows

import (
	"io"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// stretch is consecutive rows of what is in memory as a whole.
type stretch struct{ from, to int64 }

// stretches cuts n rows, each of about size bytes, into blocks.
type stretches struct {
	n, size int64
	limits  Limits
	read    int64 // of the source, all of which has been read
	at      int64
}

func (s *stretches) Next() (*Block, error) {
	if s.at >= s.n {
		return nil, io.EOF
	}
	rows := s.limits.BlockBytes / max(s.size, 1)
	rows = min(max(rows, 1), int64(s.limits.BlockRows), s.n-s.at)
	b := &Block{First: s.at, N: int(rows), Read: s.read, records: stretch{s.at, s.at + rows}}
	s.at += rows
	return b, nil
}

func (s *stretches) Close() error { return nil }

// tensorReader cuts a request into blocks of its rows.
type tensorReader struct {
	stretches
	req  *infer.Request
	join bool
}

// newTensorReader reads the rows of a request, for an input in a format. The error is
// ErrFormat where it is one row as a whole, its inputs do not have as many rows each, or the
// rows no elements: of these a few bytes could announce any number.
func newTensorReader(req *infer.Request, f Format, source int64, o Options) (*tensorReader, error) {
	if req.Whole {
		return nil, unreadable(f, infer.Errorf(infer.ErrInvalidArgument, "input %q takes one image and has no rows: score the image's own file", req.Feeds[0].Name))
	}
	r := &tensorReader{stretches{limits: o.Limits, read: source, n: -1}, req, o.Join}
	for _, feed := range req.Feeds {
		if single := codec.SingleElement(o.Catalog, feed.TensorInfo); single != nil && len(feed.Value.Shape) == 1 {
			feed.Value.Shape = append(feed.Value.Shape, single...) // as in lines and columns
		}
		shape := feed.Value.Shape
		if len(shape) == 0 {
			return nil, unreadable(f, infer.Errorf(infer.ErrInvalidArgument, "the value of input %q is a scalar and has no rows", feed.Name))
		}
		if r.n >= 0 && r.n != shape[0] {
			return nil, unequal(f, feed.Name, shape[0], req.Feeds[0].Name, r.n)
		}
		r.n = shape[0]
		r.size += int64(len(feed.Value.Data)+len(feed.Value.Offsets)) / max(r.n, 1)
	}
	if r.n > 0 && r.size == 0 {
		return nil, noElements(f)
	}
	return r, nil
}

// unequal is the error for inputs with different numbers of rows.
func unequal(f Format, name string, n int64, first string, want int64) error {
	return unreadable(f, infer.Errorf(infer.ErrInvalidArgument, "input %q has %d rows, and %q has %d", name, n, first, want))
}

func noElements(f Format) error {
	return unreadable(f, infer.Errorf(infer.ErrInvalidArgument, "the rows have no elements"))
}

func (r *tensorReader) Decoder() Decoder { return r }

// Decode is safe for concurrent use: a reader is its own decoder.
func (r *tensorReader) Decode(b *Block) (*Decoded, error) {
	part := b.records.(stretch)
	req := &infer.Request{Signature: r.req.Signature, Fetches: r.req.Fetches, Feeds: make([]infer.Feed, len(r.req.Feeds))}
	for i, feed := range r.req.Feeds {
		req.Feeds[i] = infer.Feed{TensorInfo: feed.TensorInfo, Value: rowsOf(feed.Value, part.from, part.to)}
	}
	d := &Decoded{N: b.N, Groups: []Group{{req, upTo(b.N)}}}
	if r.join {
		showFeeds(d)
	}
	return d, nil
}

// rowsOf is the rows of t from from up to but without to, which alias it.
func rowsOf(t *infer.Tensor, from, to int64) *infer.Tensor {
	part := &infer.Tensor{DType: t.DType, Shape: append([]int64{to - from}, t.Shape[1:]...), Prefix: t.Prefix}
	elements := int64(t.Len()) / t.Shape[0]
	if t.DType == infer.String {
		part.Data, part.Offsets = t.Data, t.Offsets[from*elements:to*elements+1]
	} else {
		size := elements * int64(t.DType.Size())
		part.Data = t.Data[from*size : to*size]
	}
	return part.OwnedBy(t)
}

// upTo is 0 to n-1.
func upTo(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}
