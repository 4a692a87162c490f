package function_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/batch"
	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/event"
	"github.com/tensorlambda/tensorlambda/internal/function"
)

// scorer stands in for a *batch.Scorer, to fail and to see what is asked. What it
// has no func for goes well.
type scorer struct {
	object func(ctx context.Context, o batch.Object) (batch.Report, error)
	task   func(ctx context.Context, task []byte, queued bool) (any, error)

	asked []string // objects and tasks, in order
}

var scored = batch.Report{Output: "s3://outbox/day/rows.jsonl.out.jsonl", Rows: 1000, Errors: 3}

func (s *scorer) Object(ctx context.Context, o batch.Object) (batch.Report, error) {
	s.asked = append(s.asked, o.URI.String())
	if s.object == nil {
		return scored, nil
	}
	return s.object(ctx, o)
}

func (s *scorer) Task(ctx context.Context, task []byte, queued bool) (any, error) {
	s.asked = append(s.asked, string(task))
	if s.task == nil {
		return scored, nil
	}
	return s.task(ctx, task, queued)
}

// failing is a scorer that fails for the objects whose keys these are.
func failing(failures map[string]error) *scorer {
	return &scorer{object: func(_ context.Context, o batch.Object) (batch.Report, error) {
		if err := failures[o.URI.Key]; err != nil {
			return batch.Report{}, err
		}
		return scored, nil
	}}
}

// scoring handles batch work and writes its log to log, if that is not nil.
func scoring(b function.Batch, log io.Writer, sources ...event.Class) *function.Handler {
	opts := function.Options{Serve: http.NotFoundHandler(), Batch: b, Sources: sources, Logger: slog.New(slog.DiscardHandler)}
	if log != nil {
		opts.Logger = slog.New(slog.NewJSONHandler(log, nil))
	}
	return function.New(opts)
}

const batchEvents = "../../test/events/batch/"

