package openapi

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"slices"

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

// imageSchema is the schema of an image where pixels are wanted.
const imageSchema = "Image"

// pixels reports whether images may stand for the numbers of an input. Strings are images
// only where the model reads them as such.
func (c *components) pixels(input infer.TensorInfo) (image []byte, ok bool) {
	if input.DType == infer.String {
		return nil, false
	}
	return c.image(input)
}

// TakesImage reports whether an input takes images, in place of its numbers or as strings.
// It has the smallest of images decoded, which takes milliseconds.
func TakesImage(catalog *infer.Catalog, input infer.TensorInfo) bool {
	_, ok := (&components{decode: catalog.Image}).image(input)
	return ok
}

// orImage is the schema of a row that is sent, which may be an image. Of an input that
// takes one image, a row is none.
func (c *components) orImage(input infer.TensorInfo, row *schema) *schema {
	if _, ok := c.pixels(input); !ok || input.OneImage() {
		return row
	}
	return anyOf(row, c.imageObject())
}

// orImages is the schema of a tensor that is sent, which may be one image, as one row, or
// one for each row.
func (c *components) orImages(input infer.TensorInfo, tensor *schema) *schema {
	if _, ok := c.pixels(input); !ok {
		return tensor
	}
	rows := list(c.imageObject(), rowCount(input))
	rows.MinItems = max(rows.MinItems, 1)
	return anyOf(tensor, c.imageObject(), rows)
}

// imageObject refers to the schema of an image in v1's JSON.
func (c *components) imageObject() *schema {
	if c.Schemas[imageSchema] == nil {
		s := object(map[string]*schema{"b64": base64String()}, "b64")
		s.AdditionalProperties = false
		s.Description = "A JPEG or PNG file in base64, in the place of its pixels."
		c.Schemas[imageSchema] = s
	}
	return schemaRef(imageSchema)
}

// imageTensor is an input of v2 whose elements are images, one for each row, or the one
// that the input takes.
func imageTensor(t infer.TensorInfo) *schema {
	rows := rowCount(t)
	files := list(base64String(), rows)
	count := &schema{Type: "array", Items: &schema{Type: "integer", Minimum: "1"}, MinItems: 1, MaxItems: new(int64(1))}
	if rows >= 0 {
		count.Items = &schema{Type: "integer", Const: rows}
	}
	files.MinItems = max(files.MinItems, 1)
	s := object(map[string]*schema{
		"name":     {Type: "string", Enum: []string{t.Name}},
		"datatype": {Type: "string", Enum: []string{datatypes[infer.String]}},
		"shape":    count,
		"data":     files,
	}, "name", "datatype", "shape", "data")
	s.Description = "JPEG or PNG files in base64, one for each row."
	if t.OneImage() {
		s.Description = "A JPEG or PNG file in base64."
	}
	return s
}

// rowCount is how many images an input takes, -1 where it is open.
func rowCount(t infer.TensorInfo) int64 {
	switch {
	case t.OneImage():
		return 1
	case len(t.Shape) == 0:
		return -1
	default:
		return t.Shape[0]
	}
}

// images are an example of the signature's inputs as images, by input. ok is false where
// one of them takes none, or where nobody knows how many it takes.
func (c *components) images(s *signature) (files map[string][]byte, ok bool) {
	if !s.rows && !s.takesOneImage() {
		return nil, false
	}
	files = map[string][]byte{}
	for _, t := range s.Inputs {
		if files[t.Name], ok = c.pixels(t); !ok {
			return nil, false
		}
	}
	return files, len(files) > 0
}

// takesOneImage reports whether an input takes one image, and so no image is a row.
func (s *signature) takesOneImage() bool {
	return slices.ContainsFunc(s.Inputs, infer.TensorInfo.OneImage)
}

// exampleImages is how many images an example has for an input.
func (s *signature) exampleImages(t infer.TensorInfo) int {
	if s.takesOneImage() {
		return int(max(rowCount(t), 1))
	}
	return int(max(s.batch, 1))
}

// inColumns is images as the values of whole inputs.
func (s *signature) inColumns(files map[string][]byte) map[string]any {
	columns := map[string]any{}
	for _, t := range s.Inputs {
		image := map[string][]byte{"b64": files[t.Name]}
		columns[t.Name] = image
		if !t.OneImage() {
			columns[t.Name] = slices.Repeat([]any{image}, s.exampleImages(t))
		}
	}
	return columns
}

// inRows is images as rows.
func (s *signature) inRows(files map[string][]byte) []any {
	row := map[string]any{}
	for name, file := range files {
		row[name] = map[string][]byte{"b64": file}
	}
	return slices.Repeat([]any{row}, s.exampleImages(s.Inputs[0]))
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
	if len(floats) != 1 {
		return false
	}
	shape := floats[0].Shape
	rank := len(shape)
	return (rank == 2 || rank == 1 && s.takesOneImage()) && shape[rank-1] > 1
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
