package motoserver_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/tensorlambda/tensorlambda/internal/motoserver"
)

// What jobs with shards rely on: a message that was taken and not deleted comes
// again, counted, and after too many times goes to the dead letters.
func TestAMessageComesAgainAndEndsWithTheDeadLetters(t *testing.T) {
	q := newClient(start(t))
	dead := q.create(t, "dead", nil)
	arn, err := q.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &dead, AttributeNames: []types.QueueAttributeName{"QueueArn"}})
	if err != nil {
		t.Fatal(err)
	}
	shards := q.create(t, "shards", map[string]string{
		"VisibilityTimeout": "0", // comes again at once
		"RedrivePolicy":     `{"maxReceiveCount":"2","deadLetterTargetArn":"` + arn.Attributes["QueueArn"] + `"}`,
	})
	if _, err := q.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &shards, MessageBody: aws.String("one")}); err != nil {
		t.Fatal(err)
	}
	for _, count := range []string{"1", "2"} {
		m := q.receive(t, shards)
		if len(m) != 1 || *m[0].Body != "one" || m[0].Attributes["ApproximateReceiveCount"] != count {
			t.Fatalf("received %+v, want the message with count %s", m, count)
		}
	}
	if m := q.receive(t, shards); len(m) != 0 {
		t.Errorf("received %+v again, want it with the dead letters", m)
	}
	if m := q.receive(t, dead); len(m) != 1 || *m[0].Body != "one" {
		t.Errorf("the dead letters are %+v, want the message", m)
	}
}

func TestServersAreApartAndEnd(t *testing.T) {
	a, b := start(t), start(t)
	newClient(a).create(t, "only-in-a", nil)
	queues, err := newClient(b).ListQueues(t.Context(), &sqs.ListQueuesInput{})
	if err != nil || len(queues.QueueUrls) != 0 {
		t.Errorf("the other server has queues %q (%v)", queues.QueueUrls, err)
	}
	for range 2 { // a second Close does nothing
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.Endpoint(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if response, err := http.DefaultClient.Do(request); err == nil {
		response.Body.Close()
		t.Error("the server still answers after Close")
	}
}

func TestEnvNamesWhatTheSDKReads(t *testing.T) {
	s := start(t)
	want := []string{"AWS_ENDPOINT_URL_SQS=" + s.Endpoint(), "AWS_REGION=us-east-1"}
	if got := s.Env(); !slices.Equal(got, want) {
		t.Errorf("Env() = %q, want %q", got, want)
	}
}

func TestStartFailures(t *testing.T) {
	t.Run("a Python without moto: its own words are in the error", func(t *testing.T) {
		script := filepath.Join(t.TempDir(), "python")
		if err := os.WriteFile(script, []byte("#!/bin/sh\necho No module named moto >&2\nexit 1\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		_, err := motoserver.Start(t.Context(), motoserver.Options{Python: script})
		if err == nil || !strings.Contains(err.Error(), "No module named moto") {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("no Python: the error says how to get it", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module m\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Chdir(dir)
		_, err := motoserver.Start(t.Context(), motoserver.Options{})
		if !errors.Is(err, motoserver.ErrMissing) || !strings.Contains(err.Error(), "make check") {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("the caller gives up", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := motoserver.Start(ctx, motoserver.Options{}); !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v, want %v", err, context.Canceled)
		}
	})
}

func start(t *testing.T) *motoserver.Server {
	t.Helper()
	s, err := motoserver.Start(t.Context(), motoserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// client makes and reads queues.
type client struct{ *sqs.Client }

func newClient(s *motoserver.Server) client {
	return client{sqs.New(sqs.Options{
		Region: motoserver.Region, BaseEndpoint: aws.String(s.Endpoint()),
		Credentials: credentials.NewStaticCredentialsProvider("any", "any", ""),
	})}
}

func (c client) create(t *testing.T, name string, attributes map[string]string) (url string) {
	t.Helper()
	out, err := c.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		t.Fatal(err)
	}
	return *out.QueueUrl
}

func (c client) receive(t *testing.T, url string) []types.Message {
	t.Helper()
	out, err := c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 10,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"ApproximateReceiveCount"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Messages
}
