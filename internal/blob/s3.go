package blob

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"
)

// copyBuffer is what one copy to a file holds: few system calls, little memory.
const copyBuffer = 256 << 10

// S3Options tunes an S3 store. The zero value means the defaults.
type S3Options struct {
	// PartSize is the bytes of one ranged GET; 0 means 8 MiB. Objects up to
	// this size take one GET.
	PartSize int64
	// Concurrency is how many parts of one object are fetched at once; 0 means
	// 4. One connection to S3 carries some 80 MB/s. An opened object holds as
	// many part buffers.
	Concurrency int
	// Stall is how long a connection may bring nothing before it is given up
	// and the read resumed on another; 0 means 10 s.
	Stall time.Duration
	// Resumes is how often one part may be resumed; 0 means 5.
	Resumes int
	// Backoff is the pause before the first resume, doubled for each further
	// one; 0 means 50 ms.
	Backoff time.Duration
	// MaxObjects is how many objects List returns at most; 0 means
	// DefaultMaxObjects.
	MaxObjects int
	// UploadPartSize is the bytes of one part of an object that is written; 0 means
	// 8 MiB, and S3 wants 5 MiB at least. An object has 10 000 parts at most.
	UploadPartSize int
	// UploadConcurrency is how many parts of one object are sent at once; 0 means
	// 3. Two more are held in memory.
	UploadConcurrency int
}

func (o S3Options) withDefaults() S3Options {
	orDefault(&o.PartSize, 8<<20)
	orDefault(&o.Concurrency, 4)
	orDefault(&o.Stall, 10*time.Second)
	orDefault(&o.Resumes, 5)
	orDefault(&o.Backoff, 50*time.Millisecond)
	orDefault(&o.MaxObjects, DefaultMaxObjects)
	orDefault(&o.UploadPartSize, 8<<20)
	orDefault(&o.UploadConcurrency, 3)
	return o
}

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// S3 is the store of s3 URIs. It is safe for concurrent use.
type S3 struct {
	client  *s3.Client
	o       S3Options
	patient func(*s3.Options) // of calls that a server may take long to answer
}

// NewS3 makes a store over a client, which NewClient makes.
func NewS3(client *s3.Client, o S3Options) *S3 {
	return &S3{client: client, o: o.withDefaults(), patient: patience(client)}
}

// WithOptions is a store over the same client, tuned otherwise.
func (s *S3) WithOptions(o S3Options) *S3 { return NewS3(s.client, o) }

// Stat looks an object up by one HEAD. versionID, if not empty, pins the object
// to that version.
func (s *S3) Stat(ctx context.Context, u URI, versionID string) (Object, error) {
	if u.IsPrefix() {
		return Object{}, fmt.Errorf("stat %s: %w: a key is needed, this is a prefix", u, ErrInvalidURI)
	}
	in := &s3.HeadObjectInput{Bucket: &u.Bucket, Key: &u.Key}
	if versionID != "" {
		in.VersionId = &versionID
	}
	out, err := s.client.HeadObject(ctx, in)
	if err != nil {
		return Object{}, fmt.Errorf("stat %s: %w", u, s3Error(ctx, err, readAction(versionID != "")))
	}
	o := Object{
		URI:       u,
		Size:      aws.ToInt64(out.ContentLength),
		ETag:      aws.ToString(out.ETag),
		VersionID: aws.ToString(out.VersionId),
		ModTime:   aws.ToTime(out.LastModified),

		ContentType:     aws.ToString(out.ContentType),
		ContentEncoding: aws.ToString(out.ContentEncoding),
		Metadata:        metadataOf(out.Metadata),
	}
	if versionID != "" {
		o.VersionID, o.Pinned = versionID, true
	}
	return o, nil
}

// List returns the objects under a prefix by one LIST for each 1000 keys.
func (s *S3) List(ctx context.Context, prefix URI) ([]Object, error) {
	if prefix.Key != "" {
		prefix = prefix.Prefix()
	}
	in := &s3.ListObjectsV2Input{Bucket: &prefix.Bucket, Prefix: &prefix.Key}
	var objects []Object
	for pages := s3.NewListObjectsV2Paginator(s.client, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", prefix, s3Error(ctx, err, "s3:ListBucket"))
		}
		for _, c := range page.Contents {
			key := aws.ToString(c.Key)
			if strings.HasSuffix(key, "/") {
				continue
			}
			if len(objects) == s.o.MaxObjects {
				return nil, fmt.Errorf("list %s: %w: over the limit of %d", prefix, ErrTooMany, s.o.MaxObjects)
			}
			objects = append(objects, Object{
				URI:     URI{Scheme: S3Scheme, Bucket: prefix.Bucket, Key: key},
				Size:    aws.ToInt64(c.Size),
				ETag:    aws.ToString(c.ETag),
				ModTime: aws.ToTime(c.LastModified),
			})
		}
	}
	slices.SortFunc(objects, func(a, b Object) int { return strings.Compare(a.URI.Key, b.URI.Key) })
	return objects, nil
}

// Open reads an object in order while later parts of it are fetched ahead.
func (s *S3) Open(ctx context.Context, o Object) (io.ReadCloser, error) {
	return s.OpenRange(ctx, o, 0, o.Size)
}

// OpenRange reads bytes [from, to) of an object as Open does.
func (s *S3) OpenRange(ctx context.Context, o Object, from, to int64) (io.ReadCloser, error) {
	if err := o.checkRange(from, to); err != nil {
		return nil, err
	}
	if to-from <= s.o.PartSize {
		return s.ranged(ctx, o, from, to), nil
	}
	return s.readAhead(ctx, o, from, to), nil
}

// Download fetches the parts of an object at once, each straight to its place.
func (s *S3) Download(ctx context.Context, o Object, w io.WriterAt) error {
	group, parts := errgroup.WithContext(ctx)
	group.SetLimit(s.o.Concurrency)
	for start := int64(0); start < o.Size; start += s.o.PartSize {
		if parts.Err() != nil {
			break
		}
		group.Go(func() error {
			part := s.ranged(parts, o, start, min(start+s.o.PartSize, o.Size))
			defer part.disconnect()
			// Both ends are wrapped, so that nothing takes over the copying
			// with a smaller buffer of its own.
			_, err := io.CopyBuffer(struct{ io.Writer }{io.NewOffsetWriter(w, start)}, part, make([]byte, copyBuffer))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// get asks for bytes [start, end) of an object.
func (s *S3) get(ctx context.Context, o Object, start, end int64) (io.ReadCloser, error) {
	in := &s3.GetObjectInput{Bucket: &o.URI.Bucket, Key: &o.URI.Key}
	if o.ETag != "" {
		in.IfMatch = &o.ETag
	}
	if o.Pinned {
		in.VersionId = &o.VersionID
	}
	var opts []func(*s3.Options)
	if start > 0 || end < o.Size {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-%d", start, end-1))
		// The checksum S3 keeps is that of the whole object: the SDK can check
		// it only where the whole object comes in one answer.
		opts = append(opts, func(so *s3.Options) {
			so.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		})
	}
	out, err := s.client.GetObject(ctx, in, opts...)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", o.URI, s3Error(ctx, err, readAction(o.Pinned)))
	}
	if n := aws.ToInt64(out.ContentLength); n != end-start {
		out.Body.Close()
		return nil, fmt.Errorf("get %s: %w: asked for %d bytes from %d, offered %d", o.URI, ErrChanged, end-start, start, n)
	}
	return out.Body, nil
}

// readAction is the permission that a read needs.
func readAction(pinned bool) string {
	if pinned {
		return "s3:GetObjectVersion"
	}
	return "s3:GetObject"
}
