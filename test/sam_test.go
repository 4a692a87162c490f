package test

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/layer/abi"
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
// it works on a machine whose network is off. Program, library and template are for the
// same processor, this machine's or the other.
func TestSamBuildsWithoutANetwork(t *testing.T) {
	architectures := map[string]string{"arm64": "arm64"}
	architectures[runtime.GOARCH] = map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
	for arch, lambdas := range architectures {
		t.Run(arch, func(t *testing.T) {
			if arch != runtime.GOARCH {
				needEmulator(t)
			}
			built := filepath.Join(t.TempDir(), "built")
			cmd := exec.CommandContext(t.Context(), "unshare", "--user", "--map-root-user", "--net",
				"make", "--no-print-directory", "sam-build", "ARCH="+arch, "SAM_BUILD="+built)
			cmd.Dir = absolute(t, "..")
			cmd.Env = append(os.Environ(), "AWS_DEFAULT_REGION=us-east-1", "GOPROXY=off", "MAKEFLAGS=", "MAKELEVEL=")
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
			if strings.Contains(string(out), "WARNING") {
				t.Errorf("SAM warns: %s", out)
			}
			for _, path := range []string{"ApiFunction/bootstrap", "BatchFunction/bootstrap"} {
				if got := machine(t, filepath.Join(built, path)); got != abi.Machines[arch] {
					t.Errorf("%s is for %v", path, got)
				}
			}
			template := read(t, filepath.Join(built, "template.yaml"))
			if !regexp.MustCompile(`(?m)^  Architecture:\n    Type: String\n    Default: ` + lambdas + `$`).Match(template) {
				t.Errorf("who deploys it has to say that it is for %s", lambdas)
			}
			var files int
			err = filepath.WalkDir(built, func(_ string, entry os.DirEntry, err error) error {
				if err == nil && !entry.IsDir() {
					files++
				}
				return err
			})
			if err != nil || files != 6 { // two programs, three files of the library, the template
				t.Errorf("%d files are deployed: %v", files, err)
			}
		})
	}
}

// machine is the processor that a program is for.
func machine(t *testing.T, path string) elf.Machine {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return f.Machine
}
