package codec

import (
	"slices"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// data reads the "data" at i: its values, where readDense can, else its syntax.
func (d *inferDocument) data(in *inferInput, place string, i int) (int, error) {
	if d.sc.at(i) != '[' {
		return 0, mustBe(place, "data", "an array")
	}
	end, ok := d.readDense(in, i)
	if !ok {
		var err error
		if end, err = d.sc.value(i, 3); err != nil {
			return 0, err
		}
	}
	in.data = &span{i, end}
	return end, nil
}

// readDense is document's for infer: it reads the list at i in a single pass,
// where datatype and shape are known to be those of a list of floats. That the
// model takes floats is looked at later. All lists together get room for as many
// numbers as the body can hold, so that no body can have much more cleared than
// it is long.
func (d *inferDocument) readDense(in *inferInput, i int) (end int, ok bool) {
	if in.shape == nil || string(in.datatype) != "FP32" {
		return 0, false
	}
	n, err := infer.Elements(in.shape)
	if err != nil || n == 0 || n > int64(d.ahead) {
		return 0, false
	}
	d.ahead -= int(n)
	t := newBuilder(infer.TensorInfo{DType: infer.Float}, &d.budget)
	t.strict = true
	t.reserve(int(n) * infer.Float.Size())
	end, ok = t.dense(d.sc.s, i, min(maxDenseRank, d.limits.MaxDepth-3))
	if !ok {
		t.data = t.data[:0]
		t.refund()
		return 0, false
	}
	t.refund()
	in.dense = t
	return end, true
}

// feeds are the values of the inputs, and whether they are one row as a whole. tensors is
// what follows the JSON.
func (d *inferDocument) feeds(tensors []byte, c *infer.Catalog, sig *infer.Signature) (feeds []infer.Feed, whole bool, err error) {
	in := newInputs(nil, c, sig, d.limits.MaxTensorBytes)
	in.budget = d.budget
	for i := range d.inputs {
		if tensors, err = in.readInput(d.sc.s, &d.inputs[i], tensors); err != nil {
			return nil, false, err
		}
	}
	if len(tensors) > 0 {
		return nil, false, invalid("%d bytes follow the last binary tensor", len(tensors))
	}
	for k, t := range in.slots {
		if !in.given[k] && !in.partial() {
			return nil, false, invalid("input %q is missing; signature %q takes %s", t.info.Name, sig.Name, in.names())
		}
	}
	feeds, err = in.feeds(false)
	return feeds, in.oneImage(), err
}

// readInput reads the value of v from json, or from tensors where it is binary,
// and returns what is left of these.
func (in *inputs) readInput(json []byte, v *inferInput, tensors []byte) ([]byte, error) {
	k, ok := in.find(v.name)
	if !ok {
		return nil, invalid("input %q is none of signature %q, which takes %s", shown(v.name), in.sig.Name, in.names())
	}
	t := in.slots[k]
	if in.given[k] {
		return nil, invalid("input %q is given more than once, lastly as %q", t.info.Name, shown(v.name))
	}
	in.given[k] = true
	if !supported(t.info.DType) {
		return nil, infer.Errorf(infer.ErrUnimplemented, "input %q is of type %s, which this protocol has no datatype for", t.info.Name, t.info.DType)
	}
	if t.takesImages() && string(v.datatype) == datatype(infer.String) {
		return in.readImages(t, json, v, tensors)
	}
	if want := datatype(t.info.DType); string(v.datatype) != want {
		return nil, invalid("input %q has datatype %s, but the model takes %s", t.info.Name, shown(v.datatype), want)
	}
	elements, err := infer.Elements(v.shape)
	if err != nil {
		return nil, invalid("input %q: %s", t.info.Name, err)
	}
	if elements == 0 {
		if _, err := infer.Bytes(t.info.DType, v.shape, in.budget.limit); err != nil {
			return nil, in.budget.tooLarge()
		}
	}
	if v.size != nil {
		return t.readBinary(v.shape, *v.size, tensors)
	}
	if v.dense != nil {
		v.dense.info, v.dense.budget = t.info, t.budget
		t = v.dense
		in.slots[k] = t
	} else {
		t.strict, t.base64 = true, v.base64
		if err := in.readColumn(k, json, *v.data); err != nil {
			return nil, err
		}
	}
	return tensors, t.reshape(v.shape, elements)
}

// readImages reads an input of type BYTES for t, which takes numbers: each element is an
// image. In JSON, which has no bytes, it is base64.
func (in *inputs) readImages(t *builder, json []byte, v *inferInput, tensors []byte) ([]byte, error) {
	encoded := newBuilder(infer.TensorInfo{Name: t.info.Name, DType: infer.String}, &in.budget)
	encoded.base64 = true
	elements, err := infer.Elements(v.shape)
	if err != nil {
		return nil, invalid("input %q: %s", t.info.Name, err)
	}
	if v.size != nil {
		tensors, err = encoded.readBinary(v.shape, *v.size, tensors)
	} else {
		c := cursor{json, v.data.start}
		if err = encoded.value(&c); err == nil {
			err = encoded.reshape(v.shape, elements)
		}
	}
	if err != nil {
		return nil, err
	}
	images, err := encoded.tensor(encoded.shape)
	if err != nil {
		return nil, err
	}
	if err := t.imageStrings(images); err != nil {
		return nil, infer.Errorf(kind(err), "input %q: %s", t.info.Name, err)
	}
	return tensors, nil
}

// reshape gives what has been read of "data" the shape that the request states.
// The data is flat, or nested as the shape says. Lists cannot say what follows a
// dimension of size 0.
func (t *builder) reshape(shape []int64, elements int64) error {
	if int64(t.len()) != elements {
		return invalid("input %q: shape %s has %d elements, but data has %d", t.info.Name, infer.FormatShape(shape), elements, t.len())
	}
	told := shape
	if i := slices.Index(shape, 0); i >= 0 {
		told = shape[:i+1]
	}
	if len(t.shape) > 1 && !slices.Equal(t.shape, told) {
		return invalid("input %q: data is nested as %s, which is neither flat nor the shape %s", t.info.Name, infer.FormatShape(t.shape), infer.FormatShape(shape))
	}
	t.shape = shape
	return nil
}

// fetches are the outputs that the request asks for, all of the signature where
// it names none, and for each whether it is wanted in binary.
func (d *inferDocument) fetches(c *infer.Catalog, sig *infer.Signature) ([]infer.TensorInfo, []bool, error) {
	infos := make([]infer.TensorInfo, 0, len(d.outputs))
	binary := make([]bool, 0, max(len(d.outputs), len(sig.Outputs)))
	var seen keySet
	for _, out := range d.outputs {
		info, ok := c.Output(sig, string(out.name))
		if !ok {
			return nil, nil, invalid("output %q is none of signature %q, which has %s", shown(out.name), sig.Name, names(sig.Outputs))
		}
		if !seen.add(out.name) {
			return nil, nil, invalid("output %q is asked for more than once", shown(out.name))
		}
		infos = append(infos, info)
		binary = append(binary, out.binary == nil && d.binaryOutput || out.binary != nil && *out.binary)
	}
	if len(infos) > 0 {
		return infos, binary, nil
	}
	infos, err := allOutputs(sig)
	for range infos {
		binary = append(binary, d.binaryOutput)
	}
	return infos, binary, err
}
