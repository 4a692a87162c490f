package serve_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/serve"
)

// deadlines notes the write deadlines that a handler sets on its connection.
type deadlines struct {
	net.Conn
	set chan<- time.Time
}

func (d deadlines) SetWriteDeadline(t time.Time) error {
	d.set <- t
	return d.Conn.SetWriteDeadline(t)
}

type listener struct {
	net.Listener
	set chan<- time.Time
}

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return deadlines{c, l.set}, err
}

// A client has half a minute for a megabyte, but for what the buffers take; between replies there is no limit,
// so that the next reply is not cut off by the last one's.
func TestWritesHaveADeadlineAndTheConnectionHasNone(t *testing.T) {
	set := make(chan time.Time, 100)
	server := httptest.NewUnstartedServer(handler(serve.Options{}))
	server.Listener = listener{server.Listener, set}
	server.Start()
	defer server.Close()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	replies := bufio.NewReader(c)
	for _, rows := range []string{"1.0", strings.Repeat("1.0,", 400000) + "1.0", "one", strings.Repeat("1.0,", 500000) + "1.0"} {
		body := `{"instances": [` + rows + `]}`
		started := time.Now()
		if _, err := fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", predictPath, len(body), body); err != nil {
			t.Fatal(err)
		}
		reply, err := http.ReadResponse(replies, nil) //nolint:bodyclose // it is read to its end
		if err != nil {
			t.Fatal(err)
		}
		size, err := io.Copy(io.Discard, reply.Body)
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		if size > 64<<10 {
			want = 1 + int(size)>>20
		}
		var got []time.Time
		for len(got) == 0 || !got[len(got)-1].IsZero() {
			got = append(got, next(t.Context(), t, set))
		}
		if len(got) != want+1 {
			t.Errorf("%d deadlines for %d bytes, want %d and none at the end", len(got), size, want)
		}
		for _, d := range got[:len(got)-1] {
			if d.Before(started.Add(29*time.Second)) || d.After(time.Now().Add(31*time.Second)) {
				t.Errorf("deadline %v after the request", d.Sub(started))
			}
		}
	}
}

func next(ctx context.Context, t *testing.T, set <-chan time.Time) time.Time {
	t.Helper()
	select {
	case d := <-set:
		return d
	case <-ctx.Done():
		t.Fatal("no deadline was set")
		return time.Time{}
	}
}
