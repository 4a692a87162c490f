package event

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// message is an HTTP request as an event tells it.
type message struct {
	method   string
	path     string // without stage and base path; may be percent-encoded
	query    string // percent-encoded
	header   http.Header
	sourceIP string
	body     []byte
}

// request makes m an *http.Request like one that net/http's server would hand
// to a handler.
func (m message) request(ctx context.Context) (*http.Request, error) {
	if m.method == "" {
		return nil, errors.New("has no HTTP method")
	}
	r, err := http.NewRequestWithContext(ctx, m.method, "/", nil)
	if err != nil {
		return nil, fmt.Errorf("method %.40q is none", m.method) // err has all of it
	}
	r.URL = requestURL(m.path, m.query)
	r.RequestURI = r.URL.RequestURI()
	r.Header = m.header
	r.Host = m.header.Get("Host")
	// These describe the connection to the front door and not this body.
	for _, name := range []string{"Host", "Content-Length", "Transfer-Encoding", "Connection"} {
		r.Header.Del(name)
	}
	if m.sourceIP != "" {
		r.RemoteAddr = net.JoinHostPort(m.sourceIP, "0")
	}
	r.ContentLength = int64(len(m.body))
	r.Body = newWholeBody(m.body)
	return r, nil
}

// requestURL takes the path as percent-encoded where it can be. HTTP APIs decode
// rawPath although its name says otherwise, so that a lone % may stand in it:
// then it is the path itself.
func requestURL(path, query string) *url.URL {
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	u := &url.URL{Path: path, RawQuery: query}
	if decoded, err := url.PathUnescape(path); err == nil {
		u.Path, u.RawPath = decoded, path
	}
	return u
}

// wholeBody is a request body that is in memory as a whole.
type wholeBody struct {
	bytes.Reader
	data []byte
}

func newWholeBody(data []byte) *wholeBody {
	b := &wholeBody{data: data}
	b.Reset(data)
	return b
}

// Bytes is what has not been read yet, without a copy. The caller must not
// change it.
func (b *wholeBody) Bytes() []byte { return b.data[len(b.data)-b.Len():] }

// Close does nothing: the memory is the garbage collector's.
func (b *wholeBody) Close() error { return nil }

// decodeBody decodes the body of an event, which is a string or null.
func decodeBody(body, isBase64Encoded value) ([]byte, error) {
	if body.null() {
		return nil, nil
	}
	text, err := body.bytes()
	if err != nil {
		return nil, fmt.Errorf("body: %w", err)
	}
	if string(isBase64Encoded) != "true" {
		return text, nil
	}
	decoded := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(decoded, text)
	if err != nil {
		return nil, fmt.Errorf("body is said to be base64 and is not: %w", err)
	}
	return decoded[:n], nil
}

// anyHeader reads the headers of a source that may write two forms of them.
func anyHeader(top object) http.Header {
	h := http.Header{}
	eachMember(top, "multiValueHeaders", "headers", func(name, v string) { h.Add(name, v) })
	return h
}

// singleHeader reads an object of strings.
func singleHeader(headers value) http.Header {
	h := http.Header{}
	if headers.null() {
		return h
	}
	// What is no object has no headers: front doors never send that.
	_ = headers.members(func(name []byte, v value) { h.Add(string(name), v.text()) })
	return h
}

// eachMember visits names and values that an event has in two forms: as an
// object of lists, which has every value of a name that came twice, or else as
// an object of strings, which has the last one.
func eachMember(top object, multi, single string, visit func(name, v string)) {
	if lists := top.member(multi); !lists.null() {
		_ = lists.members(func(name []byte, values value) {
			_ = values.elements(func(v value) { visit(string(name), v.text()) })
		})
		return
	}
	if strings := top.member(single); !strings.null() {
		_ = strings.members(func(name []byte, v value) { visit(string(name), v.text()) })
	}
}
