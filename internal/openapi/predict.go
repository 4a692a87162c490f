package openapi

import (
	"maps"
	"slices"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/npy"
)

// Media types of bodies.
const (
	jsonType  = "application/json"
	linesType = "application/jsonlines"
	bytesType = "application/octet-stream"
	csvType   = "text/csv"
)

// shapeHeader gives the shape of a body of raw bytes.
const shapeHeader = "X-Tensor-Shape"

// predict describes :predict: what it takes and answers for signatures with inputs, of
// which there is at least one.
func (c *components) predict(signatures []signature) {
	var requests, answers []*schema
	examples := map[string]example{}
	for i := range signatures {
		s := &signatures[i]
		requests = append(requests, c.predictRequests(s)...)
		answers = append(answers, c.predictAnswers(s)...)
		maps.Copy(examples, c.predictExamples(s))
	}
	c.Schemas["PredictRequest"] = oneOf(requests...)
	c.Schemas["PredictAnswer"] = anyOf(answers...)
	if slices.ContainsFunc(signatures, func(s signature) bool { return s.hasClasses() }) {
		c.Parameters[topParameter] = top()
	}
	body := requestBody{Required: true, Content: map[string]mediaType{jsonType: {schemaRef("PredictRequest"), examples}}}
	body.Description = "Lists of one level have the same length, which a schema cannot say."
	if s := &signatures[0]; s.isDefault {
		body.Description += " The other types than JSON ask the signature `" + s.Name + "` for all its outputs."
		c.plainBodies(s, body.Content)
	}
	c.RequestBodies["Predict"] = body
	c.Responses["Predict"] = response{
		Description: "The outputs, in the form of the request and in the type that `Accept` chooses. " +
			"In JSON a NaN or an infinity is bare (`NaN`, `Infinity`), as in TensorFlow Serving, which strict parsers refuse.",
		Headers: map[string]reference{versionHeader: ref("headers", versionHeader)},
		Content: map[string]mediaType{
			jsonType:        {Schema: schemaRef("PredictAnswer")},
			linesType:       {Schema: &schema{Type: "string", Description: `A row a line: {"prediction": …}.`}},
			csvType:         {Schema: &schema{Type: "string", Description: "A header, and a row a line."}},
			npy.ContentType: {Schema: bytesSchema("The only output, as a .npy file.")},
		},
	}
}

// predictRequests are the schemas of the forms that a request may have.
func (c *components) predictRequests(s *signature) (forms []*schema) {
	if s.rows {
		c.Schemas["PredictRows_"+s.key] = s.form("instances", "inputs", c.instances(s))
		forms = append(forms, schemaRef("PredictRows_"+s.key))
	}
	c.Schemas["PredictColumns_"+s.key] = s.form("inputs", "instances", c.columns(s.Inputs))
	return append(forms, schemaRef("PredictColumns_"+s.key))
}

// form is a request with values under key, and with nothing under the key of the other
// form.
func (s *signature) form(key, other string, values *schema) *schema {
	name, required := s.chosen()
	form := object(map[string]*schema{key: values, "signature_name": name, "output_filter": {
		Type: "array", Items: &schema{Type: "string", Enum: names(s.Outputs)}, MinItems: 1, UniqueItems: true,
		Description: "The outputs wanted, in the order wanted; all, if it is missing.",
	}}, append(required, key)...)
	form.Not = &schema{Required: []string{other}}
	return form
}

// instances is a list of rows. That of several inputs is an object; that of one is its
// value, or an object for whoever likes that better.
func (c *components) instances(s *signature) *schema {
	rows := map[string]*schema{}
	for _, t := range s.Inputs {
		rows[t.Name] = c.orImage(t, c.row(t, sent))
	}
	named := object(rows, names(s.Inputs)...)
	named.AdditionalProperties = false
	several := list(named, s.batch)
	forms := []*schema{several}
	if len(s.Inputs) == 1 {
		forms = []*schema{list(rows[s.Inputs[0].Name], s.batch), several}
	}
	for _, form := range forms {
		form.MinItems = max(form.MinItems, 1)
	}
	return anyOf(forms...)
}

// columns is the values of whole tensors: that of the only one as it is, or by name.
func (c *components) columns(infos []infer.TensorInfo) *schema {
	values := map[string]*schema{}
	for _, t := range infos {
		values[t.Name] = c.orImages(t, c.tensor(t, sent))
	}
	named := object(values, names(infos)...)
	if len(infos) > 1 {
		return named
	}
	return anyOf(values[infos[0].Name], named)
}

// predictAnswers are the schemas of the forms that an answer may have.
func (c *components) predictAnswers(s *signature) (forms []*schema) {
	if s.rows {
		items := answer(s.Outputs, c.row)
		c.Schemas["Predictions_"+s.key] = s.answered("predictions", list(items, -1))
		forms = append(forms, schemaRef("Predictions_"+s.key))
	}
	c.Schemas["Outputs_"+s.key] = s.answered("outputs", answer(s.Outputs, c.tensor))
	return append(forms, schemaRef("Outputs_"+s.key))
}

