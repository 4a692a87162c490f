package test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"

	"github.com/tensorlambda/tensorlambda/internal/runtimeapi"
)

// mapping is an event source mapping as Lambda has: one poller receives messages and
// hands them, several in an event, to execution environments that work side by side.
// Messages that succeeded are deleted; those that failed come again when they become
// visible.
type mapping struct {
	t          *testing.T
	q          *queue
	visibility time.Duration // whole seconds
	most       int           // messages of an event
	copies     bool          // each message comes twice, both at about the same time
	deadline   time.Duration // of an invocation

	sandboxes []*sandbox
	under     atomic.Int64 // events that are waiting or under way
	several   atomic.Int64 // events of more than one message
}

// copied marks the second of two messages, which is not copied again.
const copied = "copied"

var errNotDrained = errors.New("messages are left when the patience is over")

// drain delivers messages until none is left, neither in the queue nor under way.
func (m *mapping) drain() {
	m.t.Helper()
	ctx, cancel := context.WithTimeoutCause(m.t.Context(), patience, errNotDrained)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	events := make(chan []types.Message)
	group.Go(func() error {
		defer close(events)
		return m.receive(ctx, events)
	})
	for _, s := range m.sandboxes {
		group.Go(func() error {
			for messages := range events {
				err := s.deliver(ctx, messages)
				m.under.Add(-1)
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		m.t.Fatalf("%v (%v)", err, context.Cause(ctx))
	}
}

// receive puts messages into events, in any order.
func (m *mapping) receive(ctx context.Context, events chan<- []types.Message) error {
	for {
		out, err := m.q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &m.q.url, MaxNumberOfMessages: 10, WaitTimeSeconds: 1,
			VisibilityTimeout: int32(m.visibility.Seconds()), MessageAttributeNames: []string{copied},
		})
		if err != nil {
			return fmt.Errorf("receive: %w", err)
		}
		if len(out.Messages) == 0 {
			if done, err := m.drained(ctx); done || err != nil {
				return err
			}
			continue
		}
		if err := m.copyAll(ctx, out.Messages); err != nil {
			return err
		}
		rand.Shuffle(len(out.Messages), func(a, b int) { out.Messages[a], out.Messages[b] = out.Messages[b], out.Messages[a] })
		for event := range slices.Chunk(out.Messages, 1+rand.IntN(m.most)) {
			if len(event) > 1 {
				m.several.Add(1)
			}
			m.under.Add(1)
			select {
			case events <- event:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
}

// drained reports whether nothing is left to do. Whoever is at work may still send
// something, so the queue is looked at last.
func (m *mapping) drained(ctx context.Context) (bool, error) {
	if m.under.Load() > 0 {
		return false, nil
	}
	n, err := m.q.count(ctx, m.q.url)
	return n == 0, err
}

// count is how many messages a queue has, visible or not.
func (q *queue) count(ctx context.Context, url string) (n int, err error) {
	out, err := q.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	}})
	if err != nil {
		return 0, fmt.Errorf("count messages: %w", err)
	}
	for name, text := range out.Attributes {
		some, err := strconv.Atoi(text)
		if err != nil {
			return 0, fmt.Errorf("attribute %s: %w", name, err)
		}
		n += some
	}
	return n, nil
}

// giveUpAfter sets how often a message is delivered before it is a dead letter.
func (m *mapping) giveUpAfter(deliveries int) {
	m.t.Helper()
	name := types.QueueAttributeNameQueueArn
	dead, err := m.q.client.GetQueueAttributes(m.t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &m.q.dead, AttributeNames: []types.QueueAttributeName{name}})
	if err != nil {
		m.t.Fatal(err)
	}
	policy := fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, dead.Attributes[string(name)], deliveries)
	_, err = m.q.client.SetQueueAttributes(m.t.Context(), &sqs.SetQueueAttributesInput{
		QueueUrl: &m.q.url, Attributes: map[string]string{string(types.QueueAttributeNameRedrivePolicy): policy},
	})
	if err != nil {
		m.t.Fatal(err)
	}
}

// copyAll sends those messages once more that have not been.
func (m *mapping) copyAll(ctx context.Context, messages []types.Message) error {
	if !m.copies {
		return nil
	}
	for _, message := range messages {
		if _, is := message.MessageAttributes[copied]; is {
			continue
		}
		_, err := m.q.client.SendMessage(ctx, &sqs.SendMessageInput{
			QueueUrl: &m.q.url, MessageBody: message.Body,
			MessageAttributes: map[string]types.MessageAttributeValue{copied: {DataType: aws.String("String"), StringValue: aws.String("yes")}},
		})
		if err != nil {
			return fmt.Errorf("send a copy: %w", err)
		}
	}
	return nil
}

// deliver hands an event to the function and deletes the messages that succeeded: none
// where the invocation failed or its process died.
func (s *sandbox) deliver(ctx context.Context, messages []types.Message) error {
	var bodies []string
	for _, message := range messages {
		bodies = append(bodies, aws.ToString(message.Body))
	}
	result, err := s.invoke(ctx, sqsEvent(bodies...))
	switch {
	case errors.Is(err, runtimeapi.ErrExited):
		return s.start(ctx)
	case errors.Is(err, runtimeapi.ErrTimedOut): // Lambda kills it, and the messages come back
		return errors.Join(s.kill(), s.start(ctx))
	case err != nil:
		return err
	case result.ErrorType != "":
		return nil
	}
	var reply struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	if err := json.Unmarshal(result.Body, &reply); err != nil {
		return fmt.Errorf("reply %q: %w", result.Body, err)
	}
	failed := map[string]bool{}
	for _, f := range reply.BatchItemFailures {
		failed[f.ItemIdentifier] = true
	}
	for i, message := range messages {
		if failed[strconv.Itoa(i)] {
			continue
		}
		_, err := s.m.q.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &s.m.q.url, ReceiptHandle: message.ReceiptHandle})
		if err != nil {
			return fmt.Errorf("delete: %w", err)
		}
	}
	return nil
}
