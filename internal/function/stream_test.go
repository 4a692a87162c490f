package function_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/tensorlambda/tensorlambda/internal/event"
	"github.com/tensorlambda/tensorlambda/internal/function"
)

const (
	rest        = `{"httpMethod":"GET","path":"/v2/health/live","resource":"/{proxy+}","headers":{"accept-encoding":"gzip"},"requestContext":{"stage":"prod","path":"/prod/v2/health/live"},"isBase64Encoded":false}`
	functionURL = `{"version":"2.0","rawPath":"/v2/health/live","headers":{"accept-encoding":"gzip"},"requestContext":{"domainName":"x.lambda-url.eu-west-1.on.aws","http":{"method":"GET"}}}`
)

// stream invokes h as a function whose replies are streamed.
func stream(t *testing.T, h *function.Handler, payload string) (contentType string, reply []byte) {
	t.Helper()
	r, err := h.Stream(t.Context(), json.RawMessage(payload))
	if err != nil {
		t.Fatal(err)
	}
	reply, err = io.ReadAll(r)
	if err != nil || len(reply) != r.Len() {
		t.Fatalf("%d bytes of a reply of %d: %v", len(reply), r.Len(), err)
	}
	return r.ContentType(), reply
}

// cut takes a streamed reply apart.
func cut(t *testing.T, reply []byte) (status int, body []byte) {
	t.Helper()
	head, body, found := bytes.Cut(reply, make([]byte, 8))
	var prelude struct{ StatusCode int }
	if err := json.Unmarshal(head, &prelude); err != nil || !found {
		t.Fatalf("prelude %.200q: %v", head, err)
	}
	return prelude.StatusCode, body
}

func TestRepliesAreStreamedToThoseWhoTakeThem(t *testing.T) {
	for _, tt := range []struct {
		name, payload string
		streams       bool
	}{
		{"REST API", rest, true},
		{"function URL", functionURL, true},
		{"HTTP API", get, false},
		{"load balancer", loadBalancer, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := handler(halfPlusTwo(), nil)
			contentType, got := stream(t, h, tt.payload)
			if !tt.streams {
				want, err := h.Invoke(t.Context(), []byte(tt.payload))
				if err != nil || contentType != "application/json" || !bytes.Equal(got, want) {
					t.Errorf("reply %s of type %s, want JSON: %s (%v)", got, contentType, want, err)
				}
				return
			}
			status, body := cut(t, got)
			if contentType != event.StreamType || status != http.StatusOK || string(body) != `{"live":true}` {
				t.Errorf("reply %q of type %s", got, contentType)
			}
		})
	}
	t.Run("direct", func(t *testing.T) {
		contentType, got := stream(t, directly(&model{reply: `{"predictions":[1]}`}, nil), `{"instances":[1]}`)
		if contentType != "application/json" || string(got) != `{"predictions":[1]}` {
			t.Errorf("reply %s of type %s", got, contentType)
		}
	})
}

func TestFailuresAreStreamedToo(t *testing.T) {
	large := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 200<<20)) }
	for _, tt := range []struct {
		name    string
		h       *function.Handler
		payload string
		status  int
		message string
	}{
		{"source that is not accepted", handler(halfPlusTwo(), nil, event.ClassS3), functionURL, 403, "EVENT_SOURCES"},
		{"body that cannot be decoded", handler(halfPlusTwo(), nil), strings.Replace(functionURL, `"version"`, `"body":"%","isBase64Encoded":true,"version"`, 1), 400, "base64"},
		{"panic", handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret") }), nil), rest, 500, "internal error"},
		{"reply over the limit", handler(http.HandlerFunc(large), nil), rest, 413, "209715200"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, reply := stream(t, tt.h, tt.payload)
			var fault struct{ Error string }
			status, body := cut(t, reply)
			if err := json.Unmarshal(body, &fault); err != nil || status != tt.status || !strings.Contains(fault.Error, tt.message) {
				t.Errorf("got %d %.200s (%v), want %d %s", status, body, err, tt.status, tt.message)
			}
		})
	}
}

// A body in pieces, whose length is announced or not, may be over the limit of
// whole replies. The pieces are the handler's to use again.
func TestAStreamedBodyArrivesAsItWasWritten(t *testing.T) {
	const pieces = 9
	for _, announced := range []bool{false, true} {
		t.Run(strconv.FormatBool(announced), func(t *testing.T) {
			var log bytes.Buffer
			h := handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if announced {
					w.Header().Set("Content-Length", strconv.Itoa(pieces<<20))
				}
				piece := make([]byte, 1<<20)
				for i := range pieces {
					for j := range piece {
						piece[j] = byte(i)
					}
					_, _ = w.Write(piece)
				}
			}), &log)
			_, reply := stream(t, h, functionURL)
			_, body := cut(t, reply)
			var want []byte
			for i := range pieces {
				want = append(want, bytes.Repeat([]byte{byte(i)}, 1<<20)...)
			}
			if !bytes.Equal(body, want) {
				t.Errorf("%d bytes of body, not the %d that were written", len(body), len(want))
			}
			var line struct{ BytesOut, Status int }
			if err := json.Unmarshal(log.Bytes(), &line); err != nil || line.BytesOut != len(reply) || line.Status != 200 {
				t.Errorf("log %s of a reply of %d bytes", log.String(), len(reply))
			}
		})
	}
}

func TestCompressionIsLeftToThoseWhoPassIt(t *testing.T) {
	encoded := strings.Replace(rest, `"isBase64Encoded":false`, `"body":"e30=","isBase64Encoded":true`, 1)
	for _, tt := range []struct {
		name, payload string
		stream        bool
		want          []string
	}{
		{"REST API", rest, false, nil},
		{"REST API with binary media types", encoded, false, []string{"gzip"}},
		{"REST API that streams", rest, true, []string{"gzip"}},
		{"function URL", functionURL, false, []string{"gzip"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			h := handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Values("Accept-Encoding") }), nil)
			var err error
			if tt.stream {
				_, err = h.Stream(t.Context(), json.RawMessage(tt.payload))
			} else {
				_, err = h.Invoke(t.Context(), []byte(tt.payload))
			}
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("Accept-Encoding %q (%v), want %q", got, err, tt.want)
			}
		})
	}
}

// aws-lambda-go takes a reply for JSON if it can, and for a stream if it cannot.
func TestAWSTakesTheReplyForAStream(t *testing.T) {
	reply, err := lambda.NewHandler(handler(halfPlusTwo(), nil).Stream).Invoke(t.Context(), []byte(functionURL))
	if err != nil {
		t.Fatal(err)
	}
	if status, body := cut(t, reply); status != 200 || string(body) != `{"live":true}` {
		t.Errorf("got %q", reply)
	}
}

// BenchmarkPayload is what aws-lambda-go does with the payload of an image,
// 1.3 MB, before the handler of a streaming function sees it.
func BenchmarkPayload(b *testing.B) {
	body := `{"instances": [` + strings.Repeat("0.4375, ", 224*224*3-1) + `0.5]}`
	payload, err := json.Marshal(events.LambdaFunctionURLRequest{Version: "2.0", Body: body})
	if err != nil {
		b.Fatal(err)
	}
	h := lambda.NewHandler(func(json.RawMessage) error { return nil })
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Invoke(b.Context(), payload); err != nil {
			b.Fatal(err)
		}
	}
}
