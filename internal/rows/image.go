package rows

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// imageReader is the one row of an object that is an image. It is its own decoder.
type imageReader struct {
	ctx   context.Context
	sig   *infer.Signature
	value func(context.Context, infer.TensorInfo, []byte) (*infer.Tensor, error)
	image []byte
	size  int64 // of the source
	join  bool
	done  bool
}

func openImage(ctx context.Context, src Source, o Options) (Reader, error) {
	sig, info, err := onlyInput(o, "write JSON lines")
	if err != nil {
		return nil, unreadable(Image, err)
	}
	r := &imageReader{ctx: ctx, sig: sig, value: o.Catalog.Image, size: src.Size, join: o.Join}
	if takesStrings(sig) {
		r.value = encodedImage
	}
	if r.value == nil {
		return nil, unreadable(Image, infer.Errorf(infer.ErrInvalidArgument, "input %q takes no images", info.Name))
	}
	r.image, err = readAll(ctx, src, o, "an image")
	return r, err
}

// encodedImage is the value of an input that takes images as they are.
func encodedImage(_ context.Context, _ infer.TensorInfo, image []byte) (*infer.Tensor, error) {
	return infer.NewStringTensor([]int64{1}, image, []int{0, len(image)})
}

func (r *imageReader) Next() (*Block, error) {
	if r.done {
		return nil, io.EOF
	}
	r.done = true
	return &Block{N: 1, Read: r.size}, nil
}

func (r *imageReader) Decoder() Decoder { return r }

func (r *imageReader) Decode(*Block) (*Decoded, error) {
	d := &Decoded{N: 1}
	input := r.sig.Inputs[0]
	value, err := r.value(r.ctx, input, r.image)
	if public, ok := errors.AsType[*infer.Error](err); ok {
		d.Faults = []Fault{{Err: public}}
	} else if err != nil {
		return nil, err
	} else {
		feeds := []infer.Feed{{TensorInfo: input, Value: value}}
		req := &infer.Request{Signature: r.sig, Feeds: feeds, Fetches: r.sig.Outputs, Whole: input.OneImage()}
		d.Groups = []Group{{req, []int{0}}}
	}
	if r.join { // pixels are nothing to repeat
		d.Instance = func(dst []byte, _ int) []byte { return append(dst, null...) }
	}
	return d, nil
}

func (r *imageReader) Close() error { return nil }

// ImageRows is the catalog by which answers to an image are written. Where the image is
// the whole value of an input, the answer is one row, which no shape of the signature says.
func ImageRows(c *infer.Catalog) *infer.Catalog {
	sig, err := c.Signature("")
	if err != nil || len(sig.Inputs) != 1 || !sig.Inputs[0].OneImage() {
		return c
	}
	row := *sig
	row.Inputs, row.Outputs = withRows(sig.Inputs), withRows(sig.Outputs)
	catalog := *c
	catalog.Signatures = map[string]*infer.Signature{c.Default: &row}
	return &catalog
}

// withRows are tensors with a first dimension for rows.
func withRows(infos []infer.TensorInfo) []infer.TensorInfo {
	infos = slices.Clone(infos)
	for i, t := range infos {
		if t.Shape != nil {
			infos[i].Shape = append(infer.Shape{-1}, t.Shape...)
		}
	}
	return infos
}
