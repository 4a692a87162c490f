package blob_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
)

// meddler is an HTTP proxy before the S3 server that answers some requests itself. It
// counts requests by operation.
type meddler struct {
	*httptest.Server
	mu    sync.Mutex
	count map[string]int
}

// answer is what the meddler does to a request.
type answer struct {
	// pass lets the request reach the server, whose answer is then dropped.
	pass bool
	// status and code are of the error that the client gets; without status the
	// connection breaks instead.
	status int
	code   string
}

// newMeddler asks f about the n'th request, from 1, of each operation. nil lets it pass
// in both directions.
func newMeddler(tb testing.TB, f func(operation string, n int) *answer) *meddler {
	tb.Helper()
	upstream, err := url.Parse(server(tb).Endpoint())
	if err != nil {
		tb.Fatal(err)
	}
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(upstream)
		r.Out.Host = r.In.Host // it is signed
	}}
	m := &meddler{count: map[string]int{}}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		operation := operationOf(r)
		a := f(operation, m.add(operation))
		if a == nil {
			forward.ServeHTTP(w, r)
			return
		}
		if a.pass {
			forward.ServeHTTP(httptest.NewRecorder(), r)
		}
		_, _ = io.Copy(io.Discard, r.Body)
		if a.status == 0 {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(a.status)
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>by the meddler</Message></Error>", a.code)
	}))
	tb.Cleanup(m.Close)
	return m
}

func operationOf(r *http.Request) string {
	query := r.URL.Query()
	switch id := query.Has("uploadId"); {
	case r.Method == http.MethodPost && query.Has("uploads"):
		return "CreateMultipartUpload"
	case r.Method == http.MethodPut && id:
		return "UploadPart"
	case r.Method == http.MethodPost && id:
		return "CompleteMultipartUpload"
	case r.Method == http.MethodDelete && id:
		return "AbortMultipartUpload"
	case r.Method == http.MethodPut:
		return "PutObject"
	}
	return r.Method
}

func (m *meddler) add(operation string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count[operation]++
	return m.count[operation]
}

func (m *meddler) requests(operation string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.count[operation]
}

// on gives the first n requests of an operation an answer.
func on(operation string, n int, a answer) func(string, int) *answer {
	return func(op string, i int) *answer {
		if op == operation && i <= n {
			return &a
		}
		return nil
	}
}
