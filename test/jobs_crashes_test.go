package test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Processes are killed at every kind of write that a job makes, its messages included:
// with the write, so that it is never done, and behind it, so that nobody hears of it.
// Parts are larger than what S3 takes in one upload, so some die in the middle of a
// part. In the end every row is there once.
func TestKilledAtEveryWrite(t *testing.T) {
	t.Parallel()
	m := newMapping(t)
	m.visibility = 2 * time.Second
	m.giveUpAfter(20) // that a message can be unlucky is not the matter here
	var c crashes
	for _, operation := range []string{
		"PUT _PLAN.json", "AmazonSQS.SendMessageBatch", "CreateMultipartUpload part-", "UploadPart part-",
		"PUT _part-", "CompleteMultipartUpload part-", "PUT _SUCCESS",
	} {
		c.left = append(c.left, crash{operation, false}, crash{operation, true})
	}
	for range 2 {
		s := m.sandbox("BATCH_SHARD_BYTES=5000000")
		s.env = append(s.env, "AWS_ENDPOINT_URL_S3="+c.proxy(s, store.Endpoint()), "AWS_ENDPOINT_URL_SQS="+c.proxy(s, m.q.server.Endpoint()))
	}
	m.startAll()
	content, want := wideRows(36_000)
	left := 0
	// A death that was due where another one struck comes with the next job.
	for i := 0; i == 0 || i < 4 && c.pending() > 0; i++ {
		in := drop(t, fmt.Sprintf("rows-%d.jsonl", i), content)
		m.q.send(s3Event(in))
		m.drain()
		exactJob(t, in, want)
		left += uploads(t, in)
	}
	if c.pending() > 0 {
		t.Errorf("nobody died at %v", c.left)
	}
	if dead := m.deadLetters(); len(dead) > 0 {
		t.Errorf("given up: %q", dead)
	}
	// A process that was killed cannot abort its upload. There are seven deaths
	// between the creation of an upload and its completion.
	if left > 7 {
		t.Errorf("%d multipart uploads are left, more than processes died in one", left)
	}
}

// wideRows are n rows of 64 equal numbers, and the answers.
func wideRows(n int) (content string, want []string) {
	row := func(number string) string { return "[" + strings.Repeat(number+",", 63) + number + "]" }
	var text strings.Builder
	for i := range n {
		text.WriteString(row(fmt.Sprint(i)) + "\n")
		want = append(want, `{"prediction":`+row(half(i))+"}")
	}
	return text.String(), want
}

// crash is a death: at a request, before the server has it or once it has been done.
type crash struct {
	operation string // how it begins
	after     bool
}

// crashes are the deaths to come.
type crashes struct {
	mu   sync.Mutex
	left []crash
}

// take takes the death that is due at an operation.
func (c *crashes) take(operation string) (crash, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.left, func(d crash) bool { return strings.HasPrefix(operation, d.operation) })
	if i < 0 {
		return crash{}, false
	}
	d := c.left[i]
	c.left = slices.Delete(c.left, i, i+1)
	return d, true
}

func (c *crashes) pending() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.left)
}

// back lets a death that did not happen happen later.
func (c *crashes) back(d crash) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = append(c.left, d)
}

// proxy stands between a sandbox and a server, and kills the process when a death is
// due. It returns its URL.
func (c *crashes) proxy(s *sandbox, upstream string) string {
	t := s.m.t
	t.Helper()
	target, err := url.Parse(upstream)
	if err != nil {
		t.Fatal(err)
	}
	pass := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // it is signed
		},
		// Requests of the dead end in the middle.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d, due := c.take(operationOf(r))
		if !due {
			pass.ServeHTTP(w, r)
			return
		}
		if d.after && !carryOut(pass, w, r) {
			c.back(d)
			return
		}
		if err := s.kill(); err != nil {
			t.Errorf("kill: %v", err)
		}
		panic(http.ErrAbortHandler) // ends the connection without an answer
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// carryOut has a request done and reports whether it was, without a word to the
// sender. Where the sender is dead already or the server refuses, it is as if nobody
// had wanted to kill.
func carryOut(pass http.Handler, w http.ResponseWriter, r *http.Request) bool {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return false
	}
	r = r.Clone(context.WithoutCancel(r.Context()))
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	pass.ServeHTTP(answer, r)
	if answer.Code == http.StatusOK {
		return true
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
	return false
}

// operationOf is what a request does, and to which object.
func operationOf(r *http.Request) string {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		return target
	}
	query, name := r.URL.Query(), path.Base(r.URL.Path)
	switch {
	case query.Has("partNumber"):
		return "UploadPart " + name
	case r.Method == http.MethodPost && query.Has("uploads"):
		return "CreateMultipartUpload " + name
	case r.Method == http.MethodPost && query.Has("uploadId"):
		return "CompleteMultipartUpload " + name
	}
	return r.Method + " " + name
}
