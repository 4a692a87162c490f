package event

import (
	"fmt"
	"net/http"
)

// StreamType is the content type by which Lambda knows a streamed HTTP reply: a
// prelude with status and headers, and the bytes of the body behind it.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html
const StreamType = "application/vnd.awslambda.http-integration-response"

// Streams reports whether the source takes streamed replies where it is set to:
// function URLs and REST APIs do. Nothing in the event tells whether it is.
func (e *Event) Streams() bool { return e.dialect.streams }

// Prelude is what stands before the body of a streamed reply, which follows as
// it is. size is the body's, in bytes. The error is a *ReplyTooLarge where the
// two are more than Lambda lets pass.
func (e *Event) Prelude(status int, header http.Header, size int) ([]byte, error) {
	if !e.Streams() {
		return nil, fmt.Errorf("%s event: %w", e.Source, ErrNoStream)
	}
	prelude := e.dialect.head(make([]byte, 0, headSize), response{status: status, header: header})
	prelude = append(prelude, "}\x00\x00\x00\x00\x00\x00\x00\x00"...)
	if size += len(prelude); size > streamLimit {
		return nil, &ReplyTooLarge{Source: e.Source, Streamed: true, Size: size, Limit: streamLimit}
	}
	return prelude, nil
}
