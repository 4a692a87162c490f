package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ReadHeader reads the header at the start of a .npy file, and nothing behind
// it. size is how many bytes that were. It allocates at most as much as the
// longest header that it takes. Files that are no .npy file, are cut short or
// hold items that are not plain numbers or text fail with ErrInvalidArgument and
// a message for the client; errors of r are wrapped.
func ReadHeader(r io.Reader) (h Header, size int, err error) {
	var start [len(magic) + 2]byte
	if err := readFull(r, start[:]); err != nil {
		return h, 0, err
	}
	if string(start[:len(magic)]) != magic {
		return h, 0, invalid("not a .npy file: it does not begin with \\x93NUMPY")
	}
	var length [4]byte // of the text, in 2 bytes before version 2.0
	width := 4
	switch major, minor := start[len(magic)], start[len(magic)+1]; {
	case major < 1 || major > 3 || minor != 0:
		return h, 0, invalid("version %d.%d of the format is not known (1.0, 2.0 and 3.0 are)", major, minor)
	case major == 1:
		width = 2
	}
	if err := readFull(r, length[:width]); err != nil {
		return h, 0, err
	}
	n := binary.LittleEndian.Uint32(length[:])
	if n > maxHeaderBytes {
		return h, 0, invalid("the header is %d bytes long; at most %d are read", n, maxHeaderBytes)
	}
	text := make([]byte, n)
	if err := readFull(r, text); err != nil {
		return h, 0, err
	}
	h, err = parse(string(text))
	return h, len(start) + width + len(text), err
}

func readFull(r io.Reader, b []byte) error {
	_, err := io.ReadFull(r, b)
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return invalid("the file ends inside its header")
	case err != nil:
		return fmt.Errorf("read npy header: %w", err)
	}
	return nil
}

// keys are the keys of a header, which must all be there, once.
var keys = [...]string{"descr", "fortran_order", "shape"}

// parse reads the text of a header: the literal of a Python dict.
func parse(text string) (Header, error) {
	var h Header
	var seen [len(keys)]bool
	l := &literal{text: text}
	err := l.dict(func(key string) (err error) {
		k := slices.Index(keys[:], key)
		switch {
		case k < 0:
			return invalid("the header has an unknown key %q", key)
		case seen[k]:
			return invalid("the header has the key %q twice", key)
		}
		seen[k] = true
		switch k {
		case 0:
			h.DType, err = l.descr()
		case 1:
			h.Fortran, err = l.boolean()
		default:
			h.Shape, err = l.shape()
		}
		return err
	})
	if err != nil {
		return Header{}, err
	}
	if k := slices.Index(seen[:], false); k >= 0 {
		return Header{}, invalid("the header has no key %q", keys[k])
	}
	return h, nil
}

// parseDescr reads a type in NumPy's array protocol: byte order, kind, size.
func parseDescr(s string) (DType, error) {
	rest := s
	order := byte('=')
	if rest != "" && strings.IndexByte("<>=|", rest[0]) >= 0 {
		order, rest = rest[0], rest[1:]
	}
	if rest == "" {
		return DType{}, invalid("the type %q is not known", s)
	}
	d := DType{Kind: Kind(rest[0])}
	size, ok := parseSize(rest[1:])
	if !ok || !d.setSize(size) {
		return DType{}, unreadable(s, rest[0])
	}
	d.BigEndian = order == '>' && d.Kind != Bytes && d.Size > 1
	return d, nil
}

// setSize sets the size that a type is written with and reports whether its
// kind has that size.
func (d *DType) setSize(size int) bool {
	d.Size = size
	switch d.Kind {
	case Bool:
		return size == 1
	case Int, Uint:
		return size == 1 || size == 2 || size == 4 || size == 8
	case Float:
		return size == 2 || size == 4 || size == 8
	case Complex:
		return size == 8 || size == 16
	case Bytes:
		return size > 0 // NumPy writes 1 for arrays of nothing but empty strings
	case Unicode:
		d.Size *= 4
		return size > 0
	default:
		return false
	}
}

// maxItem bounds the size of an item as written. It keeps products of sizes
// within an int, also of 32 bits.
const maxItem = 1 << 28

func parseSize(s string) (int, bool) {
	n := 0
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return 0, false
		}
		if n = 10*n + int(s[i]-'0'); n > maxItem {
			return 0, false
		}
	}
	return n, s != ""
}

// unreadable says what to do about a type that is no plain number and no text.
func unreadable(descr string, kind byte) error {
	switch kind {
	case 'O':
		return invalid("an array of Python objects cannot be read; convert it with .astype to a type of numbers, or to 'U' for text")
	case 'V':
		return invalid("type %q: records and raw bytes cannot be read; NumPy has no bfloat16, so convert that with .astype('float32')", descr)
	case 'M', 'm':
		return invalid("type %q: dates and times cannot be read; convert them with .astype('int64')", descr)
	case 'f', 'c':
		return invalid("type %q: only floats of 2, 4 and 8 bytes and complex numbers of 8 and 16 can be read; convert it with .astype('%c8')", descr, kind)
	default:
		return invalid("type %q cannot be read; convert it with .astype to a type of numbers, or to 'U' for text", descr)
	}
}
