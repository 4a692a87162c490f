// Package motoserver starts the real queue server that tests talk to: moto's, which
// speaks SQS's protocol, on a free port of this machine. Its queues have visibility
// timeouts, receive counts and dead letters, and live in its memory.
package motoserver

import (
	"context"
	"errors"
	"fmt"

	"github.com/tensorlambda/tensorlambda/internal/childserver"
)

// Region is the region that clients should name. The server knows all of them, and
// the queues of one cannot be seen from another.
const Region = "us-east-1"

// ErrMissing is returned when the Python that has the server is nowhere to be found.
var ErrMissing = errors.New("moto is not installed: run make check")

// Options says how to start a server.
type Options struct {
	// Python is the interpreter that has moto; empty means that of build/venv beside
	// the go.mod at or above the working directory.
	Python string
}

// Server is a running server. Its methods may be called by several goroutines.
type Server struct {
	child *childserver.Server
}

// Start runs a server and returns when it answers, which takes about two seconds.
// ctx bounds the start only: the server lives until Close, or until this process
// ends, however it ends.
func Start(ctx context.Context, o Options) (*Server, error) {
	python := o.Python
	if python == "" {
		var err error
		if python, err = childserver.Built("venv", "bin", "python"); err != nil {
			return nil, fmt.Errorf("%w (%w)", ErrMissing, err)
		}
	}
	child, err := childserver.Start(ctx, childserver.Options{
		Name: "moto", Binary: python, Health: "/moto-api/",
		Args: func(host, port string) []string { return []string{"-m", "moto.server", "-H", host, "-p", port} },
		Env: []string{
			"PYTHONSAFEPATH=1",   // a file moto.py in the working directory is not the server
			"PYTHONUNBUFFERED=1", // so that what it printed is there for an error
		},
	})
	if err != nil {
		return nil, err
	}
	return &Server{child}, nil
}

// Endpoint is the URL of the server. That of a queue is below it.
func (s *Server) Endpoint() string { return s.child.Endpoint() }

// Env is what the AWS SDKs and this project's binary need in their environment to
// find the server. Besides, they need credentials, of which any do.
func (s *Server) Env() []string {
	return []string{"AWS_ENDPOINT_URL_SQS=" + s.Endpoint(), "AWS_REGION=" + Region}
}

// Close stops the server, and with it all queues, and waits for its end. A second
// Close does nothing.
func (s *Server) Close() error { return s.child.Close() }
