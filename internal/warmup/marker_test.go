package warmup_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/warmup"
)

// dieIn names the marker's folder to a process that is to die in its warm-up.
const dieIn = "WARMUP_TEST_DIE_IN"

func TestMain(m *testing.M) {
	if dir := os.Getenv(dieIn); dir != "" {
		dieInWarmUp(dir)
	}
	os.Exit(m.Run())
}

func guessed(dir, identity string, run func() error) (warmup.Report, error) {
	r := signatures(map[string]infer.Shape{"serving_default": {1}})
	r.run = run
	return warmup.Run(context.Background(), warmup.Options{
		Model: &infer.Model{Runner: r, Identity: identity}, HasEffects: func(string) error { return nil }, MarkerDir: dir,
	})
}

// dieInWarmUp ends the process as an operation of TensorFlow would.
func dieInWarmUp(dir string) {
	_, _ = guessed(dir, "fatal", func() error { os.Exit(99); return nil })
}

func TestAGuessThatEndedTheProcessIsNotRepeated(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "models")
	dying := exec.CommandContext(t.Context(), os.Args[0])
	dying.Env = append(os.Environ(), dieIn+"="+dir)
	if out, _ := dying.CombinedOutput(); dying.ProcessState.ExitCode() != 99 {
		t.Fatalf("the process that is to die: %v\n%s", dying.ProcessState, out)
	}
	markers := files(t, dir)
	if len(markers) != 1 {
		t.Fatalf("%q was left, want a marker", markers)
	}
	for range 2 { // later starts do not try either
		report, err := guessed(dir, "fatal", nil)
		if err != nil || report.Guessed != 0 || len(report.Notes) != 1 ||
			!strings.Contains(report.Notes[0], `"serving_default"`) || !strings.Contains(report.Notes[0], "remove "+markers[0]) {
			t.Fatalf("%+v, %v", report, err)
		}
	}
	if report, err := guessed(dir, "another model", nil); err != nil || report.Guessed != 1 {
		t.Errorf("another model: %+v, %v", report, err)
	}
	if err := os.Remove(markers[0]); err != nil {
		t.Fatal(err)
	}
	if report, err := guessed(dir, "fatal", nil); err != nil || report.Guessed != 1 || len(report.Notes) > 0 {
		t.Errorf("without the marker: %+v, %v", report, err)
	}
}

func TestAMarkerIsThereWhileTheModelRunsAndNotAfter(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "models")
	during := 0
	if _, err := guessed(dir, "m", func() error { during = len(files(t, dir)); return nil }); err != nil {
		t.Fatal(err)
	}
	if after := files(t, dir); during != 1 || len(after) > 0 {
		t.Errorf("%d markers while it runs, %q after", during, after)
	}
}

// Two processes may start with the same /tmp: one that is alive has killed nobody.
func TestAMarkerOfALivingProcessIsNoReasonNotToGuess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "models")
	var beside warmup.Report
	_, err := guessed(dir, "m", func() (err error) {
		beside, err = guessed(dir, "m", nil)
		return err
	})
	if err != nil || beside.Guessed != 1 || len(beside.Notes) > 0 {
		t.Errorf("%+v, %v", beside, err)
	}
	if left := files(t, dir); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// What cannot be marked is not tried: it could end every start.
func TestWithoutAFolderForTheMarkerNothingIsGuessed(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil { // others could write to it
		t.Fatal(err)
	}
	report, err := guessed(dir, "m", nil)
	if err != nil || report.Guessed != 0 || len(report.Notes) != 1 || !strings.Contains(report.Notes[0], "unsafe folder") {
		t.Errorf("%+v, %v", report, err)
	}
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}
