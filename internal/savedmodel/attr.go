package savedmodel

import (
	"iter"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel/internal/wire"
)

// Attr is the value of a node's attribute: a serialized AttrValue, read when
// asked. Each reader reports false where the attribute holds another kind of
// value.
type Attr struct{ raw []byte }

// value is the field of AttrValue that is set. The kinds exclude each other:
// the last one wins, and a message that occurs twice is merged.
func (a Attr) value() wire.Field {
	var v wire.Field
	for f, err := range wire.Fields(a.raw) {
		if err != nil {
			return wire.Field{}
		}
		switch f.Tag {
		case attrList, attrShape, attrTensor, attrFunc:
			if f.Tag == v.Tag {
				f.Bytes = merged(v.Bytes, f.Bytes)
			}
			v = f
		case attrString, attrInt, attrFloat, attrBool, attrType, attrHolder:
			v = f
		}
	}
	return v
}

// Int is an integer attribute.
func (a Attr) Int() (int64, bool) {
	v := a.value()
	return int64(v.Value), v.Tag == attrInt // protobuf's own encoding of an int64
}

// Bytes is a string attribute, which in TensorFlow is any bytes. It aliases the
// model.
func (a Attr) Bytes() ([]byte, bool) {
	v := a.value()
	return v.Bytes, v.Tag == attrString
}

// Type is a data type attribute, a reference reduced to the type of its value.
func (a Attr) Type() (infer.DType, bool) {
	v := a.value()
	return dtype(v.Value), v.Tag == attrType
}

// Shape is a shape attribute: nil with true where it says that the rank is
// unknown.
func (a Attr) Shape() (infer.Shape, bool) {
	v := a.value()
	if v.Tag != attrShape {
		return nil, false
	}
	s, err := readShape(v.Bytes)
	return s, err == nil
}

// Tensor is a tensor attribute: the serialized TensorProto. It aliases the
// model, so a constant of any size costs nothing.
func (a Attr) Tensor() ([]byte, bool) {
	v := a.value()
	return v.Bytes, v.Tag == attrTensor
}

// Func is the name of the function in a function attribute.
func (a Attr) Func() (string, bool) {
	v := a.value()
	if v.Tag != attrFunc {
		return "", false
	}
	return funcName(v.Bytes), true
}

// Types is a list of data types.
func (a Attr) Types() ([]infer.DType, bool) {
	v := a.value()
	var types []infer.DType
	for f, err := range wire.Fields(v.Bytes) {
		if v.Tag != attrList || err != nil {
			return nil, false
		}
		if f.Tag != listType && f.Tag != listTypesPacked {
			continue
		}
		for t := range wire.Varints(f) {
			types = append(types, dtype(t))
		}
	}
	return types, v.Tag == attrList
}

// Shapes is a list of shapes, nil where a rank is unknown.
func (a Attr) Shapes() ([]infer.Shape, bool) {
	var shapes []infer.Shape
	ok := a.list(listShape, func(b []byte) bool {
		s, err := readShape(b)
		shapes = append(shapes, s)
		return err == nil
	})
	return shapes, ok
}

// Strings is a list of strings, each aliasing the model.
func (a Attr) Strings() ([][]byte, bool) {
	var list [][]byte
	ok := a.list(listString, func(b []byte) bool {
		list = append(list, b)
		return true
	})
	return list, ok
}

func (a Attr) list(tag wire.Tag, item func([]byte) bool) bool {
	v := a.value()
	if v.Tag != attrList {
		return false
	}
	for f, err := range wire.Fields(v.Bytes) {
		if err != nil || f.Tag == tag && !item(f.Bytes) {
			return false
		}
	}
	return true
}

// Funcs yields the name of every function that the value mentions: a function,
// a list of them, and the functions among the attributes given to a function.
// It yields more than TensorFlow would use rather than less: also the
// occurrences that a later one overrides.
func (a Attr) Funcs() iter.Seq[string] {
	return func(yield func(string) bool) { attrFuncs(a.raw, maxNesting, yield) }
}

func attrFuncs(attr []byte, depth int, yield func(string) bool) bool {
	for f, err := range wire.Fields(attr) {
		if err != nil {
			return true
		}
		switch f.Tag {
		case attrFunc:
			if !nestedFuncs(f.Bytes, depth, yield) {
				return false
			}
		case attrList:
			for item, err := range wire.Fields(f.Bytes) {
				if err != nil {
					break
				}
				if item.Tag == listFunc && !nestedFuncs(item.Bytes, depth, yield) {
					return false
				}
			}
		}
	}
	return true
}

func nestedFuncs(nameAttrList []byte, depth int, yield func(string) bool) bool {
	if depth == 0 {
		return true // TensorFlow's protobuf reader refuses such a model
	}
	if name := funcName(nameAttrList); name != "" && !yield(name) {
		return false
	}
	for f, err := range wire.Fields(nameAttrList) {
		if err != nil {
			return true
		}
		if f.Tag != nameAttrListAttr {
			continue
		}
		if _, value, err := mapEntry(f.Bytes); err == nil && !attrFuncs(value, depth-1, yield) {
			return false
		}
	}
	return true
}

func funcName(nameAttrList []byte) string {
	var name string
	for f, err := range wire.Fields(nameAttrList) {
		if err != nil {
			break
		}
		if f.Tag == nameAttrListName {
			name = string(f.Bytes)
		}
	}
	return name
}

func dtype(v uint64) infer.DType {
	if v > refTypeStart && v < 2*refTypeStart {
		v -= refTypeStart
	}
	return infer.DType(int32(v)) // an enum; numbers beyond it print as unknown
}
