package main

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/event"
	"github.com/tensorlambda/tensorlambda/internal/rows"
)

// setup is lambdaSetup for settings over those that every case has.
func setup(t *testing.T, settings map[string]string) (lambdaSettings, error) {
	t.Helper()
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_DEFAULT_REGION", "")
	t.Setenv("AWS_REGION", settings["AWS_REGION"]) // the SDK reads it itself
	all := map[string]string{"MODEL_URI": "/models/digits.pb"}
	maps.Copy(all, settings)
	return lambdaSetup(t.Context(), environmentOf(all))
}

func TestAFunctionIsSetUpForBatchScoring(t *testing.T) {
	set, err := setup(t, map[string]string{
		"AWS_REGION": "eu-central-1", "OUTPUT_URI": "s3://outbox/answers", "OUTPUT_FORMAT": "parquet", "OUTPUT_JOIN": "1",
		"BATCH_ROWS": "10", "BATCH_SHARD_BYTES": "11", "MAX_LINE_BYTES": "12", "MAX_TENSOR_BYTES": "13", "MAX_JSON_DEPTH": "14", "MAX_INFLATE_RATIO": "15",
		"BATCH_QUEUE_URL": "https://sqs.us-west-2.amazonaws.com/123456789012/shards", "EVENT_SOURCES": "s3,sqs",
	})
	if err != nil {
		t.Fatal(err)
	}
	b := set.batch
	if b.Output != (blob.URI{Scheme: "s3", Bucket: "outbox", Key: "answers/"}) || b.Format != rows.Parquet || !b.Join || b.ShardBytes != 11 || b.Model == nil {
		t.Errorf("%+v", b)
	}
	if want := (rows.Limits{BlockRows: 10, MaxLine: 12, MaxTensor: 13, MaxDepth: 14, MaxRatio: 15}); b.Limits != want {
		t.Errorf("limits %+v, want %+v", b.Limits, want)
	}
	if b.Store.S3 == nil || b.Store.Files != nil {
		t.Error("events must have S3, and must not have the files of the machine")
	}
	q, ok := b.Queue.(*queue)
	if !ok || q.client.Options().Region != "us-west-2" || q.client.Options().BaseEndpoint != nil {
		t.Errorf("the queue is %+v, want one of AWS in the region of its URL", b.Queue)
	}
	if len(set.cfg.Sources) != 2 || set.cfg.Sources[0] != event.ClassS3 {
		t.Errorf("sources %v", set.cfg.Sources)
	}
}

// Without settings for batches a function has no need of S3, a queue or a region.
func TestAFunctionWithoutBatchScoring(t *testing.T) {
	set, err := setup(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	if set.batch.Queue != nil || set.batch.Store.S3 != nil || set.batch.Output != (blob.URI{}) {
		t.Errorf("%+v", set.batch)
	}
}

func TestTheEndpointOfTheQueue(t *testing.T) {
	for _, c := range []struct{ url, setting, want string }{
		{"http://127.0.0.1:9324/0/q", "", "http://127.0.0.1:9324"},
		{"http://127.0.0.1:9324/0/q", "http://127.0.0.1:5000", "http://127.0.0.1:5000"},
		{"https://sqs.eu-west-1.amazonaws.com/0/q", "http://127.0.0.1:5000", "http://127.0.0.1:5000"},
	} {
		set, err := setup(t, map[string]string{"AWS_REGION": "us-east-1", "BATCH_QUEUE_URL": c.url, "AWS_ENDPOINT_URL_SQS": c.setting})
		if err != nil {
			t.Fatal(err)
		}
		if got := set.batch.Queue.(*queue).client.Options().BaseEndpoint; got == nil || *got != c.want {
			t.Errorf("%s with %q: endpoint %v, want %s", c.url, c.setting, got, c.want)
		}
	}
}

func TestAFunctionThatCannotBeSetUp(t *testing.T) {
	for _, c := range []struct {
		settings map[string]string
		parts    []string
	}{
		{map[string]string{"MODEL_URI": "", "OUTPUT_URI": "out/", "BATCH_ROWS": "0"}, []string{"MODEL_URI: not set", "OUTPUT_URI: ", "BATCH_ROWS: "}},
		{map[string]string{"OUTPUT_URI": "s3://outbox/"}, []string{"AWS_REGION", "s3://outbox/"}},
		{map[string]string{"MODEL_URI": "s3://models/digits.pb"}, []string{"AWS_REGION", "s3://models/digits.pb"}},
		{map[string]string{"BATCH_QUEUE_URL": "http://127.0.0.1:9324/0/q"}, []string{"AWS_REGION", "BATCH_QUEUE_URL"}},
	} {
		_, err := setup(t, c.settings)
		for _, part := range c.parts {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%v: error is %v, want %q in it", c.settings, err, part)
			}
		}
	}
}

// Whatever shapes answers changes the text that is part of an output's identity.
func TestAnswersDependOnTheirSettings(t *testing.T) {
	seen := map[string]string{}
	for _, settings := range []map[string]string{
		nil,
		{"MODEL_SIGNATURE": "a"},
		{"MODEL_TAGS": "a"},
		{"MODEL_TAGS": "serve,a"},
		{"MODEL_INPUTS": "a=b"},
		{"MODEL_OUTPUTS": "a=b"},
		{"IMAGE_SCALE": "-1..1"},
		{"MAX_LINE_BYTES": "64"},
		{"MAX_JSON_DEPTH": "65"},
	} {
		cfg, err := readConfig(environmentOf(settings))
		if err != nil {
			t.Fatal(err)
		}
		text := answerSettings(cfg)
		if other, ok := seen[text]; ok {
			t.Errorf("%v and %s have the same text %q", settings, other, text)
		}
		seen[text] = fmt.Sprint(settings)
	}
	same, err := readConfig(environmentOf(map[string]string{"IMAGE_SCALE": "0..1", "MAX_TENSOR_BYTES": "1000", "BATCH_ROWS": "7"}))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := seen[answerSettings(same)]; !ok {
		t.Errorf("%q: a default that is named, memory and the size of blocks do not shape answers", answerSettings(same))
	}
}
