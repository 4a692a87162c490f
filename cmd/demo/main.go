// Command demo shows the whole function on one machine: it puts the demo model
// into a real S3 server, starts the real binary under a Lambda Runtime API, sends
// it one API Gateway event, and prints the request, the answer and how the cold
// start spent its time. Then it keeps the model served on a port. `make run` runs
// it.
package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/coldstart"
	"github.com/tensorlambda/tensorlambda/internal/runtimeapi"
	"github.com/tensorlambda/tensorlambda/internal/versitygw"
)

const (
	bucket   = "models"
	key      = "digits.tar.gz"
	modelURI = "s3://" + bucket + "/" + key
)

func main() {
	once := flag.Bool("once", false, "exit after the answer")
	addr := flag.String("addr", "127.0.0.1:8080", "`address` to serve on afterwards")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *once, *addr)
	stopped := ctx.Err() != nil // by a signal, which is how it is meant to end
	stop()
	if err != nil && !stopped {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run is the demo, from the root of the repository.
func run(ctx context.Context, once bool, addr string) error {
	dir, err := os.MkdirTemp("", "tensorlambda-demo-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	server, err := versitygw.Start(ctx, versitygw.Options{Dir: filepath.Join(dir, "s3")})
	if err != nil {
		return err
	}
	defer server.Close()
	if err := upload(ctx, server); err != nil {
		return err
	}
	if !once {
		if addr, err = freeAddr(ctx, addr); err != nil {
			return err
		}
	}
	fmt.Printf("the model lies in a local S3 server as %s\n\n", modelURI)
	// An empty temporary folder, as a new Lambda environment has.
	env := append(server.Env(), "MODEL_URI="+modelURI, "TMPDIR="+dir)
	if err := answerOneEvent(ctx, env); err != nil || once {
		return err
	}
	return serve(ctx, env, addr)
}

func upload(ctx context.Context, server *versitygw.Server) error {
	model, err := os.ReadFile(filepath.Join("models", "digits", key))
	if err != nil {
		return fmt.Errorf("the demo model: %w", err)
	}
	return server.Put(ctx, bucket, key, model)
}

// freeAddr is addr, or one with another port where that is taken.
func freeAddr(ctx context.Context, addr string) (string, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", addr)
	if err == nil {
		return addr, listener.Close()
	}
	host, _, splitErr := net.SplitHostPort(addr)
	if splitErr != nil {
		return "", splitErr
	}
	fmt.Printf("%v: another port is taken (make run ADDR=%s:PORT chooses one)\n", err, host)
	if listener, err = config.Listen(ctx, "tcp", net.JoinHostPort(host, "0")); err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// answerOneEvent is a Lambda environment's life with one invocation.
func answerOneEvent(ctx context.Context, env []string) error {
	event, err := os.ReadFile(filepath.Join("events", "apigateway-v2.json"))
	if err != nil {
		return fmt.Errorf("the sample event: %w", err)
	}
	var log bytes.Buffer
	function, err := runtimeapi.StartProcess(ctx, filepath.Join("build", "bootstrap"), env, &log)
	if err != nil {
		return err
	}
	defer function.Close()
	if err := function.AwaitReady(ctx); err != nil {
		return fmt.Errorf("%w\n%s", err, log.String())
	}
	result, err := function.Invoke(ctx, event, runtimeapi.Options{})
	if err != nil {
		return err
	}
	took := time.Since(function.Started)
	if err := function.Close(); err != nil { // its log is whole now
		return err
	}
	if err := printExchange(event, result); err != nil {
		return err
	}
	fmt.Printf("answered %.0f ms after the process started, %.1f ms of them in the invocation\n\n",
		ms(took), ms(result.Duration))
	return printColdStart(&log)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// gatewayEvent is what the demo shows of an API Gateway HTTP API event.
type gatewayEvent struct {
	RawPath        string `json:"rawPath"`
	RequestContext struct {
		HTTP struct {
			Method string `json:"method"`
		} `json:"http"`
	} `json:"requestContext"`
	Body            string `json:"body"`
	IsBase64Encoded bool   `json:"isBase64Encoded"`
}

func printExchange(payload []byte, result runtimeapi.Result) error {
	if result.ErrorType != "" {
		return fmt.Errorf("the function failed: %s: %s", result.ErrorType, result.ErrorMessage)
	}
	var request gatewayEvent
	if err := json.Unmarshal(payload, &request); err != nil {
		return fmt.Errorf("the sample event: %w", err)
	}
	body := []byte(request.Body)
	if request.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(request.Body); err != nil {
			return fmt.Errorf("body of the sample event: %w", err)
		}
	}
	var reply struct {
		StatusCode int    `json:"statusCode"`
		Body       string `json:"body"`
	}
	if err := json.Unmarshal(result.Body, &reply); err != nil {
		return fmt.Errorf("reply %.200q: %w", result.Body, err)
	}
	fmt.Printf("API Gateway event  %s %s\n  %s\n", request.RequestContext.HTTP.Method, request.RawPath, clip(body))
	fmt.Printf("answer  %d\n  %s\n\n", reply.StatusCode, clip([]byte(reply.Body)))
	if reply.StatusCode != http.StatusOK {
		return fmt.Errorf("the function answered %d", reply.StatusCode)
	}
	return nil
}

// clip keeps a body to a few lines of a terminal.
func clip(body []byte) string {
	const most = 400
	body = bytes.Join(bytes.Fields(body), []byte(" "))
	if len(body) <= most {
		return string(body)
	}
	return fmt.Sprintf("%s… (%d bytes)", body[:most], len(body))
}

// printColdStart finds the report in the function's log.
func printColdStart(log *bytes.Buffer) error {
	for line := range bytes.Lines(log.Bytes()) {
		var entry struct {
			Message string            `json:"message"`
			Report  *coldstart.Report `json:"report"`
		}
		if json.Unmarshal(line, &entry) == nil && entry.Report != nil {
			return entry.Report.WriteChart(os.Stdout)
		}
	}
	return fmt.Errorf("the log has no report of the cold start:\n%s", log.String())
}

// serve runs `bootstrap serve` until ctx ends.
func serve(ctx context.Context, env []string, addr string) error {
	fmt.Println()
	cmd := exec.CommandContext(ctx, filepath.Join("build", "bootstrap"), "serve", "--addr", addr)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = io.Discard, os.Stderr
	return cmd.Run()
}
