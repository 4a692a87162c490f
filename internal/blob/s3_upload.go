package blob

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"
)

const (
	// maxParts is S3's limit. Part sizes do not grow, because memory shall not
	// depend on the object's size: with parts of 8 MiB an object ends at 78 GiB.
	maxParts = 10_000
	// firstBuffer is what an upload begins with: most objects that are not large are
	// small.
	firstBuffer = 64 << 10
	// grace is what parts under way have left when the context has ended. S3 may
	// keep a part whose request was cut off, even behind the ABORT.
	grace = 5 * time.Second
	// abortTimeout bounds the ABORT.
	abortTimeout = 5 * time.Second
)

// s3Upload writes an object by parts, several at once. The first part stays in
// memory until Commit, so that Rewrite can change it, and is sent last. Memory is at
// most that of the parts on their way and two more: the first one, and the one that
// is being filled.
type s3Upload struct {
	s       *S3
	uri     URI
	options CreateOptions
	headers map[string]string // the metadata
	err     error             // final

	ctx    context.Context // ends with that of Create, and by cancel
	cancel context.CancelCauseFunc
	parts  errgroup.Group
	late   context.Context // of the parts: ends after ctx

	id    string      // of the multipart upload; empty: not begun
	first []byte      // the first part, once it is full
	buf   []byte      // the part that is being filled
	free  chan []byte // buffers of parts that were sent
	sent  int64       // bytes given to parts
	count int32       // of parts given away, the first one included

	mu     sync.Mutex
	done   []types.CompletedPart
	broken error // of the first part that failed
}

// Create starts to write an object: one PUT at Commit, or a multipart upload if there
// is more than one part.
func (s *S3) Create(ctx context.Context, u URI, o CreateOptions) (Upload, error) {
	headers, err := metadataHeaders(o.Metadata, rand.Text())
	if err := errors.Join(o.check(u), err); err != nil {
		return nil, fmt.Errorf("create %s: %w", u, err)
	}
	up := &s3Upload{s: s, uri: u, options: o, headers: headers, free: make(chan []byte, s.o.UploadConcurrency+2)}
	up.parts.SetLimit(s.o.UploadConcurrency)
	up.ctx, up.cancel = context.WithCancelCause(ctx)
	up.late = afterwards(up.ctx)
	return up, nil
}

// afterwards is a context that ends some time after ctx.
func afterwards(ctx context.Context) context.Context {
	late, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() {
		time.AfterFunc(grace, func() { cancel(context.Cause(ctx)) })
	})
	return late
}

// Write implements io.Writer. It waits while as many parts as may be are on their way.
func (u *s3Upload) Write(p []byte) (int, error) {
	n := 0
	for n < len(p) && u.err == nil {
		if err := u.stopped(); err != nil {
			return n, u.fail(err)
		}
		if len(u.buf) == u.s.o.UploadPartSize {
			if err := u.turn(); err != nil {
				return n, u.fail(err)
			}
		}
		n += u.fill(p[n:])
	}
	return n, u.err
}

// Rewrite implements Upload.
func (u *s3Upload) Rewrite(head []byte) error {
	first := u.first
	if first == nil {
		first = u.buf
	}
	switch {
	case u.err != nil:
		return u.err
	case len(head) > len(first):
		return fmt.Errorf("rewrite %s: %w: %d bytes of %d", u.uri, errHead, len(head), len(first))
	}
	copy(first, head)
	return nil
}

// stopped is why no more parts are to be sent.
func (u *s3Upload) stopped() error {
	if err := context.Cause(u.ctx); err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.broken
}

// Abort implements Upload.
func (u *s3Upload) Abort() error {
	if errors.Is(u.err, errDone) || errors.Is(u.err, errAborted) {
		return nil
	}
	u.err = errAborted
	u.cancel(errAborted)
	_ = u.parts.Wait() // it was returned by Write or Commit, or does not matter
	u.release()
	if u.id == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(u.ctx), abortTimeout)
	defer cancel()
	_, err := u.s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
		Bucket: &u.uri.Bucket, Key: &u.uri.Key, UploadId: &u.id,
	})
	if err == nil || s3Code(err) == noSuchUpload {
		return nil
	}
	return fmt.Errorf("abort %s: %w", u.uri, s3WriteError(ctx, err, "s3:AbortMultipartUpload"))
}

// fill moves as much of p as the part has room for.
func (u *s3Upload) fill(p []byte) int {
	n := min(len(p), u.s.o.UploadPartSize-len(u.buf))
	if need := len(u.buf) + n; need > cap(u.buf) {
		grown := make([]byte, len(u.buf), min(max(need, 2*cap(u.buf), firstBuffer), u.s.o.UploadPartSize))
		copy(grown, u.buf)
		u.buf = grown
	}
	u.buf = append(u.buf, p[:n]...)
	return n
}

// turn takes up the next part when one is full and there is more to write.
func (u *s3Upload) turn() error {
	if u.count == maxParts-1 {
		return fmt.Errorf("over S3's limit of %d parts of %d bytes: cut the input up", maxParts, u.s.o.UploadPartSize)
	}
	if u.first == nil {
		if err := u.begin(); err != nil {
			return err
		}
		u.first, u.count = u.buf, 1
		u.sent = int64(len(u.first))
	} else {
		u.give(u.buf)
	}
	u.buf = nil
	select {
	case u.buf = <-u.free:
	default:
		u.buf = make([]byte, 0, u.s.o.UploadPartSize)
	}
	return nil
}

// begin makes the multipart upload. The checksum is that of the whole object, so that
// readers of it can check it.
func (u *s3Upload) begin() error {
	out, err := u.s.client.CreateMultipartUpload(u.late, &s3.CreateMultipartUploadInput{
		Bucket: &u.uri.Bucket, Key: &u.uri.Key,
		ContentType: u.contentType(), Metadata: u.headers,
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc32c, ChecksumType: types.ChecksumTypeFullObject,
	})
	if err != nil {
		return s3WriteError(u.late, err, putAction)
	}
	u.id = aws.ToString(out.UploadId)
	return nil
}

// give sends a part when there is a place for it. The buffer comes back by free.
func (u *s3Upload) give(part []byte) {
	u.count++
	u.sent += int64(len(part))
	u.send(u.count, part)
}

func (u *s3Upload) send(number int32, part []byte) {
	u.parts.Go(func() error {
		completed, err := u.s.uploadPart(u.late, u.uri, u.id, number, part)
		if err != nil {
			err = fmt.Errorf("part %d: %w", number, err)
		}
		u.mu.Lock()
		u.done = append(u.done, completed)
		u.broken = cmp.Or(u.broken, err)
		u.mu.Unlock()
		u.free <- part[:0]
		return err
	})
}

// fail makes an error the last word.
func (u *s3Upload) fail(err error) error {
	u.err = fmt.Errorf("create %s: %w", u.uri, err)
	return u.err
}

func (u *s3Upload) release() { u.first, u.buf, u.free = nil, nil, nil }

func (u *s3Upload) contentType() *string {
	if u.options.ContentType == "" {
		return nil
	}
	return &u.options.ContentType
}
