package cgroup

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The test binary is also the program in the group, with this variable set to what
// it shall do.
const programVariable = "CGROUP_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if what := os.Getenv(programVariable); what != "" {
		if err := program(what); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func program(what string) error {
	what, amount, _ := strings.Cut(what, " ")
	switch what {
	case "where":
		groups, err := os.ReadFile("/proc/self/cgroup")
		fmt.Printf("%d\n%s", os.Getpid(), groups)
		return err
	case "take": // so many MiB
		n, err := strconv.Atoi(amount)
		taken := make([]byte, n<<20)
		for i := 0; i < len(taken); i += os.Getpagesize() {
			taken[i] = 1
		}
		fmt.Print(taken[0])
		return err
	case "compute": // for so much time on a processor
		d, err := time.ParseDuration(amount)
		var used syscall.Rusage
		for err == nil && time.Duration(used.Utime.Nano()+used.Stime.Nano()) < d {
			err = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
		}
		return err
	case "stay":
		fmt.Println("here")
		_, err := os.Stdin.Read(make([]byte, 1)) // until the test kills it
		return err
	}
	return errors.New("what?")
}

func command(t *testing.T, what string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), programVariable+"="+what)
	cmd.Stderr = t.Output()
	return cmd
}

func newTestGroup(t *testing.T, limits Limits) *Group {
	t.Helper()
	g := New("tensorlambda-test", limits)
	dirs := g.dirs
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
		for _, dir := range dirs {
			if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s is still there (%v)", dir, err)
			}
		}
	})
	t.Log(g.Unlimited())
	return g
}

func TestMoreThanTheMemoryIsKilledAndCounted(t *testing.T) {
	g := newTestGroup(t, Limits{Memory: 64 << 20})
	small := command(t, "take 24")
	g.Enter(small)
	if err := small.Run(); err != nil {
		t.Fatalf("24 MiB of 64: %v", err)
	}
	if len(g.Unlimited()) > 0 { // no such groups on this machine
		if _, err := g.Peak(); !errors.Is(err, ErrNotLimited) {
			t.Errorf("without a group its peak is %v, want ErrNotLimited", err)
		}
		return
	}
	if peak, err := g.Peak(); err != nil || peak < 24<<20 || peak > 64<<20 {
		t.Errorf("peak %d, %v, want 24 to 64 MiB", peak, err)
	}
	if kills, err := g.Kills(); err != nil || kills != 0 {
		t.Errorf("%d kills, %v, want none", kills, err)
	}
	large := command(t, "take 256")
	g.Enter(large)
	err := large.Run()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("256 MiB of 64: %v, want killed", err)
	}
	if kills, err := g.Kills(); err != nil || kills != 1 {
		t.Errorf("%d kills, %v, want 1", kills, err)
	}
	// The kernel lets one that it kills have a few pages more, so that it can end.
	if peak, err := g.Peak(); err != nil || peak < 63<<20 || peak > 65<<20 {
		t.Errorf("peak %d, %v, want 64 MiB", peak, err)
	}
}

func TestProcessorTimeIsLimited(t *testing.T) {
	g := newTestGroup(t, Limits{Processors: 0.25})
	cmd := command(t, "compute 200ms")
	g.Enter(cmd)
	start := time.Now()
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	// 200 ms at a quarter are 800 ms, less what is left of the first and the last
	// period.
	if took := time.Since(start); len(g.Unlimited()) == 0 && took < 600*time.Millisecond {
		t.Errorf("200 ms of a quarter of a processor took %s", took)
	}
}

func TestTheProgramBeginsInItsGroup(t *testing.T) {
	g := newTestGroup(t, Limits{Memory: 64 << 20, Processors: 1})
	cmd := command(t, "where")
	g.Enter(cmd)
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	pid, groups, _ := strings.Cut(out.String(), "\n")
	if pid != strconv.Itoa(cmd.Process.Pid) {
		t.Errorf("the program is process %s, that which was started %d", pid, cmd.Process.Pid)
	}
	for _, dir := range g.dirs {
		if !strings.Contains(groups, "/"+filepath.Base(dir)+"\n") {
			t.Errorf("not in %s but in\n%s", dir, groups)
		}
	}
}

func TestAProgramThatCannotEnterIsNotRun(t *testing.T) {
	g := &Group{dirs: []string{filepath.Join(t.TempDir(), "gone")}}
	cmd := command(t, "where")
	g.Enter(cmd)
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 125 || len(out) > 0 {
		t.Errorf("%v with %q, want status 125 and nothing", err, out)
	}
}

func TestCloseKillsWhatIsLeft(t *testing.T) {
	g := newTestGroup(t, Limits{Processors: 1})
	cmd := command(t, "stay")
	g.Enter(cmd)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	if _, err := out.Read(make([]byte, 5)); err != nil { // it runs
		t.Fatal(err)
	}
	go func() { ended <- cmd.Wait() }()
	if len(g.dirs) == 0 { // no such groups on this machine, so nothing to close
		in.Close()
		<-ended
		return
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if exit, ok := errors.AsType[*exec.ExitError](<-ended); !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Error("the process was not killed")
	}
}

func TestWhatIsSaidOfTheSameFailureIsTheSame(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file") // in which no folder can be made
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	said := func() string {
		g := newGroup("x", Limits{Memory: 1 << 20}, map[string]controlled{"memory": {version1{}, file}})
		defer g.Close()
		return strings.Join(g.Unlimited(), "; ")
	}
	want := "memory is not limited: no group can be made in " + file + ": not a directory"
	if first, second := said(), said(); first != want || second != want {
		t.Errorf("said %q and %q, want %q", first, second, want)
	}
}

func TestWithoutControllersNothingIsLimitedAndThatIsSaid(t *testing.T) {
	g := newGroup("x", Limits{Memory: 1 << 20, Processors: 1}, nil)
	defer g.Close()
	if said := strings.Join(g.Unlimited(), "; "); !strings.HasPrefix(said, "memory is not limited: ") || !strings.Contains(said, "; cpu is not limited: ") {
		t.Errorf("said %q", said)
	}
	cmd := command(t, "take 8")
	g.Enter(cmd)
	if err := cmd.Run(); err != nil {
		t.Error(err)
	}
}
