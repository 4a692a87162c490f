package blob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/versitygw"
)

// impatient are options under which a test of broken connections takes
// milliseconds.
var impatient = blob.S3Options{PartSize: 100_000, Stall: 200 * time.Millisecond, Backoff: time.Millisecond}

func TestS3ReadsThroughBrokenConnections(t *testing.T) {
	const answer = 30_000 // bytes until it breaks: within each part
	for _, tt := range []struct {
		name string
		size int
		fate func(conn int) *fate
	}{
		{"a small object, cut once", 90_000, first(1, fate{after: answer, what: cut})},
		{"a small object, cut three times", 90_000, first(3, fate{after: answer / 2, what: cut})},
		{"a small object, reset", 90_000, first(1, fate{after: answer, what: reset})},
		{"a small object, stalled", 90_000, first(1, fate{after: answer, what: hang})},
		{"no answer at all", 90_000, first(1, fate{after: 0, what: hang})},
		{"cut within the headers", 90_000, first(1, fate{after: 20, what: cut})},
		{"many parts, each cut", 950_000, first(4, fate{after: answer, what: cut})},
		{"many parts, each stalled", 950_000, first(4, fate{after: answer, what: hang})},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBucket(t)
			want := pattern(tt.size)
			b.put(t, "object", want)
			o, err := blob.NewS3(b.client, impatient).Stat(t.Context(), b.uri("object"), "")
			if err != nil {
				t.Fatal(err)
			}
			for name, read := range readings {
				p := newProxy(t, tt.fate)
				s := blob.NewS3(newClient(t, p.endpoint(), server(t).Root()), impatient)
				got, err := read(t, s, o)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s: got %d of %d bytes, equal %t, error %v", name, len(got), len(want), bytes.Equal(got, want), err)
				}
				if p.connections() < 2 {
					t.Errorf("%s: nothing was broken: %d connections", name, p.connections())
				}
			}
		})
	}
}

func TestS3GivesUpOnAConnectionThatAlwaysBreaks(t *testing.T) {
	b := newBucket(t)
	for _, size := range []int{90_000, 950_000} {
		key := fmt.Sprint("object-", size)
		b.put(t, key, pattern(size))
		o, err := blob.NewS3(b.client, impatient).Stat(t.Context(), b.uri(key), "")
		if err != nil {
			t.Fatal(err)
		}
		for name, read := range readings {
			p := newProxy(t, func(int) *fate { return &fate{after: 10_000, what: cut} })
			_, err := read(t, blob.NewS3(newClient(t, p.endpoint(), server(t).Root()), impatient), o)
			if !errors.Is(err, blob.ErrTruncated) || errors.Is(err, io.EOF) {
				t.Fatalf("%s: error is %v, want ErrTruncated", name, err)
			}
			for _, want := range []string{o.URI.String(), fmt.Sprint("of ", size), "after 5 resumes"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%s: error %q does not say %q", name, err, want)
				}
			}
		}
	}
}

func TestS3NoticesDamage(t *testing.T) {
	b := newBucket(t)
	b.put(t, "object", pattern(5000))
	o, err := blob.NewS3(b.client, impatient).Stat(t.Context(), b.uri("object"), "")
	if err != nil {
		t.Fatal(err)
	}
	p := newProxy(t, first(1, fate{after: 3000, what: damage})) // behind the headers, within the body
	_, err = readOpened(t, blob.NewS3(newClient(t, p.endpoint(), server(t).Root()), impatient), o)
	if !errors.Is(err, blob.ErrTruncated) || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("error is %v, want ErrTruncated and damage", err)
	}
}

