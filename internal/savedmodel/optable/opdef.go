package optable

import (
	"errors"
	"fmt"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel/internal/wire"
)

// The fields of OpList, OpDef, ArgDef, AttrDef (tensorflow/core/framework/
// op_def.proto) and, for default values, of AttrValue and its ListValue.
const (
	opListOp wire.Tag = 1<<3 | wire.Bytes

	opDefName       wire.Tag = 1<<3 | wire.Bytes
	opDefInputArg   wire.Tag = 2<<3 | wire.Bytes
	opDefOutputArg  wire.Tag = 3<<3 | wire.Bytes
	opDefAttr       wire.Tag = 4<<3 | wire.Bytes
	opDefIsStateful wire.Tag = 17<<3 | wire.Varint

	argDefName         wire.Tag = 1<<3 | wire.Bytes
	argDefType         wire.Tag = 3<<3 | wire.Varint
	argDefTypeAttr     wire.Tag = 4<<3 | wire.Bytes
	argDefNumberAttr   wire.Tag = 5<<3 | wire.Bytes
	argDefTypeListAttr wire.Tag = 6<<3 | wire.Bytes

	attrDefName    wire.Tag = 1<<3 | wire.Bytes
	attrDefDefault wire.Tag = 3<<3 | wire.Bytes

	attrValueList  wire.Tag = 1<<3 | wire.Bytes
	attrValueInt   wire.Tag = 3<<3 | wire.Varint
	attrValueType  wire.Tag = 6<<3 | wire.Varint
	listType       wire.Tag = 6<<3 | wire.Varint
	listTypePacked wire.Tag = 6<<3 | wire.Bytes
)

const (
	refTypeOffset   = 100 // a reference type is the type plus this
	maxTypesDefault = 64  // in the default value of one attribute
)

var errNameless = errors.New("operation without a name")

// ReadList reads a serialized OpList: what TF_GetAllOpList returns, or the list
// of its operations that a meta graph carries.
func ReadList(b []byte) ([]Op, error) {
	var ops []Op
	for f, err := range wire.Fields(b) {
		if err != nil {
			return nil, fmt.Errorf("operation list: %w", err)
		}
		if f.Tag != opListOp {
			continue
		}
		op, err := Read(f.Bytes)
		if err != nil {
			return nil, fmt.Errorf("operation list: operation %d: %w", len(ops), err)
		}
		ops = append(ops, op)
	}
	return ops, nil
}

// Read reads a serialized OpDef, also the one that a function has for its
// signature. Types of references are those of their values.
func Read(b []byte) (Op, error) {
	var op Op
	if err := op.Merge(b); err != nil {
		return Op{}, err
	}
	if op.Name == "" {
		return Op{}, errNameless
	}
	op.keepOutputDefaults()
	return op, nil
}

// Merge reads a serialized OpDef into op, as protobuf merges the occurrences of
// a message field.
func (op *Op) Merge(b []byte) error {
	for f, err := range wire.Fields(b) {
		if err != nil {
			return fmt.Errorf("operation %q: %w", op.Name, err)
		}
		switch f.Tag {
		case opDefName:
			op.Name = string(f.Bytes)
		case opDefInputArg:
			op.Inputs, err = appendArg(op.Inputs, f.Bytes)
		case opDefOutputArg:
			op.Outputs, err = appendArg(op.Outputs, f.Bytes)
		case opDefAttr:
			err = op.readDefault(f.Bytes)
		case opDefIsStateful:
			op.Stateful = f.Value != 0
		}
		if err != nil {
			return fmt.Errorf("operation %q: %w", op.Name, err)
		}
	}
	return nil
}

func appendArg(args []Arg, b []byte) ([]Arg, error) {
	var a Arg
	for f, err := range wire.Fields(b) {
		if err != nil {
			return nil, fmt.Errorf("argument %d: %w", len(args), err)
		}
		switch f.Tag {
		case argDefName:
			a.Name = string(f.Bytes)
		case argDefType:
			a.Type = infer.DType(f.Value % refTypeOffset)
		case argDefTypeAttr:
			a.TypeAttr = string(f.Bytes)
		case argDefNumberAttr:
			a.NumberAttr = string(f.Bytes)
		case argDefTypeListAttr:
			a.TypeListAttr = string(f.Bytes)
		}
	}
	return append(args, a), nil
}

func (op *Op) readDefault(b []byte) error {
	var name string
	var values []int64
	var found bool
	for f, err := range wire.Fields(b) {
		if err != nil {
			return fmt.Errorf("attribute %q: %w", name, err)
		}
		switch f.Tag {
		case attrDefName:
			name = string(f.Bytes)
		case attrDefDefault:
			if values, found, err = defaultValue(f.Bytes); err != nil {
				return fmt.Errorf("attribute %q: %w", name, err)
			}
		}
	}
	if found {
		op.setDefault(name, values)
	}
	return nil
}

// defaultValue is the value of an attribute that can decide an output's type;
// the others (strings, shapes, tensors) are not found.
func defaultValue(b []byte) (values []int64, found bool, err error) {
	for f, err := range wire.Fields(b) {
		if err != nil {
			return nil, false, err
		}
		switch f.Tag {
		case attrValueInt, attrValueType:
			values, found = []int64{int64(f.Value)}, true // protobuf's own encoding of an int64
		case attrValueList:
			found = true
			for item, err := range wire.Fields(f.Bytes) {
				if err != nil {
					return nil, false, err
				}
				if item.Tag != listType && item.Tag != listTypePacked {
					continue
				}
				for v := range wire.Varints(item) {
					if len(values) == maxTypesDefault {
						return nil, false, fmt.Errorf("default list of more than %d types", maxTypesDefault)
					}
					values = append(values, int64(v))
				}
			}
		}
	}
	return values, found, nil
}

// keepOutputDefaults drops the defaults that no output refers to.
func (op *Op) keepOutputDefaults() {
	used := make(map[string]bool)
	for _, a := range op.Outputs {
		used[a.TypeAttr], used[a.NumberAttr], used[a.TypeListAttr] = true, true, true
	}
	for attr := range op.Defaults {
		if !used[attr] {
			delete(op.Defaults, attr)
		}
	}
	if len(op.Defaults) == 0 {
		op.Defaults = nil
	}
}
