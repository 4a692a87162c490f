package test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/samlocal"
	"github.com/tensorlambda/tensorlambda/internal/versitygw"
)

// The function as a container image, as Lambda runs it: its emulator of the runtime
// interface starts the image's program, which is not root and may write to /tmp only.
func TestImage(t *testing.T) {
	t.Parallel()
	host := engine(t).Host
	const name = "tensorlambda:test"
	makeImage(t, name)
	d := sample(t)
	event := read(t, "../events/apigateway-v2.json")

	t.Run("the library is opened where it lies in the image", func(t *testing.T) {
		server, err := versitygw.Start(t.Context(), versitygw.Options{Dir: t.TempDir(), Host: host})
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		if err := server.Put(t.Context(), "models", "digits.tar.gz", read(t, digitsFolder+"/digits.tar.gz")); err != nil {
			t.Fatal(err)
		}
		c := startContainer(t, name, append(server.Env(), "MODEL_URI=s3://models/digits.tar.gz")...)
		d.check(t, c.invoke(event), 0, 1)
		report := c.report()
		if report.LibraryFrom != "raw" || report.ModelFrom != "s3" || len(report.Warnings) > 0 {
			t.Errorf("library from %q, model from %q, warnings %q", report.LibraryFrom, report.ModelFrom, report.Warnings)
		}
		if s, ok := report.stage("inflate"); ok {
			t.Errorf("%d bytes were inflated, and nothing is packed", s.Bytes)
		}
	})

	t.Run("a model is added as the documentation says", func(t *testing.T) {
		context, derived := t.TempDir(), name+"-model"
		model := filepath.Join(context, "saved_model")
		if err := os.Mkdir(model, 0o755); err != nil {
			t.Fatal(err)
		}
		printed(t, "tar", "-xzf", digitsFolder+"/digits.tar.gz", "-C", model)
		dockerfile := strings.ReplaceAll(fenced(t, "../docs/image.md", "dockerfile"), "tensorlambda:latest", name)
		if err := os.WriteFile(filepath.Join(context, "Dockerfile"), []byte(dockerfile), 0o600); err != nil {
			t.Fatal(err)
		}
		printed(t, "docker", "build", "--tag", derived, context)
		removeImage(t, derived)
		c := startContainer(t, derived)
		d.check(t, c.invoke(event), 0, 1)
		if from := c.report().ModelFrom; from != "file" {
			t.Errorf("the model comes from %q", from)
		}
	})

	t.Run("the image takes the program's subcommands", func(t *testing.T) {
		out := printed(t, "docker", "run", "--rm", name, "version")
		if !strings.Contains(out, "raw) in /opt/lib") {
			t.Errorf("version says %q", out)
		}
		for line := range strings.Lines(string(read(t, "../build/image-"+runtime.GOARCH+"/lib/SHA256SUMS"))) {
			if sum, library, _ := strings.Cut(strings.TrimSpace(line), "  "); !strings.Contains(out, sum) {
				t.Errorf("%s is another library than was unpacked: %s", library, out)
			}
		}
	})
}

// What the documentation makes of the template is one whose functions are images.
func TestTemplateOfImages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "template.yaml"), read(t, "../template.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	printed(t, "sh", "-ec", "cd "+dir+"\n"+fenced(t, "../docs/image.md", "sh"))
	made := filepath.Join(dir, "image.yaml")
	content := string(read(t, made))
	if n := strings.Count(content, "PackageType: Image"); n != 2 {
		t.Errorf("%d functions are images, want ApiFunction and BatchFunction", n)
	}
	for _, of := range []string{"CodeUri:", "Runtime:", "Handler:", "Layer", "makefile"} {
		if strings.Contains(content, of) {
			t.Errorf("it has %s, which is for functions of zips", of)
		}
	}
	if said, ok := checkTemplate(t, made, "--versions"); !ok {
		t.Errorf("%.2000s", said)
	}
	printed(t, "env", "SAM_CLI_TELEMETRY=0", absolute(t, "../build/sam/bin/sam"), "validate", "--lint", "--template-file", made, "--region", versitygw.Region)
}

var (
	docker      *samlocal.Engine // ended when all tests have
	startDocker = sync.OnceValues(func() (*samlocal.Engine, error) {
		var err error
		docker, err = samlocal.StartEngine(context.Background(), filepath.Join(scratch, "docker"), os.Stderr)
		return docker, err
	})
)

