package npy

import (
	"encoding/binary"
	"strconv"
	"strings"
)

// alignment is what NumPy aligns the data to, so that files can be mapped.
const alignment = 64

// growthDigits is how many digits NumPy leaves room for in the size of the axis along
// which a file grows.
const growthDigits = 21

// AppendHeader appends h to dst as a file starts with it. It writes version 1.0,
// whose 64 KiB hold the sizes of more than 3000 dimensions: no tensor has so many.
//
// As from NumPy, the header is as long whatever the first size of the shape (the last
// in Fortran's order): a file can be written before it is known how many rows there
// are, and its header again at the end.
func AppendHeader(dst []byte, h Header) []byte {
	text := appendDict(nil, h)
	if n := len(h.Shape); n > 0 {
		axis := 0
		if h.Fortran {
			axis = n - 1
		}
		digits := len(strconv.FormatInt(h.Shape[axis], 10))
		text = append(text, strings.Repeat(" ", growthDigits-digits)...)
	}
	const start = len(magic) + 2 + 2
	length := len(text) + 1 // with the line feed that ends it
	pad := (alignment - (start+length)%alignment) % alignment
	dst = append(dst, magic...)
	dst = append(dst, 1, 0)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(length+pad))
	dst = append(dst, text...)
	dst = append(dst, strings.Repeat(" ", pad)...)
	return append(dst, '\n')
}

// appendDict appends the literal, with its keys in the order of the alphabet, as
// NumPy writes it.
func appendDict(dst []byte, h Header) []byte {
	dst = append(dst, "{'descr': '"...)
	dst = append(dst, h.DType.String()...)
	dst = append(dst, "', 'fortran_order': "...)
	if h.Fortran {
		dst = append(dst, "True"...)
	} else {
		dst = append(dst, "False"...)
	}
	dst = append(dst, ", 'shape': ("...)
	for i, size := range h.Shape {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = strconv.AppendInt(dst, size, 10)
	}
	if len(h.Shape) == 1 {
		dst = append(dst, ',')
	}
	return append(dst, "), }"...)
}
