package openapi

import "github.com/tensorlambda/tensorlambda/internal/infer"

// textSchema is a string whose value says itself what it is.
func textSchema() *schema { return &schema{Type: "string"} }

// modelStatus is TensorFlow Serving's status of the one version there is.
func modelStatus(version string) *schema {
	status := object(map[string]*schema{"error_code": textSchema(), "error_message": textSchema()}, "error_code", "error_message")
	one := object(map[string]*schema{
		"version": {Type: "string", Enum: []string{version}},
		"state":   {Type: "string", Enum: []string{"AVAILABLE"}},
		"status":  status,
	}, "version", "state", "status")
	return object(map[string]*schema{"model_version_status": list(one, 1)}, "model_version_status")
}

// modelSignatures is TensorFlow Serving's metadata: the JSON form of its protobufs.
func modelSignatures(name, version string) *schema {
	spec := object(map[string]*schema{
		"name":           {Type: "string", Enum: []string{name}},
		"signature_name": textSchema(),
		"version":        {Type: "string", Enum: []string{version}},
	}, "name", "signature_name", "version")
	dimension := object(map[string]*schema{"size": {Type: "string", Pattern: `^(-1|\d+)$`}, "name": textSchema()}, "size", "name")
	tensor := object(map[string]*schema{
		"dtype": {Type: "string", Description: "DT_FLOAT, DT_INT64 and so on."},
		"tensor_shape": object(map[string]*schema{
			"dim":          list(dimension, -1),
			"unknown_rank": {Type: "boolean"},
		}, "dim", "unknown_rank"),
		"name": {Type: "string", Description: "operation:index in the graph"},
	}, "dtype", "tensor_shape", "name")
	byAlias := &schema{Type: "object", AdditionalProperties: tensor}
	signature := object(map[string]*schema{
		"inputs": byAlias, "outputs": byAlias,
		"method_name": textSchema(),
		"defaults":    {Type: "object", Description: "Values of inputs, as the model has them. Requests give every input all the same."},
	}, "inputs", "outputs", "method_name", "defaults")
	signatures := object(map[string]*schema{"signature_def": {Type: "object", AdditionalProperties: signature}}, "signature_def")
	metadata := object(map[string]*schema{"signature_def": signatures}, "signature_def")
	return object(map[string]*schema{"model_spec": spec, "metadata": metadata}, "model_spec", "metadata")
}

// serverMetadata is the Open Inference Protocol's page about this program.
func serverMetadata() *schema {
	return object(map[string]*schema{
		"name": textSchema(), "version": textSchema(), "extensions": list(textSchema(), -1),
	}, "name", "version", "extensions")
}

// inferenceMetadata is its page about the model, with the default signature.
func inferenceMetadata(name, version string) *schema {
	tensor := object(map[string]*schema{
		"name":     textSchema(),
		"datatype": {Type: "string", Description: "FP32, INT64 and so on."},
		"shape":    list(&schema{Type: "integer", Minimum: "-1"}, -1),
	}, "name", "datatype", "shape")
	return object(map[string]*schema{
		"name":     {Type: "string", Enum: []string{name}},
		"versions": list(&schema{Type: "string", Enum: []string{version}}, 1),
		"platform": textSchema(),
		"inputs":   list(tensor, -1),
		"outputs":  list(tensor, -1),
	}, "name", "versions", "platform", "inputs", "outputs")
}

// flag is an object that says that something is so.
func flag(name string) *schema {
	return object(map[string]*schema{name: {Type: "boolean"}}, name)
}

// examples describes :classify or :regress for the signatures that are made for it; ok is
// false where there are none.
func (c *components) examples(verb, method string, result *schema, signatures []signature) (ok bool) {
	var forms []*schema
	features := &schema{Type: "object", AdditionalProperties: schemaRef("Feature"),
		Description: "Values by feature. Which features there are is the model's own; no signature says it."}
	for i := range signatures {
		s := &signatures[i]
		if s.Method != method || !s.takesExamples() {
			continue
		}
		name, required := s.chosen()
		examples := list(features, -1)
		examples.MinItems = 1
		context := *features
		context.Description = "Features that every example has which does not have its own."
		forms = append(forms, object(map[string]*schema{"signature_name": name, "context": &context, "examples": examples}, append(required, "examples")...))
	}
	if len(forms) == 0 {
		return false
	}
	c.Schemas["Feature"] = feature()
	c.Schemas[verb+"Request"] = oneOf(forms...)
	c.Schemas[verb+"Answer"] = object(map[string]*schema{"results": list(result, -1)}, "results")
	c.RequestBodies[verb] = requestBody{Required: true, Content: map[string]mediaType{jsonType: {Schema: schemaRef(verb + "Request")}}}
	c.Responses[verb] = answered("A result for each example.", verb+"Answer", true)
	return true
}

// feature is a value, or a list of values of one kind.
func feature() *schema {
	whole, number := v1.element(infer.Int64), &schema{Type: "number"}
	return &schema{
		Description: "A value, or a flat list of one kind of values. A number with a point or an exponent is a float, and one without is an integer: write 1.0.",
		AnyOf: []*schema{
			number, {Type: "boolean"}, schemaRef(stringSchema),
			list(number, -1), list(anyOf(whole, &schema{Type: "boolean"}), -1), list(schemaRef(stringSchema), -1),
		},
	}
}

// classified is the result of :classify for an example: a list of label and score.
func classified() *schema {
	pair := list(nil, 2)
	pair.PrefixItems = []*schema{{AnyOf: []*schema{{Type: "string"}, schemaRef(base64Schema)}}, {Type: "number"}}
	return list(pair, -1)
}

// regressed is that of :regress.
func regressed() *schema { return &schema{Type: "number"} }
