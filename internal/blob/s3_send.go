package blob

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const putAction = "s3:PutObject"

// completeTimeout is how long a server may take to put parts together before it says
// anything. S3 speaks at once; others copy the object first.
const completeTimeout = 5 * time.Minute

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// body is the bytes of a request that the SDK can send again. It keeps a timer from
// going off for as long as the connection takes something. It is no io.WriterTo: with
// one, net/http would hold the bytes beyond the end of the call.
type body struct {
	data  []byte
	off   int
	sum   string // CRC-32C as S3 writes it
	timer *time.Timer
	stall time.Duration
}

func (b *body) Read(p []byte) (int, error) {
	n := copy(p, b.data[b.off:])
	b.off += n
	if b.off < len(b.data) {
		b.timer.Reset(b.stall)
		return n, nil
	}
	// The last bytes have to leave, and then the answer has its time.
	b.timer.Reset(2 * b.stall)
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (b *body) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += int64(b.off)
	case io.SeekEnd:
		offset += b.size()
	}
	if offset < 0 || offset > b.size() {
		return 0, fmt.Errorf("seek to %d of %d bytes", offset, b.size())
	}
	b.off = int(offset)
	return offset, nil
}

func (b *body) size() int64 { return int64(len(b.data)) }

func (b *body) checksum() *string { return &b.sum }

func crc32c(data []byte) string {
	sum := binary.BigEndian.AppendUint32(nil, crc32.Checksum(data, castagnoli))
	return base64.StdEncoding.EncodeToString(sum)
}

func (s *S3) uploadPart(ctx context.Context, u URI, id string, number int32, part []byte) (types.CompletedPart, error) {
	done := types.CompletedPart{PartNumber: &number}
	err := s.send(ctx, part, func(ctx context.Context, b *body) error {
		out, err := s.client.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: &u.Bucket, Key: &u.Key, UploadId: &id, PartNumber: &number,
			Body: b, ContentLength: aws.Int64(b.size()), ChecksumCRC32C: b.checksum(),
		}, unsignedPayload)
		if err == nil {
			done.ETag, done.ChecksumCRC32C = out.ETag, b.checksum()
		}
		return err
	})
	return done, err
}

// send makes a call with a body, again when the connection stalls or the bytes arrive
// damaged. Whatever else can be cured by another try, the SDK has tried already.
func (s *S3) send(ctx context.Context, data []byte, call func(context.Context, *body) error) error {
	sum := crc32c(data)
	for resumes := 0; ; resumes++ {
		err := s.sendOnce(ctx, &body{data: data, sum: sum, stall: s.o.Stall}, call)
		stalled := errors.Is(err, errStalled)
		switch {
		case err == nil:
			return nil
		case context.Cause(ctx) != nil, !stalled && s3Code(err) != "BadDigest":
			return s3WriteError(ctx, err, putAction)
		case resumes == s.o.Resumes:
			return fmt.Errorf("%w after %d tries: %w", ErrUnavailable, resumes+1, err)
		}
		pause := min(s.o.Backoff<<resumes, maxBackoff)
		if err := sleep(ctx, pause/2+rand.N(pause/2+1)); err != nil {
			return err
		}
	}
}

func (s *S3) sendOnce(ctx context.Context, b *body, call func(context.Context, *body) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// Until the first byte there is a connection to be made, maybe several times.
	b.timer = time.AfterFunc(requestTries*(dialTimeout+maxBackoff), func() { cancel(errStalled) })
	defer b.timer.Stop()
	err := call(ctx, b)
	if err != nil && errors.Is(context.Cause(ctx), errStalled) {
		return errStalled
	}
	return err
}

// unsignedPayload signs a request without its body. Signing it costs a SHA-256 on
// either side; and the header with its CRC-32C, which S3 checks, is signed. The SDK
// would send the checksum behind the body, in another encoding, and over plain HTTP
// sign the body.
func unsignedPayload(o *s3.Options) {
	o.APIOptions = append(o.APIOptions, v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)
}

// patience is an option for calls that a server may take long to answer.
func patience(client *s3.Client) func(*s3.Options) {
	slow, ok := client.Options().HTTPClient.(*awshttp.BuildableClient)
	if !ok {
		return func(*s3.Options) {}
	}
	slow = slow.WithTransportOptions(func(t *http.Transport) { t.ResponseHeaderTimeout = completeTimeout })
	return func(o *s3.Options) { o.HTTPClient = slow }
}
