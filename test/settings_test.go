package test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/runtimeapi"
)

// Settings choose what a model is called and which part of it answers.
func TestSettingsChooseNameVersionTagsAndSignature(t *testing.T) {
	t.Parallel()
	const x = `{"inputs":{"x":[1.0,2.5]}}`
	for _, c := range []struct {
		model    string
		settings []string
		path     string // of the model
		exchange exchange
	}{
		{"half_plus_two", nil, "/v1/models/half_plus_two/versions/123", exchange{`{"instances":[1.0]}`, 200, `{"predictions":[2.5]}`}},
		{"half_plus_two", []string{"MODEL_NAME=half", "MODEL_VERSION=9"}, "/v1/models/half/versions/9", exchange{`{"instances":[1.0]}`, 200, `{"predictions":[2.5]}`}},
		{"half_plus_two", []string{"MODEL_SIGNATURE=regress_x2_to_y3"}, "/v1/models/half_plus_two", exchange{`{"inputs":[[2.0]]}`, 200, `{"outputs":[[4.0]]}`}},
		{"tags_train_serve", nil, "/v1/models/tags_train_serve", exchange{x, 200, `{"outputs":[2.0,3.5]}`}},
		{"two_meta_graphs", nil, "/v1/models/two_meta_graphs", exchange{x, 200, `{"outputs":[2.0,3.5]}`}},
		{"two_meta_graphs", []string{"MODEL_TAGS=serve,batch"}, "/v1/models/two_meta_graphs", exchange{x, 200, `{"outputs":[11.0,12.5]}`}},
		{"no_signature_default", nil, "/v1/models/no_signature_default", exchange{x, 400, `Serving signature name: "serving_default" not found in signature def`}},
		{"no_signature_default", []string{"MODEL_SIGNATURE=halve"}, "/v1/models/no_signature_default", exchange{x, 200, `{"outputs":[0.5,1.25]}`}},
	} {
		t.Run(fmt.Sprint(c.model, c.settings), func(t *testing.T) {
			t.Parallel()
			s := startServer(t, absolute(t, "models/"+c.model), append(c.settings, raw(t))...)
			c.exchange.check(t, s.request(post, s.base+c.path+":predict", c.exchange.request))
		})
	}
}

// Limits hold before anything is allocated, and name the setting to change.
func TestLimitsAreSettings(t *testing.T) {
	t.Parallel()
	s := startServer(t, absolute(t, "models/half_plus_two"), raw(t), "MAX_BODY_BYTES=400", "MAX_TENSOR_BYTES=64", "MAX_JSON_DEPTH=5")
	good := exchange{`{"instances":[1.0]}`, 200, `{"predictions":[2.5]}`}
	for _, x := range []exchange{
		{`{"instances":[1.0]` + strings.Repeat(" ", 400) + `}`, 413, "MAX_BODY_BYTES"},
		{`{"instances":[` + strings.Repeat("1,", 16) + `1]}`, 413, "MAX_TENSOR_BYTES"},
		{`{"inputs":{"x":[` + strings.Repeat("1,", 16) + `1]}}`, 413, "MAX_TENSOR_BYTES"},
		{`{"instances":[[[[[1]]]]]}`, 400, "MAX_JSON_DEPTH"},
		{`{"ignored":[[[[[1]]]]],"instances":[1.0]}`, 400, "MAX_JSON_DEPTH"},
		{`{"instances":[` + strings.Repeat("1,", 15) + `1]}`, 200, `{"predictions":[` + strings.Repeat("2.5,", 15) + `2.5]}`},
	} {
		x.check(t, s.predict(x.request))
		good.check(t, s.predict(good.request))
	}
}

// What has no effect is said: a name that is nearly a setting's, and a setting for
// another form of model.
func TestSettingsWithoutEffectAreSaid(t *testing.T) {
	t.Parallel()
	s := startServer(t, absolute(t, "models/half_plus_two"), raw(t), "MODEL_SIGNATUR=foo", "MODEL_INPUTS=x=x:0")
	if text := s.stderr.String(); !strings.Contains(text, "serve: warning: MODEL_SIGNATUR is no setting; MODEL_SIGNATURE is\n") || !strings.Contains(text, "note: MODEL_INPUTS and MODEL_OUTPUTS are for frozen graphs") {
		t.Errorf("serve says\n%s", text)
	}
}

// EVENT_SOURCES refuses whatever it does not name, so that a caller's JSON cannot
// pose as another source's event.
func TestEventSourcesAreRefused(t *testing.T) {
	t.Parallel()
	d := sample(t)
	s3Event := `{"Records":[{"eventSource":"aws:s3","s3":{"bucket":{"name":"b"},"object":{"key":"k"}}}]}`
	for _, c := range []struct {
		setting   string
		http      int // status of an API Gateway event
		payload   string
		errorType string // of the payload
	}{
		{"", 200, `{"hello":"world"}`, "UnknownPayload"},
		{"", 200, `[1]`, "UnknownPayload"},
		{"EVENT_SOURCES=http", 200, s3Event, "SourceRefused"},
		{"EVENT_SOURCES=http", 200, d.image(0), "SourceRefused"},
		{"EVENT_SOURCES=s3", 403, d.image(0), "SourceRefused"},
	} {
		t.Run(c.setting+" "+c.errorType, func(t *testing.T) {
			t.Parallel()
			f := readyFunction(t, "MODEL_URI="+uri(t, digitsInStore), raw(t), c.setting)
			result, err := f.Invoke(t.Context(), []byte(c.payload), runtimeapi.Options{})
			if err != nil || result.ErrorType != c.errorType {
				t.Errorf("%s: %q %q, want %s (%v)", c.payload, result.ErrorType, result.ErrorMessage, c.errorType, err)
			}
			if r := f.ask(post, "/v1/models/digits:predict", d.Request); r.StatusCode != c.http {
				t.Errorf("an API Gateway event is answered with %d %s, want %d", r.StatusCode, r.Body, c.http)
			}
		})
	}
}
