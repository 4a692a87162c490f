package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// samPython is Python with what SAM transforms and lints templates with.
func samPython(t *testing.T) string {
	t.Helper()
	python := absolute(t, "../build/sam/bin/python")
	if _, err := os.Stat(python); err != nil {
		t.Fatalf("%v: run `make sam` first", err)
	}
	return python
}

// checkTemplate is what test/sam/template.py says of a template.
func checkTemplate(t *testing.T, path string, options ...string) (said string, ok bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), samPython(t), append([]string{"sam/template.py", path}, options...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil && len(out) == 0 {
		t.Fatalf("%v: %s", err, &stderr)
	}
	return string(out), err == nil
}

// The operator chooses by parameters, and each choice is a template that CloudFormation
// takes: references lead somewhere, nothing needs itself, the linter finds nothing.
func TestEachCombinationOfParametersIsATemplate(t *testing.T) {
	t.Parallel()
	said, ok := checkTemplate(t, "../template.yaml")
	if !ok {
		t.Error(said)
	}
	count := regexp.MustCompile(`(?m)^(\d+) combinations, (\d+) of them linted, 0 faults$`).FindStringSubmatch(said)
	if count == nil {
		t.Fatalf("no count in %q", said)
	}
	if n, err := strconv.Atoi(count[1]); err != nil || n < 1000 {
		t.Errorf("%s combinations are all", count[1])
	}
}

// What checks the template finds faults: a reference to what is made under another
// condition only, and a bucket that needs itself.
func TestFaultsOfTemplatesAreFound(t *testing.T) {
	t.Parallel()
	content := string(read(t, "../template.yaml"))
	for says, change := range map[string][2]string{
		"InputBucket refers to InputQueuePolicy": {"!If [QueueFromOwnBucket, !Sub \"queue ${InputQueuePolicy}\"", "!If [Directly, !Sub \"queue ${InputQueuePolicy}\""},
		"needs InputBucket":                      {"ArnEquals: {\"aws:SourceArn\": !Sub \"arn:${AWS::Partition}:s3:::${AWS::StackName}-input-${AWS::AccountId}-${AWS::Region}\"}", "ArnEquals: {\"aws:SourceArn\": !GetAtt InputBucket.Arn}"},
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			broken := strings.Replace(content, change[0], change[1], 1)
			if broken == content {
				t.Fatalf("the template has no %q any more", change[0])
			}
			path := filepath.Join(t.TempDir(), "template.yaml")
			if err := os.WriteFile(path, []byte(broken), 0o600); err != nil {
				t.Fatal(err)
			}
			if said, ok := checkTemplate(t, path, "--unlinted"); ok || !strings.Contains(said, says) {
				t.Errorf("%.2000s", said)
			}
		})
	}
}
