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

// ErrNotS3 is returned for an event that S3 did not send.
var ErrNotS3 = errors.New("no event of S3 about an object")

// Object is what an event of S3 is about.
type Object struct{ Bucket, Key string }

// Deliver makes an S3 event true: it stores the content where the event's first record
// says that an object was put, and returns the event with the size and the ETag of that.
// `sam local generate-event` makes both up, and the function leaves alone what is not the
// object of its event.
func (s *Session) Deliver(ctx context.Context, event, content []byte) ([]byte, Object, error) {
	var message map[string][]map[string]any
	if err := json.Unmarshal(event, &message); err != nil || len(message["Records"]) == 0 {
		return nil, Object{}, ErrNotS3
	}
	record, _ := message["Records"][0]["s3"].(map[string]any)
	bucket, _ := record["bucket"].(map[string]any)
	object, _ := record["object"].(map[string]any)
	name, _ := bucket["name"].(string)
	encoded, _ := object["key"].(string)
	if name == "" || encoded == "" {
		return nil, Object{}, ErrNotS3
	}
	key, err := url.QueryUnescape(encoded)
	if err != nil {
		return nil, Object{}, fmt.Errorf("the key in the event: %w", err)
	}
	if err := s.S3.Put(ctx, name, key, content); err != nil {
		return nil, Object{}, err
	}
	sum := md5.Sum(content) // S3's ETag of what is put at once
	object["eTag"], object["size"] = hex.EncodeToString(sum[:]), len(content)
	event, err = json.Marshal(message)
	return event, Object{name, key}, err
}
