package samlocal

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// These run engine.sh with stand-ins for the programs that it calls, which tell and ask
// each other by files in the folder "run". A real engine is in test/sam_test.go.
const (
	answersAlways = "exit 0"
	answersNever  = "exit 1"
	answersIfUp   = `[ -e "$RUN/up" ]`
	starts        = `touch "$RUN/up" "$RUN/started"; trap 'rm "$RUN/up"; kill $!; exit 0' TERM; sleep 60 & wait`
	breaks        = `echo "no space for images" >&2; exit 1`
	root          = "echo 0"
	somebody      = "echo 1000"
)

func TestEngineThatAnswersIsUsedAndGoesOn(t *testing.T) {
	run := programs(t, map[string]string{"docker": answersAlways, "dockerd": starts, "id": root})
	e, err := startEngine(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if exists(run, "started") {
		t.Error("a second engine was started")
	}
}

func TestEngineIsStartedAndEnded(t *testing.T) {
	run := programs(t, map[string]string{"docker": answersIfUp, "dockerd": starts, "iptables": "", "id": root})
	e, err := startEngine(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if !exists(run, "up") {
		t.Error("ready, and no engine is there")
	}
	if err := e.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if exists(run, "up") {
		t.Error("the engine goes on")
	}
}

func TestNoEngine(t *testing.T) {
	t.Setenv("CI", "")
	run := programs(t, map[string]string{"docker": answersNever, "dockerd": starts, "iptables": "", "id": somebody})
	_, err := startEngine(t.Context(), t.TempDir())
	if !errors.Is(err, ErrNoEngine) || !strings.Contains(err.Error(), "run this as root") {
		t.Errorf("for somebody who is not root: %v", err)
	}
	if exists(run, "started") {
		t.Error("an engine was started for somebody who is not root")
	}
}

// A rootless engine's bridge, or that of one in a virtual machine, is not here.
func TestEngineWhoseContainersAreElsewhere(t *testing.T) {
	run := programs(t, map[string]string{"docker": answersIfUp + ` && { [ "$1" != network ] || echo not-here0; }`, "dockerd": starts, "iptables": "", "id": root})
	_, err := StartEngine(t.Context(), t.TempDir(), io.Discard)
	if !errors.Is(err, ErrNoEngine) || !strings.Contains(err.Error(), "not-here0") {
		t.Errorf("error is %v, want one about the bridge", err)
	}
	if exists(run, "up") {
		t.Error("the engine that was started for it goes on")
	}
}

func TestEngineThatBreaks(t *testing.T) {
	programs(t, map[string]string{"docker": answersNever, "dockerd": breaks, "iptables": "", "id": root})
	_, err := startEngine(t.Context(), t.TempDir())
	if err == nil || errors.Is(err, ErrNoEngine) || !strings.Contains(err.Error(), "no space for images") {
		t.Errorf("error is %v, want the engine's own words", err)
	}
}

// programs puts scripts before the programs of this machine, and returns their folder.
func programs(t *testing.T, scripts map[string]string) string {
	t.Helper()
	bin, run := t.TempDir(), t.TempDir()
	for name, body := range scripts {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+body+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("RUN", run)
	return run
}

func exists(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}

// SAM exits 0 whatever becomes of a function.
func TestFailure(t *testing.T) {
	for answer, want := range map[string]string{
		``: "no answer",
		`{"errorType":"NotFound","errorMessage":"s3://a/b is not there"}`: "NotFound: s3://a/b is not there",
	} {
		if err := failure("ApiFunction", []byte(answer)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want %q", answer, err, want)
		}
	}
	for _, answer := range []string{`null`, `{"statusCode":200}`, `[1]`} {
		if err := failure("ApiFunction", []byte(answer)); err != nil {
			t.Errorf("%s: %v", answer, err)
		}
	}
}
