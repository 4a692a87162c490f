package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What SAM itself says of the template, and the linter that it brings, without an account.
func TestSamValidatesTheTemplate(t *testing.T) {
	t.Parallel()
	read(t, "../template.yaml") // so that go test knows that it matters
	cmd := exec.CommandContext(t.Context(), absolute(t, "../build/sam/bin/sam"), "validate", "--lint", "--region", "us-east-1")
	cmd.Dir = absolute(t, "..")
	cmd.Env = append(os.Environ(), "SAM_CLI_TELEMETRY=0")
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "is a valid SAM Template") {
		t.Errorf("%v: %s", err, out)
	}
}

// What SAM builds is built from what is there: after `make layer` nothing is fetched, so
// it works on a machine whose network is off.
func TestSamBuildsWithoutANetwork(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "unshare", "--user", "--map-root-user", "--net",
		absolute(t, "../build/sam/bin/sam"), "build", "--build-dir", filepath.Join(dir, "built"), "--template-file", "template.yaml", "--region", "us-east-1")
	cmd.Dir = absolute(t, "..")
	cmd.Env = append(os.Environ(), "SAM_CLI_TELEMETRY=0", "GOPROXY=off", "MAKEFLAGS=", "MAKELEVEL=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	// Both functions and the layer went through the gate.
	for says, times := range map[string]int{"function: ": 2, "layer: ": 1} {
		if n := strings.Count(string(out), "\n"+says); n != times {
			t.Errorf("%q is said %d times, want %d:\n%s", says, n, times, out)
		}
	}
	for _, path := range []string{"ApiFunction/bootstrap", "BatchFunction/bootstrap", "TensorflowLayer/lib/libtensorflow.json"} {
		if info, err := os.Stat(filepath.Join(dir, "built", path)); err != nil || !info.Mode().IsRegular() {
			t.Errorf("%s: %v", path, err)
		}
	}
	var files int
	err = filepath.WalkDir(filepath.Join(dir, "built"), func(_ string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files++
		}
		return err
	})
	if err != nil || files != 6 { // two programs, three files of the library, the template
		t.Errorf("%d files are deployed: %v", files, err)
	}
}
