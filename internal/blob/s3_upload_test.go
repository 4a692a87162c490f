package blob_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/versitygw"
)

var impatientUpload = blob.S3Options{UploadPartSize: uploadPart, UploadConcurrency: 2, Stall: 300 * time.Millisecond, Backoff: time.Millisecond}

func TestUploadHoldsFewParts(t *testing.T) {
	b := newBucket(t)
	var mu sync.Mutex
	running, most := 0, 0
	m := newMeddler(t, func(op string, _ int) *answer {
		if op != "UploadPart" {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		running++
		most = max(most, running)
		return nil
	})
	inner := m.Config.Handler
	m.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(w, r)
		if operationOf(r) == "UploadPart" {
			mu.Lock()
			running--
			mu.Unlock()
		}
	})
	s := blob.Stores{S3: blob.NewS3(newClient(t, m.URL, server(t).Root()), impatientUpload)}
	up := create(t, s, b.uri("object"), blob.CreateOptions{})
	if _, err := writeAndCommit(t, up, pattern(12*uploadPart)); err != nil {
		t.Fatal(err)
	}
	if m.requests("UploadPart") != 12 || most > impatientUpload.UploadConcurrency {
		t.Errorf("%d parts, %d at once; want 12, and %d at most", m.requests("UploadPart"), most, impatientUpload.UploadConcurrency)
	}
}

// An upload allocates its bounded set of buffers however much it writes.
func TestUploadMemoryIsBounded(t *testing.T) {
	b := newBucket(t)
	s := blob.Stores{S3: blob.NewS3(b.client, impatientUpload)}
	block := pattern(1 << 20)
	allocated := func(blocks int) uint64 {
		before := totalAlloc()
		up := create(t, s, b.uri("object"), blob.CreateOptions{})
		for range blocks {
			if _, err := up.Write(block); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := up.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		return totalAlloc() - before
	}
	few, many := allocated(30), allocated(80)
	if many > few+uploadPart*3/2 {
		t.Errorf("30 MiB allocate %d bytes, 80 MiB %d", few, many)
	}
}

func TestUploadsIntoAVersionedBucket(t *testing.T) {
	b := newBucket(t)
	b.version(t)
	s := blob.Stores{S3: blob.NewS3(b.client, impatientUpload)}
	var versions []string
	for _, size := range []int{10, uploadPart + 1, 20} {
		before := ""
		if len(versions) > 0 {
			before = stat(t, s, b.uri("object")).ETag
		}
		up := create(t, s, b.uri("object"), blob.CreateOptions{Absent: before == "", Replaces: before})
		o, err := writeAndCommit(t, up, pattern(size))
		if err != nil {
			t.Fatal(err)
		}
		if o.VersionID == "" || slices.Contains(versions, o.VersionID) {
			t.Errorf("version %q after %q", o.VersionID, versions)
		}
		versions = append(versions, o.VersionID)
		pinned, err := s.Stat(t.Context(), b.uri("object"), o.VersionID)
		if err != nil || pinned.Size != int64(size) {
			t.Errorf("version %q = %+v, %v", o.VersionID, pinned, err)
		}
	}
	if err := s.Delete(t.Context(), []blob.URI{b.uri("object")}); err != nil {
		t.Fatal(err)
	}
	if o, err := s.Stat(t.Context(), b.uri("object"), versions[0]); err != nil || o.Size != 10 {
		t.Errorf("the version before delete = %+v, %v", o, err)
	}
}

func TestUploadRefusals(t *testing.T) {
	b := newBucket(t)
	stranger, err := server(t).AddUser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	own := blob.NewS3(b.client, impatientUpload)
	denied := blob.NewS3(newClient(t, server(t).Endpoint(), stranger), impatientUpload)
	wrongKey := versitygw.Credentials{AccessKeyID: server(t).Root().AccessKeyID, SecretAccessKey: "wrong"}
	wrong := blob.NewS3(newClient(t, server(t).Endpoint(), wrongKey), impatientUpload)
	for _, tt := range []struct {
		name string
		s    *blob.S3
		u    blob.URI
		want error
		text string
	}{
		{"a stranger", denied, b.uri("object"), blob.ErrAccessDenied, "s3:PutObject"},
		{"a wrong secret", wrong, b.uri("object"), blob.ErrAccessDenied, "s3:PutObject"},
		{"a missing bucket", own, blob.URI{Scheme: "s3", Bucket: "no-such-bucket", Key: "object"}, blob.ErrNotFound, "NoSuchBucket"},
	} {
		// Between the two sizes this server refuses without reading the body, and
		// the answer may be lost with the connection.
		for _, size := range []int{10, 2*uploadPart + 1} {
			up := create(t, blob.Stores{S3: tt.s}, tt.u, blob.CreateOptions{})
			_, err := writeAndCommit(t, up, pattern(size))
			if !errors.Is(err, tt.want) || !strings.HasPrefix(err.Error(), "create "+tt.u.String()) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%s, %d bytes: %v, want %v that says %s", tt.name, size, err, tt.want, tt.text)
			}
			if err := up.Abort(); err != nil {
				t.Errorf("%s: abort: %v", tt.name, err)
			}
		}
	}
	b.put(t, "object", []byte("x"))
	err = denied.Delete(t.Context(), []blob.URI{b.uri("object"), b.uri("other")})
	if !errors.Is(err, blob.ErrAccessDenied) || !strings.Contains(err.Error(), b.uri("object").String()) || !strings.Contains(err.Error(), "s3:DeleteObject") {
		t.Errorf("delete by a stranger: %v", err)
	}
}

