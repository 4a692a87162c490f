package event

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/tensorlambda/tensorlambda/internal/jsontext"
)

// readALB reads what an Application Load Balancer writes, health checks
// included: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
func readALB(e envelope) message {
	header := anyHeader(e.top)
	return message{
		method:   e.top.member("httpMethod").text(),
		path:     withoutBase(e.top.member("path").text(), "", ""),
		query:    queryALB(e.top),
		header:   header,
		sourceIP: forwardedFor(header),
	}
}

// queryALB puts the query together again: load balancers hand over names and
// values as the client encoded them.
func queryALB(top object) string {
	var b strings.Builder
	eachMember(top, "multiValueQueryStringParameters", "queryStringParameters", func(name, v string) {
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(name + "=" + v)
	})
	return b.String()
}

// forwardedFor is the address of whoever connected to the load balancer, which
// it writes behind what the request claimed; with a port where it was told to.
func forwardedFor(header http.Header) string {
	values := header.Values("X-Forwarded-For")
	if len(values) == 0 {
		return ""
	}
	list := values[len(values)-1]
	last := strings.TrimSpace(list[strings.LastIndexByte(list, ',')+1:])
	if withPort, err := netip.ParseAddrPort(last); err == nil {
		return withPort.Addr().String()
	}
	if addr, err := netip.ParseAddr(strings.Trim(last, "[]")); err == nil {
		return addr.String()
	}
	return ""
}

// headALB says the headers in the form in which the target group was set to
// write them: it looks at no other.
func headALB(dst []byte, r response, multiValue bool) []byte {
	dst = appendStatus(dst, r.status)
	dst = append(dst, `,"statusDescription":`...)
	dst = jsontext.AppendQuoted(dst, []byte(statusDescription(r.status)))
	if multiValue {
		return r.appendMultiValueHeaders(dst)
	}
	return r.appendHeaders(dst)
}

// statusDescription is the status line's text. It has some text for every
// status, because the load balancer takes the member for granted.
func statusDescription(status int) string {
	text := http.StatusText(status)
	if text == "" {
		text = "Unknown"
	}
	return strconv.Itoa(status) + " " + text
}
