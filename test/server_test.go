package test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// server is `bootstrap serve` on a free port.
type server struct {
	t      *testing.T
	model  string // URL of the model
	base   string // URL of the server
	cmd    *exec.Cmd
	stderr *journal
	exited chan struct{}
	err    error // of Wait, once exited is closed
}

var announcement = regexp.MustCompile(`(?m)^serving (.+), version (\S+): ((http://\S+?)/v1/models/\S+)$`)

// saysWhatToTry is true of all that serve writes when it is ready: the last line
// is a command to try.
func saysWhatToTry(text string) bool {
	_, after, found := strings.Cut(text, "\ntry:  ")
	return found && strings.HasSuffix(after, "\n") && announcement.MatchString(text)
}

// startServer serves a model and waits until it says that it does.
func startServer(t *testing.T, uri string, settings ...string) *server {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), bootstrap, "serve", "--addr", "127.0.0.1:0", uri)
	cmd.Env = append(environment(t), settings...)
	cmd.Dir = t.TempDir() // a model that is allowed to may write here
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	s := &server{t: t, cmd: cmd, stderr: newJournal(), exited: make(chan struct{})}
	cmd.Stderr = s.stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	go func() {
		defer close(s.exited)
		defer cancel()
		s.err = cmd.Wait()
	}()
	t.Cleanup(s.stop)
	if !s.stderr.await(ctx, saysWhatToTry) {
		t.Fatalf("serve did not say that it serves:\n%s", s.stderr)
	}
	found := announcement.FindStringSubmatch(s.stderr.String())
	s.model, s.base = found[3], found[4]
	return s
}

// stop ends the server as a terminal does, which is no failure.
func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	<-s.exited
	if s.err != nil {
		s.t.Errorf("serve: %v\n%s", s.err, s.stderr)
	}
}

// predict asks the model.
func (s *server) predict(body string) reply {
	s.t.Helper()
	return s.request(post, s.model+":predict", body)
}

func (s *server) request(method, url, body string) reply {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := readReply(response)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

func readReply(response *http.Response) (reply, error) {
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return reply{StatusCode: response.StatusCode, MultiValueHeaders: response.Header, Body: string(body)}, err
}

// outcome is how a command ended.
type outcome struct {
	stdout, stderr string
	status         int
}

// command runs a subcommand to its end.
func command(t *testing.T, settings []string, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, bootstrap, args...)
	cmd.Env = append(environment(t), settings...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return outcome{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}
