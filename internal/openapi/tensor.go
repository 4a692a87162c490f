package openapi

import (
	"encoding/json"
	"math"
	"strconv"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// datatypes are the types of tensors that requests and answers can hold, by the names
// of the Open Inference Protocol.
var datatypes = map[infer.DType]string{
	infer.Float: "FP32", infer.Double: "FP64", infer.Half: "FP16", infer.Bfloat16: "BF16",
	infer.Int8: "INT8", infer.Int16: "INT16", infer.Int32: "INT32", infer.Int64: "INT64",
	infer.Uint8: "UINT8", infer.Uint16: "UINT16", infer.Uint32: "UINT32", infer.Uint64: "UINT64",
	infer.Bool: "BOOL", infer.String: "BYTES",
}

// Schemas of elements that are written out once.
const (
	stringSchema = "String"
	base64Schema = "Base64"
)

// base64Pattern is base64 with or without padding.
const base64Pattern = `^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}(==)?|[A-Za-z0-9+/]{3}=?)?$`

func elementSchemas() map[string]*schema {
	b64 := object(map[string]*schema{"b64": base64String()}, "b64")
	b64.AdditionalProperties = false
	b64.Description = "Any bytes, in base64."
	return map[string]*schema{
		base64Schema: b64,
		stringSchema: {Description: "Text, or any bytes in base64.", AnyOf: []*schema{{Type: "string"}, schemaRef(base64Schema)}},
	}
}

func base64String() *schema {
	return &schema{Type: "string", ContentEncoding: "base64", Pattern: base64Pattern}
}

// protocol is what differs between the elements of v1's JSON and of v2's.
type protocol int

const (
	v1 protocol = iota
	v2
)

// element is the schema of one element of a tensor. In v2 null is NaN; v1 writes it
// bare, for which JSON schemas have no word.
func (p protocol) element(d infer.DType) *schema {
	switch d {
	case infer.Float, infer.Double, infer.Half, infer.Bfloat16:
		s := &schema{Type: "number", Format: map[infer.DType]string{infer.Float: "float", infer.Double: "double"}[d]}
		if p == v2 {
			s.Type = []string{"number", "null"}
		}
		return s
	case infer.Bool:
		return &schema{Type: "boolean"}
	case infer.String:
		return schemaRef(stringSchema)
	default:
		return integer(d)
	}
}

func integer(d infer.DType) *schema {
	bits := uint(8 * d.Size())
	s := &schema{Type: "integer", Format: d.String()}
	switch d {
	case infer.Uint8, infer.Uint16, infer.Uint32, infer.Uint64:
		s.Minimum = "0"
		s.Maximum = json.Number(strconv.FormatUint(math.MaxUint64>>(64-bits), 10))
	default:
		least := int64(math.MinInt64) >> (64 - bits)
		s.Minimum = json.Number(strconv.FormatInt(least, 10))
		s.Maximum = json.Number(strconv.FormatInt(-(least + 1), 10))
	}
	return s
}

// nested is the schema of a whole tensor: lists in lists, with any number of items from
// least on where the size is unknown; in the innermost ones from 0 on. name is that of the component in which a tensor of unknown
// rank refers to itself.
func (c *components) nested(element *schema, shape infer.Shape, least int64, name string) *schema {
	if shape == nil {
		if c.Schemas[name] == nil {
			c.Schemas[name] = &schema{
				Description: "A value, or lists in lists of them. All lists of a level have the same length.",
				AnyOf:       []*schema{element, list(schemaRef(name), -1)},
			}
		}
		return schemaRef(name)
	}
	s := element
	for i := len(shape) - 1; i >= 0; i-- {
		s = list(s, shape[i])
		if shape[i] < 0 && i < len(shape)-1 {
			s.MinItems = least
		}
	}
	return s
}

// sent is the least size of lists of lists in requests: an empty one would not say what
// the sizes further in are.
const sent = 1

// tensor is the schema of a tensor that a signature declares, in v1's JSON.
func (c *components) tensor(t infer.TensorInfo, least int64) *schema {
	return c.described(t, t.Shape, least)
}

// row is the schema of one row of it.
func (c *components) row(t infer.TensorInfo, least int64) *schema {
	if t.Shape == nil {
		return c.described(t, nil, least)
	}
	return c.described(t, t.Shape[1:], least)
}

func (c *components) described(t infer.TensorInfo, shape infer.Shape, least int64) *schema {
	s := *c.nested(v1.element(t.DType), shape, least, "Nested_"+t.DType.String())
	s.Description = t.DType.String() + " " + shape.String()
	return &s
}
