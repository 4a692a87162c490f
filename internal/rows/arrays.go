package rows

import (
	"errors"
	"fmt"

	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/npy"
)

// array is a .npy array whose first axis is rows of an input.
type array struct {
	info   infer.TensorInfo
	header npy.Header
	row    int64 // bytes of a row
	tensor int64 // bytes of a row as the input's type
}

// newArray is the array of an input under a header. The error is ErrFormat or
// ErrTooLarge.
func newArray(f Format, info infer.TensorInfo, h npy.Header, o Options) (*array, error) {
	if err := codec.CheckNPY(info, h.DType); err != nil {
		return nil, unreadable(f, err)
	}
	if single := codec.SingleElement(o.Catalog, info); single != nil && len(h.Shape) == 1 {
		h.Shape = append([]int64{h.Shape[0]}, single...)
	}
	if len(h.Shape) == 0 {
		return nil, unreadable(f, infer.Errorf(infer.ErrInvalidArgument, "the array for input %q is a scalar and has no rows", info.Name))
	}
	if _, err := h.DataSize(); err != nil {
		return nil, unreadable(f, err)
	}
	elements, err := infer.Elements(h.Shape[1:])
	if err != nil {
		return nil, unreadable(f, err)
	}
	if elements == 0 && h.Shape[0] > 0 { // of which a few bytes could announce any number
		return nil, noElements(f)
	}
	a := &array{info: info, header: h, row: elements * int64(h.DType.Size)}
	size := int64(info.DType.Size())
	if info.DType == infer.String {
		size = int64(h.DType.Size) + infer.StringOverhead
	}
	if elements > o.Limits.MaxTensor/size || a.row > o.Limits.MaxTensor {
		return nil, fmt.Errorf("%s input: a row of shape %s has more than %d bytes (MAX_TENSOR_BYTES): %w", f, infer.FormatShape(h.Shape[1:]), o.Limits.MaxTensor, ErrTooLarge)
	}
	a.tensor = elements * size
	return a, nil
}

// n is the number of rows.
func (a *array) n() int64 { return a.header.Shape[0] }

// blockSize is what a row counts against BlockBytes, so that blocks are within MaxTensor
// as well.
func blockSize(arrays []*array, l Limits) int64 {
	size, tensor := int64(0), int64(0)
	for _, a := range arrays {
		size += a.row
		tensor += a.tensor
	}
	if tensor > l.MaxTensor/max(l.BlockBytes/max(size, 1), 1) {
		return l.BlockBytes / max(l.MaxTensor/max(tensor, 1), 1)
	}
	return size
}

// value is the tensor of n rows of data.
func (a *array) value(data []byte, n int, l Limits) (*infer.Tensor, error) {
	h := a.header
	h.Shape = append([]int64{int64(n)}, h.Shape[1:]...)
	return codec.NPYTensor(a.info, &h, data, codecLimits(l))
}

// arrayDecoder decodes rows of arrays. The records of a block are the bytes of its rows,
// one stretch for each array. It is safe for concurrent use.
type arrayDecoder struct {
	sig    *infer.Signature
	arrays []*array
	limits Limits
	join   bool
}

func (d *arrayDecoder) Decode(b *Block) (*Decoded, error) {
	data := b.records.([][]byte)
	out := &Decoded{N: b.N}
	records := upTo(b.N)
	req, err := d.request(data, b.N)
	if err != nil {
		if data, records, err = d.sift(data, out); err != nil {
			return nil, err
		}
		if len(records) > 0 {
			if req, err = d.request(data, len(records)); err != nil {
				return nil, err
			}
		}
	}
	if len(records) > 0 {
		out.Groups = []Group{{req, records}}
	}
	if d.join {
		showFeeds(out)
	}
	return out, nil
}

func (d *arrayDecoder) request(data [][]byte, n int) (*infer.Request, error) {
	req := &infer.Request{Signature: d.sig, Fetches: d.sig.Outputs}
	for k, a := range d.arrays {
		value, err := a.value(data[k], n, d.limits)
		if err != nil {
			return nil, err
		}
		req.Feeds = append(req.Feeds, infer.Feed{TensorInfo: a.info, Value: value})
	}
	return req, nil
}

// sift reads the rows of a block one by one, to find those that are at fault for the
// block's. It returns the data and numbers of the others.
func (d *arrayDecoder) sift(data [][]byte, out *Decoded) (good [][]byte, records []int, err error) {
	good = make([][]byte, len(data))
	row := make([][]byte, len(data))
	for i := range out.N {
		for k, a := range d.arrays {
			row[k] = data[k][int64(i)*a.row : int64(i+1)*a.row]
		}
		if _, err := d.request(row, 1); err != nil {
			public, ok := errors.AsType[*infer.Error](err)
			if !ok {
				return nil, nil, err
			}
			out.Faults = append(out.Faults, Fault{Record: i, Err: public})
			continue
		}
		for k := range row {
			good[k] = append(good[k], row[k]...)
		}
		records = append(records, i)
	}
	return good, records, nil
}
