package test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/runtimeapi"
)

// manyRows is how many ones make a reply of about 8 MB.
const manyRows = 2 << 20

// withBody is a payload of test/events with another body.
func withBody(t *testing.T, file, body string) []byte {
	t.Helper()
	var event map[string]any
	if err := json.Unmarshal(content(t, file), &event); err != nil {
		t.Fatal(err)
	}
	event["body"], event["isBase64Encoded"] = body, false
	encoded, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func TestALargeAnswerPassesAsAStream(t *testing.T) {
	t.Parallel()
	f := readyFunction(t, "MODEL_URI="+absolute(t, "models/half_plus_two"), raw(t), "RESPONSE_STREAM=true")
	question := `{"instances":[` + strings.Repeat("1,", manyRows-1) + `1]}`
	answer := `{"predictions":[` + strings.Repeat("2.5,", manyRows-1) + `2.5]}`
	for _, c := range []struct{ name, event, prelude string }{
		{"function URL", "events/function-url.json", `{"statusCode":200,"headers":{"Content-Type":"application/json","Model-Version":"123","Vary":"Accept-Encoding"}}`},
		{"REST API", "events/apigateway-v1.json", `{"statusCode":200,"multiValueHeaders":{"Content-Type":["application/json"],"Model-Version":["123"],"Vary":["Accept-Encoding"]}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := f.Invoke(t.Context(), withBody(t, c.event, question), runtimeapi.Options{})
			if err != nil || got.ErrorType != "" {
				t.Fatalf("%s: %s (%v)", got.ErrorType, got.ErrorMessage, err)
			}
			if got.ContentType != "application/vnd.awslambda.http-integration-response" || !got.Chunked {
				t.Errorf("type %s, chunked %t", got.ContentType, got.Chunked)
			}
			prelude, body, _ := bytes.Cut(got.Body, []byte("\x00\x00\x00\x00\x00\x00\x00\x00"))
			if string(prelude) != c.prelude {
				t.Errorf("prelude %.200q, want %s", prelude, c.prelude)
			}
			if string(body) != answer {
				t.Errorf("body of %d bytes, %.50q…, want %d of 2.5", len(body), body, len(answer))
			}
		})
	}
	t.Run("others are answered in JSON", func(t *testing.T) {
		for _, name := range []string{"apigateway-v2", "alb", "direct-predict"} {
			got, err := f.Invoke(t.Context(), content(t, "events/"+name+".json"), runtimeapi.Options{})
			if err != nil || got.ContentType != "application/json" {
				t.Errorf("%s: type %s, %s (%v)", name, got.ContentType, got.ErrorType, err)
			}
			if want := bytes.TrimSuffix(content(t, "events/"+name+".reply.json"), []byte("\n")); !bytes.Equal(got.Body, want) {
				t.Errorf("%s: got %s, want %s", name, got.Body, want)
			}
		}
		refused(t, f.invoke(withBody(t, "events/apigateway-v2.json", question)), http.StatusRequestEntityTooLarge, "6291556")
	})
}

func TestALargeAnswerIsRefusedWhole(t *testing.T) {
	t.Parallel()
	f := readyFunction(t, "MODEL_URI="+absolute(t, "models/half_plus_two"), raw(t))
	question := `{"instances":[` + strings.Repeat("1,", manyRows-1) + `1]}`
	for _, c := range []struct{ event, limit, cure string }{
		{"events/function-url.json", "6291556", "RESPONSE_STREAM"},
		{"events/apigateway-v1.json", "6291556", "RESPONSE_STREAM"},
		{"events/apigateway-v2.json", "6291556", "Accept-Encoding"},
		{"events/alb.json", "1048576", "Accept-Encoding"},
	} {
		t.Run(c.event, func(t *testing.T) {
			r := f.invoke(withBody(t, c.event, question))
			refused(t, r, http.StatusRequestEntityTooLarge, c.limit)
			refused(t, r, http.StatusRequestEntityTooLarge, c.cure)
		})
	}
}