// engine is the one for all tests that need containers, which are not run where there is
// none and none may be started.
func engine(t *testing.T) *samlocal.Engine {
	t.Helper()
	e, err := startDocker()
	if errors.Is(err, samlocal.ErrNoEngine) {
		t.Skip("not run:", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// makeImage builds the image as a user does.
func makeImage(t *testing.T, name string) {
	t.Helper()
	read(t, "../Dockerfile") // so that go test knows that it matters
	build := exec.CommandContext(t.Context(), "make", "--no-print-directory", "-C", "..", "image", "IMAGE="+name)
	build.Env = append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("make image: %v\n%s", err, out)
	}
	removeImage(t, name)
}

// removeImage removes an image when the test ends.
func removeImage(t *testing.T, name string) {
	t.Helper()
	t.Cleanup(func() {
		if out, err := exec.Command("docker", "image", "rm", name).CombinedOutput(); err != nil {
			t.Errorf("remove the image %s: %v: %s", name, err, out)
		}
	})
}

// printed runs a program that must succeed, and is what it prints.
func printed(t *testing.T, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s%s", cmd, err, out, &stderr)
	}
	return strings.TrimSpace(string(out))
}

// fenced is the first block of a language in a page of the documentation.
func fenced(t *testing.T, page, language string) string {
	t.Helper()
	_, block, ok := strings.Cut(string(read(t, page)), "\n```"+language+"\n")
	if !ok {
		t.Fatalf("%s has no block of %s", page, language)
	}
	block, _, _ = strings.Cut(block, "```")
	return block
}

// container is a function that runs in its image.
type container struct {
	t       *testing.T
	id, url string
	log     *journal
}

// startContainer starts an image's program under the emulator, with settings.
func startContainer(t *testing.T, image string, settings ...string) *container {
	t.Helper()
	program := printed(t, "docker", "image", "inspect", "--format", `{{join .Config.Entrypoint " "}}`, image)
	args := []string{
		"run", "--detach", "--read-only", "--tmpfs", "/tmp", "--user", "993:990", "--cap-drop", "ALL", "--memory", "1769m",
		"--volume", interfaceEmulator(t) + ":/emulator:ro", "--entrypoint", "/emulator",
	}
	for _, setting := range append(settings, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=1769", "AWS_LAMBDA_LOG_FORMAT=JSON") {
		args = append(args, "--env", setting)
	}
	c := &container{t: t, log: newJournal(), id: printed(t, "docker", append(args, image, program)...)}
	log := exec.Command("docker", "logs", "--follow", c.id)
	log.Stdout, log.Stderr = c.log, c.log
	if err := log.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("docker", "rm", "--force", c.id).CombinedOutput(); err != nil {
			t.Errorf("remove the container: %v: %s", err, out)
		}
		if err := log.Wait(); err != nil {
			t.Errorf("read the container's log: %v", err)
		}
		if t.Failed() {
			t.Logf("log of the function:\n%s", c.log)
		}
	})
	address := printed(t, "docker", "inspect", "--format", "{{.NetworkSettings.IPAddress}}", c.id)
	c.url = "http://" + address + ":8080/2015-03-31/functions/function/invocations"
	return c
}

// interfaceEmulator is AWS's program that speaks Lambda's side of the Runtime API. AWS's base image
// has one, and its stand-in has not; SAM brings the same.
func interfaceEmulator(t *testing.T) string {
	t.Helper()
	arch := map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
	found, err := filepath.Glob("../build/sam/lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-" + arch)
	if err != nil || len(found) == 0 {
		t.Fatal("the SAM CLI with its emulator is not there: run `make sam`")
	}
	return absolute(t, found[0])
}

// invoke hands an event to the function, once the emulator listens.
func (c *container) invoke(event []byte) reply {
	c.t.Helper()
	deadline := time.After(patience)
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		resp, err := http.Post(c.url, "application/json", bytes.NewReader(event))
		if err == nil {
			defer resp.Body.Close()
			content, err := io.ReadAll(resp.Body)
			if err != nil {
				c.t.Fatal(err)
			}
			var r reply
			if err := json.Unmarshal(content, &r); err != nil {
				c.t.Fatalf("answer %q: %v", content, err)
			}
			return r
		}
		select {
		case <-tick.C:
		case <-deadline:
			c.t.Fatalf("nobody listens: %v", err)
		}
		if printed(c.t, "docker", "inspect", "--format", "{{.State.Running}}", c.id) != "true" {
			c.t.Fatal("the container has ended")
		}
	}
}

// report waits for the report of the cold start in the log, which has the emulator's lines, too.
func (c *container) report() (report *coldReport) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	found := c.log.await(ctx, func(text string) bool {
		for line := range strings.Lines(text) {
			var l logLine
			if json.Unmarshal([]byte(line), &l) == nil && l.Report != nil {
				report = l.Report
			}
		}
		return report != nil
	})
	if !found {
		c.t.Fatal("the log has no report of the cold start")
	}
	return report
}