func TestS3ObjectReplacedBetweenParts(t *testing.T) {
	b := newBucket(t)
	b.put(t, "object", pattern(950_000))
	s := blob.NewS3(b.client, blob.S3Options{PartSize: 100_000, Concurrency: 1})
	o, err := s.Stat(t.Context(), b.uri("object"), "")
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.ReadFull(r, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	b.put(t, "object", bytes.Repeat([]byte("x"), 950_000))
	if _, err := io.Copy(io.Discard, r); !errors.Is(err, blob.ErrChanged) {
		t.Errorf("error is %v, want ErrChanged", err)
	}
}

func TestS3Versions(t *testing.T) {
	b := newBucket(t)
	b.version(t)
	old := b.put(t, "object", []byte("old"))
	b.put(t, "object", []byte("newer"))
	s := blob.NewS3(b.client, blob.S3Options{})
	for version, want := range map[string]string{"": "newer", old: "old"} {
		o, err := s.Stat(t.Context(), b.uri("object"), version)
		if err != nil {
			t.Fatal(err)
		}
		if o.VersionID == "" || o.Pinned != (version != "") {
			t.Errorf("Stat of version %q = %+v", version, o)
		}
		if got, err := readOpened(t, s, o); err != nil || string(got) != want {
			t.Errorf("version %q reads as %q, %v; want %q", version, got, err, want)
		}
	}
	if _, err := s.Stat(t.Context(), b.uri("object"), "01J0000000000000000000NONE"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("Stat of a version that never was: %v, want ErrNotFound", err)
	}
}

func TestS3ListsMoreThanOnePage(t *testing.T) {
	b := newBucket(t)
	var group errgroup.Group
	group.SetLimit(16)
	for i := range 1001 {
		group.Go(func() error {
			key := fmt.Sprintf("p/%04d", i)
			_, err := b.client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &b.name, Key: &key, Body: strings.NewReader("x")})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	b.put(t, "p/folder/", nil)
	objects, err := blob.NewS3(b.client, blob.S3Options{}).List(t.Context(), b.uri("p"))
	if err != nil {
		t.Fatal(err)
	}
	if len(objects) != 1001 || objects[1000].URI.Key != "p/1000" {
		t.Errorf("List = %d objects, want 1001 without the folder's key", len(objects))
	}
}

func TestS3Refusals(t *testing.T) {
	b := newBucket(t)
	b.put(t, "object", []byte("secret"))
	stranger, err := server(t).AddUser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	closed, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	own := blob.NewS3(b.client, blob.S3Options{})
	denied := blob.NewS3(newClient(t, server(t).Endpoint(), stranger), blob.S3Options{})
	wrongKey := versitygw.Credentials{AccessKeyID: server(t).Root().AccessKeyID, SecretAccessKey: "wrong"}
	noBucket := blob.URI{Scheme: "s3", Bucket: "no-such-bucket", Key: "object"}
	for _, tt := range []struct {
		name string
		s    *blob.S3
		u    blob.URI
		want error
		text []string
	}{
		{"missing key", own, b.uri("nothing"), blob.ErrNotFound, nil},
		{"missing bucket", own, noBucket, blob.ErrNotFound, nil},
		{"a stranger", denied, b.uri("object"), blob.ErrAccessDenied, []string{"s3:ListBucket"}},
		{"wrong secret", blob.NewS3(newClient(t, server(t).Endpoint(), wrongKey), blob.S3Options{}), b.uri("object"), blob.ErrAccessDenied, nil},
		{"nobody listens", blob.NewS3(newClient(t, nobody, stranger), blob.S3Options{}), b.uri("object"), blob.ErrUnavailable, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, statErr := tt.s.Stat(t.Context(), tt.u, "")
			_, readErr := readOpened(t, tt.s, blob.Object{URI: tt.u, Size: 6, ETag: `"etag"`})
			for call, err := range map[string]error{"stat": statErr, "get": readErr} {
				if !errors.Is(err, tt.want) || !strings.HasPrefix(err.Error(), call+" "+tt.u.String()) {
					t.Errorf("%s: %v, want %v with the object named", call, err, tt.want)
				}
				for _, text := range tt.text {
					if !strings.Contains(err.Error(), text) {
						t.Errorf("%s: %v does not mention %s", call, err, text)
					}
				}
			}
		})
	}
	t.Run("list by a stranger", func(t *testing.T) {
		if _, err := denied.List(t.Context(), b.uri("")); !errors.Is(err, blob.ErrAccessDenied) {
			t.Errorf("error is %v, want ErrAccessDenied", err)
		}
	})
	t.Run("stat of a prefix", func(t *testing.T) {
		if _, err := own.Stat(t.Context(), b.uri("p/"), ""); !errors.Is(err, blob.ErrInvalidURI) {
			t.Errorf("error is %v, want ErrInvalidURI", err)
		}
	})
}

func TestS3OpenHoldsFewParts(t *testing.T) {
	b := newBucket(t)
	b.put(t, "object", pattern(2_000_000))
	p := newProxy(t, func(int) *fate { return nil })
	s := blob.NewS3(newClient(t, p.endpoint(), server(t).Root()), blob.S3Options{PartSize: 100_000, Concurrency: 3})
	o, err := s.Stat(t.Context(), b.uri("object"), "")
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(r, make([]byte, 150_000)); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("read after close: %v", err)
	}
	if n := p.connections(); n > 4 { // one for Stat
		t.Errorf("%d connections for 3 parts at once", n)
	}
}

// readings are the two ways to read an object.
var readings = map[string]func(*testing.T, *blob.S3, blob.Object) ([]byte, error){
	"open":     readOpened,
	"download": readDownloaded,
}

func readOpened(t *testing.T, s *blob.S3, o blob.Object) ([]byte, error) {
	return readAll(t.Context(), blob.Stores{S3: s}, o)
}

func readDownloaded(t *testing.T, s *blob.S3, o blob.Object) ([]byte, error) {
	file, err := os.Create(filepath.Join(t.TempDir(), "copy"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := s.Download(t.Context(), o, file); err != nil {
		return nil, err
	}
	return os.ReadFile(file.Name())
}

// first gives the first n connections a fate.
func first(n int, f fate) func(int) *fate {
	return func(conn int) *fate {
		if conn > n {
			return nil
		}
		return &f
	}
}

func BenchmarkNewClientAndFirstRequest(b *testing.B) {
	bk := newBucket(b)
	bk.put(b, "object", []byte("x"))
	for b.Loop() {
		s := blob.NewS3(newClient(b, server(b).Endpoint(), server(b).Root()), blob.S3Options{})
		if _, err := s.Stat(b.Context(), bk.uri("object"), ""); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNewClient(b *testing.B) {
	for b.Loop() {
		if _, err := blob.NewClient(context.Background(), blob.ClientOptions{Region: "us-east-1"}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	bk := newBucket(b)
	data := pattern(100 << 20)
	bk.put(b, "object", data)
	for _, n := range []int{1, 2, 4, 8} {
		s := blob.NewS3(bk.client, blob.S3Options{Concurrency: n})
		o, err := s.Stat(b.Context(), bk.uri("object"), "")
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint("parts=", n), func(b *testing.B) {
			b.SetBytes(o.Size)
			for b.Loop() {
				r, err := s.Open(b.Context(), o)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, r); err != nil {
					b.Fatal(err)
				}
				r.Close()
			}
		})
	}
}
