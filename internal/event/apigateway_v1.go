package event

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/tensorlambda/tensorlambda/internal/jsontext"
)

// readV1 reads payload format 1.0: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
func readV1(e envelope) (message, error) {
	body, err := decodeBody(e.top.member("body"), e.top.member("isBase64Encoded"))
	if err != nil {
		return message{}, err
	}
	return message{
		method:   e.top.member("httpMethod").text(),
		path:     pathV1(e),
		query:    queryV1(e.top).Encode(),
		header:   headerV1(e.top),
		sourceIP: e.request.member("identity").member("sourceIp").text(),
		body:     body,
	}, nil
}

// pathV1 knows that a REST API leaves the stage out of path and puts it into
// requestContext.path: only where the two are the same can path start with the
// stage, and not with a route that is called like it.
func pathV1(e envelope) string {
	path := e.top.member("path").text()
	route := fillRoute(e.top.member("resource").text(), e.top.member("pathParameters"))
	stage := ""
	if path == e.request.member("path").text() {
		stage = e.request.member("stage").text()
	}
	return withoutBase(path, route, stage)
}

// headerV1 prefers the multi-value form, which has every value of a header that
// came twice; the other has the last one.
func headerV1(top object) http.Header {
	if multi := top.member("multiValueHeaders"); !multi.null() {
		return multiHeader(multi)
	}
	return singleHeader(top.member("headers"))
}

// queryV1 puts the query together again: REST APIs hand it over decoded.
func queryV1(top object) url.Values {
	query := url.Values{}
	if multi := top.member("multiValueQueryStringParameters"); !multi.null() {
		_ = multi.members(func(name []byte, values value) {
			_ = values.elements(func(v value) { query.Add(string(name), v.text()) })
		})
		return query
	}
	if single := top.member("queryStringParameters"); !single.null() {
		_ = single.members(func(name []byte, v value) { query.Add(string(name), v.text()) })
	}
	return query
}

// replyV1 writes every header in the multi-value form: a reply that uses both
// has them merged by rules that differ between API types.
func replyV1(r response) []byte {
	dst := r.buffer()
	dst = append(dst, `{"statusCode":`...)
	dst = strconv.AppendInt(dst, int64(r.status), 10)
	dst = append(dst, `,"multiValueHeaders":{`...)
	for i, name := range r.headerNames() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = jsontext.AppendQuoted(dst, []byte(name))
		dst = append(dst, ':')
		dst = appendList(dst, r.header[name])
	}
	dst = append(dst, '}')
	return r.appendBody(dst)
}
