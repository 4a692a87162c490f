package blob_test

import (
	"bytes"
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

// lost are answers that do not reach the client.
var lost = answer{pass: true}

// forever is more often than anybody tries.
const forever = 1000

// An upload that was begun and whose name did not arrive is the one thing that nobody
// can abort: a lifecycle rule of the bucket has to.
func TestBeginWhoseAnswerIsLost(t *testing.T) {
	b := newBucket(t)
	m := newMeddler(t, on("CreateMultipartUpload", 1, lost))
	s := blob.Stores{S3: blob.NewS3(newClient(t, m.URL, server(t).Root()), impatientUpload)}
	up := create(t, s, b.uri("object"), blob.CreateOptions{})
	if _, err := writeAndCommit(t, up, pattern(uploadPart+1)); err != nil {
		t.Fatal(err)
	}
	if got := stat(t, s, b.uri("object")); got.Size != uploadPart+1 {
		t.Errorf("there are %d bytes", got.Size)
	}
}

// TestUploadThroughFaults says for each fault of S3 what becomes of an upload, and that
// nothing is left of one that failed.
func TestUploadThroughFaults(t *testing.T) {
	small, large := 1000, 3*uploadPart+1
	absent := blob.CreateOptions{Absent: true}
	for _, tt := range []struct {
		name    string
		size    int
		options blob.CreateOptions
		fault   func(string, int) *answer
		want    error
		there   bool // the object, afterwards
	}{
		{"PUT whose answer is lost", small, blob.CreateOptions{}, on("PutObject", 1, lost), nil, true},
		{"PUT of an absent object, answer lost", small, absent, on("PutObject", 1, lost), nil, true},
		{"PUT whose answers are all lost", small, absent, on("PutObject", forever, lost), nil, true},
		{"PUT breaks once", small, absent, on("PutObject", 1, answer{}), nil, true},
		{"PUT breaks always", small, absent, on("PutObject", forever, answer{}), blob.ErrUnavailable, false},
		{"PUT while another is under way", small, absent, on("PutObject", 1, answer{status: 409, code: "ConditionalRequestConflict"}), blob.ErrConflict, false},
		{"PUT is damaged twice", small, absent, on("PutObject", 2, answer{status: 400, code: "BadDigest"}), nil, true},
		{"PUT too fast", small, absent, on("PutObject", 2, answer{status: 503, code: "SlowDown"}), nil, true},

		{"begin breaks", large, absent, on("CreateMultipartUpload", 1, answer{}), nil, true},
		{"begin is denied", large, absent, on("CreateMultipartUpload", forever, answer{status: 403, code: "AccessDenied"}), blob.ErrAccessDenied, false},
		{"a part breaks", large, absent, on("UploadPart", 2, answer{}), nil, true},
		{"a part is stored twice", large, absent, on("UploadPart", 2, lost), nil, true},
		{"a part is damaged", large, absent, on("UploadPart", 1, answer{status: 400, code: "BadDigest"}), nil, true},
		{"parts are always damaged", large, absent, on("UploadPart", forever, answer{status: 400, code: "BadDigest"}), blob.ErrUnavailable, false},
		{"a part is denied", large, absent, on("UploadPart", forever, answer{status: 403, code: "AccessDenied"}), blob.ErrAccessDenied, false},
		{"a part finds no upload", large, absent, on("UploadPart", forever, answer{status: 404, code: "NoSuchUpload"}), blob.ErrUnavailable, false},
		{"complete breaks", large, absent, on("CompleteMultipartUpload", 1, answer{}), nil, true},
		{"complete whose answer is lost", large, absent, on("CompleteMultipartUpload", 1, lost), nil, true},
		{"complete whose answers are all lost", large, blob.CreateOptions{}, on("CompleteMultipartUpload", forever, lost), nil, true},
		{"complete fails with status 200", large, absent, on("CompleteMultipartUpload", 1, answer{status: 200, code: "InternalError"}), nil, true},
		{"complete always fails with status 200", large, absent, on("CompleteMultipartUpload", forever, answer{status: 200, code: "InternalError"}), blob.ErrUnavailable, false},
		{"complete while another is under way", large, absent, on("CompleteMultipartUpload", 1, answer{status: 409, code: "ConditionalRequestConflict"}), blob.ErrConflict, false},
		{"complete finds no upload", large, absent, on("CompleteMultipartUpload", 1, answer{status: 404, code: "NoSuchUpload"}), blob.ErrUnavailable, false},
		{"abort breaks", large, absent, either(on("UploadPart", forever, answer{status: 403, code: "AccessDenied"}), on("AbortMultipartUpload", 1, answer{})), blob.ErrAccessDenied, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBucket(t)
			m := newMeddler(t, tt.fault)
			s := blob.NewS3(newClient(t, m.URL, server(t).Root()), impatientUpload)
			up, err := s.Create(t.Context(), b.uri("object"), tt.options)
			if err != nil {
				t.Fatal(err)
			}
			want := pattern(tt.size)
			o, err := writeAndCommit(t, up, want)
			if err == nil != (tt.want == nil) || !errors.Is(err, tt.want) {
				t.Errorf("the upload ends with %v, want %v", err, tt.want)
			}
			if err != nil && !strings.Contains(err.Error(), "create "+b.uri("object").String()) {
				t.Errorf("error %q does not name the object", err)
			}
			if err := up.Abort(); err != nil {
				t.Errorf("abort: %v", err)
			}
			own := blob.Stores{S3: blob.NewS3(b.client, blob.S3Options{})}
			if got := readOrNothing(t, own, b.uri("object")); got != "" != tt.there || tt.there && got != string(want) {
				t.Errorf("then %d bytes are there", len(got))
			}
			if err == nil && stat(t, own, b.uri("object")).ETag != o.ETag {
				t.Errorf("ETag %s, want %s", o.ETag, stat(t, own, b.uri("object")).ETag)
			}
			b.wantNoUploads(t)
		})
	}
}

