package event

import "net/url"

// readV1 reads payload format 1.0: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
func readV1(e envelope) message {
	return message{
		method:   e.top.member("httpMethod").text(),
		path:     pathV1(e),
		query:    queryV1(e.top).Encode(),
		header:   anyHeader(e.top),
		sourceIP: e.request.member("identity").member("sourceIp").text(),
	}
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

// queryV1 puts the query together again: REST APIs hand it over decoded.
func queryV1(top object) url.Values {
	query := url.Values{}
	eachMember(top, "multiValueQueryStringParameters", "queryStringParameters", query.Add)
	return query
}

// restAPI tells the two that write format 1.0 apart: an HTTP API names the
// version, a REST API does not.
func (e envelope) restAPI() bool { return e.top.member("version") == nil }

// headV1 writes every header in the multi-value form: a reply that uses both
// has them merged by rules that differ between API types.
func headV1(dst []byte, r response) []byte {
	return r.appendMultiValueHeaders(appendStatus(dst, r.status))
}
