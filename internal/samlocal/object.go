package samlocal

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
)

// ErrNotS3 is returned for an event that is about no object.
var ErrNotS3 = errors.New("no event about an object in S3")

// Object is what an event is about.
type Object struct{ Bucket, Key string }

// Deliver makes an event true that is about an object in S3, whether S3 sent it,
// EventBridge, or a queue that one of them feeds: it stores the content where the event's
// first record says that an object was put, and returns the event with the size and the
// ETag of that. `sam local generate-event` makes both up, and the function leaves alone
// what is not the object of its event.
func (s *Session) Deliver(ctx context.Context, event, content []byte) ([]byte, Object, error) {
	event, object, err := about(event, content)
	if err != nil {
		return nil, Object{}, err
	}
	return event, object, s.S3.Put(ctx, object.Bucket, object.Key, content)
}

// about is the event, had content been put into the object that it is about, and that.
func about(event, content []byte) ([]byte, Object, error) {
	var e map[string]any
	if json.Unmarshal(event, &e) != nil {
		return nil, Object{}, ErrNotS3
	}
	object, err := put(e, content)
	if err != nil {
		return nil, Object{}, err
	}
	event, err = json.Marshal(e)
	return event, object, err
}

// put changes an event into that of content having been put.
func put(event map[string]any, content []byte) (Object, error) {
	if detail := member(event, "detail"); detail != nil { // EventBridge's
		return describe(detail, "etag", func(key string) (string, error) { return key, nil }, content)
	}
	records, _ := event["Records"].([]any)
	if len(records) == 0 {
		return Object{}, ErrNotS3
	}
	first, _ := records[0].(map[string]any)
	if body, ok := first["body"].(string); ok { // a queue's
		inner, object, err := about([]byte(body), content)
		if err == nil {
			first["body"], first["md5OfBody"] = string(inner), sum(inner)
		}
		return object, err
	}
	return describe(member(first, "s3"), "eTag", url.QueryUnescape, content)
}

// describe writes what content is into the description of an object, and reads which one
// it is. The senders name the ETag differently, and write the key differently.
func describe(message map[string]any, etag string, decode func(string) (string, error), content []byte) (Object, error) {
	object := member(message, "object")
	bucket, _ := member(message, "bucket")["name"].(string)
	encoded, _ := object["key"].(string)
	if bucket == "" || encoded == "" {
		return Object{}, ErrNotS3
	}
	key, err := decode(encoded)
	if err != nil {
		return Object{}, fmt.Errorf("the key in the event: %w", err)
	}
	object[etag], object["size"] = sum(content), len(content)
	return Object{bucket, key}, nil
}

// member is an object within an object, nil where there is none.
func member(of map[string]any, name string) map[string]any {
	m, _ := of[name].(map[string]any)
	return m
}

// sum is S3's ETag of what is put at once, and SQS's checksum of a body.
func sum(content []byte) string {
	md := md5.Sum(content)
	return hex.EncodeToString(md[:])
}
