package event_test

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/tensorlambda/tensorlambda/internal/event"
)

// FuzzWork: whatever a payload holds, its work is objects with names, tasks or
// errors, each of which has its place in the report.
func FuzzWork(f *testing.F) {
	files, err := filepath.Glob(batchEvents + "*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("%d seeds: %v", len(files), err)
	}
	for _, file := range files {
		f.Add(load(f, file))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		e, err := event.Parse(payload)
		if err != nil {
			return
		}
		works, err := e.Work()
		if err != nil {
			if !errors.Is(err, event.ErrMalformed) {
				t.Errorf("error %v is not ErrMalformed", err)
			}
			return
		}
		done := make([]event.Done, len(works))
		for i, w := range works {
			done[i].Err = w.Err
			for _, o := range w.Objects {
				if o.Bucket == "" || o.Key == "" || strings.HasSuffix(o.Key, "/") {
					t.Errorf("object %+v", o)
				}
			}
			if w.Err != nil && !errors.Is(w.Err, event.ErrMalformed) {
				t.Errorf("error %v is not ErrMalformed", w.Err)
			}
		}
		reply, err := e.Report(done)
		if err != nil || !json.Valid(reply) {
			t.Fatalf("report %s: %v", reply, err)
		}
		if e.Source == event.SQS {
			checkFailures(t, reply, works)
		}
	})
}

// checkFailures reads a report as Lambda does.
func checkFailures(t *testing.T, reply []byte, works []event.Work) {
	t.Helper()
	var r events.SQSEventResponse
	if err := json.Unmarshal(reply, &r); err != nil {
		t.Fatal(err)
	}
	failed := 0
	for _, w := range works {
		if w.Err != nil {
			failed++
		}
		if w.ID == "" {
			t.Error("a message without an id")
		}
	}
	if len(r.BatchItemFailures) != failed {
		t.Errorf("%d failures are reported of %d", len(r.BatchItemFailures), failed)
	}
}

// Lambda takes 6 MB; what they hold must not decide how long it takes to read them.
func TestHostilePayloadsAreReadInTime(t *testing.T) {
	const size = 6 << 20
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	message := func(body string) string {
		return `{"Records":[{"eventSource":"aws:sqs","messageId":"a","body":"` + body + `"}]}`
	}
	for name, payload := range map[string]string{
		"a deep body":             message(fill("[")),
		"a deep object":           message(fill(`{\"Records\":`)),
		"many keys":               message("{" + fill(`\"a\":0,`) + `\"a\":0}`),
		"nothing but escapes":     message(fill(`\\`)),
		"a long key":              inS3(map[string]string{"s3": `{"bucket":{"name":"b"},"object":{"key":"` + fill("%41") + `"}}`}),
		"many records that fail":  `{"Records":[{"eventSource":"aws:s3"}` + fill(",{}") + `]}`,
		"wide records":            `{"Records":[{"eventSource":"aws:sqs","messageId":"a"` + fill(`},{"a":0,"b":0,"c":0,"messageId":"a"`) + `}]}`,
		"topics in topics":        message(fill(`{\"Type\":\"Notification\",\"Message\":`)),
		"a sequence of brackets":  message(fill(`]}`)),
		"messages without an end": message(fill(`{\"a\"`)),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			e, err := event.Parse([]byte(payload))
			if err != nil {
				t.Fatal(err)
			}
			works, err := e.Work()
			if err == nil && len(works) != 1 {
				t.Errorf("%d pieces of work", len(works))
			}
			if spent := time.Since(start); spent > 10*time.Second {
				t.Errorf("it takes %s", spent)
			}
		})
	}
}
