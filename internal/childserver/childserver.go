// Package childserver runs the servers of others that tests, the demo and the
// benchmarks talk to: a child process on a free port of this machine, which answers
// when Start returns and ends with its owner, however that ends.
package childserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	startTimeout = 30 * time.Second
	// portAttempts is how often another port is tried: between choosing a free
	// port and binding it, somebody else may take it.
	portAttempts = 5
)

// ErrMissing is a server's program that is nowhere to be found.
var ErrMissing = errors.New("program not found")

// Options says what to run. All but Host and Env is required.
type Options struct {
	// Name is what errors call the server.
	Name   string
	Binary string
	// Host is the address to listen at; empty means 127.0.0.1, which nobody else reaches.
	Host string
	// Args are the arguments that make it listen at host:port.
	Args func(host, port string) []string
	// Env is the whole environment of the process.
	Env []string
	// Health is a path of the server that answers 200 once it is ready.
	Health string
}

// Server is a running server. Its methods may be called by several goroutines.
type Server struct {
	addr  string
	child *child
}

// Start runs a server and returns when it answers. ctx bounds the start only: the
// server lives until Close, or until this process ends.
func Start(ctx context.Context, o Options) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for attempt := 1; ; attempt++ {
		s, err := start(ctx, o)
		if err == nil {
			return s, nil
		}
		if attempt == portAttempts || !strings.Contains(strings.ToLower(err.Error()), "address already in use") {
			return nil, fmt.Errorf("start %s: %w", o.Name, err)
		}
	}
}

func start(ctx context.Context, o Options) (*Server, error) {
	addr, err := freeAddr(ctx, cmp.Or(o.Host, "127.0.0.1"))
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	c, err := run(ctx, o.Binary, o.Args(host, port), o.Env)
	if err != nil {
		return nil, err
	}
	s := &Server{addr: addr, child: c}
	if err := awaitHealth(ctx, s.Endpoint()+o.Health, c); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return s, nil
}

// Endpoint is the URL of the server.
func (s *Server) Endpoint() string { return "http://" + s.addr }

// Close ends the server and waits for that. A second Close does nothing.
func (s *Server) Close() error { return s.child.stop() }

// Built is the program at a path below the folder build of this project, which is
// beside the nearest go.mod. The error is ErrMissing.
func Built(path ...string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for start := dir; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			program := filepath.Join(append([]string{dir, "build"}, path...)...)
			if _, err := exec.LookPath(program); err != nil {
				return "", fmt.Errorf("%s: %w", program, ErrMissing)
			}
			return program, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no go.mod at or above %s: %w", start, ErrMissing)
		}
	}
}

func freeAddr(ctx context.Context, host string) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
