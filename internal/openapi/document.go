package openapi

import (
	"context"
	"encoding/json"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// The parts of OpenAPI 3.1 that are used here. Maps are written in the order of their
// keys, so the same model has the same document every time.

type document struct {
	OpenAPI    string              `json:"openapi"`
	Info       info                `json:"info"`
	Servers    []server            `json:"servers"`
	Tags       []tag               `json:"tags"`
	Paths      map[string]pathItem `json:"paths"`
	Components components          `json:"components"`
}

type info struct {
	Title       string `json:"title"`
	Version     string `json:"version"`
	Description string `json:"description"`
}

type server struct {
	URL string `json:"url"`
}

type tag struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

type pathItem struct {
	Get  *operation `json:"get,omitempty"`
	Post *operation `json:"post,omitempty"`
}

type operation struct {
	Tags        []string             `json:"tags"`
	OperationID string               `json:"operationId"`
	Summary     string               `json:"summary"`
	Parameters  []reference          `json:"parameters,omitempty"`
	RequestBody *reference           `json:"requestBody,omitempty"`
	Responses   map[string]reference `json:"responses"`
}

type reference struct {
	Ref string `json:"$ref"`
}

type components struct {
	Schemas       map[string]*schema     `json:"schemas"`
	Parameters    map[string]parameter   `json:"parameters,omitempty"`
	RequestBodies map[string]requestBody `json:"requestBodies,omitempty"`
	Responses     map[string]response    `json:"responses"`
	Headers       map[string]header      `json:"headers"`

	decode func(ctx context.Context, input infer.TensorInfo, image []byte) (*infer.Tensor, error) // may be nil
}

// parameter is a header or a part of the query of a request.
type parameter struct {
	Name        string             `json:"name"`
	In          string             `json:"in"`
	Description string             `json:"description"`
	Schema      *schema            `json:"schema"`
	Examples    map[string]example `json:"examples,omitempty"`
}

type requestBody struct {
	Description string               `json:"description,omitempty"`
	Content     map[string]mediaType `json:"content"`
	Required    bool                 `json:"required"`
}

type response struct {
	Description string               `json:"description"`
	Headers     map[string]reference `json:"headers,omitempty"`
	Content     map[string]mediaType `json:"content"`
}

type header struct {
	Description string  `json:"description"`
	Required    bool    `json:"required,omitempty"`
	Schema      *schema `json:"schema"`
}

type mediaType struct {
	Schema   *schema            `json:"schema,omitempty"`
	Examples map[string]example `json:"examples,omitempty"`
}

// example is a value as JSON. Bytes that JSON cannot hold are in base64 in an extension:
// OpenAPI would have an address for them, but generators try to read what is there and
// fail, also if it is the bytes themselves (RFC 2397).
type example struct {
	Summary string `json:"summary,omitempty"`
	Value   any    `json:"value,omitempty"`
	Base64  []byte `json:"x-base64,omitempty"`
}

// schema is a JSON schema of the dialect 2020-12, as far as tensors need it.
type schema struct {
	Ref                  string             `json:"$ref,omitempty"`
	Description          string             `json:"description,omitempty"`
	Type                 any                `json:"type,omitempty"` // a name, or a list of them
	Format               string             `json:"format,omitempty"`
	Pattern              string             `json:"pattern,omitempty"`
	ContentEncoding      string             `json:"contentEncoding,omitempty"`
	Const                any                `json:"const,omitempty"`
	Enum                 []string           `json:"enum,omitempty"`
	Minimum              json.Number        `json:"minimum,omitempty"`
	Maximum              json.Number        `json:"maximum,omitempty"`
	PrefixItems          []*schema          `json:"prefixItems,omitempty"`
	Items                *schema            `json:"items,omitempty"`
	MinItems             int64              `json:"minItems,omitempty"`
	MaxItems             *int64             `json:"maxItems,omitempty"`
	UniqueItems          bool               `json:"uniqueItems,omitempty"`
	Properties           map[string]*schema `json:"properties,omitempty"`
	Required             []string           `json:"required,omitempty"`
	AdditionalProperties any                `json:"additionalProperties,omitempty"` // false, or a schema
	AnyOf                []*schema          `json:"anyOf,omitempty"`
	OneOf                []*schema          `json:"oneOf,omitempty"`
	Not                  *schema            `json:"not,omitempty"`
}

func schemaRef(name string) *schema { return &schema{Ref: "#/components/schemas/" + name} }

func ref(kind, name string) reference { return reference{"#/components/" + kind + "/" + name} }

// bytesSchema is a body of bytes. A JSON schema has no word for them; this is the one that
// generators know.
func bytesSchema(description string) *schema {
	return &schema{Type: "string", Format: "binary", Description: description}
}

// object has the given properties, all of which are required.
func object(properties map[string]*schema, required ...string) *schema {
	return &schema{Type: "object", Properties: properties, Required: required}
}

// list is an array of n items; of any number where n is negative.
func list(items *schema, n int64) *schema {
	s := &schema{Type: "array", Items: items}
	if n >= 0 {
		s.MinItems, s.MaxItems = n, &n
	}
	return s
}

// anyOf is the schema itself where there is only one.
func anyOf(schemas ...*schema) *schema {
	if len(schemas) == 1 {
		return schemas[0]
	}
	return &schema{AnyOf: schemas}
}

// oneOf is the schema itself where there is only one.
func oneOf(schemas ...*schema) *schema {
	if len(schemas) == 1 {
		return schemas[0]
	}
	return &schema{OneOf: schemas}
}
