package event_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/event"
)

// batchEvents has events of every source of batch work, each with what it asks for.
const batchEvents = "../../test/events/batch/"

func TestEveryBatchEventIsTheWorkThatLiesBesideIt(t *testing.T) {
	files, err := filepath.Glob(batchEvents + "*.work.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d events: %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".work.json")
		t.Run(name, func(t *testing.T) {
			var want []struct {
				ID          string
				Objects     []event.Object
				Task, Error string
			}
			if err := json.Unmarshal(load(t, file), &want); err != nil {
				t.Fatal(err)
			}
			got := work(t, string(load(t, batchEvents+name+".json")))
			if len(got) != len(want) {
				t.Fatalf("%d pieces of work, want %d", len(got), len(want))
			}
			for i, w := range want {
				if got[i].ID != w.ID || !reflect.DeepEqual(got[i].Objects, w.Objects) || string(got[i].Task) != w.Task {
					t.Errorf("work %d is %+v, want %+v", i, got[i], w)
				}
				malformed(t, got[i].Err, w.Error)
			}
		})
	}
}

func load(tb testing.TB, file string) []byte {
	tb.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

func work(t *testing.T, payload string) []event.Work {
	t.Helper()
	got, err := parse(t, payload).Work()
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// malformed checks an error: that it is ErrMalformed and says what is wanted, or that
// there is none where nothing is.
func malformed(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" && err != nil || want != "" && (!errors.Is(err, event.ErrMalformed) || !strings.Contains(err.Error(), want)) {
		t.Errorf("error %v, want %q", err, want)
	}
}

// inS3 is the payload of an S3 event with these records, each with the members that
// every record has, unless it has its own.
func inS3(records ...map[string]string) string {
	var all []json.RawMessage
	for _, r := range records {
		all = append(all, json.RawMessage(object(map[string]string{
			"eventSource": `"aws:s3"`, "eventVersion": `"2.1"`, "eventName": `"ObjectCreated:Put"`,
			"s3": `{"bucket":{"name":"inbox"},"object":{"key":"a.csv","eTag":"e1","sequencer":"01"}}`,
		}, r)))
	}
	return marshal(map[string]any{"Records": all})
}

func inSQS(bodies ...string) string {
	var all []map[string]string
	for i, b := range bodies {
		all = append(all, map[string]string{"eventSource": "aws:sqs", "messageId": string(rune('a' + i)), "body": b})
	}
	return marshal(map[string]any{"Records": all})
}

func inSNS(message string) string {
	return marshal(map[string]any{"Records": []any{
		map[string]any{"EventSource": "aws:sns", "Sns": map[string]string{"Type": "Notification", "Message": message}},
	}})
}

// notification is what a topic puts into a queue.
func notification(message string) string {
	return marshal(map[string]string{"Type": "Notification", "Message": message})
}

func inEventBridge(detail string) string {
	return `{"source":"aws.s3","detail-type":"Object Created","detail":` + detail + `}`
}

func inS3Batch(task map[string]string) string {
	return `{"invocationSchemaVersion":"1.0","tasks":[` + object(map[string]string{
		"taskId": `"t"`, "s3Key": `"a.csv"`, "s3BucketArn": `"arn:aws:s3:::inbox"`,
	}, task) + `]}`
}

func marshal(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func TestTheObjectOfAnEvent(t *testing.T) {
	s3 := func(members string) string {
		return inS3(map[string]string{"s3": `{"bucket":{"name":"inbox"},"object":{` + members + `}}`})
	}
	bridge := func(members string) string {
		return inEventBridge(`{"bucket":{"name":"inbox"},"object":{` + members + `}}`)
	}
	for _, tt := range []struct {
		name, payload string
		want          event.Object // the zero Object for none
	}{
		{"plus is a space in S3", s3(`"key":"a+b%2Bc%20d.csv"`), event.Object{Key: "a b+c d.csv"}},
		{"keys of EventBridge are as they are", bridge(`"key":"a+b%2Bc.csv"`), event.Object{Key: "a+b%2Bc.csv"}},
		{"plus is a space in S3 Batch", inS3Batch(map[string]string{"s3Key": `"a+b%2Bc%20d.csv"`}), event.Object{Key: "a b+c d.csv"}},
		{"characters beyond ASCII", s3(`"key":"%E6%97%A5%E6%9C%AC/\u00fc.csv"`), event.Object{Key: "日本/ü.csv"}},
		{"as long as S3 allows", s3(`"key":"` + strings.Repeat("%C3%BC", 512) + `"`), event.Object{Key: strings.Repeat("ü", 512)}},
		{"a slash first", s3(`"key":"/a.csv"`), event.Object{Key: "/a.csv"}},
		{"everything there is", s3(`"key":"a","versionId":"v","eTag":"e","sequencer":"0F"`), event.Object{Key: "a", VersionID: "v", ETag: "e", Sequencer: "0F"}},
		{"an ETag in quotation marks", s3(`"key":"a","eTag":"\"e\""`), event.Object{Key: "a", ETag: "e"}},
		{"the version of unversioned objects", s3(`"key":"a","versionId":"null","eTag":"e"`), event.Object{Key: "a", ETag: "e"}},
		{"no version in S3 Batch", inS3Batch(map[string]string{"s3VersionId": "null"}), event.Object{Key: "a.csv"}},
		{"an older ARN", inS3Batch(map[string]string{"s3BucketArn": `"arn:aws:s3:us-east-1:0123456788:inbox"`}), event.Object{Key: "a.csv"}},
		{"a folder as consoles show it", s3(`"key":"folder/"`), event.Object{}},
		{"a folder from EventBridge", bridge(`"key":"folder/"`), event.Object{}},
		{"an object that is gone", inS3(map[string]string{"eventName": `"ObjectRemoved:Delete"`}), event.Object{}},
		{"a restored object", inS3(map[string]string{"eventName": `"ObjectRestore:Completed"`}), event.Object{}},
		{"the name as settings have it", inS3(map[string]string{"eventName": `"s3:ObjectCreated:Copy"`}), event.Object{Key: "a.csv", ETag: "e1", Sequencer: "01"}},
		{"a later minor version", inS3(map[string]string{"eventVersion": `"2.9"`, "new": `[1]`}), event.Object{Key: "a.csv", ETag: "e1", Sequencer: "01"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := work(t, tt.payload)
			if len(got) != 1 || got[0].Err != nil || got[0].Task != nil {
				t.Fatalf("got %+v", got)
			}
			var want []event.Object
			if tt.want.Key != "" {
				tt.want.Bucket = "inbox"
				want = []event.Object{tt.want}
			}
			if !reflect.DeepEqual(got[0].Objects, want) {
				t.Errorf("got %+v, want %+v", got[0].Objects, want)
			}
		})
	}
}

func TestWhatCannotBeUnderstoodIsTheErrorOfItsWork(t *testing.T) {
	shard := `{"task":"shard","plan":"s3://outbox/x/_PLAN.json"}`
	for _, tt := range []struct{ name, payload, want string }{
		{"another major version", inS3(map[string]string{"eventVersion": `"3.0"`}), `eventVersion "3.0"`},
		{"no version", inS3(map[string]string{"eventVersion": ""}), `eventVersion ""`},
		{"no bucket", inS3(map[string]string{"s3": `{"object":{"key":"a"}}`}), "without a bucket"},
		{"no key", inS3(map[string]string{"s3": `{"bucket":{"name":"inbox"},"object":{}}`}), "without a key"},
		{"a key that is not encoded", inS3(map[string]string{"s3": `{"bucket":{"name":"inbox"},"object":{"key":"100%"}}`}), `"100%"`},
		{"a key over S3's limit", inS3(map[string]string{"s3": `{"bucket":{"name":"inbox"},"object":{"key":"` + strings.Repeat("k", 1025) + `"}}`}), "a key of 1025"},
		{"no key from EventBridge", inEventBridge(`{"bucket":{"name":"inbox"}}`), "without a key"},
		{"EventBridge without detail", inEventBridge(`null`), "without a bucket"},
		{"no bucket in S3 Batch", inS3Batch(map[string]string{"s3BucketArn": ""}), "without a bucket"},
		{"a key of S3 Batch that is not encoded", inS3Batch(map[string]string{"s3Key": `"%G1"`}), `"%G1"`},
		{"text in a queue", inSQS("hello"), "not JSON"},
		{"nothing in a queue", inSQS(""), "it is empty"},
		{"a list in a queue", inSQS("[1]"), "an array"},
		{"an inference request in a queue", inSQS(`{"instances":[1]}`), `"instances"`},
		{"an event of another service in a queue", inSQS(`{"Records":[{"eventSource":"aws:kinesis"}]}`), `"Records"`},
		{"a queue in a queue", inSQS(inSQS(shard)), `"Records"`},
		{"a topic in a topic in a queue", inSQS(notification(notification(inS3(nil)))), `"Type"`},
		{"a notification without text", inSQS(`{"Type":"Notification","Message":7}`), "a number where a string is due"},
		{"text from a topic", inSNS("hello"), "not JSON"},
		{"a task from a topic", inSNS(shard), `"task"`},
		{"a task from a topic, in a queue", inSQS(notification(shard)), `"task"`},
		{"a message without a body", `{"Records":[{"eventSource":"aws:sqs","messageId":"a"}]}`, "nothing where a string is due"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := work(t, tt.payload)
			if len(got) != 1 || got[0].Objects != nil || got[0].Task != nil {
				t.Fatalf("got %+v", got)
			}
			malformed(t, got[0].Err, tt.want)
		})
	}
}

func TestARecordThatCannotBeUnderstoodKeepsNoOtherFromBeingDone(t *testing.T) {
	bad := map[string]string{"eventVersion": `"9.0"`}
	got := work(t, inS3(bad, nil, map[string]string{"eventSource": `"aws:sqs"`}, nil, bad))
	if len(got) != 1 || len(got[0].Objects) != 2 {
		t.Fatalf("got %+v, want two objects", got)
	}
	malformed(t, got[0].Err, `record 1: eventVersion "9.0"`)
	malformed(t, got[0].Err, "and 2 more")
}

func TestAnEventWhoseMessagesCannotBeToldApartIsAnError(t *testing.T) {
	many := `{"Records":[` + strings.Repeat(`{"eventSource":"aws:sqs","messageId":"a"},`, 1<<14) + `{"messageId":"b"}]}`
	for _, tt := range []struct{ name, payload, want string }{
		{"a message without an id", `{"Records":[{"eventSource":"aws:sqs","body":"{}"}]}`, "no messageId"},
		{"a task without an id", `{"invocationSchemaVersion":"1.0","tasks":[{"s3Key":"a"}]}`, "no taskId"},
		{"a message that is none", `{"Records":[{"eventSource":"aws:sqs","messageId":"a"},7]}`, "record 2"},
		{"tasks that are no list", `{"invocationSchemaVersion":"1.0","tasks":{}}`, "'['"},
		{"another version of S3 Batch", `{"invocationSchemaVersion":"3.0","tasks":[]}`, `"3.0"`},
		{"a message behind the limit", many, "more than 16384"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parse(t, tt.payload).Work()
			malformed(t, err, tt.want)
			if err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestATooLongListOfObjectsIsAnErrorBesideThem(t *testing.T) {
	record := strings.TrimSuffix(strings.TrimPrefix(inS3(nil), `{"Records":[`), `]}`)
	got := work(t, `{"Records":[`+strings.Repeat(record+",", 1<<14)+record+`]}`)
	if len(got) != 1 || len(got[0].Objects) != 1<<14 {
		t.Fatalf("%d pieces of work", len(got))
	}
	malformed(t, got[0].Err, "more than 16384 records")
}

func TestSourcesWithoutBatchWorkHaveNone(t *testing.T) {
	for _, payload := range []string{v1(nil), v2(nil), alb(nil), `{"instances":[1]}`} {
		if got := work(t, payload); len(got) != 0 {
			t.Errorf("%s: %+v", payload, got)
		}
	}
}
