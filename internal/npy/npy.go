// Package npy reads and writes the header of NumPy's .npy files, versions 1.0,
// 2.0 and 3.0, and puts the data behind it in order. To read the data, from one
// contiguous buffer or a stream, is its caller's.
package npy

import (
	"fmt"
	"math"
	"strconv"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// ContentType is the media type of .npy files.
const ContentType = "application/x-npy"

// magic opens every .npy file. Its version and the length of its header follow.
const magic = "\x93NUMPY"

// Limits of what a header may say. The length is NumPy's own limit for files
// that it does not trust, the rank that of its arrays.
const (
	maxHeaderBytes = 10000
	maxRank        = 64
)

// Header says how the data behind it is to be read.
type Header struct {
	DType DType
	// Fortran says that the first index runs fastest, and not the last.
	Fortran bool
	Shape   []int64
}

// DataSize is the size in bytes of the data behind the header. It fails with
// ErrInvalidArgument where the product overflows.
func (h *Header) DataSize() (int64, error) {
	n, err := infer.Elements(h.Shape)
	if err != nil {
		return 0, invalid("%s", err)
	}
	size := int64(h.DType.Size)
	if n > math.MaxInt64/size {
		return 0, invalid("an array of shape %s has more bytes than can be counted", infer.FormatShape(h.Shape))
	}
	return n * size, nil
}

// Kind is what the items of an array are, by NumPy's letter.
type Kind byte

// The kinds that can be read.
const (
	Bool    Kind = 'b'
	Int     Kind = 'i'
	Uint    Kind = 'u'
	Float   Kind = 'f'
	Complex Kind = 'c'
	Bytes   Kind = 'S' // padded with NUL to the size of the item
	Unicode Kind = 'U' // code points of 4 bytes, padded likewise
)

// DType is the type of an array's items.
type DType struct {
	Kind Kind
	Size int // of an item in bytes; never 0
	// BigEndian is false for items whose bytes have no order.
	BigEndian bool
}

// String is the type as headers write it: "<f4", "|b1", ">U7".
func (d DType) String() string {
	order := byte('<')
	switch {
	case d.Kind == Bytes || d.Size == 1:
		order = '|'
	case d.BigEndian:
		order = '>'
	}
	size := d.Size
	if d.Kind == Unicode {
		size /= 4
	}
	return fmt.Sprintf("%c%c%d", order, d.Kind, size)
}

// Name is the type as Python code writes it: "float32", "S5".
func (d DType) Name() string {
	bits := strconv.Itoa(8 * d.Size)
	switch d.Kind {
	case Bool:
		return "bool"
	case Int:
		return "int" + bits
	case Uint:
		return "uint" + bits
	case Float:
		return "float" + bits
	case Complex:
		return "complex" + bits
	default:
		return d.String()[1:]
	}
}

// TypeOf is the type whose items are those of a tensor of type d, byte by byte.
// ok is false where there is none: for bfloat16, for strings, whose size is not
// that of their type, and for what is no plain number.
func TypeOf(d infer.DType) (t DType, ok bool) {
	var kind Kind
	switch d {
	case infer.Bool:
		kind = Bool
	case infer.Int8, infer.Int16, infer.Int32, infer.Int64:
		kind = Int
	case infer.Uint8, infer.Uint16, infer.Uint32, infer.Uint64:
		kind = Uint
	case infer.Half, infer.Float, infer.Double:
		kind = Float
	case infer.Complex64, infer.Complex128:
		kind = Complex
	default:
		return DType{}, false
	}
	return DType{Kind: kind, Size: d.Size()}, true
}

func invalid(format string, args ...any) error {
	return infer.Errorf(infer.ErrInvalidArgument, "npy: "+format, args...)
}