// A server that knows no conditions will not know them later.
func TestUploadThatIsNotImplemented(t *testing.T) {
	b := newBucket(t)
	m := newMeddler(t, on("PutObject", forever, answer{status: 501, code: "NotImplemented"}))
	s := blob.Stores{S3: blob.NewS3(newClient(t, m.URL, server(t).Root()), impatientUpload)}
	up := create(t, s, b.uri("object"), blob.CreateOptions{Absent: true})
	if _, err := writeAndCommit(t, up, []byte("x")); err == nil || errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("commit: %v, want an error that is not ErrUnavailable", err)
	}
}

func either(a, b func(string, int) *answer) func(string, int) *answer {
	return func(op string, n int) *answer {
		if x := a(op, n); x != nil {
			return x
		}
		return b(op, n)
	}
}

func writeAndCommit(t *testing.T, up blob.Upload, data []byte) (blob.Object, error) {
	for len(data) > 0 {
		n, err := up.Write(data[:min(len(data), 1_000_003)])
		if err != nil {
			return blob.Object{}, err
		}
		data = data[n:]
	}
	return up.Commit(t.Context())
}

// An answer that is lost must not make somebody else's object ours, not even when the
// bytes are the same.
func TestLostAnswerAndAnotherWriter(t *testing.T) {
	for _, size := range []int{1000, uploadPart + 1} {
		b := newBucket(t)
		other := blob.Stores{S3: blob.NewS3(b.client, impatientUpload)}
		m := newMeddler(t, func(op string, n int) *answer {
			if n > 1 || op != "PutObject" && op != "CompleteMultipartUpload" {
				return nil
			}
			up := create(t, other, b.uri("object"), blob.CreateOptions{})
			if _, err := writeAndCommit(t, up, pattern(size)); err != nil {
				t.Error(err)
			}
			return &answer{}
		})
		s := blob.Stores{S3: blob.NewS3(newClient(t, m.URL, server(t).Root()), impatientUpload)}
		up := create(t, s, b.uri("object"), blob.CreateOptions{Absent: true})
		if _, err := writeAndCommit(t, up, pattern(size)); !errors.Is(err, blob.ErrConflict) {
			t.Errorf("%d bytes: %v, want ErrConflict", size, err)
		}
		if err := up.Abort(); err != nil {
			t.Error(err)
		}
		b.wantNoUploads(t)
	}
}

func TestUploadThroughBrokenConnections(t *testing.T) {
	for _, tt := range []struct {
		name string
		fate fate
	}{
		{"the request is cut", fate{after: 1_000_000, what: cut, request: true}},
		{"the request is reset", fate{after: 1_000_000, what: reset, request: true}},
		{"the request stalls", fate{after: 1_000_000, what: hang, request: true}},
		{"the request stalls at its end", fate{after: 4_999_000, what: hang, request: true}},
		{"the request is damaged", fate{after: 1_000_000, what: damage, request: true}},
		{"the answer is cut", fate{after: 1000, what: cut}}, // behind that to the first request
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBucket(t)
			p := newProxy(t, first(3, tt.fate))
			s := blob.Stores{S3: blob.NewS3(newClient(t, p.endpoint(), server(t).Root()), impatientUpload)}
			want := pattern(4*uploadPart + 1)
			up := create(t, s, b.uri("object"), blob.CreateOptions{})
			o, err := writeAndCommit(t, up, want)
			if err != nil {
				t.Fatal(err)
			}
			if got := read(t, blob.Stores{S3: blob.NewS3(b.client, blob.S3Options{})}, o); !bytes.Equal(got, want) {
				t.Errorf("%d others of %d bytes are there", len(got), len(want))
			}
			if p.connections() < 3 {
				t.Errorf("nothing was broken: %d connections", p.connections())
			}
			b.wantNoUploads(t)
		})
	}
}

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
	few, many := allocated(30), allocated(120)
	if many > few+uploadPart*3/2 {
		t.Errorf("30 MiB allocate %d bytes, 120 MiB %d", few, many)
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
