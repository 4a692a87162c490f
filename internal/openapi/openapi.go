// Package openapi describes the HTTP interface of one loaded model as an OpenAPI 3.1
// document: its signatures as JSON schemas with their real shapes and types, and requests
// that work when they are sent as they are.
//
// It describes what internal/serve answers and internal/codec reads, and follows them; it
// reads nothing itself. A schema says what the signature declares. The server is laxer:
// as TensorFlow Serving it leaves shapes to TensorFlow, and ignores keys that it does not
// know.
package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// Path is where the document is served.
const Path = "/openapi.json"

// Document describes a model. maxBody is the limit of the server on bodies, in bytes. The
// same arguments make the same bytes.
func Document(m *infer.Model, maxBody int64) ([]byte, error) {
	signatures, unable := signatures(m.Catalog())
	d := document{
		OpenAPI: "3.1.0",
		Info: info{
			Title: m.Name, Version: m.Version,
			Description: description(maxBody, unable),
		},
		// Relative to where the document is, which may be behind a stage of a gateway.
		Servers: []server{{"."}},
		Tags: []tag{
			{tagV1, "TensorFlow Serving's REST API"},
			{tagV2, "the Open Inference Protocol, version 2"},
			{tagServer, "this server"},
		},
		Paths: map[string]pathItem{},
		Components: components{
			Schemas:       elementSchemas(),
			Parameters:    map[string]parameter{},
			RequestBodies: map[string]requestBody{},
			Responses:     failures(),
			Headers:       headers(),
			decode:        m.Catalog().Image,
		},
	}
	d.serverPages()
	d.modelPages(m)
	if err := d.calls(m, signatures); err != nil {
		return nil, fmt.Errorf("openapi: %w", err)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(d)
	return text.Bytes(), err
}

func description(maxBody int64, unable []string) string {
	var b strings.Builder
	b.WriteString("Schemas are what the signatures of the loaded model declare. A value must fit the shape of its Placeholder in the graph, which most models made by TensorFlow 2 carry; of other shapes TensorFlow decides.\n\n" +
		"A float in a body of `/v1` may also be a bare `NaN`, `Infinity` or `-Infinity`, in both directions, which JSON does not have and a schema cannot say. " +
		"Integers are written without point and exponent.\n\n" +
		"Bodies may be compressed (`Content-Encoding: gzip`, `deflate` or `zstd`) and have at most " + strconv.FormatInt(maxBody, 10) + " bytes, before and after. " +
		"Answers are compressed for whoever accepts that. `HEAD` works where `GET` does. " +
		"Every path of the model also exists for its version, with `/versions/N` behind the name.")
	if len(unable) > 0 {
		b.WriteString("\n\nThese signatures cannot be asked, since their tensors have no form in a body or stand for one another: " + strings.Join(unable, ", ") + ".")
	}
	return b.String()
}

// Tags of operations.
const (
	tagV1     = "v1"
	tagV2     = "v2"
	tagServer = "server"
)

// versionHeader names the version of the model that answers.
const versionHeader = "Model-Version"

func headers() map[string]header {
	return map[string]header{
		versionHeader: {"The version of the model that answered or refused.", true, &schema{Type: "string"}},
		"Retry-After": {"Seconds after which a start is usually over.", true, &schema{Type: "integer", Minimum: "0"}},
		"Allow":       {"The methods that the path has.", true, &schema{Type: "string"}},
		lengthHeader:  {"How many bytes at the start of the body are JSON, if tensors follow.", false, &schema{Type: "integer", Minimum: "1"}},
	}
}

// failure is an answer other than 200, and what makes it.
type failure struct {
	status      int
	name        string
	description string
	header      string
}

var failureList = []failure{
	{400, "BadRequest", "The request is wrong in itself or for this model. The message says what and where.", ""},
	{404, "NotFound", "There is no such model or version.", ""},
	{405, "MethodNotAllowed", "The path has other methods.", "Allow"},
	{413, "TooLarge", "The body, its tensors or the answer are over a limit.", ""},
	{415, "UnsupportedMediaType", "A `Content-Encoding` other than gzip, deflate, zstd and identity, or an image that is neither JPEG nor PNG.", ""},
	{429, "ResourceExhausted", "TensorFlow ran out of memory for this request.", ""},
	{499, "ClientClosedRequest", "The client has gone.", ""},
	{500, "InternalError", "A fault of the server or of TensorFlow. The reason is in the log.", ""},
	{501, "Unimplemented", "A type of tensors or an operation that cannot be served.", ""},
	{503, "Unavailable", "There is no model (yet).", "Retry-After"},
	{504, "DeadlineExceeded", "No time was left to run the model.", ""},
}

func failures() map[string]response {
	all := map[string]response{}
	for _, f := range failureList {
		r := response{Description: f.description, Content: map[string]mediaType{jsonType: {Schema: schemaRef("Error")}}}
		if f.header != "" {
			r.Headers = map[string]reference{f.header: ref("headers", f.header)}
		}
		all[f.name] = r
	}
	return all
}

// responses are the answers of an operation: ok, and the failures with these statuses.
func responses(ok string, statuses ...int) map[string]reference {
	all := map[string]reference{strconv.Itoa(http.StatusOK): ref("responses", ok)}
	for _, f := range failureList {
		for _, status := range statuses {
			if f.status == status {
				all[strconv.Itoa(status)] = ref("responses", f.name)
			}
		}
	}
	return all
}

// answered is the answer 200 with a schema, and with the model's version where it is the
// model's.
func answered(description, schema string, ofModel bool) response {
	r := response{Description: description, Content: map[string]mediaType{jsonType: {Schema: schemaRef(schema)}}}
	if ofModel {
		r.Headers = map[string]reference{versionHeader: ref("headers", versionHeader)}
	}
	return r
}

// page is a GET, with its one answer as components called like the operation.
func (d *document) page(path, tag, id, summary string, answer *schema, ofModel bool, statuses ...int) {
	name := strings.ToUpper(id[:1]) + id[1:]
	d.Components.Schemas[name] = answer
	d.Components.Responses[name] = answered(summary, name, ofModel)
	d.Paths[path] = pathItem{Get: &operation{
		Tags: []string{tag}, OperationID: id, Summary: summary, Responses: responses(name, append(statuses, 405, 500)...),
	}}
}

func (d *document) serverPages() {
	d.Components.Schemas["Error"] = object(map[string]*schema{"error": {Type: "string"}}, "error")
	d.page("/v2", tagV2, "serverMetadata", "What the server is", serverMetadata(), false)
	d.page("/v2/health/live", tagV2, "serverLive", "Whether the process answers", flag("live"), false)
	d.page("/v2/health/ready", tagV2, "serverReady", "Whether there is a model; it does not wait for one", flag("ready"), false, 503)
	d.page(Path, tagServer, "openapi", "This document", &schema{Type: "object"}, true, 413, 503)
}

// PathName is a model's name as paths have it. The colon ends a name there, and what
// shells read as their own is escaped, too: people paste addresses.
func PathName(name string) string {
	return strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
}

func (d *document) modelPages(m *infer.Model) {
	v1, v2 := "/v1/models/"+PathName(m.Name), "/v2/models/"+PathName(m.Name)
	d.page(v1, tagV1, "modelStatus", "The status of the version that is served", modelStatus(m.Version), true, 404, 503)
	d.page(v1+"/metadata", tagV1, "modelSignatures", "The signatures of the model", modelSignatures(m.Name, m.Version), true, 404, 413, 503)
	d.page(v2, tagV2, "modelMetadata", "Inputs and outputs of the default signature", inferenceMetadata(m.Name, m.Version), true, 404, 413, 503)
	ready := flag("ready")
	ready.Properties["name"], ready.Required = &schema{Type: "string", Enum: []string{m.Name}}, []string{"name", "ready"}
	d.page(v2+"/ready", tagV2, "modelReady", "Whether the model is there; it does not wait for it", ready, true, 404, 503)
}

// calls are the operations that run the model. Each stands twice: with the version in its
// path a client is sure of what answers it.
func (d *document) calls(m *infer.Model, all []signature) error {
	c := &d.Components
	base, version := "/v1/models/"+PathName(m.Name), "/versions/"+m.Version
	if predictable := withInputs(all); len(predictable) > 0 {
		c.predict(predictable)
		var parameters []reference
		if predictable[0].hasShapeHeader() {
			parameters = append(parameters, ref("parameters", shapeHeader))
		}
		if _, ok := c.Parameters[topParameter]; ok {
			parameters = append(parameters, ref("parameters", topParameter))
		}
		d.call(base+":predict", base+version+":predict", tagV1, "predict", "Ask the model", parameters)
	}
	if c.examples("Classify", classifyMethod, classified(), all) {
		d.call(base+":classify", base+version+":classify", tagV1, "classify", "Labels and scores for examples", nil)
	}
	if c.examples("Regress", regressMethod, regressed(), all) {
		d.call(base+":regress", base+version+":regress", tagV1, "regress", "A number for each example", nil)
	}
	if len(all) == 0 {
		return nil
	}
	if err := c.infer(m.Name, m.Version, all); err != nil {
		return err
	}
	base = "/v2/models/" + PathName(m.Name)
	d.call(base+"/infer", base+version+"/infer", tagV2, "infer", "Ask the model, in JSON or binary", []reference{ref("parameters", lengthHeader)})
	return nil
}

// withInputs are the signatures that have inputs, without which v1 has no request.
func withInputs(all []signature) (some []signature) {
	for _, s := range all {
		if len(s.Inputs) > 0 {
			some = append(some, s)
		}
	}
	return some
}

func (d *document) call(path, versioned, tag, id, summary string, parameters []reference) {
	name := strings.ToUpper(id[:1]) + id[1:]
	body := ref("requestBodies", name)
	post := operation{
		Tags: []string{tag}, OperationID: id, Summary: summary, Parameters: parameters, RequestBody: &body,
		Responses: responses(name, 400, 404, 405, 413, 415, 429, 499, 500, 501, 503, 504),
	}
	d.Paths[path] = pathItem{Post: &post}
	ofVersion := post
	ofVersion.OperationID, ofVersion.Summary = id+"Version", summary+", if it has this version"
	d.Paths[versioned] = pathItem{Post: &ofVersion}
}
