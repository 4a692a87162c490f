package samlocal_test

import (
	"errors"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/samlocal"
	"github.com/tensorlambda/tensorlambda/internal/versitygw"
)

// What md5sum prints for hello, and for the body of the queue's message below.
const (
	md5OfHello = "5d41402abc4b2a76b9719d911017c592"
	md5OfBody  = "4c9ea6513364363751243a2e374f6b6e"
)

func TestDeliver(t *testing.T) {
	server, err := versitygw.Start(t.Context(), versitygw.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	session := &samlocal.Session{S3: server}
	// Members stand in the order in which encoding/json writes them.
	for _, tt := range []struct{ name, event, want, key string }{
		{
			"S3, whose keys are as in a query",
			`{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"inbox"},"object":{"eTag":"made up","key":"day+1/a%26b.jsonl","sequencer":"0A","size":1024}}}]}`,
			`{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"inbox"},"object":{"eTag":"` + md5OfHello + `","key":"day+1/a%26b.jsonl","sequencer":"0A","size":5}}}]}`,
			"day 1/a&b.jsonl",
		},
		{
			"EventBridge, whose keys are as they are",
			`{"detail":{"bucket":{"name":"inbox"},"object":{"etag":"made up","key":"a+b%20c.jsonl","size":1024}},"source":"aws.s3"}`,
			`{"detail":{"bucket":{"name":"inbox"},"object":{"etag":"` + md5OfHello + `","key":"a+b%20c.jsonl","size":5}},"source":"aws.s3"}`,
			"a+b%20c.jsonl",
		},
		{
			"a queue",
			`{"Records":[{"body":"{\"Records\":[{\"s3\":{\"bucket\":{\"name\":\"inbox\"},\"object\":{\"eTag\":\"\",\"key\":\"q\",\"size\":0}}}]}","md5OfBody":"","messageId":"m"}]}`,
			`{"Records":[{"body":"{\"Records\":[{\"s3\":{\"bucket\":{\"name\":\"inbox\"},\"object\":{\"eTag\":\"` + md5OfHello + `\",\"key\":\"q\",\"size\":5}}}]}","md5OfBody":"` + md5OfBody + `","messageId":"m"}]}`,
			"q",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, object, err := session.Deliver(t.Context(), []byte(tt.event), []byte("hello"))
			if err != nil || string(got) != tt.want || object != (samlocal.Object{Bucket: "inbox", Key: tt.key}) {
				t.Errorf("got  %s about %q (%v)\nwant %s about %q", got, object, err, tt.want, tt.key)
			}
			if content, err := server.Get(t.Context(), "inbox", tt.key); string(content) != "hello" {
				t.Errorf("stored %q (%v)", content, err)
			}
		})
	}
	for _, other := range []string{
		`{"version":"2.0","rawPath":"/"}`, `{"Records":[{"body":"x"}]}`, `{"Records":[{"body":"{}"}]}`, `{"Records":[7]}`,
		`{"Records":[]}`, `{"detail":{}}`, `[]`, `nonsense`,
	} {
		if _, _, err := session.Deliver(t.Context(), []byte(other), nil); !errors.Is(err, samlocal.ErrNotS3) {
			t.Errorf("%s: error is %v", other, err)
		}
	}
}
