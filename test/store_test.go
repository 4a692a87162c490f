package test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

var prefixes atomic.Int64

// newPrefix is a prefix of the bucket that nobody else uses.
func newPrefix() string { return fmt.Sprintf("%03d", prefixes.Add(1)) }

// put stores an object under a prefix of its own and returns its URI.
func put(t *testing.T, name string, content []byte) string {
	t.Helper()
	key := path.Join(newPrefix(), name)
	putKey(t, key, content)
	return "s3://" + bucket + "/" + key
}

// putAll stores files under a prefix that ends in the given name and returns the
// URI of that.
func putAll(t *testing.T, name string, files []member) string {
	t.Helper()
	key := path.Join(newPrefix(), name)
	for _, f := range files {
		if !f.folder {
			putKey(t, path.Join(key, f.name), f.content)
		}
	}
	return "s3://" + bucket + "/" + key + "/"
}

func putKey(t *testing.T, key string, content []byte) {
	t.Helper()
	_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String(key), Body: bytes.NewReader(content)})
	if err != nil {
		t.Fatal(err)
	}
}

const digitsFolder = "../models/digits"

// digitsInStore is the demo model as an object that all tests share.
var digitsInStore = sync.OnceValues(func() (string, error) { return storeOnce("digits.tar.gz") })

// graphInStore is the same model, frozen.
var graphInStore = sync.OnceValues(func() (string, error) { return storeOnce("digits.pb") })

func storeOnce(name string) (string, error) {
	content, err := os.ReadFile(filepath.Join(digitsFolder, name))
	if err != nil {
		return "", err
	}
	_, err = client.PutObject(context.Background(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String(name), Body: bytes.NewReader(content)})
	return "s3://" + bucket + "/" + name, err
}

// uri is the URI of a model that was stored once.
func uri(t *testing.T, stored func() (string, error)) string {
	t.Helper()
	u, err := stored()
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// absolute is a path under this folder as the program must be told it.
func absolute(t *testing.T, name string) string {
	t.Helper()
	abs, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// filesBelow are the names of the files below a folder that hold anything, but
// for locks.
func filesBelow(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Size() > 0 {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
