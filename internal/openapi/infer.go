package openapi

import (
	"encoding/binary"
	"encoding/json"
	"slices"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// lengthHeader is how long the JSON in front of binary tensors is.
const lengthHeader = "Inference-Header-Content-Length"

// binaryExample is the name of the example that the header and the body have together.
const binaryExample = "binary"

// infer describes infer of the Open Inference Protocol, for at least one signature.
func (c *components) infer(name, version string, signatures []signature) error {
	var requests, answers []*schema
	examples := map[string]example{}
	for i := range signatures {
		s := &signatures[i]
		requests, answers = append(requests, c.inferRequest(s)), append(answers, c.inferAnswer(s, name, version))
		if samples, ok := s.samples(); ok {
			examples[s.key] = example{Value: s.inferBody(samples)}
		}
		if files, ok := c.images(s); ok {
			examples[s.key+"_images"] = example{Value: s.inferImages(files)}
		}
	}
	c.Schemas["InferRequest"] = oneOf(requests...)
	c.Schemas["InferAnswer"] = anyOf(answers...)
	length := parameter{
		Name: lengthHeader, In: "header", Schema: &schema{Type: "integer", Minimum: "0"},
		Description: "For binary tensors only: how many bytes at the start of the body are JSON. " +
			"With 0 the whole body is the elements of the default signature's only input.",
	}
	tensors := mediaType{Schema: bytesSchema("JSON, and behind it the data of the inputs that have `binary_data_size`, in order.")}
	body, size, err := binaryInfer(&signatures[0])
	if err != nil {
		return err
	}
	if size > 0 {
		length.Examples = map[string]example{binaryExample: {Value: size}}
		tensors.Examples = map[string]example{binaryExample: binaryBody(body)}
	}
	c.Parameters[lengthHeader] = length
	c.RequestBodies["Infer"] = requestBody{
		Required:    true,
		Description: "Inputs may stand in any order. `shape` says the shape; `data` is nested like that, or flat.",
		Content:     map[string]mediaType{jsonType: {schemaRef("InferRequest"), examples}, bytesType: tensors},
	}
	c.Responses["Infer"] = response{
		Description: "The outputs. NaN is null; an infinity has no JSON and is a 400 that says to ask for binary data.",
		Headers:     map[string]reference{versionHeader: ref("headers", versionHeader), lengthHeader: ref("headers", lengthHeader)},
		Content: map[string]mediaType{
			jsonType:  {Schema: schemaRef("InferAnswer")},
			bytesType: {Schema: bytesSchema("JSON, and behind it the data of the outputs that are wanted in binary.")},
		},
	}
	return nil
}

func (c *components) inferRequest(s *signature) *schema {
	inputs := list(nil, int64(len(s.Inputs)))
	for _, t := range s.Inputs {
		tensor := c.inferTensor(t)
		if _, ok := c.pixels(t); ok {
			tensor = anyOf(tensor, imageTensor(t))
		}
		inputs.PrefixItems = append(inputs.PrefixItems, tensor)
	}
	name, required := s.chosen()
	parameters := object(map[string]*schema{
		"signature_name": name,
		"binary_data_output": {
			Type: "boolean", Description: "All outputs in binary, but for those that say otherwise."},
	}, required...)
	output := object(map[string]*schema{
		"name":       {Type: "string", Enum: names(s.Outputs)},
		"parameters": object(map[string]*schema{"binary_data": {Type: "boolean"}}),
	}, "name")
	properties := map[string]*schema{
		"id":         {Type: "string", Description: "Comes back in the answer."},
		"parameters": parameters,
		"inputs":     inputs,
		"outputs":    {Type: "array", Items: output, Description: "The outputs wanted, each once, in the order wanted; all, if it is missing or empty."},
	}
	request := object(properties, "inputs")
	if !s.isDefault {
		request.Required = append(request.Required, "parameters")
	}
	c.Schemas["InferRequest_"+s.key] = request
	return schemaRef("InferRequest_" + s.key)
}

// inferTensor is a tensor as an element of "inputs".
func (c *components) inferTensor(t infer.TensorInfo) *schema {
	element := v2.element(t.DType)
	forms := []*schema{c.nested(element, t.Shape, sent, "Nested_"+datatypes[t.DType])}
	if len(t.Shape) != 1 {
		forms = append(forms, list(element, flatSize(t.Shape)))
	}
	if len(t.Shape) == 0 {
		forms = forms[1:] // the value itself is none: data is a list
	}
	s := object(map[string]*schema{
		"name":     {Type: "string", Enum: []string{t.Name}},
		"datatype": {Type: "string", Enum: []string{datatypes[t.DType]}},
		"shape":    sizes(t.Shape),
		"data":     anyOf(forms...),
	}, "name", "datatype", "shape", "data")
	s.Description = t.DType.String() + " " + t.Shape.String()
	return s
}

// flatSize is the number of elements of a tensor of the given shape, -1 if that is open.
func flatSize(shape infer.Shape) int64 {
	if shape == nil {
		return -1
	}
	n, err := infer.Elements(shape)
	if err != nil { // a dimension is unknown
		return -1
	}
	return n
}

// sizes is the schema of a shape.
func sizes(shape infer.Shape) *schema {
	s := &schema{Type: "array", Items: &schema{Type: "integer", Minimum: "0"}}
	if shape == nil {
		return s
	}
	n := int64(len(shape))
	s.MinItems, s.MaxItems = n, &n
	for _, size := range shape {
		item := &schema{Type: "integer", Minimum: "0"}
		if size >= 0 {
			item = &schema{Type: "integer", Const: size}
		}
		s.PrefixItems = append(s.PrefixItems, item)
	}
	return s
}

func (c *components) inferAnswer(s *signature, name, version string) *schema {
	var outputs []*schema
	for _, t := range s.Outputs {
		outputs = append(outputs, object(map[string]*schema{
			"name":     {Type: "string", Enum: []string{t.Name}},
			"datatype": {Type: "string", Enum: []string{datatypes[t.DType]}},
			"shape":    sizes(t.Shape),
			"data":     {Type: "array", Items: v2.element(t.DType), Description: "Flat, in row-major order. Missing where the data is binary."},
			"parameters": object(map[string]*schema{
				"binary_data_size": {Type: "integer", Minimum: "0"},
				"content_type":     {Type: "string", Enum: []string{"base64"}, Description: "The strings are base64, since not all of them are text."},
			}),
		}, "name", "datatype", "shape"))
	}
	c.Schemas["InferAnswer_"+s.key] = object(map[string]*schema{
		"model_name":    {Type: "string", Enum: []string{name}},
		"model_version": {Type: "string", Enum: []string{version}},
		"id":            {Type: "string"},
		"outputs":       list(anyOf(outputs...), -1),
	}, "model_name", "model_version", "outputs")
	return schemaRef("InferAnswer_" + s.key)
}

// inferInput and inferBody are a request, for the examples.
type inferInput struct {
	Name       string         `json:"name"`
	Datatype   string         `json:"datatype"`
	Shape      []int64        `json:"shape"`
	Parameters map[string]int `json:"parameters,omitempty"`
	Data       any            `json:"data,omitempty"`
}

type inferBody struct {
	Parameters map[string]string `json:"parameters,omitempty"`
	Inputs     []inferInput      `json:"inputs"`
}

func (s *signature) emptyBody() inferBody {
	body := inferBody{Inputs: []inferInput{}}
	if !s.isDefault {
		body.Parameters = map[string]string{"signature_name": s.Name}
	}
	return body
}

func (s *signature) inferBody(samples []sample) inferBody {
	body := s.emptyBody()
	for _, t := range samples {
		body.Inputs = append(body.Inputs, inferInput{Name: t.Name, Datatype: datatypes[t.DType], Shape: t.shape, Data: t.flat()})
	}
	return body
}

// inferImages is a request with as many images for each input as it takes.
func (s *signature) inferImages(files map[string][]byte) inferBody {
	body := s.emptyBody()
	for _, t := range s.Inputs {
		body.Inputs = append(body.Inputs, inferInput{
			Name: t.Name, Datatype: datatypes[infer.String], Shape: []int64{int64(s.exampleImages(t))},
			Data: slices.Repeat([][]byte{files[t.Name]}, s.exampleImages(t)),
		})
	}
	return body
}

// binaryInfer is a request with binary tensors and the length of its JSON, 0 where there
// is no example.
func binaryInfer(s *signature) (body []byte, jsonLength int, err error) {
	samples, ok := s.samples()
	if !ok || len(samples) == 0 {
		return nil, 0, nil
	}
	request := s.inferBody(samples)
	var tensors []byte
	for i, t := range samples {
		data := t.bytes()
		if t.DType == infer.String {
			data = prefixed(t.size())
		}
		request.Inputs[i].Parameters, request.Inputs[i].Data = map[string]int{"binary_data_size": len(data)}, nil
		tensors = append(tensors, data...)
	}
	body, err = json.Marshal(request)
	return append(body, tensors...), len(body), err
}

// prefixed is n strings, each behind its length.
func prefixed(n int) (data []byte) {
	for range n {
		data = binary.LittleEndian.AppendUint32(data, uint32(len(text)))
		data = append(data, text...)
	}
	return data
}
