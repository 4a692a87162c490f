package event_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/event"
)

func TestParseRecognisesTheSource(t *testing.T) {
	for _, tt := range []struct {
		name, payload string
		want          event.Source
		class         event.Class
	}{
		{"REST API", `{"httpMethod":"GET","path":"/","requestContext":{"stage":"prod"}}`, event.APIGatewayV1, "http"},
		{"HTTP API", `{"version":"2.0","rawPath":"/","requestContext":{"domainName":"x.execute-api.eu-west-1.amazonaws.com","http":{"method":"GET"}}}`, event.APIGatewayV2, "http"},
		{"HTTP API in format 1.0", `{"version":"1.0","httpMethod":"GET","requestContext":{"stage":"$default"}}`, event.APIGatewayV1, "http"},
		{"function URL", `{"version":"2.0","requestContext":{"domainName":"x.lambda-url.eu-west-1.on.aws","http":{}}}`, event.FunctionURL, "http"},
		{"load balancer", `{"httpMethod":"GET","requestContext":{"elb":{"targetGroupArn":"arn"}}}`, event.ALB, "http"},
		{"S3", `{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3"}]}`, event.S3, "s3"},
		{"S3 test", `{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}`, event.S3Test, "s3"},
		{"SQS", `{"Records":[{"messageId":"1","eventSource":"aws:sqs"}]}`, event.SQS, "sqs"},
		{"SNS", `{"Records":[{"EventSource":"aws:sns","Sns":{}}]}`, event.SNS, "sns"},
		{"EventBridge", `{"version":"0","source":"aws.s3","detail-type":"Object Created","detail":{}}`, event.EventBridge, "eventbridge"},
		{"S3 Batch", `{"invocationSchemaVersion":"1.0","tasks":[]}`, event.S3Batch, "s3batch"},
		{"TensorFlow Serving rows", `{"instances":[1]}`, event.Direct, "direct"},
		{"TensorFlow Serving columns", `{"inputs":{"x":1}}`, event.Direct, "direct"},
		{"batch task", `{"task":"score","input":"s3://b/k"}`, event.Task, "tasks"},
		{"state of a step function that has a task, too", `{"task":"nightly","instances":[1]}`, event.Direct, "direct"},
		{"white space", " \r\n{ \"instances\" : [ 1 ] }\t\n", event.Direct, "direct"},
		{"escaped key", `{"\u0069nstances":[1]}`, event.Direct, "direct"},
		{"brackets and quotes inside a string", `{"a":"}]\"\\","instances":[1]}`, event.Direct, "direct"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := event.Parse([]byte(tt.payload))
			if err != nil {
				t.Fatal(err)
			}
			if e.Source != tt.want || e.Source.Class() != tt.class {
				t.Errorf("source = %q of class %q, want %q of class %q", e.Source, e.Source.Class(), tt.want, tt.class)
			}
		})
	}
}

