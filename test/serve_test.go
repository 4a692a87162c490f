package test

import (
	"encoding/json"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// A server that is told to stop finishes the request it is at, and that is no
// failure.
func TestServeFinishesTheRequestUnderWay(t *testing.T) {
	t.Parallel()
	s := startServer(t, absolute(t, "models/slow"), raw(t))
	handled := make(chan struct{})
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got100Continue: func() { close(handled) }, // the handler reads the body
	})
	req, err := http.NewRequestWithContext(ctx, post, s.model+":predict", strings.NewReader(`{"instances":[100000]}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Expect", "100-continue")
	answered := make(chan error, 1)
	var r reply
	go func() {
		transport := &http.Transport{ExpectContinueTimeout: patience, DisableKeepAlives: true}
		response, err := transport.RoundTrip(req)
		if err == nil {
			r, err = readReply(response)
		}
		answered <- err
	}()
	select {
	case <-handled:
	case err := <-answered:
		t.Fatalf("answered before the body was read: %v", err)
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-answered; err != nil {
		t.Fatal(err)
	}
	exchange{`{"instances":[100000]}`, 200, `{"predictions":[100000]}`}.check(t, r)
	<-s.exited
	if status := s.cmd.ProcessState.ExitCode(); status != 0 {
		t.Errorf("exit status %d, want 0\n%s", status, s.stderr)
	}
}

// serve is the router of Lambda on a port, with its health and its start to look
// at.
func TestServeShowsHealthAndColdStart(t *testing.T) {
	t.Parallel()
	s := startServer(t, absolute(t, digitsFolder+"/digits.tar.gz"))
	d := sample(t)
	d.check(t, s.predict(d.Request), 0, 3)
	exchange{"live", 200, `{"live":true}`}.check(t, s.request(get, s.base+"/v2/health/live", ""))
	exchange{"ready", 200, `{"ready":true}`}.check(t, s.request(get, s.base+"/v2/health/ready", ""))
	exchange{"status", 200, `{"model_version_status":[{"version":"1","state":"AVAILABLE","status":{"error_code":"OK","error_message":""}}]}`}.
		check(t, s.request(get, s.model, ""))

	page := s.request(get, s.base+"/debug/coldstart", "")
	var r coldReport
	if err := json.Unmarshal([]byte(page.Body), &r); err != nil || page.StatusCode != http.StatusOK {
		t.Fatalf("cold start: %d %s: %v", page.StatusCode, page.Body, err)
	}
	var keys map[string]any
	if err := json.Unmarshal([]byte(page.Body), &keys); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"tensorflow", "model", "totalMs", "stages", "libraryFrom", "modelFrom"} {
		if _, ok := keys[key]; !ok {
			t.Errorf("no %q in %s", key, page.Body)
		}
	}
	if r.Model != "digits" || r.ModelFrom != "file" || r.LibraryFrom != "memfd" {
		t.Errorf("report %+v", r)
	}
	if inflate, ok := r.stage("inflate"); !ok || inflate.Bytes != manifest(t).Size()-manifest(t).ColdSize() {
		t.Errorf("inflate %+v, want %d bytes", inflate, manifest(t).Size()-manifest(t).ColdSize())
	}
	if !slices.IsSortedFunc(r.Stages, func(a, b coldStage) int { return int(a.StartMs*10) - int(b.StartMs*10) }) {
		t.Errorf("stages are not in order: %+v", r.Stages)
	}
}

// What serve says on the terminal lets a user go on: the chart of the start and a
// command that works.
func TestServeSaysWhatToTry(t *testing.T) {
	t.Parallel()
	s := startServer(t, absolute(t, "models/multi"), raw(t))
	text := s.stderr.String()
	_, after, found := strings.Cut(text, "try:  curl -d '")
	body, rest, closed := strings.Cut(after, "' ")
	if !found || !closed || !strings.HasPrefix(rest, s.model+":predict") {
		t.Fatalf("no command to try in:\n%s", text)
	}
	if r := s.predict(body); r.StatusCode != http.StatusOK {
		t.Errorf("the command to try is answered with %d %s", r.StatusCode, r.Body)
	}
	if !strings.Contains(text, "warm-up") {
		t.Errorf("no chart of the start in:\n%s", text)
	}
}

// The command works as it is, in a shell, whatever the folder of the model is called.
func TestWhatToTryWorksInAShell(t *testing.T) {
	t.Parallel()
	model := filepath.Join(t.TempDir(), "1:2 & $HOME")
	if err := os.CopyFS(model, os.DirFS(absolute(t, "models/multi"))); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, model, raw(t))
	_, line, found := strings.Cut(s.stderr.String(), "try:  curl ")
	if !found {
		t.Fatalf("no command to try in:\n%s", s.stderr)
	}
	answer, err := exec.CommandContext(t.Context(), "sh", "-c", "curl --silent --show-error "+line).CombinedOutput()
	if err != nil || !strings.HasPrefix(string(answer), `{"outputs":`) {
		t.Errorf("%v, %s of the command: curl %s", err, answer, line)
	}
}

// A model that cannot be served ends serve with what is wrong.
func TestServeFailsWithTheCause(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		settings []string
		args     []string
		status   int
		fragment string
	}{
		{"no such model", nil, []string{"serve", "/nowhere/digits.pb"}, 1, "/nowhere/digits.pb"},
		{"no model", nil, []string{"serve"}, 2, "MODEL_URI"},
		{"two models", nil, []string{"serve", "a.pb", "b.pb"}, 2, "one model at a time"},
		{"an unknown flag", nil, []string{"serve", "a.pb", "--port", "1"}, 2, "port"},
		{"an address that is none", nil, []string{"serve", absolute(t, "models/multi"), "--addr", "nowhere"}, 2, `--addr: "nowhere" is no address to listen on: give host:port`},
		{"wrong settings", []string{"MAX_BODY_BYTES=x", "MAX_JSON_DEPTH=y"}, []string{"serve", "a.pb"}, 2, "MAX_JSON_DEPTH"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := command(t, append(c.settings, raw(t)), c.args...)
			if o.status != c.status || !strings.Contains(o.stderr, c.fragment) || o.stdout != "" {
				t.Errorf("exit status %d, want %d; on stderr, where %q should be:\n%s", o.status, c.status, c.fragment, o.stderr)
			}
		})
	}
}
