package test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/tensorlambda/tensorlambda/internal/runtimeapi"
)

// The buckets of batch jobs. Every test keeps to keys of its own.
const (
	inbox  = "inbox"
	outbox = "outbox"
)

var makeBuckets = sync.OnceValue(func() error {
	var errs []error
	for _, name := range []string{inbox, outbox} {
		_, err := client.CreateBucket(context.Background(), &s3.CreateBucketInput{Bucket: aws.String(name)})
		errs = append(errs, err)
	}
	return errors.Join(errs...)
})

// scorer is a function that scores objects with TensorFlow Serving's half_plus_two,
// y = x/2 + 2.
func scorer(t *testing.T, settings ...string) *function {
	t.Helper()
	if err := makeBuckets(); err != nil {
		t.Fatal(err)
	}
	model := "MODEL_URI=" + absolute(t, "models/half_plus_two")
	return readyFunction(t, append([]string{model, "OUTPUT_URI=s3://" + outbox + "/"}, settings...)...)
}

// object is an input in the inbox.
type object struct{ key, etag string }

// drop stores an input under a key that nobody else uses.
func drop(t *testing.T, name, content string) object {
	t.Helper()
	return dropAt(t, newPrefix()+"/"+name, content)
}

func dropAt(t *testing.T, key, content string) object {
	t.Helper()
	if err := makeBuckets(); err != nil {
		t.Fatal(err)
	}
	out, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(inbox), Key: &key, Body: strings.NewReader(content)})
	if err != nil {
		t.Fatal(err)
	}
	return object{key, strings.Trim(aws.ToString(out.ETag), `"`)}
}

// outputOf is the output for an input, as JSON lines; false where there is none.
func outputOf(t *testing.T, in object) (string, bool) {
	t.Helper()
	return readKey(t, outbox, in.key+".out.jsonl")
}

func readKey(t *testing.T, bucket, key string) (string, bool) {
	t.Helper()
	out, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if missing := (*types.NoSuchKey)(nil); errors.As(err, &missing) {
		return "", false
	}
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	content, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(content), true
}

// send hands an event over and returns what the function says.
func (f *function) send(event string) runtimeapi.Result {
	f.t.Helper()
	result, err := f.Invoke(f.t.Context(), []byte(event), runtimeapi.Options{})
	if err != nil {
		f.t.Fatal(err)
	}
	return result
}

// s3Event is what S3 sends: keys are form-encoded.
func s3Event(objects ...object) string {
	var records []string
	for _, o := range objects {
		records = append(records, fmt.Sprintf(
			`{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"us-east-1","eventTime":"2026-11-23T12:00:00.000Z","eventName":"ObjectCreated:Put",`+
				`"s3":{"s3SchemaVersion":"1.0","bucket":{"name":%q,"arn":"arn:aws:s3:::inbox"},"object":{"key":%q,"size":1,"eTag":%q,"sequencer":"0055AED6DCD90281E5"}}}`,
			inbox, url.QueryEscape(o.key), o.etag))
	}
	return `{"Records":[` + strings.Join(records, ",") + `]}`
}

func eventBridgeEvent(o object) string {
	return fmt.Sprintf(`{"version":"0","id":"17793124","detail-type":"Object Created","source":"aws.s3","account":"000000000000","time":"2026-11-23T12:00:00Z","region":"us-east-1",`+
		`"resources":["arn:aws:s3:::inbox"],"detail":{"version":"0","bucket":{"name":%q},"object":{"key":%s,"size":1,"etag":%q,"sequencer":"0055AED6DCD90281E5"},"reason":"PutObject"}}`,
		inbox, quoted(o.key), o.etag)
}

func snsEvent(message string) string {
	return `{"Records":[{"EventSource":"aws:sns","EventVersion":"1.0","Sns":{"Type":"Notification","MessageId":"m","TopicArn":"arn:aws:sns:us-east-1:000000000000:t","Message":` + quoted(message) + `}}]}`
}

// sqsEvent is a batch of messages, whose ids are their numbers.
func sqsEvent(bodies ...string) string {
	var records []string
	for i, body := range bodies {
		records = append(records, fmt.Sprintf(`{"messageId":"%d","receiptHandle":"h","body":%s,"attributes":{"ApproximateReceiveCount":"1"},"messageAttributes":{},"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-1:000000000000:q","awsRegion":"us-east-1"}`, i, quoted(body)))
	}
	return `{"Records":[` + strings.Join(records, ",") + `]}`
}

