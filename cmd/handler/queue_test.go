package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/tensorlambda/tensorlambda/internal/batch"
	"github.com/tensorlambda/tensorlambda/internal/motoserver"
)

// sqsServer starts a queue server, with credentials for the process.
func sqsServer(t *testing.T) *motoserver.Server {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "any")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "any")
	t.Setenv("AWS_REGION", motoserver.Region)
	server, err := motoserver.Start(t.Context(), motoserver.Options{})
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

// testQueue is a queue as its reader sees it.
type testQueue struct {
	*testing.T
	client *sqs.Client
	url    string
}

func newTestQueue(t *testing.T, server *motoserver.Server) testQueue {
	t.Helper()
	q := testQueue{T: t, client: sqs.New(sqs.Options{
		Region: motoserver.Region, BaseEndpoint: aws.String(server.Endpoint()),
		Credentials: credentials.NewStaticCredentialsProvider("any", "any", ""),
	})}
	out, err := q.client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("shards")})
	if err != nil {
		t.Fatal(err)
	}
	q.url = *out.QueueUrl
	return q
}

// bodies is what lies in the queue, sorted.
func (q testQueue) bodies() (bodies []string) {
	q.Helper()
	for {
		out, err := q.client.ReceiveMessage(q.Context(), &sqs.ReceiveMessageInput{QueueUrl: &q.url, MaxNumberOfMessages: 10})
		if err != nil {
			q.Fatal(err)
		}
		if len(out.Messages) == 0 {
			slices.Sort(bodies)
			return bodies
		}
		for _, m := range out.Messages {
			bodies = append(bodies, *m.Body)
		}
	}
}

// sender is the queue as the program sees it, through endpoint.
func (q testQueue) sender(endpoint string) *queue {
	q.Helper()
	address, err := parseQueueURL(q.url)
	if err != nil {
		q.Fatal(err)
	}
	sender, err := newQueue(q.Context(), address, endpoint)
	if err != nil {
		q.Fatal(err)
	}
	return sender
}

const planURI = "s3://outbox/day/ä \"b\".jsonl.parts/_PLAN.json"

// shardTasks are n tasks, and the messages that they are, sorted.
func shardTasks(n int) (tasks []batch.Task, messages []string) {
	for i := range n {
		tasks = append(tasks, batch.Task{Task: "shard", Plan: planURI, Index: i})
		messages = append(messages, fmt.Sprintf(`{"task":"shard","plan":"s3://outbox/day/ä \"b\".jsonl.parts/_PLAN.json","index":%d,"hop":0}`, i))
	}
	slices.Sort(messages)
	return tasks, messages
}

func TestEveryTaskIsAMessage(t *testing.T) {
	server := sqsServer(t)
	for _, n := range []int{0, 1, 10, 11, 32} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			q := newTestQueue(t, server)
			tasks, want := shardTasks(n)
			if err := q.sender("").Send(t.Context(), tasks); err != nil {
				t.Fatal(err)
			}
			if got := q.bodies(); !slices.Equal(got, want) {
				t.Errorf("the queue holds %q, want %q", got, want)
			}
		})
	}
}

// refusing stands before a queue server and keeps back the message with index 3 of
// every call, as SQS does with single messages while it is overloaded.
type refusing struct {
	calls  int // that are treated so; the others pass
	sender bool
	server *httptest.Server

	mu   sync.Mutex
	sent []int // messages in each call
}

func newRefusing(t *testing.T, server *motoserver.Server, r *refusing) *refusing {
	t.Helper()
	target, err := url.Parse(server.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if err := r.answer(w, request, proxy); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(r.server.Close)
	return r
}

// entry is a message of a call.
type entry struct{ ID, MessageBody string }

func (r *refusing) answer(w http.ResponseWriter, request *http.Request, next http.Handler) error {
	var call struct {
		Entries  []json.RawMessage
		QueueUrl string
	}
	if err := json.NewDecoder(request.Body).Decode(&call); err != nil {
		return err
	}
	r.mu.Lock()
	r.sent = append(r.sent, len(call.Entries))
	refuse := len(r.sent) <= r.calls
	r.mu.Unlock()
	kept := ""
	if refuse {
		call.Entries = slices.DeleteFunc(call.Entries, func(raw json.RawMessage) bool {
			var e entry
			if json.Unmarshal(raw, &e) != nil || !strings.Contains(e.MessageBody, `"index":3,`) {
				return false
			}
			kept = e.ID
			return true
		})
	}
	reply := map[string]json.RawMessage{"Successful": []byte(`[]`), "Failed": []byte(`[]`)}
	if len(call.Entries) > 0 {
		body, err := json.Marshal(call)
		if err != nil {
			return err
		}
		request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		passed := httptest.NewRecorder()
		next.ServeHTTP(passed, request)
		if err := json.Unmarshal(passed.Body.Bytes(), &reply); err != nil {
			return fmt.Errorf("%s: %w", passed.Body, err)
		}
	}
	if kept != "" {
		reply["Failed"] = fmt.Appendf(nil, `[{"Id":%q,"SenderFault":%t,"Code":"InternalError","Message":"no room for it"}]`, kept, r.sender)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	return json.NewEncoder(w).Encode(reply)
}

func TestMessagesThatWereNotTakenAreSentAgain(t *testing.T) {
	server := sqsServer(t)
	for _, c := range []struct {
		name   string
		calls  int
		sender bool
		sent   []int
		err    string
	}{
		{"once", 1, false, []int{5, 1}, ""},
		{"until the last try", 4, false, []int{5, 1, 1, 1, 1}, ""},
		{"always", 100, false, []int{5, 1, 1, 1, 1}, "no room for it"},
		{"for good", 100, true, []int{5}, "no room for it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := newTestQueue(t, server)
			r := newRefusing(t, server, &refusing{calls: c.calls, sender: c.sender})
			tasks, want := shardTasks(5)
			err := q.sender(r.server.URL).Send(t.Context(), tasks)
			if (err == nil) != (c.err == "") || err != nil && (!strings.Contains(err.Error(), c.err) || !strings.Contains(err.Error(), "/shards")) {
				t.Errorf("error is %v, want %q", err, c.err)
			}
			if !slices.Equal(r.sent, c.sent) {
				t.Errorf("calls with %d messages, want %d", r.sent, c.sent)
			}
			if c.err != "" {
				want = slices.DeleteFunc(want, func(m string) bool { return strings.Contains(m, `"index":3,`) })
			}
			if got := q.bodies(); !slices.Equal(got, want) {
				t.Errorf("the queue holds %q, want %q", got, want)
			}
		})
	}
}

func TestASendThatIsCalledOff(t *testing.T) {
	server := sqsServer(t)
	q := newTestQueue(t, server)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	tasks, _ := shardTasks(1)
	if err := q.sender("").Send(ctx, tasks); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want %v", err, context.Canceled)
	}
}

func TestAQueueThatIsNotThere(t *testing.T) {
	server := sqsServer(t)
	q := newTestQueue(t, server)
	q.url = strings.Replace(q.url, "/shards", "/nowhere", 1)
	tasks, _ := shardTasks(1)
	if err := q.sender("").Send(t.Context(), tasks); err == nil || !strings.Contains(err.Error(), "/nowhere") || !strings.Contains(err.Error(), "NonExistentQueue") {
		t.Errorf("error is %v", err)
	}
}
