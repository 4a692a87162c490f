package serve_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/serve"
	"github.com/tensorlambda/tensorlambda/internal/telemetry"
)

// A page of somebody else's reaches a server on its reader's machine through the browser.
// Nothing that is no browser sends what gives such a page away.
func TestPagesOfOthersAreRefused(t *testing.T) {
	laptop := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}
	office := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 8080}
	const body = `{"instances":[1]}`
	type headers = map[string]string
	for _, tt := range []struct {
		name         string
		listens      net.Addr // nil in Lambda
		method, path string
		host         string
		headers      headers
		status       int
	}{
		{"the page", laptop, "GET", "/", "127.0.0.1:8080", nil, 200},
		{"the page by the name of this machine", laptop, "GET", "/", "localhost:8080", nil, 200},
		{"the page by a name below it", laptop, "GET", "/", "models.localhost", nil, 200},
		{"the page in IPv6", laptop, "GET", "/", "[::1]:8080", nil, 200},
		{"the page by a name that was rebound", laptop, "GET", "/", "evil.example:8080", nil, 403},
		{"the card by a name that was rebound", laptop, "GET", "/playground/model.json", "evil.example:8080", nil, 403},
		{"the start by a name that was rebound", laptop, "GET", "/debug/coldstart", "evil.example:8080", nil, 403},
		{"the model by a name that was rebound", laptop, "POST", predictPath, "evil.example:8080", headers{"Origin": "http://evil.example:8080"}, 403},
		{"a program that calls this machine so", laptop, "POST", predictPath, "models.example:8080", nil, 200},
		{"a program without a host", laptop, "POST", predictPath, "", nil, 200},
		{"a name that only begins like an address", laptop, "GET", "/", "127.0.0.1.evil.example", nil, 403},
		{"no host", laptop, "GET", "/", "", nil, 403},
		{"health by any name", laptop, "GET", "/v2/health/live", "prometheus.example", nil, 200},
		{"metrics by any name", laptop, "GET", "/monitoring/prometheus/metrics", "prometheus.example", nil, 200},
		{"metadata by any name", laptop, "GET", "/v1/models/half_plus_two/metadata", "models.example", nil, 200},
		{"the document by any name", laptop, "GET", "/openapi.json", "models.example:8080", nil, 200},
		{"an answer by a name that was rebound, of a page without a Referer", laptop, "POST", "/v2/models/half_plus_two/infer", "evil.example:8080", headers{"Origin": "null"}, 403},
		{"the page by any name where others reach it", office, "GET", "/", "models.example", nil, 200},
		{"the page by any name in Lambda", nil, "GET", "/", "models.example", nil, 200},

		{"curl", laptop, "POST", predictPath, "127.0.0.1:8080", nil, 200},
		{"the page's own request", laptop, "POST", predictPath, "127.0.0.1:8080", headers{"Origin": "http://127.0.0.1:8080", "Sec-Fetch-Site": "same-origin"}, 200},
		{"its own request, of an old browser", laptop, "POST", predictPath, "127.0.0.1:8080", headers{"Origin": "http://127.0.0.1:8080"}, 200},
		{"a page of another site", laptop, "POST", predictPath, "127.0.0.1:8080", headers{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, 403},
		{"a page of another site, of an old browser", laptop, "POST", predictPath, "127.0.0.1:8080", headers{"Origin": "https://evil.example"}, 403},
		{"a page on another port of this machine", laptop, "POST", predictPath, "127.0.0.1:8080", headers{"Origin": "http://127.0.0.1:3000", "Sec-Fetch-Site": "same-site"}, 403},
		{"a page without an origin", laptop, "POST", predictPath, "127.0.0.1:8080", headers{"Origin": "null"}, 403},
		{"a page that hides its origin", laptop, "POST", predictPath, "127.0.0.1:8080", headers{"Sec-Fetch-Site": "cross-site"}, 403},
		{"another site where others reach it", office, "POST", predictPath, "10.0.0.7:8080", headers{"Origin": "https://evil.example"}, 403},
		{"another site scores rows", laptop, "POST", "/playground/score", "127.0.0.1:8080", headers{"Origin": "https://evil.example"}, 403},

		{"a site that the front door lets in", nil, "POST", predictPath, "abc.execute-api.example", headers{"Origin": "https://shop.example", "Sec-Fetch-Site": "cross-site"}, 200},
		{"another site scores rows in Lambda", nil, "POST", "/playground/score", "abc.execute-api.example", headers{"Origin": "https://shop.example", "Sec-Fetch-Site": "cross-site"}, 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := handler(serve.Options{Playground: page(tt.listens), ColdStart: func() any { return nil }, Requests: new(telemetry.Requests)})
			r := request(t.Context(), tt.method, tt.path, strings.NewReader(body))
			r.Host = tt.host
			for name, value := range tt.headers {
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != tt.status {
				t.Errorf("got %d %.200s, want %d", w.Code, w.Body, tt.status)
			}
			if w.Code == http.StatusForbidden && !strings.Contains(w.Body.String(), "PLAYGROUND=false") {
				t.Errorf("no cure in %s", w.Body)
			}
		})
	}
}

// Without the page everything is as it was.
func TestWithoutAPlaygroundNobodyIsRefused(t *testing.T) {
	h := handler(serve.Options{})
	r := request(t.Context(), "POST", predictPath, strings.NewReader(`{"instances":[1]}`))
	r.Host = "models.example"
	r.Header.Set("Origin", "https://shop.example")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}
