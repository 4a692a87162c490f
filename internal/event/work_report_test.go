package event_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"github.com/tensorlambda/tensorlambda/internal/event"
)

func report(t *testing.T, payload string, done ...event.Done) string {
	t.Helper()
	got, err := parse(t, payload).Report(done)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

func TestReport(t *testing.T) {
	failed := errors.New("access denied")
	jobOf := func(results string) string {
		return `{"invocationSchemaVersion":"2.0","treatMissingKeysAs":"TemporaryFailure","invocationId":"i","results":[` + results + `]}`
	}
	const job = `{"invocationSchemaVersion":"2.0","invocationId":"i","tasks":[{"taskId":"a"},{"taskId":"b"},{"taskId":"c"}]}`
	for _, tt := range []struct {
		name, payload string
		done          []event.Done
		want          string
	}{
		{"a queue, all is well", inSQS("", ""), []event.Done{{}, {}}, `{"batchItemFailures":[]}`},
		{"a queue, some failed", inSQS("", "", ""), []event.Done{{Err: failed}, {}, {Err: failed, Permanent: true}},
			`{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"c"}]}`},
		{"S3 Batch", job, []event.Done{{Text: "7 rows, 0 errors"}, {Err: failed}, {Err: failed, Permanent: true, Text: "no such key"}}, jobOf(
			`{"taskId":"a","resultCode":"Succeeded","resultString":"7 rows, 0 errors"},` +
				`{"taskId":"b","resultCode":"TemporaryFailure","resultString":"access denied"},` +
				`{"taskId":"c","resultCode":"PermanentFailure","resultString":"no such key"}`)},
		{"S3 Batch without tasks", `{"invocationSchemaVersion":"2.0","invocationId":"i","tasks":[]}`, nil, jobOf("")},
		{"a task", `{"task":"seal"}`, []event.Done{{Reply: []byte(`{"rows":7}`)}}, `{"rows":7}`},
		{"a task that failed", `{"task":"seal"}`, []event.Done{{Err: failed}}, `null`},
		{"S3", inS3(nil), []event.Done{{}}, `null`},
		{"SNS", inSNS(inS3(nil)), []event.Done{{}}, `null`},
		{"EventBridge", inEventBridge(`{}`), []event.Done{{}}, `null`},
		{"S3's test", `{"Event":"s3:TestEvent"}`, []event.Done{{}}, `null`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := report(t, tt.payload, tt.done...); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestReportOfAnotherNumberOfWorksIsAnError(t *testing.T) {
	if got, err := parse(t, inSQS("", "")).Report([]event.Done{{}}); err == nil {
		t.Errorf("got %s for one of two messages", got)
	}
}

func TestALineOfAJobsReportIsShortAndText(t *testing.T) {
	long := report(t, inS3Batch(nil), event.Done{Err: errors.New(strings.Repeat("é", 4000))})
	var r events.S3BatchJobResponse
	if err := json.Unmarshal([]byte(long), &r); err != nil || len(r.Results) != 1 {
		t.Fatalf("%s: %v", long, err)
	}
	if s := r.Results[0].ResultString; len(s) > 1000 || len(s) < 990 || !utf8.ValidString(s) || strings.ContainsRune(s, utf8.RuneError) {
		t.Errorf("%d bytes: %s", len(s), s)
	}
}

func TestWhoTakesSingleFailures(t *testing.T) {
	for payload, want := range map[string]bool{
		inSQS(""): true, inS3Batch(nil): true,
		inS3(nil): false, inSNS(""): false, inEventBridge(`{}`): false, `{"task":"seal"}`: false, v2(nil): false,
	} {
		if e := parse(t, payload); e.ReportsFailures() != want {
			t.Errorf("%s: %t, want %t", e.Source, e.ReportsFailures(), want)
		}
	}
}
