package event_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/event"
)

// functionURL is a request to a function URL.
var functionURL = v2(map[string]string{"requestContext": `{"domainName":"x.lambda-url.eu-west-1.on.aws","http":{"method":"GET"}}`})

// prelude is what Lambda reads before the body of a streamed reply.
type prelude struct {
	StatusCode        int                 `json:"statusCode"`
	Headers           map[string]string   `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	Cookies           []string            `json:"cookies"`
}

func TestPrelude(t *testing.T) {
	for _, tt := range []struct {
		name, payload string
		want          prelude
	}{
		{"function URL", functionURL, prelude{
			StatusCode: 404,
			Headers:    map[string]string{"Content-Type": "application/json", "Vary": "Accept, Accept-Encoding"},
			Cookies:    []string{"a=1; Expires=Wed, 21 Oct 2026", "b=2"},
		}},
		{"REST API", v1(nil), prelude{
			StatusCode: 404,
			MultiValueHeaders: map[string][]string{
				"Content-Type": {"application/json"},
				"Set-Cookie":   {"a=1; Expires=Wed, 21 Oct 2026", "b=2"},
				"Vary":         {"Accept", "Accept-Encoding"},
			},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text, err := parse(t, tt.payload).Prelude(http.StatusNotFound, replyHeader, 9)
			if err != nil {
				t.Fatal(err)
			}
			head, ok := bytes.CutSuffix(text, make([]byte, 8))
			if !ok || bytes.IndexByte(head, 0) >= 0 {
				t.Fatalf("prelude %q does not end in the first zero bytes, eight of them", text)
			}
			var got prelude
			decoder := json.NewDecoder(bytes.NewReader(head))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(&got); err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v (%v), want %+v", got, err, tt.want)
			}
		})
	}
}

func TestOnlyRESTAPIsAndFunctionURLsStream(t *testing.T) {
	for _, tt := range []struct {
		name, payload string
		want          bool
	}{
		{"function URL", functionURL, true},
		{"REST API", v1(nil), true},
		{"HTTP API in format 1.0", v1(map[string]string{"version": `"1.0"`}), false},
		{"HTTP API", v2(nil), false},
		{"load balancer", alb(nil), false},
		{"direct", `{"instances":[1]}`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := parse(t, tt.payload)
			_, err := e.Prelude(200, nil, 0)
			if e.Streams() != tt.want || errors.Is(err, event.ErrNoStream) == tt.want {
				t.Errorf("Streams = %t, Prelude: %v; want %t", e.Streams(), err, tt.want)
			}
		})
	}
}

func TestAStreamedReplyHasALimit(t *testing.T) {
	const limit = 200 << 20
	e := parse(t, functionURL)
	head, err := e.Prelude(200, replyHeader, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Prelude(200, replyHeader, limit-len(head)); err != nil {
		t.Error(err)
	}
	_, err = e.Prelude(200, replyHeader, limit-len(head)+1)
	if large, ok := errors.AsType[*event.ReplyTooLarge](err); !ok || large.Limit != limit || strings.Contains(err.Error(), "RESPONSE_STREAM") {
		t.Errorf("a byte more: %v", err)
	}
}

// A REST API that was not told of binary types gives clients base64.
func TestWhoPassesBinaryReplies(t *testing.T) {
	for _, tt := range []struct {
		name, payload string
		want          bool
	}{
		{"REST API that takes nothing for binary", v1(map[string]string{"body": `"{}"`, "isBase64Encoded": "false"}), false},
		{"REST API that takes everything for binary", v1(map[string]string{"body": `"e30="`, "isBase64Encoded": "true"}), true},
		{"REST API that takes everything for binary, JSON", v1(map[string]string{"headers": `{"content-type":"application/json"}`, "body": `"e30="`, "isBase64Encoded": "true"}), true},
		{"REST API that may take only this type for binary", v1(map[string]string{"headers": `{"content-type":"application/octet-stream"}`, "body": `"AAAA"`, "isBase64Encoded": "true"}), false},
		{"HTTP API in format 1.0", v1(map[string]string{"version": `"1.0"`, "isBase64Encoded": "false"}), true},
		{"HTTP API", v2(nil), true},
		{"function URL", functionURL, true},
		{"load balancer", alb(nil), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := parse(t, tt.payload).PassesBinary(); got != tt.want {
				t.Errorf("PassesBinary = %t, want %t", got, tt.want)
			}
		})
	}
}