func TestEveryBatchEventHasItsReply(t *testing.T) {
	files, err := filepath.Glob(batchEvents + "*.reply.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d replies: %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".reply.json")
		t.Run(name, func(t *testing.T) {
			got, err := scoring(&scorer{}, nil).Invoke(t.Context(), read(t, batchEvents+name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			if want := bytes.TrimSuffix(read(t, file), []byte("\n")); !bytes.Equal(got, want) {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// inS3 is an S3 event about these keys of the bucket inbox.
func inS3(keys ...string) string {
	var records []string
	for _, key := range keys {
		records = append(records, `{"eventSource":"aws:s3","eventVersion":"2.1","eventName":"ObjectCreated:Put",`+
			`"s3":{"bucket":{"name":"inbox"},"object":{"key":"`+key+`","eTag":"e","versionId":"v","sequencer":"0F"}}}`)
	}
	return `{"Records":[` + strings.Join(records, ",") + `]}`
}

// inSQS is an event of messages with these bodies; their ids are a, b, …
func inSQS(bodies ...string) string {
	type message struct {
		ID     string `json:"messageId"`
		Source string `json:"eventSource"`
		Body   string `json:"body"`
	}
	var records []message
	for i, body := range bodies {
		records = append(records, message{string(rune('a' + i)), "aws:sqs", body})
	}
	text, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// inS3Batch is an event of tasks about these keys; their ids are the keys.
func inS3Batch(keys ...string) string {
	var tasks []string
	for _, key := range keys {
		tasks = append(tasks, `{"taskId":"`+key+`","s3Key":"`+key+`","s3VersionId":null,"s3Bucket":"inbox"}`)
	}
	return `{"invocationSchemaVersion":"2.0","invocationId":"i","tasks":[` + strings.Join(tasks, ",") + `]}`
}

const shard = `{"task":"shard","plan":"s3://outbox/rows.jsonl.parts/_PLAN.json","index":7,"hop":0}`

func TestAnObjectIsAskedForAsTheEventHasIt(t *testing.T) {
	var got batch.Object
	s := &scorer{object: func(_ context.Context, o batch.Object) (batch.Report, error) {
		got = o
		return scored, nil
	}}
	if _, err := scoring(s, nil).Invoke(t.Context(), []byte(inS3("day/red+flower.csv"))); err != nil {
		t.Fatal(err)
	}
	want := batch.Object{URI: blob.URI{Scheme: "s3", Bucket: "inbox", Key: "day/red flower.csv"}, VersionID: "v", ETag: "e", Sequencer: "0F"}
	if got != want {
		t.Errorf("asked for %+v, want %+v", got, want)
	}
}

func TestATaskIsToldWhetherItCameThroughAQueue(t *testing.T) {
	for payload, want := range map[string]bool{shard: false, inSQS(shard): true} {
		var got bool
		s := &scorer{task: func(_ context.Context, _ []byte, queued bool) (any, error) {
			got = queued
			return struct{}{}, nil
		}}
		if _, err := scoring(s, nil).Invoke(t.Context(), []byte(payload)); err != nil {
			t.Fatal(err)
		}
		if len(s.asked) != 1 || s.asked[0] != shard || got != want {
			t.Errorf("%s: asked %q, queued: %t", payload, s.asked, got)
		}
	}
}

func TestATaskIsAnsweredByItsReply(t *testing.T) {
	s := &scorer{task: func(context.Context, []byte, bool) (any, error) {
		return map[string]any{"rows": 31250, "part": "s3://outbox/p"}, nil
	}}
	got, err := scoring(s, nil).Invoke(t.Context(), []byte(shard))
	if want := `{"part":"s3://outbox/p","rows":31250}`; err != nil || string(got) != want {
		t.Errorf("reply %s (%v), want %s", got, err, want)
	}
}

func TestTheClassOfTheOuterSourceDecides(t *testing.T) {
	for _, tt := range []struct {
		name, payload string
		accepted      []event.Class
		refused       bool
	}{
		{"a shard message of a queue is the queue's", inSQS(shard), []event.Class{event.ClassSQS}, false},
		{"a task is not the queue's", shard, []event.Class{event.ClassSQS}, true},
		{"a queue is not S3's, whatever it tells of", inSQS(inS3("a.csv")), []event.Class{event.ClassS3}, true},
		{"S3's test event is S3's", `{"Event":"s3:TestEvent"}`, []event.Class{event.ClassS3}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &scorer{}
			_, err := scoring(s, nil, tt.accepted...).Invoke(t.Context(), []byte(tt.payload))
			_, refused := err.(*function.SourceRefused) //nolint:errorlint // aws-lambda-go looks at the outermost error
			if refused != tt.refused || refused && len(s.asked) > 0 || !refused && err != nil {
				t.Errorf("error %v, asked %q", err, s.asked)
			}
		})
	}
}

func TestAllObjectsAreTriedInOrder(t *testing.T) {
	s := failing(map[string]error{"a": errors.New("boom"), "c": errors.New("boom")})
	_, err := scoring(s, nil).Invoke(t.Context(), []byte(inS3("a", "b", "c", "d")))
	if want := []string{"s3://inbox/a", "s3://inbox/b", "s3://inbox/c", "s3://inbox/d"}; !slices.Equal(s.asked, want) {
		t.Errorf("asked for %q, want %q", s.asked, want)
	}
	failure(t, err, "Internal", "s3://inbox/a: boom", "s3://inbox/c: boom")
}

func TestTheLogCountsWhatWasDone(t *testing.T) {
	reports := map[string]batch.Report{
		"a": {Rows: 100, Errors: 1},
		"b": {Rows: 50, Errors: 50},
		"c": {Skipped: batch.Done},
	}
	s := &scorer{
		object: func(_ context.Context, o batch.Object) (batch.Report, error) {
			if o.URI.Key == "b" {
				return reports["b"], batch.ErrAllRowsFailed
			}
			return reports[o.URI.Key], nil
		},
		task: func(context.Context, []byte, bool) (any, error) { return batch.Report{Rows: 7, Errors: 2}, nil },
	}
	var log bytes.Buffer
	if _, err := scoring(s, &log).Invoke(t.Context(), []byte(inSQS(inS3("a", "b"), inS3("c"), shard, "hello"))); err != nil {
		t.Fatal(err)
	}
	lines := logged(t, log.Bytes())
	want := []line{
		{Msg: "batch work failed", Level: "ERROR", ID: "a", Object: "s3://inbox/b", Kind: "AllRowsFailed", Permanent: true},
		{Msg: "batch work failed", Level: "ERROR", ID: "d", Kind: "MalformedEvent", Permanent: true},
		{Msg: "invocation", Level: "INFO", Source: "sqs", Objects: 3, Rows: 157, Errors: 53, Skipped: 1, Failed: 2},
	}
	for i := range lines {
		lines[i].Error = "" // its text is tested elsewhere
	}
	if !reflect.DeepEqual(lines, want) {
		t.Errorf("got  %+v\nwant %+v", lines, want)
	}
}

type line struct {
	Msg, Level, Source, ID, Object, Kind, Error string
	Permanent                                   bool
	Objects, Rows, Errors, Skipped, Failed      int
}

func logged(t *testing.T, log []byte) []line {
	t.Helper()
	var lines []line
	for text := range bytes.Lines(log) {
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		lines = append(lines, l)
	}
	return lines
}

func TestAJobsReportSaysWhatWasDone(t *testing.T) {
	reports := map[string]batch.Report{
		"rows": {Rows: 1000, Errors: 3},
		"done": {Skipped: batch.Done},
		"old":  {Skipped: batch.Superseded},
		"huge": {Plan: "s3://outbox/huge.parts/_PLAN.json", Shards: 32},
	}
	s := &scorer{object: func(_ context.Context, o batch.Object) (batch.Report, error) { return reports[o.URI.Key], nil }}
	got := reply(t, s, inS3Batch("rows", "done", "old", "huge", "folder/"))
	for _, want := range []string{
		`"taskId":"rows","resultCode":"Succeeded","resultString":"1000 rows, 3 errors"`,
		`"taskId":"done","resultCode":"Succeeded","resultString":"nothing to do: done"`,
		`"taskId":"old","resultCode":"Succeeded","resultString":"nothing to do: superseded"`,
		`"taskId":"huge","resultCode":"Succeeded","resultString":"cut into 32 shards by s3://outbox/huge.parts/_PLAN.json"`,
		`"taskId":"folder/","resultCode":"Succeeded","resultString":"nothing to do"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got %s\nwant %s in it", got, want)
		}
	}
}
