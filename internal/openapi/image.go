package openapi

import (
	"bytes"
	"context"
	"image"
	"image/png"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// pixel is the smallest image.
func pixel() ([]byte, error) {
	var b bytes.Buffer
	err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1)))
	return b.Bytes(), err
}

// image is an image that an input takes. ok is false where it takes none, which only
// whoever decodes images knows.
func (c *components) image(input infer.TensorInfo) (encoded []byte, ok bool) {
	if c.decode == nil {
		return nil, false
	}
	encoded, err := pixel()
	if err == nil {
		_, err = c.decode(context.Background(), input, encoded)
	}
	return encoded, err == nil
}

// topParameter asks for the best classes of each row.
const topParameter = "top"

func top() parameter {
	return parameter{
		Name: topParameter, In: "query", Schema: &schema{Type: "integer", Format: "int32", Minimum: "1", Maximum: "2147483647"},
		Description: "Adds so many of the best classes of each row to an answer in JSON.",
	}
}

// hasClasses reports whether the only output of floats has scores for the best classes to
// be chosen from. Of several, it would depend on the request which are scores.
func (s *signature) hasClasses() bool {
	var floats []infer.TensorInfo
	for _, t := range s.Outputs {
		switch t.DType {
		case infer.Float, infer.Double, infer.Half, infer.Bfloat16:
			floats = append(floats, t)
		}
	}
	return len(floats) == 1 && len(floats[0].Shape) == 2 && floats[0].Shape[1] > 1
}

// answered is an answer with values under key, and with the best classes where they can
// be asked for.
func (s *signature) answered(key string, values *schema) *schema {
	properties := map[string]*schema{key: values}
	if s.hasClasses() {
		class := object(map[string]*schema{
			"index": {Type: "integer", Minimum: "0"},
			"label": {Type: "string", Description: "Missing where the classes have no names."},
			"score": {Type: "number"},
		}, "index", "score")
		properties["top"] = list(list(class, -1), -1)
		properties["top"].Description = "The best classes of each row, best first, where `top` asks for them."
	}
	return object(properties, key)
}
