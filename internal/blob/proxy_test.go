package blob_test

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// fate is what happens to the answers on one connection, or to the requests.
type fate struct {
	after   int64 // bytes that pass first, HTTP headers included
	what    func(p *proxy, to, from net.Conn)
	request bool
}

var (
	// cut ends the connection as if the other side had closed it.
	cut = func(*proxy, net.Conn, net.Conn) {}
	// reset ends it with a RST.
	reset = func(_ *proxy, to, from net.Conn) {
		_ = to.(*net.TCPConn).SetLinger(0)
		_ = from.(*net.TCPConn).SetLinger(0)
	}
	// hang keeps it open and silent until the test ends.
	hang = func(p *proxy, _, _ net.Conn) { <-p.ended }
	// damage changes one byte and lets the rest pass.
	damage = func(_ *proxy, to, from net.Conn) {
		var b [1]byte
		_, _ = io.ReadFull(from, b[:])
		_, _ = to.Write([]byte{^b[0]})
		_, _ = io.Copy(to, from)
	}
)

// proxy is a TCP proxy before the S3 server that does harm. It overlooks errors:
// broken connections are its trade.
type proxy struct {
	tb       testing.TB
	listener net.Listener
	upstream string
	ended    chan struct{}
	done     sync.WaitGroup

	mu    sync.Mutex
	conns int
	fate  func(conn int) *fate // of the conn'th connection; nil: none
}

func newProxy(tb testing.TB, f func(conn int) *fate) *proxy {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &proxy{tb: tb, listener: l, upstream: strings.TrimPrefix(server(tb).Endpoint(), "http://"), ended: make(chan struct{}), fate: f}
	p.done.Go(p.serve)
	tb.Cleanup(func() {
		close(p.ended)
		_ = l.Close()
		p.done.Wait()
	})
	return p
}

func (p *proxy) endpoint() string { return "http://" + p.listener.Addr().String() }

func (p *proxy) connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conns
}

func (p *proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.conns++
		f := p.fate(p.conns)
		p.mu.Unlock()
		p.done.Go(func() { p.forward(client, f) })
	}
}

func (p *proxy) forward(client net.Conn, f *fate) {
	defer func() { _ = client.Close() }()
	up, err := new(net.Dialer).Dial("tcp", p.upstream)
	if err != nil {
		p.tb.Error(err)
		return
	}
	var both sync.WaitGroup
	over := make(chan struct{})
	both.Go(func() {
		p.pass(up, client, f, true)
		_ = up.Close()
	})
	both.Go(func() { // nobody outlives the test
		select {
		case <-p.ended:
			_ = client.Close()
		case <-over:
		}
	})
	p.pass(client, up, f, false)
	_ = up.Close()
	_ = client.Close()
	close(over)
	both.Wait()
}

// pass moves bytes in one direction, of requests or of answers, until their fate.
func (p *proxy) pass(to, from net.Conn, f *fate, request bool) {
	if f == nil || f.request != request {
		_, _ = io.Copy(to, from)
		return
	}
	_, _ = io.CopyN(to, from, f.after)
	f.what(p, to, from)
}
