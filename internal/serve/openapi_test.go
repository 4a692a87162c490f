package serve_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/serve"
)

const documentPath = "/openapi.json"

func TestOpenAPIDocument(t *testing.T) {
	h := handler(serve.Options{})
	w := do(h, http.MethodGet, documentPath, "")
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Model-Version") != "3" ||
		!strings.HasPrefix(w.Body.String(), `{"openapi":"3.1.0","info":{"title":"half_plus_two"`) {
		t.Errorf("got %d %v %.200s", w.Code, w.Header(), w.Body)
	}
	if again := do(h, http.MethodGet, documentPath, ""); again.Body.String() != w.Body.String() {
		t.Errorf("the second time it is %s", again.Body)
	}
	if w := do(h, http.MethodHead, documentPath, ""); w.Code != 200 {
		t.Errorf("HEAD: got %d %s", w.Code, w.Body)
	}
	if w := do(h, http.MethodPost, documentPath, "{}"); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: got %d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestOpenAPIDocumentIsThatOfTheModel(t *testing.T) {
	served := halfPlusTwo("first")
	h := handler(serve.Options{Model: func(context.Context) (*infer.Model, error) { return served, nil }})
	for _, name := range []string{"first", "second"} {
		served = halfPlusTwo(name)
		if w := do(h, http.MethodGet, documentPath, ""); !strings.Contains(w.Body.String(), "/v1/models/"+name+":predict") {
			t.Errorf("%s: got %d %.200s", name, w.Code, w.Body)
		}
	}
}

func TestOpenAPIDocumentNeedsAModel(t *testing.T) {
	h := handler(serve.Options{Model: func(context.Context) (*infer.Model, error) { return nil, infer.ErrNotFound }})
	if w := do(h, http.MethodGet, documentPath, ""); w.Code != 503 || w.Header().Get("Retry-After") != "5" {
		t.Errorf("got %d %v %s", w.Code, w.Header(), w.Body)
	}
}

// Whatever a call can be answered with is in the document.
func TestEveryStatusIsDocumented(t *testing.T) {
	var document struct {
		Paths map[string]struct {
			Post struct{ Responses map[string]any }
		}
	}
	if err := json.Unmarshal(do(handler(serve.Options{}), http.MethodGet, documentPath, "").Body.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	documented := func(cause string, status int) {
		for _, path := range []string{predictPath, "/v2/models/half_plus_two/infer"} {
			if _, ok := document.Paths[path].Post.Responses[strconv.Itoa(status)]; !ok {
				t.Errorf("%s: %d (%s) is not in the document", path, status, cause)
			}
		}
	}
	for _, err := range []error{
		nil, infer.ErrInvalidArgument, infer.ErrTooLarge, infer.ErrNotFound, infer.ErrFailedPrecondition, infer.ErrUnimplemented,
		infer.ErrResourceExhausted, infer.ErrUnavailable, infer.ErrDeadlineExceeded, infer.ErrInternal,
		context.DeadlineExceeded, context.Canceled, errors.New("any other"),
	} {
		h := handler(serve.Options{Model: having(failing(err))})
		if err == nil {
			h = handler(serve.Options{})
		}
		documented("a run that fails with "+name(err), do(h, http.MethodPost, predictPath, `{"instances":[1]}`).Code)
	}
	h := handler(serve.Options{MaxBodyBytes: 4})
	documented("a method", do(h, http.MethodGet, predictPath, "").Code)
	documented("a long body", do(h, http.MethodPost, predictPath, `{"instances":[1]}`).Code)
	documented("a coding", post(t, h, predictPath, strings.NewReader("{}"), "Content-Encoding", "br").Code)
}

func name(err error) string {
	if err == nil {
		return "nothing"
	}
	return err.Error()
}