func s3BatchEvent(bucketMember string, o object) string {
	return fmt.Sprintf(`{"invocationSchemaVersion":"1.0","invocationId":"invocation","job":{"id":"job"},"tasks":[{"taskId":"task","s3Key":%q,"s3VersionId":null,%s}]}`,
		url.QueryEscape(o.key), bucketMember)
}

const (
	fourRows = "1.0\n2.0\n\"three\"\n5.0\n"
	// fourAnswers begins and ends as it must; the error's text is in between.
	twoAnswers = "{\"prediction\":2.5}\n{\"prediction\":3.0}\n{\"error\":\""
	lastAnswer = "\"}\n{\"prediction\":4.5}\n"
)

func checkFour(t *testing.T, in object) {
	t.Helper()
	got, ok := outputOf(t, in)
	if !ok || !strings.HasPrefix(got, twoAnswers) || !strings.HasSuffix(got, lastAnswer) || strings.Count(got, "\n") != 4 {
		t.Errorf("output %q, want %s…%s", got, twoAnswers, lastAnswer)
	}
}

// Every trigger has the same object scored, and is answered in its own dialect.
func TestEveryTriggerScores(t *testing.T) {
	t.Parallel()
	f := scorer(t)
	for _, c := range []struct {
		name  string
		event func(object) string
		reply string
	}{
		{"S3", func(o object) string { return s3Event(o) }, "null"},
		{"EventBridge", eventBridgeEvent, "null"},
		{"SNS", func(o object) string { return snsEvent(s3Event(o)) }, "null"},
		{"SNS with an EventBridge event", func(o object) string { return snsEvent(eventBridgeEvent(o)) }, "null"},
		{"SQS", func(o object) string { return sqsEvent(s3Event(o)) }, `{"batchItemFailures":[]}`},
		{"SQS with an EventBridge event", func(o object) string { return sqsEvent(eventBridgeEvent(o)) }, `{"batchItemFailures":[]}`},
		{"SQS with an SNS notification", func(o object) string {
			return sqsEvent(`{"Type":"Notification","MessageId":"m","Message":` + quoted(s3Event(o)) + `}`)
		}, `{"batchItemFailures":[]}`},
		{"SQS with a task", func(o object) string {
			return sqsEvent(`{"task":"score","input":` + quoted("s3://"+inbox+"/"+o.key) + `}`)
		}, `{"batchItemFailures":[]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := drop(t, "day 1/rows+ü&.jsonl", fourRows)
			result := f.send(c.event(in))
			if result.ErrorType != "" || string(result.Body) != c.reply {
				t.Fatalf("reply %s %s %s, want %s", result.Body, result.ErrorType, result.ErrorMessage, c.reply)
			}
			checkFour(t, in)
		})
	}
	t.Run("S3 Batch Operations", func(t *testing.T) {
		for _, bucketMember := range []string{`"s3BucketArn":"arn:aws:s3:::inbox"`, `"s3Bucket":"inbox"`} {
			in := drop(t, "day 1/rows+ü.jsonl", fourRows)
			var reply struct {
				InvocationSchemaVersion, InvocationID string
				Results                               []struct{ TaskID, ResultCode, ResultString string }
			}
			result := f.send(s3BatchEvent(bucketMember, in))
			if err := json.Unmarshal(result.Body, &reply); err != nil || reply.InvocationID != "invocation" || len(reply.Results) != 1 ||
				reply.Results[0].TaskID != "task" || reply.Results[0].ResultCode != "Succeeded" {
				t.Errorf("reply %s %s: %v", result.Body, result.ErrorMessage, err)
			}
			checkFour(t, in)
		}
	})
	t.Run("direct task", func(t *testing.T) {
		in := drop(t, "rows.jsonl", fourRows)
		result := f.send(`{"task":"score","input":"s3://inbox/` + in.key + `"}`)
		want := fmt.Sprintf(`{"output":"s3://outbox/%s.out.jsonl","rows":4,"errors":1}`, in.key)
		if string(bytes.TrimSpace(result.Body)) != want {
			t.Errorf("reply %s %s, want %s", result.Body, result.ErrorMessage, want)
		}
		checkFour(t, in)
	})
}

// What asks for nothing is answered with success.
func TestTestEvents(t *testing.T) {
	t.Parallel()
	f := scorer(t)
	testEvent := `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-11-23T12:00:00.000Z","Bucket":"inbox","RequestId":"r","HostId":"h"}`
	for event, want := range map[string]string{
		testEvent: "null", snsEvent(testEvent): "null", sqsEvent(testEvent): `{"batchItemFailures":[]}`,
		strings.ReplaceAll(s3Event(object{key: "nowhere"}), "ObjectCreated:Put", "ObjectRemoved:Delete"): "null",
	} {
		if result := f.send(event); string(result.Body) != want || result.ErrorType != "" {
			t.Errorf("%.60s: reply %s %s %s, want %s", event, result.Body, result.ErrorType, result.ErrorMessage, want)
		}
	}
}

// Of a batch of messages only those that failed come back, and the others are done.
func TestOnlyFailedMessagesComeBack(t *testing.T) {
	t.Parallel()
	f := scorer(t)
	good, gone, text := drop(t, "good.jsonl", fourRows), object{key: newPrefix() + "/gone.jsonl"}, drop(t, "notes.txt", "hello")
	late := drop(t, "late.csv", "x\n1\n2\n5\n")
	result := f.send(sqsEvent(s3Event(good), s3Event(gone), "no event", s3Event(text), s3Event(late)))
	want := `{"batchItemFailures":[{"itemIdentifier":"1"},{"itemIdentifier":"2"},{"itemIdentifier":"3"}]}`
	if string(result.Body) != want {
		t.Errorf("reply %s %s, want %s", result.Body, result.ErrorMessage, want)
	}
	checkFour(t, good)
	if got, _ := outputOf(t, late); got != "{\"prediction\":[2.5]}\n{\"prediction\":[3.0]}\n{\"prediction\":[4.5]}\n" {
		t.Errorf("the last message's output is %q", got)
	}
}

// A redelivered event finds its output and does nothing; a new version of the input
// is scored.
func TestRedelivery(t *testing.T) {
	t.Parallel()
	f := scorer(t)
	in := drop(t, "rows.jsonl", fourRows)
	task := `{"task":"score","input":"s3://inbox/` + in.key + `"}`
	f.send(s3Event(in))
	checkFour(t, in)
	if result := f.send(task); !strings.Contains(string(result.Body), `"skipped":"done"`) {
		t.Errorf("the second time: %s %s", result.Body, result.ErrorMessage)
	}
	dropAt(t, in.key, "7\n")
	if result := f.send(s3Event(in)); result.ErrorType != "Changed" {
		t.Errorf("an event about content that is gone: %s %s", result.ErrorType, result.ErrorMessage)
	}
	checkFour(t, in)
	f.send(task)
	if got, _ := outputOf(t, in); got != "{\"prediction\":5.5}\n" {
		t.Errorf("the new version's output is %q", got)
	}
}

// An object of which no row can be answered fails, and says so; its output holds the
// reasons, and another try does nothing.
func TestAllRowsBad(t *testing.T) {
	t.Parallel()
	f := scorer(t)
	in := drop(t, "rows.jsonl", "\"a\"\n\"b\"\n")
	event := s3Event(in)
	if result := f.send(event); result.ErrorType != "AllRowsFailed" || !strings.Contains(result.ErrorMessage, in.key) {
		t.Errorf("failed with %q %q", result.ErrorType, result.ErrorMessage)
	}
	if got, _ := outputOf(t, in); strings.Count(got, `{"error":"`) != 2 {
		t.Errorf("output %q", got)
	}
	if result := f.send(event); result.ErrorType != "" {
		t.Errorf("the second time: %s %s", result.ErrorType, result.ErrorMessage)
	}
}

// An output that would be an input again is refused before anything is written.
func TestLoopIsRefused(t *testing.T) {
	t.Parallel()
	f := scorer(t, "OUTPUT_URI=s3://"+inbox+"/")
	in := drop(t, "rows.jsonl", fourRows)
	if result := f.send(s3Event(in)); result.ErrorType != "Loop" || !strings.Contains(result.ErrorMessage, "OUTPUT_URI") {
		t.Errorf("failed with %q %q", result.ErrorType, result.ErrorMessage)
	}
	if got, ok := readKey(t, inbox, in.key+".out.jsonl"); ok {
		t.Errorf("output %q", got)
	}
}