func TestAbortThatIsDeniedSaysSo(t *testing.T) {
	b := newBucket(t)
	m := newMeddler(t, on("AbortMultipartUpload", forever, answer{status: 403, code: "AccessDenied"}))
	s := blob.Stores{S3: blob.NewS3(newClient(t, m.URL, server(t).Root()), impatientUpload)}
	up := create(t, s, b.uri("object"), blob.CreateOptions{})
	writeAll(t, up, make([]byte, uploadPart+1))
	if err := up.Abort(); !errors.Is(err, blob.ErrAccessDenied) || !strings.Contains(err.Error(), "s3:AbortMultipartUpload") {
		t.Errorf("abort: %v", err)
	}
}

func TestS3DeletesMoreThanOneRequestTakes(t *testing.T) {
	b := newBucket(t)
	b.put(t, "stays", []byte("x"))
	b.put(t, "p/0000", []byte("x"))
	b.put(t, "p/1000", []byte("x"))
	var keys []blob.URI
	for i := range 1001 {
		keys = append(keys, b.uri(fmt.Sprintf("p/%04d", i)))
	}
	m := newMeddler(t, func(string, int) *answer { return nil })
	s := blob.NewS3(newClient(t, m.URL, server(t).Root()), blob.S3Options{})
	if err := s.Delete(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	objects, err := s.List(t.Context(), b.uri(""))
	if err != nil || len(objects) != 1 || m.requests(http.MethodPost) != 2 {
		t.Errorf("after %d requests there are %v, %v", m.requests(http.MethodPost), objects, err)
	}
}

func TestChecksumIsKeptForTheWholeObject(t *testing.T) {
	b := newBucket(t)
	s := blob.Stores{S3: blob.NewS3(b.client, impatientUpload)}
	for _, size := range []int{1000, 2*uploadPart + 1} {
		up := create(t, s, b.uri("object"), blob.CreateOptions{})
		if _, err := writeAndCommit(t, up, pattern(size)); err != nil {
			t.Fatal(err)
		}
		out, err := b.client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &b.name, Key: new("object"), ChecksumMode: "ENABLED"})
		if err != nil {
			t.Fatal(err)
		}
		if out.ChecksumType != "FULL_OBJECT" || out.ChecksumCRC32C == nil || *out.ChecksumCRC32C != crc32cOf(pattern(size)) {
			t.Errorf("%d bytes: checksum %v of type %s, want %s", size, out.ChecksumCRC32C, out.ChecksumType, crc32cOf(pattern(size)))
		}
	}
}

func BenchmarkUpload(b *testing.B) {
	bk := newBucket(b)
	block := pattern(1 << 20)
	for _, parts := range []int{1, 2, 3, 4} {
		s := blob.NewS3(bk.client, blob.S3Options{UploadConcurrency: parts})
		b.Run(fmt.Sprint("parts=", parts), func(b *testing.B) {
			b.SetBytes(400 << 20)
			for b.Loop() {
				up, err := s.Create(b.Context(), bk.uri("object"), blob.CreateOptions{})
				if err != nil {
					b.Fatal(err)
				}
				for range 400 {
					if _, err := up.Write(block); err != nil {
						b.Fatal(err)
					}
				}
				if _, err := up.Commit(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func totalAlloc() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// crc32cOf is the checksum as S3 writes it.
func crc32cOf(data []byte) string {
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	sum.Write(data)
	return base64.StdEncoding.EncodeToString(sum.Sum(nil))
}