func TestParseSaysWhatItSawInstead(t *testing.T) {
	for _, tt := range []struct{ name, payload, want string }{
		{"other keys", `{"hello":1,"abc":2}`, `an object with the keys "hello", "abc"`},
		{"many keys", `{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1}`, `"h" and 2 more`},
		{"long key", `{"` + strings.Repeat("k", 1000) + `":1}`, `"` + strings.Repeat("k", 40) + `…"`},
		{"a million keys", `{` + strings.Repeat(`"":0,`, 1e6) + `"instances":[1]}`, "an object with more than 16384 keys"},
		{"no keys", `{}`, "an object without keys"},
		{"array", `[1,2]`, "an array"},
		{"string", `"hi"`, "a string"},
		{"null", `null`, "null"},
		{"number", ` 7 `, "a number"},
		{"nothing", ``, "empty"},
		{"a word", `hello`, "not JSON: 'h' where '{' is due at byte 0"},
		{"cut short", `{"body":"abc`, "not JSON: no end of the string that starts at byte 8"},
		{"text behind", `{"instances":[1]} x`, "not JSON: 'x' behind the end"},
		{"records of another service", `{"Records":[{"eventSource":"aws:kinesis"}]}`, `the keys "Records"`},
		{"EventBridge with another detail", `{"source":"aws.s3","detail-type":"Object Deleted"}`, `"source", "detail-type"`},
		{"half a v2 request", `{"version":"2.0","requestContext":{}}`, `"version", "requestContext"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := event.Parse([]byte(tt.payload))
			var unknown *event.UnknownPayload
			if !errors.As(err, &unknown) {
				t.Fatalf("error = %v, want an UnknownPayload", err)
			}
			if !strings.Contains(unknown.Error(), tt.want) {
				t.Errorf("error = %q, want it to say %q", unknown, tt.want)
			}
		})
	}
}

func TestSampleEventsAskForADigit(t *testing.T) {
	files, err := filepath.Glob("../../events/*.json")
	if err != nil || len(files) != 11 {
		t.Fatalf("%d sample events (%v), want 11", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			payload, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			e, err := event.Parse(payload)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(filepath.Base(file), string(e.Source)) {
				t.Errorf("it is from %s", e.Source)
			}
			if e.Source == event.Direct {
				if name := "direct-" + string(e.Call()) + ".json"; filepath.Base(file) != name {
					t.Errorf("it is %s", name)
				}
				return
			}
			if slices.Contains([]event.Source{event.S3, event.SQS, event.EventBridge}, e.Source) {
				work, err := e.Work()
				if err != nil || len(work) != 1 || len(work[0].Objects) != 1 {
					t.Errorf("it is about %+v (%v), want one object", work, err)
				}
				return
			}
			r := request(t, string(payload))
			if r.Method != http.MethodPost || r.URL.Path != "/v1/models/digits:predict" || r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s %s of type %q", r.Method, r.URL, r.Header.Get("Content-Type"))
			}
			var body struct{ Instances [][8][8][1]float32 }
			if err := json.NewDecoder(r.Body).Decode(&body); err != nil || len(body.Instances) != 1 {
				t.Errorf("body has %d instances (%v), want 1", len(body.Instances), err)
			}
		})
	}
}

// v1 and v2 are events with some members replaced or, where the value is empty,
// left out.
func v1(members map[string]string) string {
	return object(map[string]string{
		"httpMethod": `"GET"`, "path": `"/v2"`, "resource": `"/{proxy+}"`, "pathParameters": `{"proxy":"v2"}`,
		"requestContext": `{"stage":"prod","path":"/prod/v2","identity":{"sourceIp":"192.0.2.7"}}`,
	}, members)
}

func v2(members map[string]string) string {
	return object(map[string]string{
		"version": `"2.0"`, "routeKey": `"$default"`, "rawPath": `"/v2"`, "rawQueryString": `""`,
		"requestContext": `{"stage":"$default","http":{"method":"GET","sourceIp":"192.0.2.7"}}`,
	}, members)
}

func alb(members map[string]string) string {
	return object(map[string]string{
		"httpMethod": `"GET"`, "path": `"/v2"`, "queryStringParameters": `{}`, "headers": `{"host":"lb.example.com"}`,
		"requestContext": `{"elb":{"targetGroupArn":"arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/ml/6d0ecf831eec9f09"}}`,
		"body":           `""`, "isBase64Encoded": "false",
	}, members)
}

func object(base, members map[string]string) string {
	all := map[string]json.RawMessage{}
	for _, m := range []map[string]string{base, members} {
		for k, v := range m {
			if v == "" {
				delete(all, k)
			} else {
				all[k] = json.RawMessage(v)
			}
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func request(t *testing.T, payload string) *http.Request {
	t.Helper()
	e, err := event.Parse([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.Request(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRequestQueryAndHeaders(t *testing.T) {
	r := request(t, v1(map[string]string{
		"queryStringParameters":           `{"top":"2"}`,
		"multiValueQueryStringParameters": `{"top":["1","2"],"q":["a b&c"]}`,
		"headers":                         `{"Accept":"text/csv","host":"api.example.com","content-length":"999"}`,
		"multiValueHeaders":               `{"accept":["application/json","text/csv"],"host":["api.example.com"],"content-length":["999"]}`,
	}))
	if got, want := r.URL.RawQuery, "q=a+b%26c&top=1&top=2"; got != want {
		t.Errorf("v1 query = %q, want %q", got, want)
	}
	if got := strings.Join(r.Header.Values("Accept"), "|"); got != "application/json|text/csv" {
		t.Errorf("v1 Accept = %q", got)
	}
	if r.Host != "api.example.com" || r.Header.Get("Content-Length") != "" || r.RemoteAddr != "192.0.2.7:0" {
		t.Errorf("v1 host %q, content length %q, address %q", r.Host, r.Header.Get("Content-Length"), r.RemoteAddr)
	}

	r = request(t, v1(map[string]string{"headers": `{"accept":"text/csv"}`, "queryStringParameters": `{"top":"2"}`, "multiValueHeaders": "null"}))
	if r.Header.Get("Accept") != "text/csv" || r.URL.RawQuery != "top=2" {
		t.Errorf("v1 with single values only: Accept %q, query %q", r.Header.Get("Accept"), r.URL.RawQuery)
	}

	r = request(t, v2(map[string]string{
		"rawQueryString": `"top=1&top=2&q=a%20b"`,
		"headers":        `{"accept":"application/json,text/csv"}`,
		"cookies":        `["a=1","b=2"]`,
	}))
	if r.URL.RawQuery != "top=1&top=2&q=a%20b" || r.Header.Get("Accept") != "application/json,text/csv" || r.Header.Get("Cookie") != "a=1; b=2" {
		t.Errorf("v2 query %q, Accept %q, Cookie %q", r.URL.RawQuery, r.Header.Get("Accept"), r.Header.Get("Cookie"))
	}
}

func TestRequestBody(t *testing.T) {
	binary := string([]byte{0, 1, 0xff, 0xfe, '"', '\\'})
	for _, tt := range []struct{ name, body, encoded, want string }{
		{"absent", "", "", ""},
		{"null", "null", "false", ""},
		{"empty", `""`, "false", ""},
		{"plain", `"{}"`, "false", "{}"},
		{"escapes", `"\"\\\/\b\f\n\r\t\u00e9\u20AC\ud83d\ude00"`, "", "\"\\/\b\f\n\r\té€😀"},
		{"half a surrogate pair", `"\ud83dx"`, "", "\uFFFDx"},
		{"base64", `"` + base64.StdEncoding.EncodeToString([]byte(binary)) + `"`, "true", binary},
		{"base64 with an escaped slash", `"\/\/79"`, "true", "\xff\xfe\xfd"},
	} {
		for version, payload := range map[string]string{
			"v1":            v1(map[string]string{"body": tt.body, "isBase64Encoded": tt.encoded}),
			"v2":            v2(map[string]string{"body": tt.body, "isBase64Encoded": tt.encoded}),
			"load balancer": alb(map[string]string{"body": tt.body, "isBase64Encoded": tt.encoded}),
		} {
			t.Run(tt.name+"/"+version, func(t *testing.T) {
				r := request(t, payload)
				if whole, ok := r.Body.(interface{ Bytes() []byte }); tt.want != "" && (!ok || string(whole.Bytes()) != tt.want) {
					t.Errorf("Bytes of the body are not %q", tt.want)
				}
				got, err := io.ReadAll(r.Body)
				if err != nil || string(got) != tt.want || r.ContentLength != int64(len(tt.want)) {
					t.Errorf("body = %q (%v), length %d, want %q", got, err, r.ContentLength, tt.want)
				}
			})
		}
	}
}

func TestRequestRefuses(t *testing.T) {
	for _, tt := range []struct{ name, payload, want string }{
		{"a body that is no base64", v1(map[string]string{"body": `"%%%"`, "isBase64Encoded": "true"}), "body is said to be base64 and is not"},
		{"a body that is no string", v2(map[string]string{"body": `{"a":1}`}), "body: an object where a string is due"},
		{"a body with a wrong escape", v2(map[string]string{"body": ""})[:1] + `"body":"\x",` + v2(nil)[1:], `\x in a string is no JSON escape`},
		{"a body with a cut escape", `{"body":"\u12",` + v2(nil)[1:], `four hexadecimal digits`},
		{"no method", v2(map[string]string{"requestContext": `{"http":{}}`}), "has no HTTP method"},
		{"a method that is none", v1(map[string]string{"httpMethod": `"G T"`}), `method "G T"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := event.Parse([]byte(tt.payload))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := e.Request(context.Background()); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want %q", err, tt.want)
			}
		})
	}
}

