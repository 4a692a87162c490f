// Package versitygw starts the real S3 server that tests, the demo and the
// benchmarks talk to: versitygw over a folder, on a free port of this machine.
package versitygw

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/tensorlambda/tensorlambda/internal/childserver"
)

// Region is what the server calls its only region.
const Region = "us-east-1"

// healthPath is where the server says that it is ready.
const healthPath = "/health"

// ErrMissing is returned when the server's program is nowhere to be found.
var ErrMissing = errors.New("versitygw is not built: run make check")

// Options says how to start a server. Dir is required.
type Options struct {
	// Binary is the program; empty means build/tools/versitygw beside the
	// go.mod at or above the working directory.
	Binary string
	// Dir holds everything the server keeps; it is created if missing and
	// never removed.
	Dir string
	// Host is the address to listen at; empty means 127.0.0.1, which containers do not
	// reach.
	Host string
	// Versioning makes it possible to turn on versioning for buckets.
	Versioning bool
}

// Credentials are a pair of keys the server knows.
type Credentials struct {
	AccessKeyID, SecretAccessKey string
}

// Server is a running server. Its methods may be called by several goroutines.
type Server struct {
	binary string
	root   Credentials
	child  *childserver.Server
}

// Start runs a server and returns when it answers. ctx bounds the start only:
// the server lives until Close, or until this process ends, however it ends.
func Start(ctx context.Context, o Options) (*Server, error) {
	binary, err := find(o.Binary)
	if err != nil {
		return nil, err
	}
	args, err := prepare(o)
	if err != nil {
		return nil, fmt.Errorf("prepare folder of versitygw: %w", err)
	}
	root := newCredentials()
	child, err := childserver.Start(ctx, childserver.Options{
		Name: "versitygw", Binary: binary, Host: o.Host, Health: healthPath,
		Args: func(host, port string) []string {
			return append([]string{"--port", net.JoinHostPort(host, port), "--region", Region, "--quiet", "--keep-alive", "--health", healthPath}, args...)
		},
		Env: []string{"ROOT_ACCESS_KEY_ID=" + root.AccessKeyID, "ROOT_SECRET_ACCESS_KEY=" + root.SecretAccessKey},
	})
	if err != nil {
		return nil, err
	}
	return &Server{binary: binary, root: root, child: child}, nil
}

// Endpoint is the URL of the server. Buckets are addressed by path.
func (s *Server) Endpoint() string { return s.child.Endpoint() }

// Root is the user who may do everything.
func (s *Server) Root() Credentials { return s.root }

// Env is what the AWS SDKs and this project's binary need in their environment
// to talk to the server as root.
func (s *Server) Env() []string {
	return []string{
		"AWS_ENDPOINT_URL_S3=" + s.Endpoint(),
		"AWS_REGION=" + Region,
		"AWS_ACCESS_KEY_ID=" + s.root.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY=" + s.root.SecretAccessKey,
	}
}

// AddUser makes a user who may do only what bucket policies grant to him.
func (s *Server) AddUser(ctx context.Context) (Credentials, error) {
	user := newCredentials()
	cmd := exec.CommandContext(ctx, s.binary, "admin", "--endpoint-url", s.Endpoint(), "create-user",
		"--access", user.AccessKeyID, "--secret", user.SecretAccessKey, "--role", "user")
	cmd.Env = []string{
		"ADMIN_ACCESS_KEY_ID=" + s.root.AccessKeyID,
		"ADMIN_SECRET_ACCESS_KEY=" + s.root.SecretAccessKey,
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return Credentials{}, fmt.Errorf("create user of versitygw: %w: %s", err, out)
	}
	return user, nil
}

// Close stops the server and waits for its end. A second Close does nothing.
func (s *Server) Close() error { return s.child.Close() }

// prepare makes the folders and returns the arguments that name them.
func prepare(o Options) ([]string, error) {
	if o.Dir == "" {
		return nil, errors.New("no folder given")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	data, iam := filepath.Join(dir, "buckets"), filepath.Join(dir, "iam")
	folders := []string{data, iam}
	args := []string{"--iam-dir", iam, "--iam-cache-disable", "posix"}
	if o.Versioning {
		versions := filepath.Join(dir, "versions")
		folders = append(folders, versions)
		args = append(args, "--versioning-dir", versions)
	}
	for _, f := range folders {
		if err := os.MkdirAll(f, 0o700); err != nil {
			return nil, err
		}
	}
	if !hasAttributes(data) {
		sidecar := filepath.Join(dir, "attributes")
		if err := os.MkdirAll(sidecar, 0o700); err != nil {
			return nil, err
		}
		args = append(args, "--sidecar", sidecar)
	}
	return append(args, data), nil
}

// hasAttributes reports whether the file system keeps user attributes, where
// the server puts ETags and content types. An older tmpfs does not.
func hasAttributes(dir string) bool {
	err := unix.Setxattr(dir, "user.tensorlambda-probe", []byte{1}, 0)
	return err == nil && unix.Removexattr(dir, "user.tensorlambda-probe") == nil
}

// find is the program, looked for where make puts it.
func find(binary string) (string, error) {
	if binary != "" {
		return binary, nil
	}
	binary, err := childserver.Built("tools", "versitygw")
	if errors.Is(err, childserver.ErrMissing) {
		return "", fmt.Errorf("%w (%w)", ErrMissing, err)
	}
	return binary, err
}

func newCredentials() Credentials {
	return Credentials{AccessKeyID: "AK" + rand.Text()[:18], SecretAccessKey: rand.Text() + rand.Text()[:14]}
}
