package function_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/tensorlambda/tensorlambda/internal/batch"
	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// failure checks the error of an invocation: its type, and what its message says.
func failure(t *testing.T, err error, kind string, says ...string) {
	t.Helper()
	got, ok := err.(messages.InvokeResponse_Error) //nolint:errorlint // aws-lambda-go looks at the outermost error
	if !ok || got.Type != kind || got.ShouldExit {
		t.Errorf("error %#v, want one of the type %s", err, kind)
	}
	for _, s := range says {
		if !strings.Contains(got.Message, s) {
			t.Errorf("message %q, want it to say %q", got.Message, s)
		}
	}
}

const (
	helps   = "another try may help"
	useless = "another try does not help"
)

// Each kind of failure: its name, and whether S3 Batch Operations, and whoever reads
// the message, should try again.
var failures = []struct {
	kind  error
	name  string
	retry bool
}{
	{batch.ErrAllRowsFailed, "AllRowsFailed", false},
	{batch.ErrTooSlow, "TooSlow", false},
	{batch.ErrOtherModel, "OtherModel", true},
	{batch.ErrUnsealed, "Unsealed", true},
	{batch.ErrConflict, "Conflict", true},
	{batch.ErrNoOutput, "NoOutput", false},
	{batch.ErrLoop, "Loop", false},
	{batch.ErrTask, "WrongTask", false},
	{rows.ErrFormat, "Format", false},
	{rows.ErrCorrupt, "Corrupt", false},
	{rows.ErrTooLarge, "TooLarge", false},
	{rows.ErrNoSplit, "NoSplit", false},
	{rows.ErrOutput, "Output", false},
	{blob.ErrInvalidURI, "InvalidURI", false},
	{blob.ErrNotFound, "NotFound", false},
	{blob.ErrAccessDenied, "AccessDenied", true},
	{blob.ErrChanged, "Changed", false},
	{blob.ErrTruncated, "Truncated", true},
	{blob.ErrUnavailable, "Unavailable", true},
	{infer.ErrInternal, "Internal", true},
	{context.DeadlineExceeded, "DeadlineExceeded", true},
	{context.Canceled, "Canceled", true},
	{errors.New("no such kind"), "Internal", true},
}

func TestAFailureIsToldAsTheSourceWantsIt(t *testing.T) {
	for _, tt := range failures {
		t.Run(tt.name+"/"+tt.kind.Error(), func(t *testing.T) {
			cause := fmt.Errorf("input s3://inbox/rows.csv, behind row 512: %w", tt.kind)
			advice, code := useless, "PermanentFailure"
			if tt.retry {
				advice, code = helps, "TemporaryFailure"
			}
			s := &scorer{
				object: func(context.Context, batch.Object) (batch.Report, error) { return batch.Report{}, cause },
				task:   func(context.Context, []byte, bool) (any, error) { return nil, cause },
			}
			for _, payload := range []string{inS3("rows.csv"), `{"task":"score","input":"s3://inbox/rows.csv"}`} {
				_, err := scoring(s, nil).Invoke(t.Context(), []byte(payload))
				failure(t, err, tt.name, cause.Error(), advice)
				if got := strings.Count(err.Error(), "s3://inbox/rows.csv"); got != 1 {
					t.Errorf("the message names the object %d times: %v", got, err)
				}
			}
			for _, body := range []string{inS3("rows.csv"), shard} {
				if got := reply(t, s, inSQS(body)); got != `{"batchItemFailures":[{"itemIdentifier":"a"}]}` {
					t.Errorf("SQS: %s", got)
				}
			}
			var r events.S3BatchJobResponse
			if err := json.Unmarshal([]byte(reply(t, s, inS3Batch("rows.csv"))), &r); err != nil || len(r.Results) != 1 {
				t.Fatalf("%+v: %v", r, err)
			}
			if got := r.Results[0]; got.ResultCode != code || !strings.HasPrefix(got.ResultString, cause.Error()) {
				t.Errorf("S3 Batch: %+v, want %s", got, code)
			}
		})
	}
}

