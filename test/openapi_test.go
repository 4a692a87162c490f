package test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// The OpenAPI document of every model is one, and each of its requests works when it is
// sent as it is.
func TestOpenAPIDocuments(t *testing.T) {
	t.Parallel()
	uris := map[string]string{"digits": digitsFolder + "/digits.pb"}
	for _, model := range append(savedModels(t), "old_producer.pb", "two_placeholders.pb", "unsafe_read.pb") {
		uris[model] = "models/" + model
	}
	dir := t.TempDir()
	var files []string
	t.Run("models", func(t *testing.T) {
		for model, uri := range uris {
			file := filepath.Join(dir, strings.ReplaceAll(model, "/", "-")+".json")
			files = append(files, file)
			t.Run(model, func(t *testing.T) {
				t.Parallel()
				checkDocument(t, model, absolute(t, uri), file)
			})
		}
	})
	if !t.Failed() {
		python(t, "documents.py", files...)
	}
}

// refusals are the examples that a model refuses itself, by how their names begin, and what
// it says: zeros, or the word that stands for any string, are not for it, or its outputs
// have no rows in common, which no shape says beforehand.
var refusals = map[string]map[string]string{
	"failing":     {"assert": "x must be positive", "number": "could not correctly convert string"},
	"multi":       {"unequal_rows": "inconsistent batch size"},
	"pack/lists":  {"": "evenly divide the split dimension"},
	"pack/parsed": {"": "Could not parse example input"},
	"pack/reads":  {"shape_rows": "inconsistent batch size"},
}

// checkDocument writes the document of a model to a file and sends the examples in it.
func checkDocument(t *testing.T, model, uri, file string) {
	s := startServer(t, uri, raw(t), "MODEL_ALLOW_UNSAFE_OPS=true")
	r := s.request(get, s.base+"/openapi.json", "")
	if r.StatusCode != http.StatusOK {
		t.Fatalf("answer %d %.300q", r.StatusCode, r.Body)
	}
	if err := os.WriteFile(file, []byte(r.Body), 0o600); err != nil {
		t.Fatal(err)
	}
	if model == "digits" {
		sameJSON(t, r.Body, read(t, "../internal/openapi/testdata/digits.json"))
	}
	if strings.HasPrefix(model, "unsafe_") { // they read, write or call what a client names
		return
	}
	for _, e := range examplesIn(t, r.Body) {
		want, says := http.StatusOK, ""
		for prefix, text := range refusals[model] {
			if strings.HasPrefix(e.name, prefix) {
				want, says = http.StatusBadRequest, text
			}
		}
		r := e.send(t, s)
		if r.StatusCode != want || !strings.Contains(r.Body, says) {
			t.Errorf("%s, example %q as %s: answer %d %.300q, want %d %s for %.300q", e.path, e.name, e.contentType, r.StatusCode, r.Body, want, says, e.body)
		}
	}
}

// sameJSON holds what the program says to the file that people read.
func sameJSON(t *testing.T, got string, want []byte) {
	t.Helper()
	var a, b any
	if err := errors.Join(json.Unmarshal([]byte(got), &a), json.Unmarshal(want, &b)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("the document is not that of internal/openapi/testdata: %s", got)
	}
}

// exampleRequest is an example of a document as a request.
type exampleRequest struct {
	path, name, contentType, body string
	headers                       map[string]string
}

func (e *exampleRequest) send(t *testing.T, s *server) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), post, s.base+e.path, strings.NewReader(e.body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", e.contentType)
	for name, value := range e.headers {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	r, err := readReply(response)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// openAPI is what of a document its examples stand in.
type openAPI struct {
	Paths map[string]struct {
		Post struct {
			RequestBody struct {
				Ref string `json:"$ref"`
			}
			Parameters []struct {
				Ref string `json:"$ref"`
			}
		}
	}
	Components struct {
		RequestBodies map[string]struct {
			Content map[string]struct {
				Examples map[string]struct {
					Value json.RawMessage
					Bytes []byte `json:"x-base64"`
				}
			}
		}
		Parameters map[string]struct {
			Name     string
			Examples map[string]struct{ Value any }
		}
	}
}

func examplesIn(t *testing.T, document string) (requests []exampleRequest) {
	t.Helper()
	var d openAPI
	if err := json.Unmarshal([]byte(document), &d); err != nil {
		t.Fatal(err)
	}
	for _, route := range slices.Sorted(maps.Keys(d.Paths)) {
		operation := d.Paths[route].Post
		for contentType, media := range d.Components.RequestBodies[path.Base(operation.RequestBody.Ref)].Content {
			for name, example := range media.Examples {
				e := exampleRequest{path: route, name: name, contentType: contentType, body: string(example.Bytes), headers: map[string]string{}}
				if example.Value != nil {
					e.body = asSent(t, contentType, example.Value)
				}
				for _, parameter := range operation.Parameters {
					p := d.Components.Parameters[path.Base(parameter.Ref)]
					if value, ok := p.Examples[name]; ok {
						e.headers[p.Name] = fmt.Sprint(value.Value)
					}
				}
				requests = append(requests, e)
			}
		}
	}
	return requests
}

// asSent is the body that the value of an example stands for: the value, or the text in it.
func asSent(t *testing.T, contentType string, value json.RawMessage) string {
	t.Helper()
	if contentType == "application/json" {
		return string(value)
	}
	var text string
	if err := json.Unmarshal(value, &text); err != nil {
		t.Fatal(err)
	}
	return text
}

// The document also stands behind a front door of Lambda, where what it says of its server
// is relative to the stage that it was read from.
func TestAFunctionHasAnOpenAPIDocument(t *testing.T) {
	t.Parallel()
	f := readyFunction(t, "MODEL_URI="+absolute(t, digitsFolder+"/digits.pb"))
	r := f.ask(get, "/openapi.json", "")
	if r.StatusCode != http.StatusOK {
		t.Fatalf("answer %d %.300q", r.StatusCode, r.Body)
	}
	sameJSON(t, r.Body, read(t, "../internal/openapi/testdata/digits.json"))
}

// Schemathesis, which asks what a document allows and what it does not, finds no status,
// type, header or schema that is not in the document, and no 5xx.
func TestSchemathesis(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		served
		options []string
	}{
		{served{label: "digits", model: digitsFolder + "/digits.pb"}, nil},
		{served{label: "strings"}, nil},
		{served{label: "multi"}, nil},
		// Which features an example must have, no signature and so no schema says.
		{served{label: "half_plus_two_examples"}, []string{
			"--exclude-checks", "positive_data_acceptance", "--include-operation-id", "classify", "--include-operation-id", "regress",
		}},
	} {
		t.Run(tt.label, func(t *testing.T) {
			t.Parallel()
			python(t, "fuzz.py", append([]string{tt.start(t).base}, tt.options...)...)
		})
	}
}
