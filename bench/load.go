package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// client is one keep-alive connection that sends the same request again and
// again. net/http's client would do as much work for a small request as the
// server under test, on the same processors.
type client struct {
	conn    net.Conn
	replies *bufio.Reader
	answer  bytes.Buffer // the body of the last reply
}

func dial(ctx context.Context, addr string) (*client, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &client{conn: conn, replies: bufio.NewReader(conn)}, nil
}

// do sends a whole request and reads the reply, which must be a 200.
func (c *client) do(request []byte) error {
	if _, err := c.conn.Write(request); err != nil {
		return err
	}
	reply, err := http.ReadResponse(c.replies, nil)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	c.answer.Reset()
	if _, err := io.Copy(&c.answer, reply.Body); err != nil {
		return err
	}
	if reply.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s: %.200q", reply.Status, c.answer.Bytes())
	}
	return nil
}

// rawRequest is a POST as it goes over the wire.
func rawRequest(path string, header http.Header, body []byte) ([]byte, error) {
	r, err := http.NewRequest(http.MethodPost, "http://bench"+path, bytes.NewReader(body)) //nolint:noctx // it is only written out
	if err != nil {
		return nil, err
	}
	r.Header = header
	var wire bytes.Buffer
	err = r.Write(&wire)
	return wire.Bytes(), err
}

// load sends requests over several connections at once and returns the time
// from the first to the last reply, and the body of one of them.
func load(ctx context.Context, addr string, request []byte, workers, requests int) (time.Duration, []byte, error) {
	clients := make([]*client, workers)
	for i := range clients {
		c, err := dial(ctx, addr)
		if err != nil {
			return 0, nil, err
		}
		defer c.conn.Close()
		clients[i] = c
	}
	errs := make([]error, workers)
	var running sync.WaitGroup
	start := time.Now()
	for i, c := range clients {
		running.Go(func() {
			for n := i; n < requests && errs[i] == nil && ctx.Err() == nil; n += workers {
				errs[i] = c.do(request)
			}
		})
	}
	running.Wait()
	took := time.Since(start)
	return took, clients[0].answer.Bytes(), errors.Join(append(errs, ctx.Err())...)
}
