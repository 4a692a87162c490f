package blob

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// maxDelete is S3's limit on the keys of one request.
const maxDelete = 1000

// Delete removes objects by one request for each 1000 keys of a bucket.
func (s *S3) Delete(ctx context.Context, uris []URI) error {
	byBucket := map[string][]types.ObjectIdentifier{}
	for _, u := range uris {
		byBucket[u.Bucket] = append(byBucket[u.Bucket], types.ObjectIdentifier{Key: &u.Key})
	}
	var errs []error
	for bucket, keys := range byBucket {
		for some := range slices.Chunk(keys, maxDelete) {
			errs = append(errs, s.deleteKeys(ctx, bucket, some))
		}
	}
	return errors.Join(errs...)
}

func (s *S3) deleteKeys(ctx context.Context, bucket string, keys []types.ObjectIdentifier) error {
	out, err := s.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{
		Bucket: &bucket,
		Delete: &types.Delete{Objects: keys, Quiet: aws.Bool(true)},
	})
	if err != nil {
		first := URI{Scheme: S3Scheme, Bucket: bucket, Key: *keys[0].Key}
		return fmt.Errorf("delete %s and %d more: %w", first, len(keys)-1, s3WriteError(ctx, err, "s3:DeleteObject"))
	}
	var errs []error
	for _, e := range out.Errors {
		u := URI{Scheme: S3Scheme, Bucket: bucket, Key: aws.ToString(e.Key)}
		errs = append(errs, fmt.Errorf("delete %s: %w", u, deleteError(e)))
	}
	return errors.Join(errs...)
}

func deleteError(e types.Error) error {
	detail := fmt.Sprintf(" (%s: %s)", aws.ToString(e.Code), aws.ToString(e.Message))
	switch aws.ToString(e.Code) {
	case "AccessDenied":
		return fmt.Errorf("%w%s: the role needs s3:DeleteObject", ErrAccessDenied, detail)
	case "InternalError", "SlowDown", "ServiceUnavailable":
		return fmt.Errorf("%w%s", ErrUnavailable, detail)
	}
	return errors.New("refused" + detail)
}
