package npy

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// Items is data, which is as long as DataSize says, in row-major order and
// little-endian: itself where it is that already, else one copy.
func (h *Header) Items(data []byte) []byte {
	out := data
	if h.Fortran {
		out = rowMajor(data, h.Shape, h.DType.Size)
	}
	if !h.DType.BigEndian || len(data) == 0 {
		return out
	}
	if &out[0] == &data[0] {
		out = bytes.Clone(data) // which is not ours to change
	}
	swapBytes(out, h.DType.word())
	return out
}

// word is the size of what has a byte order of its own in an item.
func (d DType) word() int {
	switch d.Kind {
	case Complex:
		return d.Size / 2
	case Unicode:
		return 4
	default:
		return d.Size
	}
}

// tile is the side of the squares in which rowMajor works: short enough for the
// cache lines of all their rows to stay in the first-level cache.
const tile = 32

// rowMajor is data, an array whose first index runs fastest, in the order in
// which the last does: a copy, unless the two are the same. size is that of an
// item in bytes.
func rowMajor(data []byte, shape []int64, size int) []byte {
	var dims []int
	for _, d := range shape {
		if d != 1 {
			dims = append(dims, int(d))
		}
	}
	if len(dims) < 2 || len(data) == 0 {
		return data
	}
	out := make([]byte, len(data))
	last := len(dims) - 1
	// In bytes: from one index to the next, in data and in out.
	from, to := make([]int, last+1), make([]int, last+1)
	for k, step := 0, size; k <= last; k++ {
		from[k] = step
		step *= dims[k]
	}
	for k, step := last, size; k >= 0; k-- {
		to[k] = step
		step *= dims[k]
	}
	p := plane{rows: dims[0], columns: dims[last], from: from[last], to: to[0], size: size}
	index := make([]int, last) // of the dimensions between the first and the last
	for i, o := 0, 0; ; {
		p.turn(out[o:], data[i:])
		k := last - 1
		for ; k > 0; k-- {
			i, o = i+from[k], o+to[k]
			if index[k]++; index[k] < dims[k] {
				break
			}
			i, o, index[k] = i-dims[k]*from[k], o-dims[k]*to[k], 0
		}
		if k <= 0 {
			return out
		}
	}
}

// plane is what two of an array's dimensions span: its rows lie one item apart in
// the source and to bytes apart in the target, its columns from bytes apart in the
// source and one item in the target.
type plane struct{ rows, columns, from, to, size int }

func (p *plane) turn(dst, src []byte) {
	for r0 := 0; r0 < p.rows; r0 += tile {
		for c0 := 0; c0 < p.columns; c0 += tile {
			n := min(tile, p.columns-c0)
			for r := r0; r < min(r0+tile, p.rows); r++ {
				gather(dst[r*p.to+c0*p.size:], src[r*p.size+c0*p.from:], n, p.from, p.size)
			}
		}
	}
}

// gather copies n items that lie step bytes apart in src to the start of dst, one
// behind the other.
func gather(dst, src []byte, n, step, size int) {
	switch size {
	case 1:
		for i := range n {
			dst[i] = src[i*step]
		}
	case 4:
		for i := range n {
			binary.LittleEndian.PutUint32(dst[4*i:], binary.LittleEndian.Uint32(src[i*step:]))
		}
	case 8:
		for i := range n {
			binary.LittleEndian.PutUint64(dst[8*i:], binary.LittleEndian.Uint64(src[i*step:]))
		}
	default:
		for i := range n {
			copy(dst[i*size:(i+1)*size], src[i*step:])
		}
	}
}

// swapBytes turns the bytes of each word in data round.
func swapBytes(data []byte, word int) {
	le := binary.LittleEndian
	switch word {
	case 2:
		for ; len(data) >= 2; data = data[2:] {
			le.PutUint16(data, bits.ReverseBytes16(le.Uint16(data)))
		}
	case 4:
		for ; len(data) >= 4; data = data[4:] {
			le.PutUint32(data, bits.ReverseBytes32(le.Uint32(data)))
		}
	case 8:
		for ; len(data) >= 8; data = data[8:] {
			le.PutUint64(data, bits.ReverseBytes64(le.Uint64(data)))
		}
	}
}
