package codec

import (
	"maps"
	"slices"
	"strconv"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/jsontext"
)

// AppendMetadata appends the reply of TensorFlow Serving's GET …/metadata to dst
// and returns it: which model this is, and its signatures as the JSON form of
// TensorFlow's protobufs, with every field that has its default value. Fields are
// in the order in which TensorFlow Serving prints them; signatures and aliases,
// whose order it leaves open, are sorted.
//
// A catalog has no names of dimensions and does not tell a missing shape from one
// of unknown rank: the former are "", the latter two are unknown.
func AppendMetadata(dst []byte, name, version string, c *infer.Catalog) []byte {
	dst = append(dst, `{"model_spec":{"name":`...)
	dst = jsontext.AppendQuoted(dst, []byte(name))
	dst = append(dst, `,"signature_name":"","version":`...)
	dst = jsontext.AppendQuoted(dst, []byte(version))
	dst = append(dst, `},"metadata":{"signature_def":{"signature_def":`...)
	dst = appendMap(dst, slices.Sorted(maps.Keys(c.Signatures)), func(dst []byte, name string) []byte {
		return appendSignature(dst, c.Signatures[name])
	})
	return append(dst, `}}}`...)
}

// appendMap appends an object with these keys.
func appendMap(dst []byte, keys []string, value func(dst []byte, key string) []byte) []byte {
	dst = append(dst, '{')
	for i, key := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = jsontext.AppendQuoted(dst, []byte(key))
		dst = append(dst, ':')
		dst = value(dst, key)
	}
	return append(dst, '}')
}

// appendSignature appends a tensorflow.SignatureDef.
func appendSignature(dst []byte, s *infer.Signature) []byte {
	dst = append(dst, `{"inputs":`...)
	dst = appendTensorInfos(dst, s.Inputs)
	dst = append(dst, `,"outputs":`...)
	dst = appendTensorInfos(dst, s.Outputs)
	dst = append(dst, `,"method_name":`...)
	dst = jsontext.AppendQuoted(dst, []byte(s.Method))
	dst = append(dst, `,"defaults":`...)
	dst = appendMap(dst, slices.Sorted(maps.Keys(s.Defaults)), func(dst []byte, alias string) []byte {
		return appendTensorProto(dst, s.Defaults[alias])
	})
	return append(dst, '}')
}

func appendTensorInfos(dst []byte, infos []infer.TensorInfo) []byte {
	dst = append(dst, '{')
	for i, info := range infos {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = jsontext.AppendQuoted(dst, []byte(info.Name))
		dst = append(dst, `:{"dtype":"`...)
		dst = append(dst, info.DType.Enum()...)
		dst = append(dst, `","tensor_shape":`...)
		dst = appendShape(dst, info.Shape)
		dst = append(dst, `,"name":`...)
		dst = jsontext.AppendQuoted(dst, []byte(info.Tensor))
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// appendShape appends a tensorflow.TensorShapeProto. Sizes are int64s, which the
// JSON form of protobuf writes as strings.
func appendShape(dst []byte, shape infer.Shape) []byte {
	dst = append(dst, `{"dim":[`...)
	for i, size := range shape {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"size":"`...)
		dst = strconv.AppendInt(dst, size, 10)
		dst = append(dst, `","name":""}`...)
	}
	dst = append(dst, `],"unknown_rank":`...)
	dst = strconv.AppendBool(dst, shape == nil)
	return append(dst, '}')
}
