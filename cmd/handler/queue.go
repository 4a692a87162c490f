package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go/middleware"
	smithytime "github.com/aws/smithy-go/time"

	"github.com/tensorlambda/tensorlambda/internal/batch"
)

const (
	// maxEntries is how many messages SQS takes at once. Their size needs no care:
	// a task is a URI and a few numbers, and SQS takes 1 MiB.
	maxEntries = 10
	// sendTries is how often a message is sent that SQS did not take although it
	// answered. A call without an answer is the SDK's to repeat.
	sendTries   = 5
	firstPause  = 100 * time.Millisecond
	callTimeout = 10 * time.Second // a connection that was frozen with its environment is dead without saying so
)

// queue sends tasks to SQS. It is safe for concurrent use.
type queue struct {
	client *sqs.Client
	url    string
}

var _ batch.Queue = (*queue)(nil)

// newQueue makes a queue. endpoint, where set, is that of another server than the
// address names; calls is what the client does beside its calls. It opens no connection.
// Any error is a fault of the settings.
func newQueue(ctx context.Context, address queueAddress, endpoint string, calls ...func(*middleware.Stack) error) (*queue, error) {
	options := []func(*awsconfig.LoadOptions) error{
		awsconfig.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(callTimeout)),
	}
	if address.region != "" {
		options = append(options, awsconfig.WithRegion(address.region))
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("load AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return nil, errors.New("AWS_REGION: not set: it says in which region the queue of BATCH_QUEUE_URL is")
	}
	if endpoint == "" {
		endpoint = address.endpoint
	}
	client := sqs.NewFromConfig(cfg, func(o *sqs.Options) {
		o.APIOptions = append(o.APIOptions, calls...)
		if endpoint != "" {
			o.BaseEndpoint = aws.String(endpoint)
		}
	})
	return &queue{client, address.url}, nil
}

// Send returns when all tasks are in the queue. Where it fails some of them may be.
func (q *queue) Send(ctx context.Context, tasks []batch.Task) error {
	for chunk := range slices.Chunk(tasks, maxEntries) {
		if err := q.sendChunk(ctx, chunk); err != nil {
			return fmt.Errorf("send to queue %s: %w", q.url, err)
		}
	}
	return nil
}

// sendChunk sends what fits into one call, and again what SQS did not take.
func (q *queue) sendChunk(ctx context.Context, tasks []batch.Task) error {
	entries, err := encodeTasks(tasks)
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		out, err := q.client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &q.url, Entries: entries})
		if err != nil {
			return err
		}
		if len(out.Failed) == 0 {
			return nil
		}
		if refused := findRefused(out.Failed); refused != nil || try == sendTries {
			return notTaken(out.Failed, refused)
		}
		entries = slices.DeleteFunc(entries, func(e types.SendMessageBatchRequestEntry) bool {
			return !slices.ContainsFunc(out.Failed, func(f types.BatchResultErrorEntry) bool { return aws.ToString(f.Id) == aws.ToString(e.Id) })
		})
		if err := smithytime.SleepWithContext(ctx, firstPause<<(try-1)); err != nil {
			return err
		}
	}
}

func encodeTasks(tasks []batch.Task) ([]types.SendMessageBatchRequestEntry, error) {
	entries := make([]types.SendMessageBatchRequestEntry, len(tasks))
	for i, t := range tasks {
		body, err := json.Marshal(t)
		if err != nil {
			return nil, err
		}
		entries[i] = types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(string(body))}
	}
	return entries, nil
}

// findRefused is the first message that SQS will never take, nil where there is none.
func findRefused(failed []types.BatchResultErrorEntry) *types.BatchResultErrorEntry {
	if i := slices.IndexFunc(failed, func(f types.BatchResultErrorEntry) bool { return f.SenderFault }); i >= 0 {
		return &failed[i]
	}
	return nil
}

func notTaken(failed []types.BatchResultErrorEntry, refused *types.BatchResultErrorEntry) error {
	if refused == nil {
		refused = &failed[0]
	}
	return fmt.Errorf("%d messages were not taken, the first because of %s: %s", len(failed), aws.ToString(refused.Code), aws.ToString(refused.Message))
}
