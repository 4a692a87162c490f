package codec

import (
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/jsontext"
)

// AppendServerMetadata appends the reply of GET v2 by the given version of this
// server. It names the extensions as Triton does.
func AppendServerMetadata(dst []byte, version string) []byte {
	dst = append(dst, `{"name":"tensorlambda","version":`...)
	dst = jsontext.AppendQuoted(dst, []byte(version))
	return append(dst, `,"extensions":["binary_tensor_data"]}`...)
}

// AppendModelMetadata appends the reply of GET v2/models/NAME: inputs and
// outputs of the default signature, none where the model does not have it.
// format is that of infer.Model.
//
// The protocol has no word for a shape of unknown rank and clients want a list,
// so it is [-1]. A type that the protocol has no name for has TensorFlow's.
func AppendModelMetadata(dst []byte, name, version, format string, c *infer.Catalog) []byte {
	sig, err := c.Signature("")
	if err != nil {
		sig = &infer.Signature{}
	}
	dst = append(dst, `{"name":`...)
	dst = jsontext.AppendQuoted(dst, []byte(name))
	dst = append(dst, `,"versions":[`...)
	dst = jsontext.AppendQuoted(dst, []byte(version))
	dst = append(dst, `],"platform":`...)
	dst = jsontext.AppendQuoted(dst, []byte("tensorflow_"+format))
	dst = append(dst, `,"inputs":`...)
	dst = appendTensorMetadata(dst, sig.Inputs)
	dst = append(dst, `,"outputs":`...)
	dst = appendTensorMetadata(dst, sig.Outputs)
	return append(dst, '}')
}

func appendTensorMetadata(dst []byte, infos []infer.TensorInfo) []byte {
	dst = append(dst, '[')
	for i, info := range infos {
		if i > 0 {
			dst = append(dst, ',')
		}
		shape := info.Shape
		if shape == nil {
			shape = infer.Shape{-1}
		}
		dst = append(dst, `{"name":`...)
		dst = jsontext.AppendQuoted(dst, []byte(info.Name))
		dst = append(dst, `,"datatype":"`...)
		dst = append(dst, datatype(info.DType)...)
		dst = append(dst, `","shape":`...)
		dst = appendSizes(dst, shape)
		dst = append(dst, '}')
	}
	return append(dst, ']')
}