func TestSourcesWithoutHTTPHaveNoRequestAndNoReply(t *testing.T) {
	e, err := event.Parse([]byte(`{"Records":[{"eventSource":"aws:s3"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if e.HTTP() {
		t.Error("an S3 event says that it is HTTP")
	}
	if _, err := e.Request(context.Background()); !errors.Is(err, event.ErrNotHTTP) {
		t.Errorf("Request: %v", err)
	}
	if _, err := e.Reply(200, nil, nil); !errors.Is(err, event.ErrNotHTTP) {
		t.Errorf("Reply: %v", err)
	}
}

func TestDeadlineCountsFromWhenTheFrontDoorTookTheRequest(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	for _, tt := range []struct {
		name, payload string
		want          time.Duration // from now; 0 for none
	}{
		{"REST, 9 s of cold start ago", v1(map[string]string{"requestContext": `{"stage":"s","requestTimeEpoch":1799999991000}`}), 20 * time.Second},
		{"HTTP, just now", v2(map[string]string{"requestContext": `{"http":{"method":"GET"},"timeEpoch":1800000000000}`}), 29 * time.Second},
		{"stored sample of long ago", v1(map[string]string{"requestContext": `{"stage":"s","requestTimeEpoch":1428582896000}`}), 29 * time.Second},
		{"clock ahead", v1(map[string]string{"requestContext": `{"stage":"s","requestTimeEpoch":1800000005000}`}), 29 * time.Second},
		{"no stamp", v1(nil), 29 * time.Second},
		{"load balancer waits", alb(nil), 0},
		{"function URL waits", v2(map[string]string{"requestContext": `{"domainName":"x.lambda-url.eu-west-1.on.aws","http":{"method":"GET"}}`}), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := event.Parse([]byte(tt.payload))
			if err != nil {
				t.Fatal(err)
			}
			got, ok := e.Deadline(now)
			if ok != (tt.want != 0) || ok && got.Sub(now) != tt.want {
				t.Errorf("deadline in %s (%t), want %s", got.Sub(now), ok, tt.want)
			}
		})
	}
}

func TestParseClass(t *testing.T) {
	for _, c := range event.Classes() {
		if got, err := event.ParseClass(string(c)); err != nil || got != c {
			t.Errorf("ParseClass(%q) = %q, %v", c, got, err)
		}
	}
	if _, err := event.ParseClass("kafka"); err == nil || !strings.Contains(err.Error(), "http direct s3") {
		t.Errorf("ParseClass of an unknown word: %v, want the words that are known", err)
	}
}
