package childserver_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/childserver"
)

// script writes a program for the shell and returns its path.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "server")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// Somebody may take the port between its choice and its use.
func TestATakenPortIsTriedAgain(t *testing.T) {
	tries := filepath.Join(t.TempDir(), "tries")
	binary := script(t, `echo "$1" >> "$TRIES"; echo "bind: Address already in use" >&2; exit 1`)
	_, err := childserver.Start(t.Context(), childserver.Options{
		Name: "taken", Binary: binary, Env: []string{"TRIES=" + tries},
		Args: func(_, port string) []string { return []string{port} },
	})
	if err == nil || !strings.Contains(err.Error(), "start taken") || !strings.Contains(err.Error(), "Address already in use") {
		t.Errorf("error is %v", err)
	}
	ports, err := os.ReadFile(tries)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(strings.Fields(string(ports))); n != 5 {
		t.Errorf("%d tries, want 5", n)
	}
}

func TestNothingOfTheEnvironmentIsPassedOn(t *testing.T) {
	t.Setenv("SECRET", "leaked")
	_, err := childserver.Start(t.Context(), childserver.Options{
		Name: "env", Binary: script(t, `echo "has ($SECRET) ($GIVEN)"; exit 1`), Env: []string{"GIVEN=yes"},
		Args: func(string, string) []string { return nil },
	})
	if err == nil || !strings.Contains(err.Error(), "has () (yes)") {
		t.Errorf("error is %v, want one with what the process saw", err)
	}
}

func TestBuiltLooksBesideTheNearestModule(t *testing.T) {
	top := t.TempDir()
	for _, dir := range []string{"build/tools", "build/empty", "inner/package"} {
		if err := os.MkdirAll(filepath.Join(top, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, mode := range map[string]os.FileMode{"go.mod": 0o600, "build/tools/runs": 0o700, "build/tools/data": 0o600} {
		if err := os.WriteFile(filepath.Join(top, name), []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(filepath.Join(top, "inner/package"))
	if got, err := childserver.Built("tools", "runs"); err != nil || !strings.HasSuffix(got, "build/tools/runs") || !filepath.IsAbs(got) {
		t.Errorf("got %q (%v)", got, err)
	}
	for _, name := range []string{"data", "nothing"} {
		if _, err := childserver.Built("tools", name); !errors.Is(err, childserver.ErrMissing) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error is %v, want %v", name, err, childserver.ErrMissing)
		}
	}
}
