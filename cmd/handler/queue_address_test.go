package main

import (
	"strings"
	"testing"
)

func TestQueueURLSaysRegionAndServer(t *testing.T) {
	for _, c := range []struct{ url, region, endpoint string }{
		{"https://sqs.us-east-1.amazonaws.com/123456789012/shards", "us-east-1", ""},
		{"https://sqs.us-gov-west-1.amazonaws.com/123456789012/shards", "us-gov-west-1", ""},
		{"https://sqs.cn-north-1.amazonaws.com.cn/123456789012/shards", "cn-north-1", ""},
		{"https://eu-west-1.queue.amazonaws.com/123456789012/shards", "eu-west-1", ""},
		{"https://sqs-fips.us-west-2.amazonaws.com/123456789012/shards", "us-west-2", "https://sqs-fips.us-west-2.amazonaws.com"},
		{"https://sqs.eu-central-1.api.aws/123456789012/shards", "eu-central-1", "https://sqs.eu-central-1.api.aws"},
		{"https://vpce-0a1-b2c.sqs.ap-southeast-2.vpce.amazonaws.com/123456789012/shards", "ap-southeast-2", "https://vpce-0a1-b2c.sqs.ap-southeast-2.vpce.amazonaws.com"},
		{"http://127.0.0.1:9324/000000000000/shards", "", "http://127.0.0.1:9324"},
		{"http://sqs.us-east-1.localhost:4566/000000000000/shards", "", "http://sqs.us-east-1.localhost:4566"},
	} {
		got, err := parseQueueURL(c.url)
		if want := (queueAddress{c.url, c.region, c.endpoint}); err != nil || got != want {
			t.Errorf("%s: got %+v (%v), want %+v", c.url, got, err, want)
		}
	}
}

func TestWhatIsNoQueue(t *testing.T) {
	for url, reason := range map[string]string{
		"shards":                                   "is not the URL of a queue",
		"arn:aws:sqs:us-east-1:123456789012:q":     "is not the URL of a queue",
		"https://sqs.us-east-1.amazonaws.com/":     "is not the URL of a queue",
		"https:///123456789012/q":                  "is not the URL of a queue",
		"s3://queues/q":                            "is not the URL of a queue",
		"http://h/1/q?Action=PurgeQueue":           "a host and a path only",
		"http://key:secret@h/1/q":                  "a host and a path only",
		"http://h/1/q#x":                           "a host and a path only",
		"http://h/%zz":                             "not a URL",
		"https://sqs.a-b-1.amazonaws.com/1/q.fifo": "FIFO",
	} {
		got, err := parseQueueURL(url)
		if err == nil || !strings.Contains(err.Error(), reason) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %+v and error %v, want one with %q", url, got, err, reason)
		}
	}
}
