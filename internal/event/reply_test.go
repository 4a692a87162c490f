package event_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/tensorlambda/tensorlambda/internal/event"
)

func parse(t *testing.T, payload string) *event.Event {
	t.Helper()
	e, err := event.Parse([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// reply makes a reply and reads it back with AWS's own type.
func reply(t *testing.T, payload string, status int, header http.Header, body string, into any) {
	t.Helper()
	got, err := parse(t, payload).Reply(status, header, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(got))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		t.Fatalf("reply %s: %v", got, err)
	}
}

var replyHeader = http.Header{
	"Content-Type":   {"application/json"},
	"Content-Length": {"9"},
	"Set-Cookie":     {"a=1; Expires=Wed, 21 Oct 2026", "b=2"},
	"Vary":           {"Accept", "Accept-Encoding"},
}

func TestReplyV1(t *testing.T) {
	var got events.APIGatewayProxyResponse
	reply(t, v1(nil), 404, replyHeader, `{"a":"b"}`, &got)
	want := events.APIGatewayProxyResponse{
		StatusCode: 404,
		MultiValueHeaders: map[string][]string{
			"Content-Type": {"application/json"},
			"Set-Cookie":   {"a=1; Expires=Wed, 21 Oct 2026", "b=2"},
			"Vary":         {"Accept", "Accept-Encoding"},
		},
		Body: `{"a":"b"}`,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestReplyV2(t *testing.T) {
	var got events.APIGatewayV2HTTPResponse
	reply(t, v2(nil), 200, replyHeader, `{"a":"b"}`, &got)
	want := events.APIGatewayV2HTTPResponse{
		StatusCode: 200,
		Headers:    map[string]string{"Content-Type": "application/json", "Vary": "Accept, Accept-Encoding"},
		Cookies:    []string{"a=1; Expires=Wed, 21 Oct 2026", "b=2"},
		Body:       `{"a":"b"}`,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestReplyBodyIsTextOnlyWhereNothingIsLost(t *testing.T) {
	for _, tt := range []struct {
		name, contentType, encoding, body string
		base64                            bool
	}{
		{"JSON", "application/json", "", "{}", false},
		{"JSON with a charset", "application/json; charset=utf-8", "", "{}", false},
		{"CSV", "text/csv", "", "a,b\r\n1,2\r\n", false},
		{"problem details", "application/problem+json", "", "{}", false},
		{"no type", "", "", "ok", false},
		{"every control character", "text/plain", "", "\x00\x01\x1f\x7f\t\b\f\"\\/é€😀", false},
		{"JSON that is not UTF-8", "application/json", "", "\"\xff\"", true},
		{"npy", "application/x-npy", "", "\x93NUMPY", true},
		{"compressed JSON", "application/json", "gzip", "{}", true},
		{"type that is none", "json;;;", "", "{}", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			header := http.Header{}
			if tt.contentType != "" {
				header.Set("Content-Type", tt.contentType)
			}
			if tt.encoding != "" {
				header.Set("Content-Encoding", tt.encoding)
			}
			var got events.APIGatewayProxyResponse
			reply(t, v1(nil), 200, header, tt.body, &got)
			if got.IsBase64Encoded != tt.base64 {
				t.Fatalf("isBase64Encoded = %t, want %t", got.IsBase64Encoded, tt.base64)
			}
			body := []byte(got.Body)
			if tt.base64 {
				var err error
				if body, err = base64.StdEncoding.DecodeString(got.Body); err != nil {
					t.Fatal(err)
				}
			}
			if string(body) != tt.body {
				t.Errorf("body = %q, want %q", body, tt.body)
			}
		})
	}
}

func TestReplyOverTheLimitIsAnErrorThatSaysWhatToDo(t *testing.T) {
	const lambda, balancer = 6291556, 1 << 20
	for _, tt := range []struct {
		name, payload string
		limit         int
		cures         string
	}{
		{"REST API", v1(nil), lambda, "RESPONSE_STREAM"},
		{"HTTP API", v2(nil), lambda, "Accept-Encoding"},
		{"function URL", functionURL, lambda, "RESPONSE_STREAM"},
		{"load balancer", alb(nil), balancer, "binary outputs"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := parse(t, tt.payload)
			if got, err := e.Reply(200, nil, bytes.Repeat([]byte{'x'}, tt.limit-1000)); err != nil || len(got) > tt.limit {
				t.Errorf("plain text that fits: %d bytes, %v", len(got), err)
			}
			// A quote becomes two bytes, so half as many fit: it is the encoded
			// reply that counts.
			_, err := e.Reply(200, nil, bytes.Repeat([]byte{'"'}, tt.limit/2+1))
			large, ok := errors.AsType[*event.ReplyTooLarge](err)
			if !ok || large.Limit != tt.limit || large.Size <= tt.limit {
				t.Fatalf("quotes: %v", err)
			}
			if !strings.Contains(err.Error(), "fewer rows") || !strings.Contains(err.Error(), tt.cures) {
				t.Errorf("%q does not name %s", err, tt.cures)
			}
		})
	}
}

func FuzzReplyBody(f *testing.F) {
	f.Add([]byte(`{"predictions": [1.0, 2.0]}`))
	f.Add([]byte("\x00\x1f \"\\\u2028😀 and then plain text of some length\n"))
	f.Add([]byte{0xff, 0x80, 'a', 0x01})
	f.Fuzz(func(t *testing.T, body []byte) {
		var got events.APIGatewayProxyResponse
		reply(t, v1(nil), 200, http.Header{"Content-Type": {"text/plain"}}, string(body), &got)
		text := got.Body
		if got.IsBase64Encoded {
			decoded, err := base64.StdEncoding.DecodeString(got.Body)
			if err != nil {
				t.Fatal(err)
			}
			text = string(decoded)
		}
		if text != string(body) {
			t.Errorf("body %q came back as %q", body, text)
		}
	})
}

func BenchmarkReply(b *testing.B) {
	body := []byte(`{"predictions": [` + strings.Repeat("0.123456789,\n", 80_000) + `1]}`)
	e, err := event.Parse([]byte(v1(nil)))
	if err != nil {
		b.Fatal(err)
	}
	header := http.Header{"Content-Type": {"application/json"}}
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := e.Reply(200, header, body); err != nil {
			b.Fatal(err)
		}
	}
}
