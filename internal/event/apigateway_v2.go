package event

import "strings"

// readV2 reads payload format 2.0: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func readV2(e envelope) message {
	http := e.request.member("http")
	_, template, _ := strings.Cut(e.top.member("routeKey").text(), " ")
	route := fillRoute(template, e.top.member("pathParameters"))
	m := message{
		method:   http.member("method").text(),
		path:     withoutBase(e.top.member("rawPath").text(), route, e.request.member("stage").text()),
		query:    e.top.member("rawQueryString").text(),
		header:   singleHeader(e.top.member("headers")),
		sourceIP: http.member("sourceIp").text(),
	}
	if cookies := texts(e.top.member("cookies")); len(cookies) > 0 {
		m.header.Set("Cookie", strings.Join(cookies, "; "))
	}
	return m
}

func texts(list value) []string {
	var out []string
	_ = list.elements(func(v value) { out = append(out, v.text()) })
	return out
}

// headV2 joins the values of a header by commas, but for cookies, which have a
// member of their own because commas may stand inside them.
func headV2(dst []byte, r response) []byte {
	dst = r.appendHeaders(appendStatus(dst, r.status))
	if cookies := r.header["Set-Cookie"]; len(cookies) > 0 {
		dst = append(dst, `,"cookies":`...)
		dst = appendList(dst, cookies)
	}
	return dst
}
