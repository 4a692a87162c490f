package pack

import (
	"fmt"

	attrpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/attr_value_go_proto"
	tensorpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_go_proto"
	shapepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_shape_go_proto"
	typespb "github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// constantOf is the attributes of a Const with the value, which they alias.
func constantOf(value *infer.Tensor) (map[string]*attrpb.AttrValue, error) {
	t := &tensorpb.TensorProto{Dtype: typespb.DataType(value.DType), TensorShape: new(shapepb.TensorShapeProto)}
	for _, size := range value.Shape {
		t.TensorShape.Dim = append(t.TensorShape.Dim, &shapepb.TensorShapeProto_Dim{Size: size})
	}
	switch {
	case value.DType == infer.String:
		for i := range value.Len() {
			t.StringVal = append(t.StringVal, value.Element(i))
		}
	case value.DType.Size() > 0:
		t.TensorContent = value.Data
	default:
		return nil, fmt.Errorf("type %s cannot be a constant: %w", value.DType, ErrModel)
	}
	return map[string]*attrpb.AttrValue{
		"dtype": typeValue(t.GetDtype()),
		"value": {Value: &attrpb.AttrValue_Tensor{Tensor: t}},
	}, nil
}
