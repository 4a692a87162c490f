package test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/runtimeapi"
)

// patience bounds everything that should take a second, on the slowest machine.
const patience = 60 * time.Second

// function is the program in a Lambda environment of its own.
type function struct {
	*runtimeapi.Process
	t   *testing.T
	log *journal
}

// startFunction starts the program with settings, each NAME=value; the last of a
// name counts. TMPDIR is a new folder unless the settings name one.
func startFunction(t *testing.T, settings ...string) *function {
	t.Helper()
	return startProgram(t, []string{bootstrap}, settings...)
}

// startProgram is startFunction for another program, with its arguments.
func startProgram(t *testing.T, command []string, settings ...string) *function {
	t.Helper()
	log := newJournal()
	env := append(environment(t), settings...)
	arguments := func(cmd *exec.Cmd) { cmd.Args = command }
	p, err := runtimeapi.StartProcess(context.WithoutCancel(t.Context()), command[0], env, log, arguments)
	if err != nil {
		t.Fatal(err)
	}
	f := &function{Process: p, t: t, log: log}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("log of the function:\n%s", log)
		}
	})
	return f
}

// environment is what every process gets: the S3 server, and no folder of this
// machine but a temporary one.
func environment(t *testing.T) []string {
	t.Helper()
	return append(store.Env(), "TENSORFLOW_LIB="+library, "TMPDIR="+t.TempDir())
}

// readyFunction is startFunction that waits for the end of the init phase.
func readyFunction(t *testing.T, settings ...string) *function {
	t.Helper()
	f := startFunction(t, settings...)
	f.awaitReady()
	return f
}

func (f *function) awaitReady() {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	if err := f.AwaitReady(ctx); err != nil {
		f.t.Fatal(err)
	}
}

// await looks again and again whether the process has come to a point that it
// tells nobody of.
func (f *function) await(what string, reached func() bool) {
	f.t.Helper()
	tick, end := time.NewTicker(time.Millisecond), time.After(patience)
	defer tick.Stop()
	for !reached() {
		select {
		case <-tick.C:
		case <-f.Exited():
			f.t.Fatalf("the function has ended, before %s", what)
		case <-end:
			f.t.Fatalf("waited %v, and not yet: %s", patience, what)
		}
	}
}

// hasOpen says whether the process has a file open whose path begins so. Memory
// files are called /memfd:NAME.
func (f *function) hasOpen(prefix string) bool {
	f.t.Helper()
	folder := fmt.Sprintf("/proc/%d/fd", f.PID())
	open, err := os.ReadDir(folder)
	if err != nil {
		return false // it has ended, which await reports
	}
	return slices.ContainsFunc(open, func(e os.DirEntry) bool {
		path, err := os.Readlink(filepath.Join(folder, e.Name()))
		return err == nil && strings.HasPrefix(path, prefix) // closed meanwhile where it cannot be read
	})
}

// failure waits for a function that cannot start: what it told Lambda, and its
// exit status.
func (f *function) failure() (*runtimeapi.InitError, int) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	var reported *runtimeapi.InitError
	if err := f.AwaitReady(ctx); !errors.As(err, &reported) {
		f.t.Fatalf("the function did not report an init error: %v", err)
	}
	select {
	case <-f.Exited():
	case <-ctx.Done():
		f.t.Fatal("the function told Lambda that it cannot start, and goes on")
	}
	return reported, f.ExitCode()
}

// report waits for the report of the cold start in the log.
func (f *function) report() *coldReport {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	if !f.log.await(ctx, func(text string) bool { return strings.Contains(text, `"report":`) && strings.HasSuffix(text, "\n") }) {
		f.t.Fatal("the log has no report of the cold start")
	}
	for _, l := range f.log.lines(f.t) {
		if l.Report != nil {
			return l.Report
		}
	}
	f.t.Fatal("the report of the cold start has another form")
	return nil
}

// metrics are the numbers of the start's line of metrics.
func (f *function) metrics() map[string]float64 {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	if !f.log.await(ctx, func(text string) bool { return strings.Contains(text, `"ColdStart":`) && strings.HasSuffix(text, "\n") }) {
		f.t.Fatal("the log has no metrics of the start")
	}
	for _, m := range f.log.metrics(f.t) {
		if _, ok := m.values["ColdStart"]; ok {
			return m.values
		}
	}
	f.t.Fatal("the metrics of the start have another form")
	return nil
}

// reply is what API Gateway would make of an answer.
type reply struct {
	StatusCode        int
	Headers           map[string]string
	MultiValueHeaders map[string][]string
	Body              string
	IsBase64Encoded   bool
}

// invoke hands an event over and reads the answer as API Gateway does.
func (f *function) invoke(event []byte) reply {
	f.t.Helper()
	return f.invokeUntil(event, time.Time{})
}

func (f *function) invokeUntil(event []byte, deadline time.Time) reply {
	f.t.Helper()
	r, err := f.tryInvoke(event, deadline)
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

// tryInvoke is for goroutines, which must not end the test.
func (f *function) tryInvoke(event []byte, deadline time.Time) (reply, error) {
	result, err := f.Invoke(f.t.Context(), event, runtimeapi.Options{Deadline: deadline})
	if err != nil {
		return reply{}, err
	}
	if result.ErrorType != "" {
		return reply{}, fmt.Errorf("the invocation failed: %s: %s", result.ErrorType, result.ErrorMessage)
	}
	var r reply
	if err := json.Unmarshal(result.Body, &r); err != nil {
		return reply{}, fmt.Errorf("reply %q: %w", result.Body, err)
	}
	if r.IsBase64Encoded {
		body, err := base64.StdEncoding.DecodeString(r.Body)
		if err != nil {
			return reply{}, fmt.Errorf("body of the reply: %w", err)
		}
		r.Body = string(body)
	}
	return r, nil
}

// ask sends a request to a model as an API Gateway HTTP API does.
func (f *function) ask(method, path, body string) reply {
	f.t.Helper()
	return f.invoke(gatewayV2(method, path, body))
}

// gatewayV2 is the event of an HTTP API for a request.
func gatewayV2(method, path, body string) []byte {
	event := map[string]any{
		"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
		"headers": map[string]string{"content-type": "application/json", "host": "abc.execute-api.us-east-1.amazonaws.com"},
		"requestContext": map[string]any{
			"stage": "$default", "requestId": "id", "timeEpoch": time.Now().UnixMilli(),
			"domainName": "abc.execute-api.us-east-1.amazonaws.com",
			"http":       map[string]string{"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.1"},
		},
		"isBase64Encoded": false,
	}
	if body != "" {
		event["body"] = body
	}
	encoded, err := json.Marshal(event)
	if err != nil {
		panic(err) // maps of strings can always be encoded
	}
	return encoded
}

// message is the text of an error reply.
func (r reply) message() string {
	var e struct{ Error string }
	if json.Unmarshal([]byte(r.Body), &e) != nil {
		return ""
	}
	return e.Error
}

// refused checks that a reply is an error with a status and a part of its text.
func refused(t *testing.T, r reply, status int, fragment string) {
	t.Helper()
	if r.StatusCode != status || !strings.Contains(r.message(), fragment) || r.message() == "" {
		t.Errorf("answer %d %.500q, want %d and an error with %q", r.StatusCode, r.Body, status, fragment)
	}
}

const (
	get  = http.MethodGet
	post = http.MethodPost
)
