package function_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// asking is a payload of test/events with other headers and another body.
func asking(t *testing.T, file string, headers map[string]string, body []byte) []byte {
	t.Helper()
	var payload map[string]any
	if err := json.Unmarshal(read(t, "../../test/events/"+file+".json"), &payload); err != nil {
		t.Fatal(err)
	}
	single, multi := map[string]any{}, map[string]any{}
	for name, v := range headers {
		single[name], multi[name] = v, []string{v}
	}
	if _, ok := payload["headers"]; ok {
		payload["headers"] = single
	}
	if _, ok := payload["multiValueHeaders"]; ok {
		payload["multiValueHeaders"] = multi
	}
	payload["body"], payload["isBase64Encoded"] = base64.StdEncoding.EncodeToString(body), true
	text, err := json.Marshal(payload)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// replied is a reply of any front door.
type replied struct {
	events.APIGatewayV2HTTPResponse
}

func (r replied) header(name string) string {
	if values := r.MultiValueHeaders[name]; len(values) > 0 {
		return strings.Join(values, ", ")
	}
	return r.Headers[name]
}

// A request that is compressed, answered by a reply that is, through every front
// door.
func TestCompressedThroughEveryFrontDoor(t *testing.T) {
	rows := `{"instances": [` + strings.Repeat("1.0,", 999) + `1.0]}`
	want := `{"predictions":[` + strings.Repeat("2.5,", 999) + `2.5]}`
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := io.WriteString(w, rows); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	h := handler(halfPlusTwo(), nil)
	for _, file := range []string{"apigateway-v1-base64", "apigateway-v1", "apigateway-v2", "function-url", "alb", "alb-multi-value"} {
		for _, accept := range []string{"", "gzip", "identity"} {
			payload := asking(t, file, map[string]string{
				"content-type": "application/json", "content-encoding": "gzip", "accept-encoding": accept,
			}, packed.Bytes())
			text, err := h.Invoke(t.Context(), payload)
			if err != nil {
				t.Fatal(err)
			}
			var r replied
			if err := json.Unmarshal(text, &r); err != nil {
				t.Fatal(err)
			}
			body := []byte(r.Body)
			coding := ""
			if accept == "gzip" {
				coding = accept
				if body, err = base64.StdEncoding.DecodeString(r.Body); err != nil {
					t.Fatalf("%s: %.200s: %v", file, text, err)
				}
				unpacked, err := gzip.NewReader(bytes.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				if body, err = io.ReadAll(unpacked); err != nil {
					t.Fatal(err)
				}
			}
			if r.StatusCode != http.StatusOK || r.header("Content-Encoding") != coding || r.IsBase64Encoded != (coding != "") ||
				r.header("Vary") != "Accept-Encoding" || r.header("Content-Length") != "" || string(body) != want {
				t.Errorf("%s, Accept-Encoding %q: got %.300s", file, accept, text)
			}
		}
	}
}
