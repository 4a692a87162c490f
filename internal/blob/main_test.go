package blob_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/versitygw"
)

// gateway starts the S3 server of all tests of this package when the first one
// needs it. Each test has its own bucket on it.
var gateway = sync.OnceValues(func() (*versitygw.Server, error) {
	dir, err := os.MkdirTemp("", "blob-test-")
	if err != nil {
		return nil, err
	}
	s, err := versitygw.Start(context.Background(), versitygw.Options{Dir: dir, Versioning: true})
	stop = append(stop, func() error { return os.RemoveAll(dir) })
	if err == nil {
		stop = append(stop, s.Close)
	}
	return s, err
})

// stop is run backwards after the tests.
var stop []func() error

func TestMain(m *testing.M) {
	code := m.Run()
	for _, f := range slices.Backward(stop) {
		if err := f(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func server(tb testing.TB) *versitygw.Server {
	tb.Helper()
	s, err := gateway()
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func newClient(tb testing.TB, endpoint string, who versitygw.Credentials) *s3.Client {
	tb.Helper()
	client, err := blob.NewClient(tb.Context(), blob.ClientOptions{
		Region: versitygw.Region, Endpoint: endpoint,
		AccessKeyID: who.AccessKeyID, SecretAccessKey: who.SecretAccessKey,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return client
}

// bucket is a new bucket on the server and a client of its owner.
type bucket struct {
	name   string
	client *s3.Client
}

var buckets atomic.Int64

func newBucket(tb testing.TB) bucket {
	tb.Helper()
	b := bucket{name: fmt.Sprint("bucket-", buckets.Add(1)), client: newClient(tb, server(tb).Endpoint(), server(tb).Root())}
	if _, err := b.client.CreateBucket(tb.Context(), &s3.CreateBucketInput{Bucket: &b.name}); err != nil {
		tb.Fatal(err)
	}
	return b
}

func (b bucket) version(tb testing.TB) {
	tb.Helper()
	_, err := b.client.PutBucketVersioning(tb.Context(), &s3.PutBucketVersioningInput{
		Bucket:                  &b.name,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		tb.Fatal(err)
	}
}

func (b bucket) put(tb testing.TB, key string, data []byte) (versionID string) {
	tb.Helper()
	out, err := b.client.PutObject(tb.Context(), &s3.PutObjectInput{Bucket: &b.name, Key: &key, Body: bytes.NewReader(data)})
	if err != nil {
		tb.Fatal(err)
	}
	return aws.ToString(out.VersionId)
}

// putForeign puts an object as other programs do.
func (b bucket) putForeign(tb testing.TB, key, encoding string, metadata map[string]string) {
	tb.Helper()
	_, err := b.client.PutObject(tb.Context(), &s3.PutObjectInput{
		Bucket: &b.name, Key: &key, ContentEncoding: &encoding, Metadata: metadata, Body: strings.NewReader("x"),
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// wantNoUploads fails the test where a multipart upload was not ended.
func (b bucket) wantNoUploads(tb testing.TB) {
	tb.Helper()
	out, err := b.client.ListMultipartUploads(tb.Context(), &s3.ListMultipartUploadsInput{Bucket: &b.name})
	if err != nil {
		tb.Fatal(err)
	}
	for _, u := range out.Uploads {
		tb.Errorf("left behind: multipart upload of %s", aws.ToString(u.Key))
	}
}

func (b bucket) uri(key string) blob.URI {
	return blob.URI{Scheme: blob.S3Scheme, Bucket: b.name, Key: key}
}

// pattern is n bytes in which every place can be told from its neighbours.
func pattern(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i) ^ byte(i>>8)*31 ^ byte(i>>16)*17
	}
	return p
}
