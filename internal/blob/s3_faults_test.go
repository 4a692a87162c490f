package blob_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/blob"
)

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
