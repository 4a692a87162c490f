// Package infer says what a model is and how it is asked: tensors, data types,
// shapes, signatures, and the model that runs them. It is plain data and one
// small interface; it knows nothing of TensorFlow's library, of wire formats or
// of AWS, and imports no other package of this module.
package infer

import "strconv"

// DType is the type of a tensor's elements. The numbers are those of
// TensorFlow's DataType enum (tensorflow/core/framework/types.proto), so a
// DType read from a graph needs no translation.
type DType int32

// The data types that can appear in a graph. References (above 100) are never
// seen here: readers of graphs subtract the offset.
const (
	Invalid    DType = 0
	Float      DType = 1
	Double     DType = 2
	Int32      DType = 3
	Uint8      DType = 4
	Int16      DType = 5
	Int8       DType = 6
	String     DType = 7
	Complex64  DType = 8
	Int64      DType = 9
	Bool       DType = 10
	Qint8      DType = 11
	Quint8     DType = 12
	Qint32     DType = 13
	Bfloat16   DType = 14
	Qint16     DType = 15
	Quint16    DType = 16
	Uint16     DType = 17
	Complex128 DType = 18
	Half       DType = 19
	Resource   DType = 20
	Variant    DType = 21
	Uint32     DType = 22
	Uint64     DType = 23
)

// dtypes holds TensorFlow's lower-case name, the enum name and the size of an
// element in bytes; 0 where an element has no fixed size.
var dtypes = [...]struct {
	name, enum string
	size       int
}{
	Invalid:    {"invalid", "DT_INVALID", 0},
	Float:      {"float", "DT_FLOAT", 4},
	Double:     {"double", "DT_DOUBLE", 8},
	Int32:      {"int32", "DT_INT32", 4},
	Uint8:      {"uint8", "DT_UINT8", 1},
	Int16:      {"int16", "DT_INT16", 2},
	Int8:       {"int8", "DT_INT8", 1},
	String:     {"string", "DT_STRING", 0},
	Complex64:  {"complex64", "DT_COMPLEX64", 8},
	Int64:      {"int64", "DT_INT64", 8},
	Bool:       {"bool", "DT_BOOL", 1},
	Qint8:      {"qint8", "DT_QINT8", 1},
	Quint8:     {"quint8", "DT_QUINT8", 1},
	Qint32:     {"qint32", "DT_QINT32", 4},
	Bfloat16:   {"bfloat16", "DT_BFLOAT16", 2},
	Qint16:     {"qint16", "DT_QINT16", 2},
	Quint16:    {"quint16", "DT_QUINT16", 2},
	Uint16:     {"uint16", "DT_UINT16", 2},
	Complex128: {"complex128", "DT_COMPLEX128", 16},
	Half:       {"half", "DT_HALF", 2},
	Resource:   {"resource", "DT_RESOURCE", 0},
	Variant:    {"variant", "DT_VARIANT", 0},
	Uint32:     {"uint32", "DT_UINT32", 4},
	Uint64:     {"uint64", "DT_UINT64", 8},
}

// String is TensorFlow's name of the type in messages: "float", "int64".
func (d DType) String() string {
	if d < 0 || int(d) >= len(dtypes) {
		return "unknown dtype enum (" + strconv.Itoa(int(d)) + ")"
	}
	return dtypes[d].name
}

// Enum is the name of the type in TensorFlow's protobufs: "DT_FLOAT".
func (d DType) Enum() string {
	if d < 0 || int(d) >= len(dtypes) {
		return "DT_UNKNOWN_" + strconv.Itoa(int(d))
	}
	return dtypes[d].enum
}

// Size is the size of one element in bytes, 0 for strings, resources, variants
// and unknown types, whose elements have no fixed size.
func (d DType) Size() int {
	if d < 0 || int(d) >= len(dtypes) {
		return 0
	}
	return dtypes[d].size
}
