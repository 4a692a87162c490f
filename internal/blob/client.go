package blob

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
)

// The times of a client. They are short beside the SDK's own because a start
// has 10 s, and because a connection that was frozen with its environment is
// dead without saying so.
const (
	dialTimeout    = 3 * time.Second
	answerTimeout  = 10 * time.Second
	maxBackoff     = 2 * time.Second
	requestTries   = 4
	maxConnections = 64
)

// ClientOptions says how to reach S3. The zero value leaves everything to the
// SDK, which reads its own environment variables and files.
type ClientOptions struct {
	Region string
	// Endpoint is the URL of another server that speaks S3's protocol. It is
	// addressed by path (http://host/bucket/key), since few of them have a name
	// for each bucket.
	Endpoint string
	// Both keys together replace the SDK's search for credentials.
	AccessKeyID, SecretAccessKey string
	// Calls is added to what the client does with each call.
	Calls []func(*middleware.Stack) error
}

// NewClient makes a client for NewS3. It opens no connection: credentials and
// endpoint are first tried by the first request.
func NewClient(ctx context.Context, o ClientOptions) (*s3.Client, error) {
	load := []func(*config.LoadOptions) error{
		config.WithHTTPClient(httpClient()),
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.MaxAttempts = requestTries
				o.MaxBackoff = maxBackoff
			})
		}),
	}
	if o.Region != "" {
		load = append(load, config.WithRegion(o.Region))
	}
	if o.AccessKeyID != "" {
		load = append(load, config.WithCredentialsProvider(
			credentials.NewStaticCredentialsProvider(o.AccessKeyID, o.SecretAccessKey, "")))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, fmt.Errorf("load AWS configuration: %w", err)
	}
	return s3.NewFromConfig(cfg, func(so *s3.Options) {
		so.DisableLogOutputChecksumValidationSkipped = true
		so.APIOptions = append(so.APIOptions, o.Calls...)
		if o.Endpoint != "" {
			so.BaseEndpoint = aws.String(o.Endpoint)
			so.UsePathStyle = true
		}
	}), nil
}

func httpClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTimeout }).
		WithTransportOptions(func(t *http.Transport) {
			t.ResponseHeaderTimeout = answerTimeout
			t.MaxIdleConnsPerHost = maxConnections
		})
}
