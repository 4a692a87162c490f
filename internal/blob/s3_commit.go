package blob

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// noSuchUpload is the code of S3 for a multipart upload that is completed or aborted.
const noSuchUpload = "NoSuchUpload"

// Commit implements Upload.
func (u *s3Upload) Commit(ctx context.Context) (Object, error) {
	if u.err != nil {
		return Object{}, u.err
	}
	if err := cmp.Or(context.Cause(ctx), u.stopped()); err != nil {
		return Object{}, u.fail(err)
	}
	stop := context.AfterFunc(ctx, func() { u.cancel(context.Cause(ctx)) })
	defer stop()
	o := Object{URI: u.uri, ContentType: u.options.ContentType, Metadata: metadataOf(u.headers)}
	if err := u.publish(&o); err != nil {
		return Object{}, u.fail(err)
	}
	u.err = errDone
	u.cancel(errDone)
	u.release()
	return o, nil
}

func (u *s3Upload) publish(o *Object) error {
	if u.id == "" {
		o.Size = int64(len(u.buf))
		return u.unlessLanded(u.put(o), o)
	}
	u.give(u.buf)
	u.send(1, u.first)
	if err := u.parts.Wait(); err != nil {
		return err
	}
	if err := context.Cause(u.ctx); err != nil {
		return err
	}
	o.Size = u.sent
	return u.unlessLanded(u.complete(o), o)
}

// put writes an object of one part.
func (u *s3Upload) put(o *Object) error {
	absent, replaces := u.conditions()
	var out *s3.PutObjectOutput
	err := u.s.send(u.ctx, u.buf, func(ctx context.Context, b *body) (err error) {
		out, err = u.s.client.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &u.uri.Bucket, Key: &u.uri.Key,
			ContentType: u.contentType(), Metadata: u.headers,
			IfNoneMatch: absent, IfMatch: replaces,
			Body: b, ContentLength: aws.Int64(b.size()), ChecksumCRC32C: b.checksum(),
		}, unsignedPayload)
		return err
	})
	if err != nil {
		return err
	}
	o.ETag, o.VersionID = aws.ToString(out.ETag), aws.ToString(out.VersionId)
	return nil
}

// complete makes an object of its parts.
func (u *s3Upload) complete(o *Object) error {
	slices.SortFunc(u.done, func(a, b types.CompletedPart) int { return cmp.Compare(*a.PartNumber, *b.PartNumber) })
	absent, replaces := u.conditions()
	out, err := u.s.client.CompleteMultipartUpload(u.ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &u.uri.Bucket, Key: &u.uri.Key, UploadId: &u.id,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: u.done},
		ChecksumType:    types.ChecksumTypeFullObject, MpuObjectSize: &o.Size,
		IfNoneMatch: absent, IfMatch: replaces,
	}, u.s.patient)
	if err != nil {
		return s3WriteError(u.ctx, err, putAction)
	}
	o.ETag, o.VersionID = `"`+strings.Trim(aws.ToString(out.ETag), `"`)+`"`, aws.ToString(out.VersionId)
	return nil
}

func (u *s3Upload) conditions() (ifNoneMatch, ifMatch *string) {
	if u.options.Absent {
		return aws.String("*"), nil
	}
	if u.options.Replaces != "" {
		return nil, &u.options.Replaces
	}
	return nil, nil
}

// unlessLanded is err, unless the object is there for all that it says, which
// completes o. When an answer is lost on its way the SDK asks again, and S3 refuses the
// second time what it did the first time: the condition does not hold any more, or the
// multipart upload is gone. The ETag would not do: somebody else may have written the
// same bytes.
func (u *s3Upload) unlessLanded(err error, o *Object) error {
	if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrUnavailable) {
		return err
	}
	out, headErr := u.s.client.HeadObject(u.ctx, &s3.HeadObjectInput{Bucket: &u.uri.Bucket, Key: &u.uri.Key})
	if headErr != nil || out.Metadata[markerKey] != u.headers[markerKey] {
		return err
	}
	o.ETag, o.VersionID, o.ModTime = aws.ToString(out.ETag), aws.ToString(out.VersionId), aws.ToTime(out.LastModified)
	return nil
}