// answer is the values of the outputs that a request asks for: by name, but as it is
// where there is only one.
func answer(outputs []infer.TensorInfo, value func(t infer.TensorInfo, least int64) *schema) *schema {
	if len(outputs) == 1 {
		return value(outputs[0], 0)
	}
	named := &schema{Type: "object", Properties: map[string]*schema{}, Description: "By output, of those that `output_filter` names."}
	forms := []*schema{named}
	for _, t := range outputs {
		named.Properties[t.Name] = value(t, 0)
		forms = append(forms, value(t, 0))
	}
	return anyOf(forms...)
}

// predictExamples are requests that work as they are, by name.
func (c *components) predictExamples(s *signature) map[string]example {
	request := func(key string, values any) example {
		body := map[string]any{key: values}
		if !s.isDefault {
			body["signature_name"] = s.Name
		}
		return example{Value: body}
	}
	examples := map[string]example{}
	switch files, ok := c.images(s); {
	case ok && s.takesOneImage():
		examples[s.key+"_images"] = request("inputs", s.inColumns(files))
	case ok:
		examples[s.key+"_images"] = request("instances", s.inRows(files))
	}
	samples, ok := s.samples()
	if !ok {
		return examples
	}
	inputs := map[string]any{}
	for _, t := range samples {
		inputs[t.Name] = t.json()
	}
	examples[s.key+"_columns"] = request("inputs", inputs)
	if s.rows {
		examples[s.key+"_rows"] = request("instances", rowsOf(samples))
	}
	return examples
}

// plainBodies adds to content the other types that the signature takes.
func (c *components) plainBodies(s *signature, content map[string]mediaType) {
	samples, ok := s.samples()
	add := func(contentType string, body *schema, sent func() example) {
		media := mediaType{Schema: body}
		if ok {
			media.Examples = map[string]example{s.key: sent()}
		}
		content[contentType] = media
	}
	if s.rows {
		add(linesType, &schema{Type: "string", Description: "A row a line, each as an element of `instances`."},
			func() example { return example{Value: linesOf(samples)} })
	}
	if s.fitsCSV() {
		add(csvType, &schema{Type: "string", Description: "A row a line, behind a header that names the inputs or their elements."},
			func() example { return example{Value: csvOf(samples)} })
	}
	if len(s.Inputs) > 1 {
		return
	}
	input := s.Inputs[0]
	c.imageBodies(s, content)
	if scalar := input.Shape != nil && len(input.Shape) == 0; !s.rows && !scalar {
		return // a tensor that has rows is answered by rows
	}
	add(npy.ContentType, bytesSchema("The only input, as a .npy file."),
		func() example { return binaryBody(samples[0].npy()) })
	switch {
	case input.DType != infer.String:
		add(bytesType, bytesSchema("The elements of the only input, little-endian and row-major."),
			func() example { return binaryBody(samples[0].bytes()) })
	case !slices.ContainsFunc(input.Shape, func(size int64) bool { return size >= 0 && size != 1 }):
		add(bytesType, bytesSchema("The one string of the only input."),
			func() example { return binaryBody([]byte(text)) })
	}
	if s.hasShapeHeader() {
		p := parameter{
			Name: shapeHeader, In: "header",
			Description: "The shape of a body of raw bytes, of which the signature says only " + input.Shape.String() + ". One size may be -1.",
			Schema:      &schema{Type: "string", Pattern: `^(-1|\d+)(,(-1|\d+))*$`},
		}
		if ok {
			p.Examples = map[string]example{s.key: {Value: strings.Trim(infer.FormatShape(samples[0].shape), "[]")}}
		}
		c.Parameters[shapeHeader] = p
	}
}

// imageBodies adds the types of images to content, if the only input takes any.
func (c *components) imageBodies(s *signature, content map[string]mediaType) {
	input, means := s.Inputs[0], "An image, as one row of the only input."
	if input.OneImage() {
		means = "An image, as the only input. The answer is in columns."
	}
	image, ok := c.image(input)
	if !ok || !s.rows && !input.OneImage() {
		return
	}
	for _, contentType := range []string{"image/jpeg", "image/png"} {
		content[contentType] = mediaType{Schema: bytesSchema(means)}
	}
	if input.DType != infer.String { // any string might be for another purpose
		content["image/png"] = mediaType{content["image/png"].Schema, map[string]example{s.key: binaryBody(image)}}
	}
}

// hasShapeHeader reports whether raw bytes need a header for what the signature leaves
// open.
func (s *signature) hasShapeHeader() bool {
	if !s.isDefault || !s.rows || len(s.Inputs) != 1 || s.Inputs[0].DType == infer.String {
		return false
	}
	shape := s.Inputs[0].Shape
	return shape == nil || unknowns(shape) > 1
}

// fitsCSV reports whether the columns of CSV say the shape of every input's rows.
func (s *signature) fitsCSV() bool {
	return s.rows && !slices.ContainsFunc(s.Inputs, func(t infer.TensorInfo) bool {
		return t.Shape != nil && unknowns(t.Shape[1:]) > 1
	})
}

func unknowns(shape infer.Shape) (n int) {
	for _, size := range shape {
		if size < 0 {
			n++
		}
	}
	return n
}
