package event

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// objects reads an event about objects: from S3 itself, its test event, or from
// EventBridge.
func (e envelope) objects(source Source) Work {
	switch source {
	case S3:
		return s3Objects(e.top.member("Records"))
	case EventBridge:
		return eventBridgeObject(e.top.member("detail"))
	default: // S3 sends a test event when a notification is set up
		return Work{}
	}
}

// s3Objects reads the records of an S3 event. Those that cannot be understood do not
// keep the others from being scored.
func s3Objects(list value) Work {
	var w Work
	var faults []error
	n := 0
	err := records(list, func(record object) error {
		n++
		o, err := s3Object(record)
		switch {
		case err != nil:
			faults = append(faults, fmt.Errorf("record %d: %w", n, err))
		case o != Object{}:
			w.Objects = append(w.Objects, o)
		}
		return nil
	})
	if err != nil {
		faults = append(faults, err)
	}
	if len(faults) > 0 {
		w.Err = malformed("S3 event: %w", firstOf(faults))
	}
	return w
}

// firstOf is the first of several errors, and how many there are: each record of a
// large event could have one.
func firstOf(faults []error) error {
	if len(faults) == 1 {
		return faults[0]
	}
	return fmt.Errorf("%w, and %d more of the kind", faults[0], len(faults)-1)
}

// s3Object reads one record: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
// It is the zero Object where there is nothing to do.
func s3Object(record object) (Object, error) {
	if source := record.member("eventSource").text(); source != "aws:s3" {
		return Object{}, fmt.Errorf("it is from %.40q and not from S3", source)
	}
	version := record.member("eventVersion").text()
	if major, _, _ := strings.Cut(version, "."); major != "2" {
		return Object{}, fmt.Errorf("eventVersion %.40q: only versions 2.x are understood", version)
	}
	// Servers that stand in for S3 write s3: before the name, as their settings have it.
	name := strings.TrimPrefix(record.member("eventName").text(), "s3:")
	if !strings.HasPrefix(name, "ObjectCreated:") {
		return Object{}, nil
	}
	s3 := record.member("s3")
	o := s3.member("object")
	key, err := formDecoded(o.member("key"))
	if err != nil {
		return Object{}, err
	}
	return newObject(Object{
		Bucket:    s3.member("bucket").member("name").text(),
		Key:       key,
		VersionID: o.member("versionId").text(),
		ETag:      o.member("eTag").text(),
		Sequencer: o.member("sequencer").text(),
	})
}

// formDecoded is a key that is encoded like the field of a form.
func formDecoded(key value) (string, error) {
	text := key.text()
	decoded, err := url.QueryUnescape(text)
	if err != nil {
		return "", fmt.Errorf("key %.100q is not URL-encoded: %w", text, err)
	}
	return decoded, nil
}

// eventBridgeObject reads the detail of an Object Created event, whose key is as S3
// has it: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
func eventBridgeObject(detail value) Work {
	o := detail.member("object")
	return workOn(newObject(Object{
		Bucket:    detail.member("bucket").member("name").text(),
		Key:       o.member("key").text(),
		VersionID: o.member("version-id").text(),
		ETag:      o.member("etag").text(),
		Sequencer: o.member("sequencer").text(),
	}))
}

// workOn is the work for one object, which may be the zero Object.
func workOn(o Object, err error) Work {
	switch {
	case err != nil:
		return Work{Err: malformed("%w", err)}
	case o == Object{}:
		return Work{}
	default:
		return Work{Objects: []Object{o}}
	}
}

// S3's limits, in bytes. What is longer would stand in errors and logs as a whole.
const (
	maxBucket = 255
	maxKey    = 1024
)

// newObject checks o and makes it uniform. It is the zero Object for a key that ends
// in a slash: the empty object by which consoles show a folder.
func newObject(o Object) (Object, error) {
	switch {
	case o.Bucket == "":
		return Object{}, errors.New("an object without a bucket")
	case o.Key == "":
		return Object{}, errors.New("an object without a key")
	case len(o.Bucket) > maxBucket, len(o.Key) > maxKey:
		return Object{}, fmt.Errorf("a bucket of %d bytes with a key of %d: S3 has them up to %d and %d", len(o.Bucket), len(o.Key), maxBucket, maxKey)
	case strings.HasSuffix(o.Key, "/"):
		return Object{}, nil
	}
	o.ETag = strings.Trim(o.ETag, `"`)
	if o.VersionID == "null" {
		// Every object of a bucket without versions has this one, so that it tells
		// nothing: the ETag does.
		o.VersionID = ""
	}
	return o, nil
}
