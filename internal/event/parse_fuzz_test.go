package event_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"github.com/tensorlambda/tensorlambda/internal/event"
)

// FuzzParse holds the scanner against encoding/json: whatever that reads as a
// v2 event, the scanner reads alike.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		v1(nil), v2(nil),
		v2(map[string]string{"body": `"\ud83d\ude00\n"`, "headers": `{"a":"b"}`}),
		v2(map[string]string{"body": `"AAEC"`, "isBase64Encoded": "true"}),
		alb(nil), alb(map[string]string{"headers": "", "multiValueHeaders": `{"x-forwarded-for":["192.0.2.7:1",""]}`, "multiValueQueryStringParameters": `{"a":["%zz"]}`}),
		`{"inputs":[{"name":"x","shape":[1],"datatype":"FP32"}]}`, `{"inputs":[{]}`,
		`{"Records":[{"eventSource":"aws:s3"}]}`, `{"instances":[[1,2],[3]]}`, `{"a":"\\"}`, `[`, `{"a":{"b":["]}"]}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		e, err := event.Parse(payload)
		if err != nil {
			return
		}
		if call := e.Call(); (call != "") != (e.Source == event.Direct) {
			t.Fatalf("call %q of a payload from %s", call, e.Source)
		}
		if !e.HTTP() {
			return
		}
		r, err := e.Request(context.Background())
		var want events.APIGatewayV2HTTPRequest
		if !utf8.Valid(payload) || e.Source != event.APIGatewayV2 || !unambiguous(payload) || json.Unmarshal(payload, &want) != nil {
			return
		}
		body := []byte(want.Body)
		if want.IsBase64Encoded {
			var encodingErr error
			if body, encodingErr = base64.StdEncoding.DecodeString(want.Body); encodingErr != nil {
				if err == nil {
					t.Fatalf("accepted %q as base64: %v", want.Body, encodingErr)
				}
				return
			}
		}
		if err != nil {
			return // stricter than encoding/json about methods
		}
		got, err := io.ReadAll(r.Body)
		if err != nil || string(got) != string(body) {
			t.Errorf("body = %q (%v), want %q", got, err, body)
		}
	})
}

// unambiguous reports whether the members that the test compares come once and
// spelled as AWS spells them: encoding/json ignores case.
func unambiguous(payload []byte) bool {
	lower := strings.ToLower(string(payload))
	for _, key := range []string{"body", "isBase64Encoded"} {
		if strings.Count(lower, strings.ToLower(key)) > strings.Count(string(payload), `"`+key+`"`) || strings.Count(string(payload), key) > 1 {
			return false
		}
	}
	return !strings.Contains(lower, `\u00`)
}

// imageEvent is an event with a 1x224x224x3 image as JSON, 1.3 MB.
func imageEvent(tb testing.TB, encoded bool) []byte {
	tb.Helper()
	body := `{"instances": [` + strings.Repeat("0.4375, ", 224*224*3-1) + `0.5]}`
	text, err := os.ReadFile("../../events/apigateway-v1.json")
	if err != nil {
		tb.Fatal(err)
	}
	var e events.APIGatewayProxyRequest
	if err := json.Unmarshal(text, &e); err != nil {
		tb.Fatal(err)
	}
	e.Body, e.IsBase64Encoded = body, encoded
	if encoded {
		e.Body = base64.StdEncoding.EncodeToString([]byte(body))
	}
	payload, err := json.Marshal(e)
	if err != nil {
		tb.Fatal(err)
	}
	return payload
}

func BenchmarkRequest(b *testing.B) {
	small, err := os.ReadFile("../../events/apigateway-v1.json")
	if err != nil {
		b.Fatal(err)
	}
	for _, bench := range []struct {
		name    string
		payload []byte
	}{{"digit", small}, {"image", imageEvent(b, false)}, {"image base64", imageEvent(b, true)}} {
		b.Run(bench.name, func(b *testing.B) {
			b.SetBytes(int64(len(bench.payload)))
			b.ReportAllocs()
			for b.Loop() {
				e, err := event.Parse(bench.payload)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := e.Request(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
