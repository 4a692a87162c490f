package infer

import (
	"fmt"
	"runtime"
)

// Tensor is a flat tensor: a type, a shape and one contiguous buffer in
// row-major order.
//
// Numbers are little-endian in Data, a bool is one byte. The elements of a
// String tensor lie one behind the other in Data, each behind Prefix bytes that
// are not its own; element i is Data[Offsets[i]+Prefix:Offsets[i+1]], so there is
// one offset more than elements.
//
// Data may alias memory that somebody else owns (a request's body, or C memory
// of a result): it is read-only, and valid only while the Tensor is reachable.
// A Tensor may be read by several goroutines at once.
type Tensor struct {
	DType   DType
	Shape   []int64
	Data    []byte
	Offsets []int
	// Prefix is 0 but for strings that alias a body in which their lengths
	// stand between them (4 bytes each in the binary tensor extension).
	Prefix int

	owner any // keeps alive what Data aliases
}

// NewTensor makes a tensor of numbers over data, which it keeps. It fails with
// ErrInvalidArgument when the length of data is not that of the shape.
func NewTensor(d DType, shape []int64, data []byte) (*Tensor, error) {
	n, err := Bytes(d, shape, 0)
	if err != nil {
		return nil, err
	}
	if d.Size() == 0 {
		return nil, Errorf(ErrUnimplemented, "tensor of type %s has no flat form", d)
	}
	if n != int64(len(data)) {
		return nil, Errorf(ErrInvalidArgument, "tensor of type %s and shape %s needs %d bytes, got %d", d, FormatShape(shape), n, len(data))
	}
	return &Tensor{DType: d, Shape: shape, Data: data}, nil
}

// NewStringTensor makes a tensor of strings over data, which it keeps. offsets
// holds one more than the number of elements, ascending, within data.
func NewStringTensor(shape []int64, data []byte, offsets []int) (*Tensor, error) {
	n, err := Elements(shape)
	if err != nil {
		return nil, err
	}
	if int64(len(offsets)) != n+1 {
		return nil, fmt.Errorf("string tensor of shape %s needs %d offsets, got %d: %w", FormatShape(shape), n+1, len(offsets), ErrInternal)
	}
	return &Tensor{DType: String, Shape: shape, Data: data, Offsets: offsets}, nil
}

// OwnedBy names the object whose memory Data aliases, so that it lives as long
// as the tensor. It returns t.
func (t *Tensor) OwnedBy(owner any) *Tensor {
	t.owner = owner
	return t
}

// KeepAlive marks a point up to which Data must stay valid. Call it after the
// last use of a Data slice that was taken out of the tensor.
func (t *Tensor) KeepAlive() { runtime.KeepAlive(t) }

// Len is the number of elements.
func (t *Tensor) Len() int {
	if t.DType == String {
		return len(t.Offsets) - 1
	}
	return len(t.Data) / t.DType.Size()
}

// Element is the bytes of element i of a String tensor, aliasing Data.
func (t *Tensor) Element(i int) []byte { return t.Data[t.Offsets[i]+t.Prefix : t.Offsets[i+1]] }
