package rows

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/npy"
)

// npyReader reads the rows of one array as they come.
type npyReader struct {
	*stream
	decoder arrayDecoder
	at, end int64 // rows; at is next
	first   int64 // row of the part
	head    int64 // bytes of the header
	whole   bool  // the stream ends with the array
	size    int64 // of a row, for blocks
	err     error
}

// openNPY reads one array for the only input. An array of several dimensions whose
// first index runs fastest has to be in memory as a whole.
func openNPY(ctx context.Context, src Source, o Options) (Reader, error) {
	sig, info, err := onlyInput(o, "save several arrays with numpy.savez as .npz")
	if err != nil {
		return nil, unreadable(NPY, err)
	}
	s, a, head, err := openArray(ctx, src, o, info)
	if err != nil {
		return nil, err
	}
	decoder := arrayDecoder{sig: sig, arrays: []*array{a}, limits: o.Limits, join: o.Join}
	if inFortranOrder(&a.header) {
		s.Close()
		if o.Part != (Part{}) {
			return nil, errFortran
		}
		return openFortran(ctx, src, o, decoder, head)
	}
	r := &npyReader{stream: s, decoder: decoder, end: a.n(), head: head, whole: o.Part == Part{}, size: blockSize(decoder.arrays, o.Limits)}
	if o.Part != (Part{}) {
		s.Close()
		r.first = r.rowAt(o.Part.From.Offset)
		if to := o.Part.To.Offset; to > 0 {
			r.end = r.rowAt(to)
		}
		if r.stream, err = openStream(ctx, src, o, r.offset(r.first), r.offset(r.end)); err != nil {
			return nil, err
		}
	}
	r.at = r.first
	return r, nil
}

var errFortran = fmt.Errorf("an array in Fortran order: %w", ErrNoSplit)

// onlyInput is the input of a signature that has one. cure is for others.
func onlyInput(o Options, cure string) (*infer.Signature, infer.TensorInfo, error) {
	sig, err := o.Catalog.Signature("")
	if err != nil {
		return nil, infer.TensorInfo{}, err
	}
	if len(sig.Inputs) != 1 {
		return nil, infer.TensorInfo{}, infer.Errorf(infer.ErrInvalidArgument, "the object is one value, but signature %q has %d inputs: %s", sig.Name, len(sig.Inputs), cure)
	}
	return sig, sig.Inputs[0], nil
}

// openArray opens a .npy file and reads its header, of head bytes.
func openArray(ctx context.Context, src Source, o Options, info infer.TensorInfo) (s *stream, a *array, head int64, err error) {
	end := int64(0)
	if o.Part != (Part{}) {
		end = firstStep
	}
	if s, err = openStream(ctx, src, o, 0, end); err != nil {
		return nil, nil, 0, err
	}
	h, n, err := readHeader(s)
	if err == nil {
		a, err = newArray(NPY, info, h, o)
	}
	if err == nil && o.Encoding.Compression == None {
		size, _ := h.DataSize() // newArray has counted
		err = checkSize(size, src.Size-int64(n))
	}
	if err != nil {
		return nil, nil, 0, errors.Join(err, s.Close())
	}
	return s, a, int64(n), nil
}

// readHeader is npy.ReadHeader, which takes any reader that ends early for a file that is
// wrong: this tells one that is cut, and a store that fails, from it.
func readHeader(r io.Reader) (npy.Header, int, error) {
	watched := &endWatch{r: r}
	h, n, err := npy.ReadHeader(watched)
	switch {
	case err == nil:
		return h, n, nil
	case watched.end == nil:
		err = fmt.Errorf("npy input: %w: %w", ErrFormat, err)
	case errors.Is(watched.end, io.EOF):
		err = fmt.Errorf("npy input: %w: %w", ErrCorrupt, err)
	default:
		err = watched.end
	}
	return h, n, err
}

// endWatch notes why a reader has ended.
type endWatch struct {
	r   io.Reader
	end error
}

func (w *endWatch) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil {
		w.end = err
	}
	return n, err
}

// checkSize compares the bytes that an array has with those behind its header.
func checkSize(want, got int64) error {
	if want == got {
		return nil
	}
	return fmt.Errorf("npy input: the array has %d bytes, but %d follow its header: %w", want, got, ErrCorrupt)
}

// inFortranOrder reports whether the items of an array do not lie row by row.
func inFortranOrder(h *npy.Header) bool {
	dimensions := 0
	for _, size := range h.Shape {
		if size != 1 {
			dimensions++
		}
	}
	return h.Fortran && dimensions > 1
}

func (r *npyReader) array() *array { return r.decoder.arrays[0] }

// offset is where a row begins.
func (r *npyReader) offset(row int64) int64 { return r.head + row*r.array().row }

// rowAt is the first row that begins at an offset or behind it.
func (r *npyReader) rowAt(offset int64) int64 {
	if offset <= r.head || r.array().row == 0 {
		return 0
	}
	return min((offset-r.head+r.array().row-1)/r.array().row, r.array().n())
}

func (r *npyReader) Next() (*Block, error) {
	if r.err == nil && r.at == r.end {
		r.err = r.finish()
	}
	if r.err != nil {
		return nil, r.err
	}
	n := min(max(r.decoder.limits.BlockBytes/max(r.size, 1), 1), int64(r.decoder.limits.BlockRows), r.end-r.at)
	data := make([]byte, n*r.array().row)
	if _, err := io.ReadFull(r.stream, data); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) && r.compressed != None {
			err = fmt.Errorf("npy input: it ends before row %d of %d: %w", r.at+n, r.array().n(), ErrCorrupt)
		}
		r.err = err
		return nil, err
	}
	b := &Block{First: r.at - r.first, N: int(n), records: [][]byte{data}}
	r.at += n
	b.Next, b.Read = r.place(r.offset(r.at))
	return b, nil
}

// finish looks for what a compressed file has behind its array. Of others the size says
// that there is nothing.
func (r *npyReader) finish() error {
	if r.compressed == None {
		return io.EOF
	}
	var one [1]byte
	if _, err := io.ReadFull(r.stream, one[:]); err != nil {
		return err
	}
	return fmt.Errorf("npy input: something follows the array: %w", ErrCorrupt)
}

func (r *npyReader) Decoder() Decoder { return &r.decoder }
