package versitygw

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/tensorlambda/tensorlambda/internal/blob"
)

// MakeBucket makes a bucket, as root, unless it is there.
func (s *Server) MakeBucket(ctx context.Context, bucket string) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	_, err = client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket)})
	if _, ours := errors.AsType[*types.BucketAlreadyOwnedByYou](err); err != nil && !ours {
		return fmt.Errorf("create bucket %s: %w", bucket, err)
	}
	return nil
}

// Put makes a bucket with one object in it, as root.
func (s *Server) Put(ctx context.Context, bucket, key string, content []byte) error {
	if err := s.MakeBucket(ctx, bucket); err != nil {
		return err
	}
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String(key), Body: bytes.NewReader(content)})
	if err != nil {
		return fmt.Errorf("put s3://%s/%s: %w", bucket, key, err)
	}
	return nil
}

// Get is the content of an object, read as root.
func (s *Server) Get(ctx context.Context, bucket, key string) ([]byte, error) {
	client, err := s.client(ctx)
	if err != nil {
		return nil, err
	}
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(key)})
	if err != nil {
		return nil, fmt.Errorf("get s3://%s/%s: %w", bucket, key, err)
	}
	defer out.Body.Close()
	return io.ReadAll(out.Body)
}

func (s *Server) client(ctx context.Context) (*s3.Client, error) {
	return blob.NewClient(ctx, blob.ClientOptions{
		Region: Region, Endpoint: s.Endpoint(),
		AccessKeyID: s.root.AccessKeyID, SecretAccessKey: s.root.SecretAccessKey,
	})
}
