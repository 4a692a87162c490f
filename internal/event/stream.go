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

// PassesBinary reports whether a reply that is not text reaches the client as it
// is when it is not streamed. A REST API decodes only the media types that it
// was set to take for binary, and hands the base64 of all others to the client.
// Where it takes every type for binary, request bodies of text are encoded, too:
// that is the one sign in the event. An encoded body of another type is none,
// since its type may be all that the API was set to.
func (e *Event) PassesBinary() bool {
	if e.Source != APIGatewayV1 || !e.restAPI() {
		return true
	}
	return string(e.top.member("isBase64Encoded")) == "true" && textType(anyHeader(e.top).Get("Content-Type"))
}
