package batch

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// gate is an HTTP proxy before the S3 server. Requests that a rule is about are
// stopped there while something else happens.
type gate struct {
	endpoint string
	client   *s3.Client // through the gate
	proxy    *httputil.ReverseProxy

	crash *crash // nil, or what may happen to a write

	mu    sync.Mutex
	rules []*rule
}

// rule is what happens to the next request with a method and an end of the path.
type rule struct {
	method, suffix string
	// before happens while the request waits, after when it was done.
	before, after func()
	// drop cuts the connection instead of passing the request on, lose instead of
	// passing the answer on, and refuse answers with a status and a code of S3.
	drop, lose bool
	refuse     int
	code       string
}

// crash ends an invocation at one of its writes: with it, so that it is never done,
// or behind it, so that its answer is lost.
type crash struct {
	n    int // the write, from 0
	lose bool
	die  func()

	mu   sync.Mutex
	seen int
	at   string // which write that was, empty if there were not as many
}

// hit counts a write and reports whether it is the one.
func (c *crash) hit(write string) bool {
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen++
	if c.seen-1 != c.n {
		return false
	}
	c.at = write
	return true
}

// crashing returns a context that ends at write n, and what says whether it has.
func (st *stage) crashing(n int, lose bool) (context.Context, *crash) {
	ctx, die := context.WithCancel(st.Context())
	st.Cleanup(die)
	c := &crash{n: n, lose: lose, die: die}
	st.gate.crash, st.queue.crash = c, c
	return ctx, c
}

// over ends the time of crashes.
func (st *stage) over() { st.gate.crash, st.queue.crash = nil, nil }

func newGate(t *testing.T, upstream string) *gate {
	target, err := url.Parse(upstream)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{proxy: &httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host }, // the host is signed
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}}
	server := httptest.NewUnstartedServer(g)
	server.Config.ErrorLog = g.proxy.ErrorLog
	server.Start()
	t.Cleanup(server.Close)
	g.endpoint = server.URL
	return g
}

// on adds a rule for one request.
func (g *gate) on(r rule) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rules = append(g.rules, &r)
}

// used reports whether all rules were.
func (g *gate) used() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.rules) == 0
}

func (g *gate) match(r *http.Request) *rule {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, rule := range g.rules {
		if rule.method == r.Method && strings.HasSuffix(r.URL.Path, rule.suffix) {
			g.rules = slices.Delete(g.rules, i, i+1)
			return rule
		}
	}
	return nil
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rule := g.match(r)
	if write := r.Method != http.MethodGet && r.Method != http.MethodHead; write && g.crash.hit(r.Method+" "+path.Base(r.URL.Path)) {
		g.crashed(r)
	}
	if rule == nil {
		g.proxy.ServeHTTP(w, r)
		return
	}
	if rule.before != nil {
		rule.before()
	}
	switch {
	case rule.drop:
		panic(http.ErrAbortHandler)
	case rule.refuse != 0:
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(rule.refuse)
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>as the test wants</Message></Error>", rule.code)
	case rule.lose:
		g.proxy.ServeHTTP(httptest.NewRecorder(), r)
		rule.after()
		panic(http.ErrAbortHandler)
	default:
		g.proxy.ServeHTTP(w, r)
	}
}

// crashed does a request that an invocation dies at, or does not.
func (g *gate) crashed(r *http.Request) {
	if g.crash.lose {
		g.proxy.ServeHTTP(httptest.NewRecorder(), r)
	}
	g.crash.die()
	panic(http.ErrAbortHandler)
}
