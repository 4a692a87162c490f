package childserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

const (
	pollInterval = 10 * time.Millisecond
	maxOutput    = 64 << 10
)

// child is the server's process.
type child struct {
	cmd    *exec.Cmd
	output output
	done   chan struct{} // closed when the process is gone
	err    error         // of Wait; read after done
}

// run starts the process with nothing in its environment but env, since variables
// of the caller would change the server. It outlives ctx.
func run(ctx context.Context, binary string, args, env []string) (*child, error) {
	c := &child{cmd: exec.CommandContext(context.WithoutCancel(ctx), binary, args...), done: make(chan struct{})}
	c.cmd.Env = env
	c.cmd.Stdout = &c.output
	c.cmd.Stderr = &c.output
	// Its own process group: an interrupt typed at the terminal must reach the
	// owner first, who stops the server last.
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		// The kernel sends Pdeathsig when the starting thread ends, not the
		// process: keep that thread for as long as the child lives.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.cmd.Start()
		started <- err
		if err == nil {
			c.err = c.cmd.Wait()
		}
		close(c.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return c, nil
}

// stop kills the process and waits for its end. Asked politely, versitygw waits for
// idle connections of clients, for many seconds; and since it publishes each object
// by one rename, there is nothing that it should finish. Others keep nothing at all.
func (c *child) stop() error {
	err := c.cmd.Process.Kill()
	<-c.done
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// awaitHealth returns when the server answers at url, or its output when it ended
// or ctx did.
func awaitHealth(ctx context.Context, url string, c *child) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 2 * time.Second}
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		if healthy(ctx, client, url) {
			return nil
		}
		select {
		case <-c.done:
			return fmt.Errorf("it ended at once (%w): %s", c.err, c.output.String())
		case <-ctx.Done():
			return fmt.Errorf("no answer from %s (%w): %s", url, ctx.Err(), c.output.String())
		case <-tick.C:
		}
	}
}

func healthy(ctx context.Context, client *http.Client, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1024))
	return errors.Join(err, resp.Body.Close()) == nil && resp.StatusCode == http.StatusOK
}

// output keeps the first bytes that the server printed, for error messages.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf.Write(p[:min(len(p), maxOutput-o.buf.Len())])
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(bytes.TrimSpace(o.buf.Bytes()))
}
