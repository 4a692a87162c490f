package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"time"
)

// client is one keep-alive connection that sends the same request again and
// again. It looks at no more of a reply than its status and length: net/http's
// client would do as much work for a small request as the server under test, on
// the same processors, and so count against the faster server.
type client struct {
	conn   io.ReadWriteCloser
	reply  []byte // room for a reply
	answer []byte // the body of the last reply, in reply
}

func dial(ctx context.Context, addr string) (*client, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	return &client{conn: conn, reply: make([]byte, 64<<10)}, err
}

// dialAlone is dial for the only client. It blocks in read and write like a C
// program, which costs less than Go's poller; for several it costs more, since
// they would be as many threads.
func dialAlone(ctx context.Context, addr string) (*client, error) {
	c, err := dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	defer c.close()
	file, err := c.conn.(*net.TCPConn).File()
	if err != nil {
		return nil, err
	}
	file.Fd() // makes it blocking
	return &client{conn: file, reply: c.reply}, nil
}

func (c *client) close() { c.conn.Close() }

// do sends a whole request and reads the reply, which must be a 200.
func (c *client) do(request []byte) error {
	if _, err := c.conn.Write(request); err != nil {
		return err
	}
	for have := 0; ; {
		n, err := c.conn.Read(c.reply[have:])
		if err != nil {
			return err
		}
		have += n
		total, err := replySize(c.reply[:have])
		if err != nil {
			return err
		}
		if total > len(c.reply) {
			c.reply = append(c.reply[:have], make([]byte, total-have)...)
		}
		if total > 0 && have >= total {
			head := bytes.Index(c.reply[:have], headEnd) + len(headEnd)
			c.answer = c.reply[head:total]
			return nil
		}
	}
}

var (
	headEnd       = []byte("\r\n\r\n")
	contentLength = regexp.MustCompile(`(?i)\r\ncontent-length: (\d+)\r\n`)
)

// replySize is how long the reply is that begins with b, 0 where its head is not
// complete.
func replySize(b []byte) (int, error) {
	head := bytes.Index(b, headEnd)
	if head < 0 {
		return 0, nil
	}
	if !bytes.HasPrefix(b, []byte("HTTP/1.1 200 ")) {
		return 0, fmt.Errorf("reply %.300q", b)
	}
	length := contentLength.FindSubmatch(b[:head+2])
	if length == nil {
		return 0, fmt.Errorf("reply without a length: %.300q", b)
	}
	size, err := strconv.Atoi(string(length[1]))
	return head + len(headEnd) + size, err
}

// rawRequest is a POST as it goes over the wire.
func rawRequest(path string, header http.Header, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://bench"+path, bytes.NewReader(body))
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
	clients, connect := make([]*client, workers), dial
	if workers == 1 {
		connect = dialAlone
	}
	for i := range clients {
		c, err := connect(ctx, addr)
		if err != nil {
			return 0, nil, err
		}
		defer c.close()
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
	return took, clients[0].answer, errors.Join(append(errs, ctx.Err())...)
}
