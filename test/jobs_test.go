package test

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// success is the seal of a job.
type success struct {
	Input, InputVersion string
	Model               struct{ Name, Version string }
	Parts               []struct {
		Key          string
		Rows, Errors int64
	}
	Rows, Errors int64
}

// sealed is the seal of the job for an input, nil as long as there is none.
func sealed(t *testing.T, in object) *success {
	t.Helper()
	text, ok := readKey(t, outbox, in.key+".parts/_SUCCESS")
	if !ok {
		return nil
	}
	s := new(success)
	if err := json.Unmarshal([]byte(text), s); err != nil {
		t.Errorf("_SUCCESS %q: %v", text, err)
	}
	return s
}

// uploads are the multipart uploads under way below an input's outputs.
func uploads(t *testing.T, in object) int {
	t.Helper()
	list, err := client.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String(outbox), Prefix: &in.key})
	if err != nil {
		t.Fatal(err)
	}
	return len(list.Uploads)
}

// task does a task and reads its reply.
func task(t *testing.T, f *function, text string, reply any) {
	t.Helper()
	result := f.send(text)
	if err := json.Unmarshal(result.Body, reply); err != nil || result.ErrorType != "" {
		t.Fatalf("%s: %s %s %s", text, result.Body, result.ErrorType, result.ErrorMessage)
	}
}

// A shard that cannot end before the deadline of its invocation hands its rest on.
func TestDeadlineHandsTheRestOn(t *testing.T) {
	t.Parallel()
	m := newMapping(t)
	m.deadline = 2 * time.Second
	m.giveUpAfter(50) // how often a slow machine runs into the deadline is not the matter here
	for range 2 {
		m.sandbox("MODEL_URI="+absolute(t, "models/slow"), "BATCH_SHARD_BYTES=12000", "BATCH_ROWS=1")
	}
	m.startAll()
	// Each row counts to its number, in steps of about 5 µs: some ten seconds in all.
	var text strings.Builder
	var want []string
	for i := range 4000 {
		steps := 350 + i%100
		fmt.Fprintf(&text, "%d\n", steps)
		want = append(want, fmt.Sprintf(`{"prediction":%d}`, steps))
	}
	in := drop(t, "rows.jsonl", text.String())
	m.q.send(s3Event(in))
	m.drain()
	s := exactJob(t, in, want)
	hops := 0
	for _, part := range s.Parts {
		if strings.Contains(path.Base(part.Key), ".01-of-") {
			hops++
		}
	}
	if hops == 0 {
		t.Errorf("no shard handed a rest on: %+v", s.Parts)
	}
}
