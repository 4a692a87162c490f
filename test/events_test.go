package test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/runtimeapi"
)

// Every front door's payload, as AWS sends it, has the reply that lies beside it.
// They ask for x/2 + 2 of 1, 2 and 5, and one for that of 80.
func TestEveryFrontDoorIsAnswered(t *testing.T) {
	t.Parallel()
	predict := readyFunction(t, "MODEL_URI="+absolute(t, "models/half_plus_two"), raw(t))
	examples := readyFunction(t, "MODEL_URI="+absolute(t, "models/half_plus_two_examples"), raw(t))
	replies, err := filepath.Glob("events/*.reply.json")
	if err != nil || len(replies) == 0 {
		t.Fatalf("%d replies: %v", len(replies), err)
	}
	for _, file := range replies {
		name := strings.TrimSuffix(filepath.Base(file), ".reply.json")
		f := predict
		if name == "direct-examples" {
			f = examples
		}
		t.Run(name, func(t *testing.T) {
			got, err := f.Invoke(t.Context(), content(t, "events/"+name+".json"), runtimeapi.Options{})
			if err != nil || got.ErrorType != "" {
				t.Fatalf("%s: %s (%v)", got.ErrorType, got.ErrorMessage, err)
			}
			if want := bytes.TrimSuffix(content(t, file), []byte("\n")); !bytes.Equal(got.Body, want) {
				t.Errorf("got  %s\nwant %s", got.Body, want)
			}
		})
	}
}

func TestADirectInvocationFailsByName(t *testing.T) {
	t.Parallel()
	f := readyFunction(t, "MODEL_URI="+absolute(t, "models/half_plus_two"), raw(t))
	for _, c := range []struct{ name, payload, errorType, message string }{
		{"the wrong type", `{"instances":["one"]}`, "InvalidArgument", "float"},
		{"no such signature", `{"signature_name":"none","instances":[1.0]}`, "InvalidArgument", "none"},
		{"a datatype that is none", `{"inputs":[{"name":"x","shape":[1],"datatype":"FLOAT","data":[1.0]}]}`, "InvalidArgument", "FLOAT"},
		{"a reply over Lambda's limit", `{"instances":[` + strings.Repeat("1,", 1<<21) + `1]}`, "TooLarge", "6291556"},
		{"a batch task", `{"task":"score","input":"s3://bucket/key"}`, "NoOutput", "OUTPUT_URI"},
		{"anything else", `{"hello":"world"}`, "UnknownPayload", "hello"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := f.Invoke(t.Context(), []byte(c.payload), runtimeapi.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got.ErrorType != c.errorType || !strings.Contains(got.ErrorMessage, c.message) {
				t.Errorf("%s: %s, want %s with %q", got.ErrorType, got.ErrorMessage, c.errorType, c.message)
			}
		})
	}
	if r := f.ask(get, "/v2/health/ready", ""); r.StatusCode != http.StatusOK {
		t.Errorf("after the failures: %d %s", r.StatusCode, r.Body)
	}
}

func TestOnlyTheNamedSourcesAreAnswered(t *testing.T) {
	t.Parallel()
	model := "MODEL_URI=" + absolute(t, "models/half_plus_two")
	t.Run("direct", func(t *testing.T) {
		f := readyFunction(t, model, raw(t), "EVENT_SOURCES=direct")
		refused(t, f.invoke(content(t, "events/alb.json")), http.StatusForbidden, "EVENT_SOURCES")
		got, err := f.Invoke(t.Context(), content(t, "events/direct-predict.json"), runtimeapi.Options{})
		if err != nil || got.ErrorType != "" {
			t.Errorf("direct: %s %s (%v)", got.ErrorType, got.ErrorMessage, err)
		}
	})
	t.Run("http", func(t *testing.T) {
		f := readyFunction(t, model, raw(t), "EVENT_SOURCES=http")
		if r := f.invoke(content(t, "events/alb.json")); r.StatusCode != http.StatusOK {
			t.Errorf("load balancer: %d %s", r.StatusCode, r.Body)
		}
		got, err := f.Invoke(t.Context(), content(t, "events/direct-predict.json"), runtimeapi.Options{})
		if err != nil || got.ErrorType != "SourceRefused" {
			t.Errorf("direct: %s %s (%v), want SourceRefused", got.ErrorType, got.ErrorMessage, err)
		}
	})
}

func content(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
