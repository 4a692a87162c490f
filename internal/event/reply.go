package event

import (
	"encoding/base64"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tensorlambda/tensorlambda/internal/jsontext"
)

// response is an HTTP reply that no dialect has touched.
type response struct {
	status int
	header http.Header
	body   []byte
	text   bool // the body may stand in JSON as it is; else it goes as base64
}

// newResponse decides how the body travels. It goes as text only where its type
// is text, nothing compressed it, and its bytes are UTF-8: a JSON string would
// replace other bytes without a word.
func newResponse(status int, header http.Header, body []byte) response {
	text := header.Get("Content-Encoding") == "" && textType(header.Get("Content-Type")) && utf8.Valid(body)
	return response{status, header, body, text}
}

// headSize has room for the head of most replies.
const headSize = 512

// buffer has room for most replies: the body with some escapes, and the headers.
func (r response) buffer() []byte {
	size := len(r.body) + len(r.body)/16
	if !r.text {
		size = base64.StdEncoding.EncodedLen(len(r.body))
	}
	return make([]byte, 0, headSize+size)
}

// appendStatus begins a reply.
func appendStatus(dst []byte, status int) []byte {
	dst = append(dst, `{"statusCode":`...)
	return strconv.AppendInt(dst, int64(status), 10)
}

// appendMultiValueHeaders goes on with every value of every header.
func (r response) appendMultiValueHeaders(dst []byte) []byte {
	dst = append(dst, `,"multiValueHeaders":{`...)
	for i, name := range r.headerNames() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = jsontext.AppendQuoted(dst, []byte(name))
		dst = append(dst, ':')
		dst = appendList(dst, r.header[name])
	}
	return append(dst, '}')
}

// appendHeaders goes on with one value a header, which can say all but cookies.
func (r response) appendHeaders(dst []byte) []byte {
	dst = append(dst, `,"headers":{`...)
	comma := false
	for _, name := range r.headerNames() {
		if name == "Set-Cookie" {
			continue
		}
		if comma {
			dst = append(dst, ',')
		}
		comma = true
		dst = jsontext.AppendQuoted(dst, []byte(name))
		dst = append(dst, ':')
		dst = jsontext.AppendQuoted(dst, []byte(strings.Join(r.header[name], ", ")))
	}
	return append(dst, '}')
}

// headerNames is the headers to send, sorted. The front door frames the body
// anew, after decoding it, so a length from here would be wrong.
func (r response) headerNames() []string {
	names := slices.Sorted(maps.Keys(r.header))
	return slices.DeleteFunc(names, func(name string) bool {
		return name == "Content-Length" || name == "Transfer-Encoding" || name == "Connection"
	})
}

// appendBody ends a reply with the two members that carry the body.
func (r response) appendBody(dst []byte) []byte {
	if r.text {
		dst = append(dst, `,"body":`...)
		dst = jsontext.AppendText(dst, r.body)
		return append(dst, `,"isBase64Encoded":false}`...)
	}
	dst = append(dst, `,"body":"`...)
	dst = base64.StdEncoding.AppendEncode(dst, r.body)
	return append(dst, `","isBase64Encoded":true}`...)
}

func textType(contentType string) bool {
	if contentType == "" {
		return true
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	if strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "+json") || strings.HasSuffix(media, "+xml") {
		return true
	}
	switch media {
	case "application/json", "application/jsonlines", "application/x-ndjson", "application/xml", "application/javascript":
		return true
	default:
		return false
	}
}

func appendList(dst []byte, values []string) []byte {
	dst = append(dst, '[')
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = jsontext.AppendQuoted(dst, []byte(v))
	}
	return append(dst, ']')
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
