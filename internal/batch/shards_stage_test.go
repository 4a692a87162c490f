package batch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
	"github.com/tensorlambda/tensorlambda/internal/versitygw"
)

// stage is an input in S3, a place for its answers, and a gate that all requests
// pass on their way.
type stage struct {
	*testing.T
	gate   *gate
	client *s3.Client // round the gate
	in     blob.URI
	out    blob.URI
	queue  *queue
}

// startServer starts an S3 server for a test and its subtests.
func startServer(t *testing.T) *versitygw.Server {
	t.Helper()
	server, err := versitygw.Start(t.Context(), versitygw.Options{Dir: t.TempDir(), Versioning: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

var stages atomic.Int64

const inputKey = "day/rows.jsonl"

func newStage(t *testing.T, server *versitygw.Server) *stage {
	t.Helper()
	n := stages.Add(1)
	st := &stage{T: t, gate: newGate(t, server.Endpoint()), queue: &queue{}}
	st.client = newTestClient(t, server, server.Endpoint())
	for _, bucket := range []string{fmt.Sprint("inbox-", n), fmt.Sprint("outbox-", n)} {
		if _, err := st.client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
			t.Fatal(err)
		}
	}
	st.in = blob.URI{Scheme: blob.S3Scheme, Bucket: fmt.Sprint("inbox-", n), Key: inputKey}
	st.out = blob.URI{Scheme: blob.S3Scheme, Bucket: fmt.Sprint("outbox-", n), Key: "answers/"}
	st.gate.client = newTestClient(t, server, st.gate.endpoint)
	return st
}

func newTestClient(t *testing.T, server *versitygw.Server, endpoint string) *s3.Client {
	t.Helper()
	client, err := blob.NewClient(t.Context(), blob.ClientOptions{
		Region: versitygw.Region, Endpoint: endpoint,
		AccessKeyID: server.Root().AccessKeyID, SecretAccessKey: server.Root().SecretAccessKey,
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// options are those of a function with one worker and blocks of one row, whose shards
// have ten rows of three digits and a line feed.
func (st *stage) options(m *scalar) Options {
	return Options{
		Store:  blob.Stores{S3: blob.NewS3(st.gate.client, blob.S3Options{})},
		Model:  func(context.Context) (*infer.Model, error) { return m.model(), nil },
		Output: st.out, ShardBytes: 40, Queue: st.queue, Workers: 1,
		Limits: rows.Limits{BlockRows: 1}, Logger: slog.New(slog.DiscardHandler),
	}
}

func (st *stage) scorer() *Scorer { return New(st.options(&scalar{})) }

// event is what S3 tells of the input, as version n of it.
func (st *stage) event(n int) Object {
	return Object{URI: st.in, Sequencer: fmt.Sprintf("%04X", n)}
}

// deliver delivers an event that must be taken.
func (st *stage) deliver(s *Scorer, n int) Report {
	st.Helper()
	r, err := s.Object(st.Context(), st.event(n))
	if err != nil {
		st.Fatal(err)
	}
	return r
}

// planURI is where the plan for the input belongs.
func (st *stage) planURI() blob.URI { return st.out.Join(inputKey + ".parts/_PLAN.json") }

// drain does the tasks of the queue until there are none. Tasks that fail come
// again, a few times.
func (st *stage) drain(s *Scorer) {
	st.Helper()
	for failures := 0; ; {
		task, ok := st.queue.take()
		if !ok {
			return
		}
		if err := st.do(s, task); err != nil {
			if failures++; Permanent(err) || failures == 5 {
				st.Fatalf("task %+v: %v", task, err)
			}
			st.queue.back(task)
		}
	}
}

// do does one task from the queue.
func (st *stage) do(s *Scorer, task Task) error {
	_, err := s.Task(st.Context(), asJSON(st.T, task), true)
	return err
}

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// shards does the tasks of whole shards.
func (st *stage) shards(list ...int) {
	st.Helper()
	for _, i := range list {
		if err := st.do(st.scorer(), st.task(i, 0)); err != nil {
			st.Fatal(err)
		}
	}
}

// task is the task for a hop of a shard.
func (st *stage) task(shard, hop int) Task {
	return Task{Task: "shard", Plan: st.planURI().String(), Index: shard, Hop: hop}
}

// beginShard does the first hop of a shard and leaves a rest.
func (st *stage) beginShard(shard int) {
	st.Helper()
	if err := st.hurry(st.Context(), st.task(shard, 0)); err != nil {
		st.Fatal(err)
	}
}

// hurry does a task in an invocation whose time is over when some rows have been read:
// the model does not answer before. On a machine that did not even come to the first
// row, it is given more time; nothing has been written then.
func (st *stage) hurry(ctx context.Context, task Task) error {
	for spell := 50 * time.Millisecond; ; spell *= 2 {
		until := time.Now().Add(spell)
		s := New(st.options(&scalar{before: func() error { time.Sleep(time.Until(until)); return nil }}))
		_, err := s.shard(ctx, task, true, until)
		if !errors.Is(err, errNoTime) {
			return err
		}
	}
}

func replaceOne(t *testing.T, text []byte, old, replacement string) []byte {
	t.Helper()
	if !bytes.Contains(text, []byte(old)) {
		t.Fatalf("%q is not in %s", old, text)
	}
	return bytes.Replace(text, []byte(old), []byte(replacement), 1)
}

func contains(err error, text string) bool { return err != nil && strings.Contains(err.Error(), text) }

// event1 delivers version 1 of the event in an invocation that may end.
func (st *stage) event1(ctx context.Context) error {
	_, err := st.scorer().Object(ctx, st.event(1))
	return err
}

// doAs does one task in an invocation that may end.
func (st *stage) doAs(ctx context.Context, task Task) error {
	_, err := st.scorer().Task(ctx, asJSON(st.T, task), true)
	return err
}
