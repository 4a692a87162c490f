package test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/tensorlambda/tensorlambda/internal/motoserver"
	"github.com/tensorlambda/tensorlambda/internal/runtimeapi"
)

// visibility is how long a message that was delivered stays hidden: longer than an
// invocation here, short enough to see dead ones come back.
const visibility = 4 * time.Second

// maxReceives is after how many deliveries a message is dead.
const maxReceives = 6

// queue is a queue with dead letters in a real queue server, and what Lambda has
// between a queue and a function: a poller that hands messages to function processes.
type queue struct {
	t         *testing.T
	server    *motoserver.Server
	client    *sqs.Client
	url, dead string

	settings []string
	deadline time.Duration // of an invocation

	mu        sync.Mutex
	functions []*runtimeapi.Process // each has one invocation at a time
	log       *journal
}

// newQueue starts a queue server with an empty queue.
func newQueue(t *testing.T) *queue {
	t.Helper()
	server, err := motoserver.Start(t.Context(), motoserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	q := &queue{t: t, server: server, deadline: patience, log: newJournal()}
	q.client = sqs.New(sqs.Options{
		Region: motoserver.Region, BaseEndpoint: aws.String(server.Endpoint()),
		Credentials: credentials.NewStaticCredentialsProvider("any", "any", ""),
	})
	q.dead = q.create("dead", nil)
	arn, err := q.client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &q.dead, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	})
	if err != nil {
		t.Fatal(err)
	}
	q.url = q.create("shards", map[string]string{
		"VisibilityTimeout": strconv.Itoa(int(visibility.Seconds())),
		"RedrivePolicy":     fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, arn.Attributes["QueueArn"], maxReceives),
	})
	return q
}

func (q *queue) create(name string, attributes map[string]string) string {
	q.t.Helper()
	out, err := q.client.CreateQueue(q.t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		q.t.Fatal(err)
	}
	return *out.QueueUrl
}

func (q *queue) send(body string) {
	q.t.Helper()
	if _, err := q.client.SendMessage(q.t.Context(), &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: &body}); err != nil {
		q.t.Fatal(err)
	}
}

// start starts functions with the queue and further settings.
func (q *queue) start(n int, settings ...string) {
	q.t.Helper()
	if err := makeBuckets(); err != nil {
		q.t.Fatal(err)
	}
	q.settings = append([]string{
		"MODEL_URI=" + absolute(q.t, "models/half_plus_two"), "OUTPUT_URI=s3://" + outbox + "/", "BATCH_QUEUE_URL=" + q.url,
	}, append(q.server.Env(), settings...)...)
	for range n {
		q.functions = append(q.functions, q.process())
	}
}

// process starts a function in an environment of its own.
func (q *queue) process() *runtimeapi.Process {
	env := append(environment(q.t), q.settings...)
	p, err := runtimeapi.StartProcess(context.WithoutCancel(q.t.Context()), bootstrap, env, q.log)
	if err != nil {
		q.t.Error(err)
		return nil
	}
	q.t.Cleanup(func() { _ = p.Close() }) // it may have been killed
	if err := p.AwaitReady(q.t.Context()); err != nil && !errors.Is(err, runtimeapi.ErrExited) {
		q.t.Error(err)
	}
	return p
}

// message is a delivery: what comes from the queue, or the copy of it that SQS may
// make.
type message struct {
	types.Message
	copy bool
}

// poll has every function take messages until done says so. Each message comes in
// an event of its own, some twice, and those of one receive in any order. A process
// that dies is replaced, and its message comes back when its time is over.
func (q *queue) poll(done func() bool) {
	q.t.Helper()
	ctx, cancel := context.WithTimeout(q.t.Context(), 2*patience)
	defer cancel()
	var pollers sync.WaitGroup
	for i := range q.functions {
		pollers.Go(func() {
			for ctx.Err() == nil {
				if err := q.deliver(ctx, i); err != nil && ctx.Err() == nil {
					q.t.Error(err)
					cancel()
				}
				if done() {
					cancel()
				}
			}
		})
	}
	pollers.Wait()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		q.t.Errorf("the job does not end; log of the functions:\n%.4000s", q.log)
	}
}

// deliver receives some messages and hands each to function i.
func (q *queue) deliver(ctx context.Context, i int) error {
	out, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &q.url, MaxNumberOfMessages: 2, WaitTimeSeconds: 1})
	if err != nil {
		return err
	}
	var messages []message
	for _, m := range out.Messages {
		messages = append(messages, message{m, false})
		if rand.N(4) == 0 {
			messages = append(messages, message{m, true})
		}
	}
	rand.Shuffle(len(messages), func(a, b int) { messages[a], messages[b] = messages[b], messages[a] })
	for _, m := range messages {
		if err := q.invoke(ctx, i, m); err != nil {
			return err
		}
	}
	return nil
}

// invoke hands a message to function i and deletes it where that succeeds.
func (q *queue) invoke(ctx context.Context, i int, m message) error {
	f := q.functions[i]
	alive, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-f.Exited(): // killed: there will be no answer
			stop()
		case <-alive.Done():
		}
	}()
	result, err := f.Invoke(alive, []byte(sqsEvent(*m.Body)), runtimeapi.Options{Deadline: time.Now().Add(q.deadline)})
	stop()
	<-ended
	select {
	case <-f.Exited(): // an answer is lost, if there was one
		next := q.process()
		q.mu.Lock()
		defer q.mu.Unlock()
		q.functions[i] = next
		return nil
	default:
	}
	if errors.Is(err, runtimeapi.ErrTimedOut) {
		return nil // the message comes back
	}
	if err != nil {
		return err
	}
	var reply struct{ BatchItemFailures []any }
	if result.ErrorType != "" || m.copy || json.Unmarshal(result.Body, &reply) != nil || len(reply.BatchItemFailures) > 0 {
		return nil
	}
	_, err = q.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &q.url, ReceiptHandle: m.ReceiptHandle})
	return err
}

// kill ends a function as Lambda ends an environment, without a word.
func (q *queue) kill(i int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := syscall.Kill(q.functions[i].PID(), syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		q.t.Error(err)
	}
}

// deadLetters is how many messages were given up.
func (q *queue) deadLetters() int {
	q.t.Helper()
	out, err := q.client.ReceiveMessage(q.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &q.dead, MaxNumberOfMessages: 10})
	if err != nil {
		q.t.Fatal(err)
	}
	return len(out.Messages)
}

// lines splits a text that ends in a line feed.
func lines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}
