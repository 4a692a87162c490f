package samlocal_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/samlocal"
	"github.com/tensorlambda/tensorlambda/internal/versitygw"
)

func TestDeliver(t *testing.T) {
	server, err := versitygw.Start(t.Context(), versitygw.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	session := &samlocal.Session{S3: server}
	const event = `{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"inbox"},"object":{"key":"day+1/a%26b.jsonl","size":1024,"eTag":"made up","sequencer":"0A"}}}]}`
	got, object, err := session.Deliver(t.Context(), []byte(event), []byte("hello"))
	if err != nil {
		t.Fatal(err)
	}
	if want := (samlocal.Object{Bucket: "inbox", Key: "day 1/a&b.jsonl"}); object != want {
		t.Errorf("object is %q, want %q", object, want)
	}
	if content, err := server.Get(t.Context(), object.Bucket, object.Key); string(content) != "hello" {
		t.Errorf("stored %q (%v)", content, err)
	}
	var rest struct {
		Records []struct {
			EventName string
			S3        struct {
				Object struct {
					Key, ETag, Sequencer string
					Size                 int
				}
			}
		}
	}
	if err := json.Unmarshal(got, &rest); err != nil || len(rest.Records) != 1 {
		t.Fatalf("event %s: %v", got, err)
	}
	o := rest.Records[0].S3.Object
	const md5OfHello = "5d41402abc4b2a76b9719d911017c592" // as md5sum prints it
	if o.Key != "day+1/a%26b.jsonl" || o.ETag != md5OfHello || o.Size != 5 || o.Sequencer != "0A" || rest.Records[0].EventName != "ObjectCreated:Put" {
		t.Errorf("event %s", got)
	}
	for _, other := range []string{`{"version":"2.0","rawPath":"/"}`, `{"Records":[{"body":"x"}]}`, `{"Records":[]}`, `nonsense`} {
		if _, _, err := session.Deliver(t.Context(), []byte(other), nil); !errors.Is(err, samlocal.ErrNotS3) {
			t.Errorf("%s: error is %v", other, err)
		}
	}
}
