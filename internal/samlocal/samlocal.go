// Package samlocal runs the functions that `make sam-build` made in containers, with
// `sam local`, and gives them a real S3 server on this machine. It brings the Docker
// engine and the base image where they are missing and may be brought, which the test of
// the function's own image uses, too.
package samlocal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/childserver"
	"github.com/tensorlambda/tensorlambda/internal/versitygw"
)

// ErrNoEngine is returned where no Docker engine answers that will do, and none may be
// started. The error that wraps it says why.
var ErrNoEngine = errors.New("this needs a Docker engine")

// Options says how to start. Both are required.
type Options struct {
	// Dir holds everything that is written; it is not removed.
	Dir string
	// Log gets what SAM and the functions say.
	Log io.Writer
}

// Session is a place where functions run: an engine and an S3 server. Its methods must
// not be called by several goroutines, who would share a log.
type Session struct {
	// S3 is the server; functions find it without being told.
	S3 *versitygw.Server

	sam, root string
	options   Options
	engine    *Engine
}

// Start returns when functions can run. Close must be called.
func Start(ctx context.Context, o Options) (*Session, error) {
	sam, err := childserver.Built("sam", "bin", "sam")
	if err != nil {
		return nil, fmt.Errorf("the SAM CLI: %w; run `make sam`", err)
	}
	s := &Session{sam: sam, root: filepath.Join(filepath.Dir(sam), "..", "..", ".."), options: o}
	// Without it SAM would take the template as it is written, and run sources.
	if _, err := os.Stat(filepath.Join(s.root, ".aws-sam", "build", "template.yaml")); err != nil {
		return nil, fmt.Errorf("the functions as SAM builds them: %w; run `make sam-build`", err)
	}
	if s.engine, err = StartEngine(ctx, o.Dir, o.Log); err != nil {
		return nil, err
	}
	if s.S3, err = versitygw.Start(ctx, versitygw.Options{Dir: filepath.Join(o.Dir, "s3"), Host: s.engine.Host}); err != nil {
		return nil, errors.Join(err, s.engine.Close())
	}
	return s, nil
}

// Close ends what Start began: the server, and the engine unless it was there before.
func (s *Session) Close() error {
	return errors.Join(s.S3.Close(), s.engine.Close())
}

// Invoke runs a function once and returns its answer. Settings are environment variables
// that the template declares; SAM drops others.
func (s *Session) Invoke(ctx context.Context, function string, event []byte, settings map[string]string) ([]byte, error) {
	cmd, err := s.command(ctx, settings, "invoke", function, "--event", "-")
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout = bytes.NewReader(event), &out
	if err := run(cmd); err != nil {
		return nil, fmt.Errorf("sam local invoke %s: %w", function, err)
	}
	answer := bytes.TrimSpace(out.Bytes())
	return answer, failure(function, answer)
}

// failure looks for what SAM does not tell: it exits 0 when a function fails, and prints
// nothing when one is out of time or memory.
func failure(function string, answer []byte) error {
	if len(answer) == 0 {
		return fmt.Errorf("%s gave no answer; its log says why", function)
	}
	var e struct{ ErrorType, ErrorMessage string }
	if json.Unmarshal(answer, &e) == nil && e.ErrorType != "" {
		return fmt.Errorf("%s failed: %s: %s", function, e.ErrorType, e.ErrorMessage)
	}
	return nil
}

// ServeAPI serves the template's HTTP API until ctx ends. The function's container is made
// for the first request and kept. Nobody is asked who they are: SAM knows nothing of IAM,
// and a template with an authorizer that is there on a condition crashes it.
func (s *Session) ServeAPI(ctx context.Context, host, port string, settings map[string]string) error {
	cmd, err := s.command(ctx, settings, "start-api", "--host", host, "--port", port, "--warm-containers", "LAZY", "--disable-authorizer")
	if err != nil {
		return err
	}
	cmd.Stdout = s.options.Log
	if err := run(cmd); err != nil {
		return fmt.Errorf("sam local start-api: %w", err)
	}
	return nil
}

// GenerateEvent is what `sam local generate-event` prints.
func (s *Session) GenerateEvent(ctx context.Context, args ...string) ([]byte, error) {
	cmd := s.samCommand(ctx, append([]string{"local", "generate-event"}, args...)...)
	event, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("sam local generate-event: %w", err)
	}
	return event, nil
}

// command is one that runs functions.
func (s *Session) command(ctx context.Context, settings map[string]string, args ...string) (*exec.Cmd, error) {
	variables := map[string]string{
		"AWS_ENDPOINT_URL_S3": s.S3.Endpoint(),
		// The template's is a queue that is nowhere.
		"BATCH_QUEUE_URL": "",
	}
	for name, value := range settings {
		variables[name] = value
	}
	encoded, err := json.Marshal(map[string]any{"Parameters": variables})
	if err != nil {
		return nil, err
	}
	file := filepath.Join(s.options.Dir, "variables.json")
	if err := os.WriteFile(file, encoded, 0o600); err != nil {
		return nil, err
	}
	architecture := map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
	args = append(append([]string{"local"}, args...),
		"--env-vars", file, "--skip-pull-image", "--parameter-overrides", "Architecture="+architecture)
	return s.samCommand(ctx, args...), nil
}

func (s *Session) samCommand(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.sam, args...)
	cmd.Dir = s.root
	cmd.Stderr = s.options.Log
	cmd.Env = s.environment()
	// SAM removes its containers when it is asked to end, once: an interrupt typed at the
	// terminal is not to reach it as well.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	return cmd
}

// run is cmd.Run for a process that ends with this one, however that ends. The kernel
// sends Pdeathsig when the thread that started it ends, so that is kept meanwhile.
func run(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return cmd.Run()
}

// environment is what SAM gets: nothing of the user's account, whose credentials SAM
// would hand to the functions.
func (s *Session) environment() []string {
	var env []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "AWS_") && !strings.HasPrefix(variable, "SAM_") {
			env = append(env, variable)
		}
	}
	return append(append(env, s.S3.Env()...),
		// The user's files may name a role or a process that hands out credentials.
		"AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_CONFIG_FILE="+os.DevNull,
		"AWS_DEFAULT_REGION="+versitygw.Region,
		"SAM_CLI_TELEMETRY=0",
		// SAM asks STS for the account on each start, for 7 seconds where nobody answers.
		"AWS_ENDPOINT_URL_STS=http://127.0.0.1:9", "AWS_MAX_ATTEMPTS=1",
	)
}