func reply(t *testing.T, s *scorer, payload string) string {
	t.Helper()
	got, err := scoring(s, nil).Invoke(t.Context(), []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

// A bad model must not use up the messages of a queue one by one.
func TestWithoutAModelTheInvocationFailsAtOnce(t *testing.T) {
	cause := fmt.Errorf("%w: fetch s3://models/digits: %w", batch.ErrNoModel, blob.ErrNotFound)
	for name, payload := range map[string]string{
		"S3": inS3("a", "b"), "SQS": inSQS(inS3("a"), inS3("b")), "tasks of SQS": inSQS(shard, shard),
		"S3 Batch": inS3Batch("a", "b"), "task": shard,
	} {
		t.Run(name, func(t *testing.T) {
			s := &scorer{
				object: func(context.Context, batch.Object) (batch.Report, error) { return batch.Report{}, cause },
				task:   func(context.Context, []byte, bool) (any, error) { return nil, cause },
			}
			_, err := scoring(s, nil).Invoke(t.Context(), []byte(payload))
			failure(t, err, "NoModel", "s3://models/digits", helps)
			if len(s.asked) != 1 {
				t.Errorf("asked for %q behind the failure", s.asked[1:])
			}
		})
	}
}

func TestOnlyTheFailedMessagesComeBack(t *testing.T) {
	s := failing(map[string]error{"x": blob.ErrAccessDenied, "y": rows.ErrCorrupt})
	payload := inSQS(inS3("a"), inS3("x"), inS3("a", "y"), shard, `{"Event":"s3:TestEvent"}`, "hello")
	if got, want := reply(t, s, payload), `{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"c"},{"itemIdentifier":"f"}]}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestOneFailureThatMayPassMakesAllOfThemWorthATry(t *testing.T) {
	s := failing(map[string]error{"a": rows.ErrCorrupt, "b": blob.ErrUnavailable, "c": rows.ErrFormat})
	_, err := scoring(s, nil).Invoke(t.Context(), []byte(inS3("a", "b", "c")))
	failure(t, err, "Unavailable", "s3://inbox/a: damaged input", "s3://inbox/b: store unavailable", helps)
	_, err = scoring(s, nil).Invoke(t.Context(), []byte(inS3("a", "c")))
	failure(t, err, "Corrupt", "s3://inbox/a", "s3://inbox/c", useless)
}

func TestAMessageTellsOfAFewFailuresOnly(t *testing.T) {
	s := &scorer{object: func(context.Context, batch.Object) (batch.Report, error) { return batch.Report{}, blob.ErrNotFound }}
	keys := strings.Split(strings.Repeat("k ", 99)+"k", " ")
	_, err := scoring(s, nil).Invoke(t.Context(), []byte(inS3(keys...)))
	failure(t, err, "NotFound", "and 92 more")
}

func TestMalformedEvents(t *testing.T) {
	for _, tt := range []struct{ name, payload, kind, says string }{
		{"one record of two", strings.Replace(inS3("a", "b"), `"2.1"`, `"9.1"`, 1), "MalformedEvent", `eventVersion "9.1"`},
		{"a message without an id", `{"Records":[{"eventSource":"aws:sqs","body":"{}"}]}`, "MalformedEvent", "no messageId"},
		{"a bucket that is none", strings.Replace(inS3("a"), `"inbox"`, `"in/box"`, 1), "InvalidURI", "in/box"},
		{"a key that is no text", inS3("%FF"), "InvalidURI", "not UTF-8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := scoring(&scorer{}, nil).Invoke(t.Context(), []byte(tt.payload))
			failure(t, err, tt.kind, tt.says, useless)
		})
	}
	t.Run("the records beside are scored", func(t *testing.T) {
		s := &scorer{}
		_, err := scoring(s, nil).Invoke(t.Context(), []byte(strings.Replace(inS3("a", "b"), `"2.1"`, `"9.1"`, 1)))
		if len(s.asked) != 1 || s.asked[0] != "s3://inbox/b" || err == nil {
			t.Errorf("asked for %q, error %v", s.asked, err)
		}
	})
}

func TestAPanicIsTheFailureOfItsMessageAlone(t *testing.T) {
	s := &scorer{object: func(_ context.Context, o batch.Object) (batch.Report, error) {
		if o.URI.Key == "x" {
			panic("secret")
		}
		return scored, nil
	}}
	var log bytes.Buffer
	got, err := scoring(s, &log).Invoke(t.Context(), []byte(inSQS(inS3("x"), inS3("a"))))
	if want := `{"batchItemFailures":[{"itemIdentifier":"a"}]}`; err != nil || string(got) != want {
		t.Errorf("got %s (%v), want %s", got, err, want)
	}
	if len(s.asked) != 2 || !strings.Contains(log.String(), "batch_failure_test.go") {
		t.Errorf("asked for %q, log %s", s.asked, log.String())
	}
	_, err = scoring(s, nil).Invoke(t.Context(), []byte(inS3("x")))
	failure(t, err, "Panic", "s3://inbox/x", helps)
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the error tells %v", err)
	}
}

// slow is a scorer that takes this long for each object.
func slow(spend time.Duration, err error) *scorer {
	return &scorer{object: func(context.Context, batch.Object) (batch.Report, error) {
		time.Sleep(spend)
		return scored, err
	}}
}

func TestNothingIsBegunWhenTheTimeIsNearlyOver(t *testing.T) {
	for _, tt := range []struct {
		name           string
		timeout, spend time.Duration
		begun          int // of four
	}{
		{"there is time for all", 15 * time.Minute, time.Minute, 4},
		{"20 s are kept back", 5 * time.Minute, 95 * time.Second, 3},
		{"or a third of a short time", 30 * time.Second, 12 * time.Second, 2},
		{"the first is always begun", time.Minute, 55 * time.Second, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
				defer cancel()
				s := slow(tt.spend, nil)
				got, err := scoring(s, nil).Invoke(ctx, []byte(inSQS(inS3("a"), inS3("b"), inS3("c"), inS3("d"))))
				if err != nil {
					t.Fatal(err)
				}
				ids := []string{"a", "b", "c", "d"}
				want := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
				for _, id := range ids[tt.begun:] {
					want.BatchItemFailures = append(want.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: id})
				}
				text, err := json.Marshal(want)
				if err != nil {
					t.Fatal(err)
				}
				if string(got) != string(text) || len(s.asked) != tt.begun {
					t.Errorf("got %s after %q, want %s", got, s.asked, text)
				}
			})
		})
	}
}

func TestWhatIsNotBegunIsToBeTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := scoring(slow(50*time.Second, nil), nil).Invoke(ctx, []byte(inS3("a", "b")))
		failure(t, err, "NotBegun", "s3://inbox/b", helps)
	})
}

// Behind others an object has less than the time of an invocation; alone it may do.
func TestTooSlowBehindOthersIsWorthAnotherTry(t *testing.T) {
	s := failing(map[string]error{"x": batch.ErrTooSlow})
	_, err := scoring(s, nil).Invoke(t.Context(), []byte(inS3("a", "x")))
	failure(t, err, "TooSlow", helps)
	_, err = scoring(s, nil).Invoke(t.Context(), []byte(inS3("x", "a")))
	failure(t, err, "TooSlow", useless)
}
