package codec

import "strings"

// inferDocument is the JSON of an infer request: its syntax has been checked
// and everything but the values of the tensors read. Of a key whose value is
// null it is as if it were missing, since several clients write all keys that
// they know. Keys and parameters that mean nothing here are checked and ignored.
type inferDocument struct {
	sc     scanner
	limits Limits
	budget budget // what the tensors may still take
	ahead  int    // how many numbers readDense may still make room for

	id           *string
	signature    []byte
	binaryOutput bool
	inputs       []inferInput
	outputs      []inferOutput
	hasInputs    bool
}

// inferInput is an element of "inputs". One of data and size is given.
type inferInput struct {
	name, datatype []byte
	shape          []int64 // nil until it is given
	data           *span
	dense          *builder // what readDense has read of data
	size           *int64   // binary_data_size
	base64         bool     // strings in data are base64
}

// inferOutput is an element of "outputs".
type inferOutput struct {
	name   []byte
	binary *bool
}

// parseInfer reads the request and returns the offset behind it.
func parseInfer(json []byte, l Limits) (*inferDocument, int, error) {
	d := &inferDocument{
		sc:     scanner{s: json, maxDepth: l.MaxDepth, strict: true},
		limits: l,
		budget: budget{left: l.MaxTensorBytes, limit: l.MaxTensorBytes},
		ahead:  len(json) / 2, // a number and the comma or bracket behind it
	}
	start, err := d.sc.root()
	if err != nil {
		return nil, 0, err
	}
	end, err := d.sc.object(start, 0, d.part)
	if err == nil && !d.hasInputs {
		err = invalid(`the key "inputs" is missing`)
	}
	return d, end, err
}

// part reads the member of the request whose value is at i.
func (d *inferDocument) part(key []byte, i int) (int, error) {
	if d.sc.at(i) == 'n' {
		return d.sc.value(i, 1)
	}
	switch string(key) {
	case "id":
		text, end, err := d.text(i, "", "id")
		if err == nil {
			id := string(text)
			d.id = &id
		}
		return end, err
	case "parameters":
		return d.parameters(i, 1, "", d.parameter)
	case "inputs":
		d.hasInputs = true
		return d.list(i, "inputs", d.input)
	case "outputs":
		return d.list(i, "outputs", d.output)
	default:
		return d.sc.value(i, 1)
	}
}

// parameter reads a parameter of the request.
func (d *inferDocument) parameter(key []byte, i int) (end int, err error) {
	switch string(key) {
	case "signature_name":
		d.signature, end, err = d.text(i, "parameters", "signature_name")
		return end, err
	case "binary_data_output":
		d.binaryOutput, end, err = d.flag(i, "parameters", "binary_data_output")
		return end, err
	default:
		return d.sc.value(i, 2)
	}
}

// input reads the element of "inputs" at i, which is called place.
func (d *inferDocument) input(i int, place string) (int, error) {
	d.inputs = append(d.inputs, inferInput{})
	in := &d.inputs[len(d.inputs)-1]
	end, err := d.sc.object(i, 2, func(key []byte, i int) (int, error) { return d.inputPart(in, place, key, i) })
	if err != nil {
		return 0, err
	}
	var missing string
	switch {
	case in.name == nil:
		missing = "name"
	case in.shape == nil:
		missing = "shape"
	case in.datatype == nil:
		missing = "datatype"
	case in.data == nil && in.size == nil:
		return 0, invalid(`%s: input %q has neither "data" nor the parameter binary_data_size`, place, shown(in.name))
	case in.data != nil && in.size != nil:
		return 0, invalid(`%s: input %q has both "data" and the parameter binary_data_size`, place, shown(in.name))
	default:
		return end, nil
	}
	return 0, invalid("%s: the key %q is missing", place, missing)
}

func (d *inferDocument) inputPart(in *inferInput, place string, key []byte, i int) (end int, err error) {
	if d.sc.at(i) == 'n' {
		return d.sc.value(i, 3)
	}
	switch string(key) {
	case "name":
		in.name, end, err = d.text(i, place, "name")
		return end, err
	case "datatype":
		in.datatype, end, err = d.text(i, place, "datatype")
		return end, err
	case "shape":
		in.shape, end, err = d.shape(i, place)
		return end, err
	case "data":
		return d.data(in, place, i)
	case "parameters":
		return d.parameters(i, 3, place, func(key []byte, i int) (int, error) { return d.inputParameter(in, place, key, i) })
	default:
		return d.sc.value(i, 3)
	}
}

func (d *inferDocument) inputParameter(in *inferInput, place string, key []byte, i int) (end int, err error) {
	switch string(key) {
	case "binary_data_size":
		var size int64
		size, end, err = d.size(i, place, "binary_data_size")
		in.size = &size
		return end, err
	case "content_type": // MLServer's; its others say what a Python object to make of the data
		end, err = d.sc.value(i, 4)
		in.base64 = err == nil && string(d.sc.s[i:end]) == `"base64"`
		return end, err
	default:
		return d.otherParameter(place, key, i)
	}
}

// output reads the element of "outputs" at i, which is called place.
func (d *inferDocument) output(i int, place string) (int, error) {
	d.outputs = append(d.outputs, inferOutput{})
	out := &d.outputs[len(d.outputs)-1]
	end, err := d.sc.object(i, 2, func(key []byte, i int) (end int, err error) {
		switch {
		case d.sc.at(i) == 'n':
			return d.sc.value(i, 3)
		case string(key) == "name":
			out.name, end, err = d.text(i, place, "name")
			return end, err
		case string(key) == "parameters":
			return d.parameters(i, 3, place, func(key []byte, i int) (int, error) { return d.outputParameter(out, place, key, i) })
		default:
			return d.sc.value(i, 3)
		}
	})
	if err == nil && out.name == nil {
		err = invalid(`%s: the key "name" is missing`, place)
	}
	return end, err
}

func (d *inferDocument) outputParameter(out *inferOutput, place string, key []byte, i int) (int, error) {
	switch string(key) {
	case "binary_data":
		binary, end, err := d.flag(i, place, "binary_data")
		out.binary = &binary
		return end, err
	case "classification":
		return 0, invalid("%s: the parameter classification is not supported by this server", place)
	default:
		return d.otherParameter(place, key, i)
	}
}

// otherParameter passes over a parameter of a tensor, unless it says that the
// data is where this server cannot reach.
func (d *inferDocument) otherParameter(place string, key []byte, i int) (int, error) {
	if strings.HasPrefix(string(key), "shared_memory_") {
		return 0, invalid("%s: shared memory is not supported by this server", place)
	}
	return d.sc.value(i, 4)
}
