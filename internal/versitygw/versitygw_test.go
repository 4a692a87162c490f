package versitygw_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/versitygw"
)

func TestStartAnswersAndCloseStops(t *testing.T) {
	s := start(t, versitygw.Options{Dir: t.TempDir(), Versioning: true})
	if status, err := get(t, s.Endpoint()); err != nil || status != http.StatusForbidden {
		t.Errorf("unsigned request got status %d (%v), want %d", status, err, http.StatusForbidden)
	}
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if _, err := get(t, s.Endpoint()); err == nil {
		t.Error("the server still answers after Close")
	}
	if err := s.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

func TestServersAreApart(t *testing.T) {
	a := start(t, versitygw.Options{Dir: t.TempDir()})
	b := start(t, versitygw.Options{Dir: t.TempDir()})
	if a.Endpoint() == b.Endpoint() || a.Root() == b.Root() {
		t.Errorf("two servers share %s or their credentials", a.Endpoint())
	}
}

func TestEnvNamesWhatTheSDKReads(t *testing.T) {
	s := start(t, versitygw.Options{Dir: t.TempDir()})
	want := []string{
		"AWS_ENDPOINT_URL_S3=" + s.Endpoint(),
		"AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=" + s.Root().AccessKeyID,
		"AWS_SECRET_ACCESS_KEY=" + s.Root().SecretAccessKey,
	}
	if got := strings.Join(s.Env(), "\n"); got != strings.Join(want, "\n") {
		t.Errorf("Env() = %s", got)
	}
}

func TestStartFailures(t *testing.T) {
	script := filepath.Join(t.TempDir(), "server")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho no such backend >&2\nexit 3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Run("the server ends at once: its own words are in the error", func(t *testing.T) {
		_, err := versitygw.Start(t.Context(), versitygw.Options{Binary: script, Dir: t.TempDir()})
		if err == nil || !strings.Contains(err.Error(), "no such backend") {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("the caller gives up", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := versitygw.Start(ctx, versitygw.Options{Dir: t.TempDir()}); !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v, want %v", err, context.Canceled)
		}
	})
	t.Run("not built: the error says how", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module m\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Chdir(dir)
		_, err := versitygw.Start(t.Context(), versitygw.Options{Dir: t.TempDir()})
		if !errors.Is(err, versitygw.ErrMissing) || !strings.Contains(err.Error(), "make check") {
			t.Errorf("error is %v", err)
		}
	})
}

func start(t *testing.T, o versitygw.Options) *versitygw.Server {
	t.Helper()
	s, err := versitygw.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func get(t *testing.T, url string) (status int, err error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

func TestPutAndGetAtAnotherAddress(t *testing.T) {
	s := start(t, versitygw.Options{Dir: t.TempDir(), Host: "127.0.0.2"})
	if !strings.HasPrefix(s.Endpoint(), "http://127.0.0.2:") {
		t.Errorf("the server is at %s", s.Endpoint())
	}
	for _, content := range []string{"one", "two"} { // the bucket is there the second time
		if err := s.Put(t.Context(), "bucket", "a/key", []byte(content)); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Get(t.Context(), "bucket", "a/key"); string(got) != content {
			t.Errorf("got %q (%v), want %q", got, err, content)
		}
	}
	if _, err := s.Get(t.Context(), "bucket", "another"); err == nil || !strings.Contains(err.Error(), "s3://bucket/another") {
		t.Errorf("an object that is not there: %v", err)
	}
}
