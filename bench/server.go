package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"time"
)

// server is an HTTP server under test, in a process of its own.
type server struct {
	name string
	addr string // host:port

	cmd  *exec.Cmd
	stop context.CancelFunc
	read chan struct{} // closed when its output has ended

	printed bytes.Buffer // before it served
}

// announced is where a server says that it serves; both do.
var announced = regexp.MustCompile(`(?m)^serving .*http://([^/\s]+)`)

// startServers starts tensorlambda and FastAPI on the SavedModel in a folder.
// Both run at the same time, and each is idle while the other is measured.
func startServers(ctx context.Context, folder string) (ours, python *server, err error) {
	if ours, err = startServer(ctx, "tensorlambda", "build/bootstrap", "serve", "--addr", "127.0.0.1:0", folder); err != nil {
		return nil, nil, err
	}
	python, err = startServer(ctx, "FastAPI + uvicorn + TensorFlow", "build/venv/bin/python", "bench/python/server.py", folder)
	if err != nil {
		return nil, nil, errors.Join(err, ours.close())
	}
	return ours, python, nil
}

// startServer starts a server and waits until it says where it serves.
func startServer(ctx context.Context, name, program string, args ...string) (*server, error) {
	ctx, stop := context.WithCancel(ctx)
	s := &server{name: name, stop: stop, read: make(chan struct{}), cmd: exec.CommandContext(ctx, program, args...)}
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(syscall.SIGTERM) }
	s.cmd.WaitDelay = 10 * time.Second // then it is killed
	s.cmd.Env = append(os.Environ(), "MODEL_NAME=bench", "TENSORFLOW_LIB=build/layer/lib")
	output, err := s.cmd.StdoutPipe()
	if err != nil {
		stop()
		return nil, err
	}
	s.cmd.Stderr = s.cmd.Stdout
	if err := s.cmd.Start(); err != nil {
		stop()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	ready := make(chan string, 1)
	go s.readOutput(output, ready)
	if s.addr = <-ready; s.addr == "" {
		err := s.close() // which waits for the reader of what it printed
		return nil, fmt.Errorf("%s ended before it served (%w):\n%s", name, err, &s.printed)
	}
	return s, nil
}

// readOutput reads what the server prints to its end, sends the address that it
// names, and keeps what it printed before.
func (s *server) readOutput(output io.Reader, ready chan<- string) {
	defer close(s.read)
	defer close(ready)
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		if found := announced.FindSubmatch(lines.Bytes()); found != nil {
			ready <- string(found[1])
			break
		}
		fmt.Fprintln(&s.printed, lines.Text())
	}
	_, _ = io.Copy(io.Discard, output) // the server's end is seen by Wait
}

// close asks the server to end and waits until it has.
func (s *server) close() error {
	s.stop()
	<-s.read
	err := s.cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signal() == syscall.SIGTERM {
			return nil // uvicorn ends in the way that it was asked to
		}
	}
	if errors.Is(err, context.Canceled) { // it ended by itself when asked to
		return nil
	}
	return err
}
