package coldstart_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/klauspost/compress/gzip"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/coldstart"
	"github.com/tensorlambda/tensorlambda/internal/versitygw"
)

// tree is a folder: names and what they hold.
type tree map[string]string

// graphDef begins as a GraphDef does: field 1, a message.
const graphDef = "\x0a\x05node…"

func savedModel(dir string) tree {
	return tree{
		dir + "saved_model.pb":                          "\x08\x01meta graph of " + dir,
		dir + "variables/variables.index":               "index",
		dir + "variables/variables.data-00000-of-00002": "first",
		dir + "variables/variables.data-00001-of-00002": "second",
		dir + "assets/empty":                            "",
	}
}

func join(trees ...tree) tree {
	all := tree{}
	for _, t := range trees {
		maps.Copy(all, t)
	}
	return all
}

func without(t tree, name string) tree {
	t = maps.Clone(t)
	delete(t, name)
	return t
}

// bucket is a bucket on a server of the test's own.
type bucket struct {
	t      *testing.T
	client *s3.Client
	server *versitygw.Server
}

const bucketName = "models"

func newBucket(t *testing.T) bucket {
	t.Helper()
	server, err := versitygw.Start(t.Context(), versitygw.Options{Dir: t.TempDir(), Versioning: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	b := bucket{t: t, server: server}
	b.client = b.as(server.Root())
	_, err = b.client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucketName)})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b bucket) as(who versitygw.Credentials) *s3.Client {
	b.t.Helper()
	client, err := blob.NewClient(b.t.Context(), blob.ClientOptions{
		Region: versitygw.Region, Endpoint: b.server.Endpoint(),
		AccessKeyID: who.AccessKeyID, SecretAccessKey: who.SecretAccessKey,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return client
}

func (b bucket) source() blob.Stores {
	return blob.Stores{S3: blob.NewS3(b.client, blob.S3Options{PartSize: 64 << 10}), Files: &blob.Files{}}
}

func (b bucket) put(key, body string) (versionID string) {
	b.t.Helper()
	out, err := b.client.PutObject(b.t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucketName), Key: &key, Body: strings.NewReader(body)})
	if err != nil {
		b.t.Fatal(err)
	}
	return aws.ToString(out.VersionId)
}

// counting counts what is read.
type counting struct {
	coldstart.Source
	reads atomic.Int64
}

func (c *counting) Open(ctx context.Context, o blob.Object) (io.ReadCloser, error) {
	c.reads.Add(1)
	return c.Source.Open(ctx, o)
}

func (c *counting) Download(ctx context.Context, o blob.Object, w io.WriterAt) error {
	c.reads.Add(1)
	return c.Source.Download(ctx, o, w)
}

// breaking fails halfway through every object.
type breaking struct {
	coldstart.Source
	err error
}

func (b *breaking) Open(ctx context.Context, o blob.Object) (io.ReadCloser, error) {
	r, err := b.Source.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(io.LimitReader(r, o.Size/2), failing{b.err}), r}, nil
}

func (b *breaking) Download(ctx context.Context, o blob.Object, w io.WriterAt) error {
	_, err := w.WriteAt(make([]byte, o.Size/2), 0)
	return errors.Join(err, b.err)
}

// huge says that the file of a name is larger than it is.
type huge struct {
	coldstart.Source
	name string
	size int64
}

func (h *huge) Stat(ctx context.Context, u blob.URI, versionID string) (blob.Object, error) {
	o, err := h.Source.Stat(ctx, u, versionID)
	return h.blow(o), err
}

func (h *huge) blow(o blob.Object) blob.Object {
	if strings.HasSuffix(o.URI.Key, "/"+h.name) || o.URI.Key == h.name {
		o.Size = h.size
	}
	return o
}

func (h *huge) List(ctx context.Context, prefix blob.URI) ([]blob.Object, error) {
	objects, err := h.Source.List(ctx, prefix)
	for i := range objects {
		objects[i] = h.blow(objects[i])
	}
	return objects, err
}

// littered lists keys that S3 holds and no folder can, beside what is there.
type littered struct {
	coldstart.Source
	keys []string // behind the prefix
}

func (l *littered) List(ctx context.Context, prefix blob.URI) ([]blob.Object, error) {
	objects, err := l.Source.List(ctx, prefix)
	for _, key := range l.keys {
		objects = append(objects, blob.Object{URI: prefix.Join(key), Size: 1})
	}
	return objects, err
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func uri(t *testing.T, s string) blob.URI {
	t.Helper()
	u, err := blob.ParseURI(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

// under is the part of a tree below a folder.
func under(dir string, files tree) tree {
	below := tree{}
	for name, body := range files {
		if rest, ok := strings.CutPrefix(name, dir); ok {
			below[rest] = body
		}
	}
	return below
}

func write(t *testing.T, dir string, files tree) {
	t.Helper()
	for name, body := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(body), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

// cached is the names in a cache folder, none if there is no such folder.
func cached(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}

// damage empties a file of a cache entry's model.
func damage(t *testing.T, entry string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(entry, "model", "*", "saved_model.pb"))
	if top := filepath.Join(entry, "model", "saved_model.pb"); len(files) == 0 {
		files = []string{top}
	}
	if err := errors.Join(err, os.Truncate(files[0], 0)); err != nil {
		t.Fatal(err)
	}
}

func tarGzip(t *testing.T, files tree) string {
	t.Helper()
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	w := tar.NewWriter(z)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		err := w.WriteHeader(&tar.Header{Name: "./" + name, Mode: 0o644, Size: int64(len(files[name]))})
		if _, writeErr := io.WriteString(w, files[name]); err != nil || writeErr != nil {
			t.Fatal(err, writeErr)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

func zipped(t *testing.T, files tree) string {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for name, body := range files {
		f, err := w.Create(name)
		if err == nil {
			_, err = io.WriteString(f, body)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}
