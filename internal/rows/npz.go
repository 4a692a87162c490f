package rows

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/npy"
)

// arrayReader cuts arrays that are in memory into blocks.
type arrayReader struct {
	stretches
	decoder arrayDecoder
	data    [][]byte // one stretch an array
}

func newArrayReader(d arrayDecoder, data [][]byte, source int64, o Options) *arrayReader {
	s := stretches{n: d.arrays[0].n(), size: blockSize(d.arrays, o.Limits), limits: o.Limits, read: source}
	return &arrayReader{s, d, data}
}

func (r *arrayReader) Next() (*Block, error) {
	b, err := r.stretches.Next()
	if err != nil {
		return nil, err
	}
	rows := b.records.(stretch)
	records := make([][]byte, len(r.data))
	for k, a := range r.decoder.arrays {
		records[k] = r.data[k][rows.from*a.row : rows.to*a.row]
	}
	b.records = records
	return b, nil
}

func (r *arrayReader) Decoder() Decoder { return &r.decoder }

// inOrder is data of an array, as long as its header says, row by row and
// little-endian. The header says so afterwards.
func (a *array) inOrder(data []byte) []byte {
	data = a.header.Items(data)
	a.header.Fortran, a.header.DType.BigEndian = false, false
	return data
}

// openFortran reads an array in Fortran order behind a header of head bytes.
func openFortran(ctx context.Context, src Source, o Options, d arrayDecoder, head int64) (Reader, error) {
	data, err := readAll(ctx, src, o, "an array in Fortran order")
	if err != nil {
		return nil, err
	}
	a := d.arrays[0]
	size, _ := a.header.DataSize() // newArray has counted
	if err := checkSize(size, int64(len(data))-head); err != nil {
		return nil, err
	}
	return newArrayReader(d, [][]byte{a.inOrder(data[head:])}, src.Size, o), nil
}

const (
	onlyArray  = "arr_0" // what numpy.savez calls an array without a name
	maxEntries = 1 << 16
)

// openNPZ reads a zip of .npy files that are named for the inputs.
func openNPZ(ctx context.Context, src Source, o Options) (Reader, error) {
	sig, err := o.Catalog.Signature("")
	if err != nil {
		return nil, unreadable(NPZ, err)
	}
	packed, err := readAll(ctx, src, o, "an .npz file")
	if err != nil {
		return nil, err
	}
	members, err := arrayMembers(packed, sig, o)
	if err != nil {
		return nil, err
	}
	d := arrayDecoder{sig: sig, limits: o.Limits, join: o.Join}
	var data [][]byte
	left := o.Limits.MaxTensor
	for k, info := range sig.Inputs {
		a, values, err := readMember(members[k], info, left, o)
		if err != nil {
			return nil, err
		}
		if k > 0 && a.n() != d.arrays[0].n() {
			return nil, unequal(NPZ, info.Name, a.n(), d.arrays[0].info.Name, d.arrays[0].n())
		}
		left -= int64(len(values))
		d.arrays, data = append(d.arrays, a), append(data, values)
	}
	return newArrayReader(d, data, src.Size, o), nil
}

// arrayMembers are the members of a zip for the inputs of a signature, in their order.
// Others are ignored.
func arrayMembers(packed []byte, sig *infer.Signature, o Options) ([]*zip.File, error) {
	// The package makes a struct of each entry it meets, whatever number the directory
	// declares.
	if bytes.Count(packed, []byte("PK\x01\x02")) > maxEntries {
		return nil, fmt.Errorf("npz input: more than %d files: %w", maxEntries, ErrTooLarge)
	}
	z, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		return nil, fmt.Errorf("npz input: %w: %w", ErrCorrupt, err)
	}
	members := make([]*zip.File, len(sig.Inputs))
	var names []string
	for _, f := range z.File {
		name, ok := strings.CutSuffix(f.Name, ".npy")
		if !ok {
			continue
		}
		names = append(names, name)
		info, ok := o.Catalog.Input(sig, name)
		if !ok && name == onlyArray && len(sig.Inputs) == 1 {
			info, ok = sig.Inputs[0], true
		}
		k := slices.IndexFunc(sig.Inputs, func(t infer.TensorInfo) bool { return t.Name == info.Name })
		if !ok || k < 0 {
			continue
		}
		if members[k] != nil {
			return nil, unreadable(NPZ, infer.Errorf(infer.ErrInvalidArgument, "input %q is given more than once", info.Name))
		}
		members[k] = f
	}
	if k := slices.Index(members, nil); k >= 0 || len(members) == 0 {
		return nil, unreadable(NPZ, missingArray(sig, max(k, 0), names))
	}
	return members, nil
}

// missingArray says that there is no array for input k, and which there are.
func missingArray(sig *infer.Signature, k int, names []string) error {
	const most = 10
	if len(sig.Inputs) == 0 {
		return infer.Errorf(infer.ErrInvalidArgument, "signature %q has no inputs", sig.Name)
	}
	if len(names) > most {
		names = append(names[:most:most], "...")
	}
	return infer.Errorf(infer.ErrInvalidArgument, "there is no array for input %q; the file has %q", sig.Inputs[k].Name, names)
}

// readMember reads an array of at most limit bytes.
func readMember(f *zip.File, info infer.TensorInfo, limit int64, o Options) (*array, []byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, nil, fmt.Errorf("npz input: array %q: %w: %w", info.Name, ErrCorrupt, err)
	}
	defer r.Close()
	h, _, err := npy.ReadHeader(r)
	if err != nil {
		return nil, nil, fmt.Errorf("npz input: array %q: %w: %w", info.Name, ErrFormat, err)
	}
	a, err := newArray(NPZ, info, h, o)
	if err != nil {
		return nil, nil, err
	}
	size, _ := h.DataSize() // newArray has counted
	if size > limit {
		return nil, nil, fmt.Errorf("npz input: its arrays have more than %d bytes (MAX_TENSOR_BYTES): %w", o.Limits.MaxTensor, ErrTooLarge)
	}
	data, err := readExactly(r, size)
	if err != nil {
		return nil, nil, fmt.Errorf("npz input: array %q: %w: %w", info.Name, ErrCorrupt, err)
	}
	return a, a.inOrder(data), nil
}

var errLonger = errors.New("something follows the array")

// readExactly reads all of r, which should be size bytes.
func readExactly(r io.Reader, size int64) ([]byte, error) {
	// It grows as bytes come: a header may announce more than there is.
	var data bytes.Buffer
	n, err := io.Copy(&data, io.LimitReader(r, size+1))
	switch {
	case err != nil:
		return nil, err
	case n < size:
		return nil, io.ErrUnexpectedEOF
	case n > size:
		return nil, errLonger
	}
	return data.Bytes(), nil
}
