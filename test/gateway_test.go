package test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
)

// gateway stands between the program and the S3 server: it records requests, and
// while it is shut holds downloads or refuses everything.
type gateway struct {
	*httptest.Server

	mu       sync.Mutex
	open     chan struct{} // closed while requests pass
	refusing bool          // while shut: end connections
	seen     []string      // methods of the requests
	first    chan struct{} // closed by the first GET
	once     sync.Once
}

// toStore passes requests on to the S3 server.
func toStore(t *testing.T) *httputil.ReverseProxy {
	t.Helper()
	upstream, err := url.Parse(store.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(upstream)
		r.Out.Host = r.In.Host // it is signed
	}}
}

// newGateway is an open gateway.
func newGateway(t *testing.T) *gateway {
	t.Helper()
	pass := toStore(t)
	g := &gateway{open: make(chan struct{}), first: make(chan struct{})}
	close(g.open)
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.admit(r) {
			pass.ServeHTTP(w, r)
			return
		}
		panic(http.ErrAbortHandler) // ends the connection
	}))
	t.Cleanup(func() {
		g.unlock()
		g.Close()
	})
	return g
}

// setting points the program here.
func (g *gateway) setting() string { return "AWS_ENDPOINT_URL_S3=" + g.URL }

// admit waits until the request may pass, and reports whether it may.
func (g *gateway) admit(r *http.Request) bool {
	g.mu.Lock()
	g.seen = append(g.seen, r.Method)
	open, refusing := g.open, g.refusing
	g.mu.Unlock()
	if r.Method == http.MethodGet {
		g.once.Do(func() { close(g.first) })
	}
	select {
	case <-open:
		return true
	default:
	}
	switch {
	case refusing:
		return false
	case r.Method != http.MethodGet:
		return true
	}
	select {
	case <-open:
		return true
	case <-r.Context().Done():
		return false
	}
}

// lock shuts the gateway: downloads are held, or everything is refused.
func (g *gateway) lock(refusing bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open, g.refusing = make(chan struct{}), refusing
}

// unlock lets everything pass, also what is held.
func (g *gateway) unlock() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.open:
	default:
		close(g.open)
	}
}

// count is how many requests with a method came.
func (g *gateway) count(method string) (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range g.seen {
		if m == method {
			n++
		}
	}
	return n
}
