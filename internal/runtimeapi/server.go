// Package runtimeapi is a local Lambda Runtime API: it hands invocations to a
// function process that polls for them, as Lambda does. The demo, the tests and
// the benchmarks run the real binary under it.
//
// What it speaks: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
package runtimeapi

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// The errors of Invoke for an invocation that the function did not end.
var (
	// ErrTimedOut is for one that ran into its deadline. The function may
	// still answer it; that answer is refused.
	ErrTimedOut = errors.New("task timed out")
	// ErrClosed is for one that Close cut off.
	ErrClosed = errors.New("runtime API is closed")
)

// DefaultTimeout is how long an invocation may take where Options says nothing.
const DefaultTimeout = 30 * time.Second

// maxResponse bounds what a function may answer: Lambda's limit for a streamed
// response, which is above that for a buffered one.
const maxResponse = 200 << 20

const functionARN = "arn:aws:lambda:us-east-1:000000000000:function:local"

// Server is a Runtime API on a port of this machine. It may be used by several
// goroutines at once, and any number of processes or loops may poll it.
type Server struct {
	listener net.Listener
	http     http.Server
	served   chan struct{} // closed when the HTTP server has ended
	closed   chan struct{}
	closing  sync.Once

	queue chan *invocation // unbuffered: an invocation waits here for a poller
	ready chan struct{}

	mu        sync.Mutex
	polled    bool
	running   map[string]*invocation
	initError *InitError
}

// InitError is what a process reported that could not start.
type InitError struct {
	// Type is the reason in the form Category.Reason.
	Type    string
	Message string
}

func (e *InitError) Error() string { return e.Type + ": " + e.Message }

// Start listens on a free port of the loopback interface.
func Start() (*Server, error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the runtime API: %w", err)
	}
	s := &Server{
		listener: listener,
		served:   make(chan struct{}),
		closed:   make(chan struct{}),
		queue:    make(chan *invocation),
		ready:    make(chan struct{}),
		running:  map[string]*invocation{},
	}
	s.http = http.Server{Handler: s.routes(), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(s.served)
		// It always ends with an error: http.ErrServerClosed, or that of a
		// listener that broke, which callers see as refused connections.
		_ = s.http.Serve(listener)
	}()
	return s, nil
}

// Addr is host:port, the value for AWS_LAMBDA_RUNTIME_API.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Ready is closed when a process asks for its first invocation: when its init
// phase is over.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// InitError is the latest error that a process reported for its init phase, nil
// if none did.
func (s *Server) InitError() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.initError == nil {
		return nil
	}
	return s.initError
}

// Close ends every invocation with ErrClosed and drops the connections. A
// function that polls sees that as an error and exits. A second Close does
// nothing.
func (s *Server) Close() error {
	var err error
	s.closing.Do(func() {
		close(s.closed)
		err = s.http.Close()
		<-s.served
	})
	return err
}

// Options says how to invoke.
type Options struct {
	// Deadline is when the invocation times out; the zero time means
	// DefaultTimeout from now. The function is told.
	Deadline time.Time
	// TraceID is the X-Ray trace header; empty means none.
	TraceID string
}

// Result is how the function ended an invocation.
type Result struct {
	Body []byte
	// ContentType is that of the response; a streamed one has a type of its
	// own.
	ContentType string
	// Chunked tells that the response came piece by piece, its length unknown
	// to its end: the transfer that streaming needs.
	Chunked bool
	// ErrorType and ErrorMessage are set when the function reported an error,
	// also in the trailers of a streamed response, whose Body then holds what
	// came before.
	ErrorType    string
	ErrorMessage string
	// Duration is from when a poller took the invocation to the end of its
	// answer.
	Duration time.Duration
}

// Invoke waits for a poller, hands it the payload and waits for the answer. An
// error that the function reports is in the Result; the error of Invoke is
// ErrTimedOut, ErrClosed or that of ctx. The payload must not change meanwhile.
func (s *Server) Invoke(ctx context.Context, payload []byte, opts Options) (Result, error) {
	if opts.Deadline.IsZero() {
		opts.Deadline = time.Now().Add(DefaultTimeout)
	}
	ctx, cancel := context.WithDeadlineCause(ctx, opts.Deadline, ErrTimedOut)
	defer cancel()

	i := &invocation{id: newID(), payload: payload, options: opts, done: make(chan Result, 1)}
	s.mu.Lock()
	s.running[i.id] = i
	s.mu.Unlock()
	defer s.forget(i.id)

	select {
	case s.queue <- i:
	case <-ctx.Done():
		return Result{}, fmt.Errorf("invocation %s waits for a function: %w", i.id, context.Cause(ctx))
	case <-s.closed:
		return Result{}, ErrClosed
	}
	select {
	case result := <-i.done:
		return result, nil
	case <-ctx.Done():
		return Result{}, fmt.Errorf("invocation %s: %w", i.id, context.Cause(ctx))
	case <-s.closed:
		return Result{}, ErrClosed
	}
}

// invocation is one that has not ended.
type invocation struct {
	id      string
	payload []byte
	options Options
	taken   time.Time   // when a poller took it; guarded by Server.mu until end
	done    chan Result // holds one, so that the answer never waits for Invoke
}

func (s *Server) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, id)
}

// end takes an invocation out of those that run; nil where there is no such
// one. So an invocation is answered once.
func (s *Server) end(id string) *invocation {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.running[id]
	delete(s.running, id)
	return i
}

// newID is a random UUID, the form of Lambda's request ids.
func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
