package versitygw

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/tensorlambda/tensorlambda/internal/blob"
)

// Put makes a bucket with one object in it, as root.
func (s *Server) Put(ctx context.Context, bucket, key string, content []byte) error {
	client, err := blob.NewClient(ctx, blob.ClientOptions{
		Region: Region, Endpoint: s.Endpoint(),
		AccessKeyID: s.root.AccessKeyID, SecretAccessKey: s.root.SecretAccessKey,
	})
	if err != nil {
		return err
	}
	_, err = client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket)})
	if _, ours := errors.AsType[*types.BucketAlreadyOwnedByYou](err); err != nil && !ours {
		return fmt.Errorf("create bucket %s: %w", bucket, err)
	}
	_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String(key), Body: bytes.NewReader(content)})
	if err != nil {
		return fmt.Errorf("put s3://%s/%s: %w", bucket, key, err)
	}
	return nil
}
