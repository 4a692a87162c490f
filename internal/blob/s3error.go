package blob

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// s3Error gives an error of the SDK one of this package's kinds and a text that
// an operator can act on. action is the permission that the call needs.
func s3Error(ctx context.Context, err error, action string) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if lacksCredentials(err) {
		return errNoCredentials
	}
	detail := s3Detail(err)
	switch status := s3Status(err); {
	case status == http.StatusNotFound:
		return fmt.Errorf("%w%s", ErrNotFound, detail)
	case status == http.StatusPreconditionFailed:
		return fmt.Errorf("%w%s", ErrChanged, detail)
	case status == http.StatusForbidden && s3Code(err) == "InvalidObjectState":
		return fmt.Errorf("archived: restore it from its storage class first%s", detail)
	case status == http.StatusForbidden || status == http.StatusUnauthorized:
		return fmt.Errorf("%w%s: the role needs %s; without s3:ListBucket a missing key is denied like this too, so check the name", ErrAccessDenied, detail, action)
	case status == http.StatusMovedPermanently:
		return fmt.Errorf("the bucket is in another region%s: set AWS_REGION to %q", detail, s3Region(err))
	case status == http.StatusNotImplemented: // and will not be later
		return err
	case status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || isNetwork(err):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// s3WriteError is s3Error for calls that write.
func s3WriteError(ctx context.Context, err error, action string) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if lacksCredentials(err) {
		return errNoCredentials
	}
	detail := s3Detail(err)
	switch status, code := s3Status(err), s3Code(err); {
	case code == noSuchUpload:
		// Another try makes another upload.
		return fmt.Errorf("%w: the multipart upload was ended by somebody else, or by a lifecycle rule of the bucket%s", ErrUnavailable, detail)
	case status == http.StatusPreconditionFailed,
		code == "ConditionalRequestConflict",
		code == "NoSuchKey": // the object that was to be replaced
		return fmt.Errorf("%w%s", ErrConflict, detail)
	case code == "OperationAborted", code == "RequestTimeout":
		return fmt.Errorf("%w%s", ErrUnavailable, detail)
	case status == http.StatusForbidden, status == http.StatusUnauthorized:
		return fmt.Errorf("%w%s: the role needs %s", ErrAccessDenied, detail, action)
	}
	return s3Error(ctx, err, action)
}

var errNoCredentials = fmt.Errorf("%w: no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (none are in the environment or in the SDK's files, and no EC2 instance gives any)", ErrAccessDenied)

// lacksCredentials reports that the SDK has looked for credentials everywhere, the last
// place being the metadata of an EC2 instance. Its error is that of this place: a server
// that is not there, or one that answers 404, and would pass for a fault of S3.
func lacksCredentials(err error) bool {
	return strings.Contains(err.Error(), "no EC2 IMDS role found")
}

// s3Detail is the server's own words, for people who ask AWS about a request.
func s3Detail(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorMessage() == "" || api.ErrorCode() == api.ErrorMessage() {
		return ""
	}
	return fmt.Sprintf(" (%s: %s)", api.ErrorCode(), api.ErrorMessage())
}

func s3Code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// s3Status is the HTTP status of the answer, 0 where there was none.
func s3Status(err error) int {
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

func s3Region(err error) string {
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) && response.Response != nil {
		return response.Response.Header.Get("X-Amz-Bucket-Region")
	}
	return ""
}

func isNetwork(err error) bool {
	var send *smithyhttp.RequestSendError
	var network net.Error
	return errors.As(err, &send) || errors.As(err, &network)
}
