package runtimeapi_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tensorlambda/tensorlambda/internal/runtimeapi"
)

// TestFunctionOutlivesTheThreadOfItsCaller starts a function from a thread that
// then ends, as one does when a goroutine ends that has locked it.
func TestFunctionOutlivesTheThreadOfItsCaller(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var p *runtimeapi.Process
	thread := onThread(func() {
		p, err = runtimeapi.StartProcess(t.Context(), self, []string{functionVariable + "=1"}, t.Output())
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	awaitEnd(t, thread)
	if err := p.AwaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := invoke(t, p.Server, "large", runtimeapi.Options{}); got.ErrorType != "" {
		t.Errorf("the function answers %s: %s", got.ErrorType, got.ErrorMessage)
	}
}

func TestTheCommandCanBePrepared(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := runtimeapi.StartProcess(t.Context(), self, []string{functionVariable + "=1"}, t.Output(), func(cmd *exec.Cmd) {
		// A shell that becomes the program: the same process, another folder.
		cmd.Args = []string{"sh", "-c", `cd / && exec "$0"`, cmd.Path}
		cmd.Path = "/bin/sh"
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.AwaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	if dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", p.PID())); err != nil || dir != "/" {
		t.Errorf("the program runs in %q (%v), want /", dir, err)
	}
	if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", p.PID())); err != nil || exe != self {
		t.Errorf("the process is %q (%v), want %s", exe, err, self)
	}
}

// onThread calls f on a thread that ends afterwards.
func onThread(f func()) (thread int) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if thread = unix.Gettid(); thread == os.Getpid() {
			// The first thread never ends. While it is locked, the next goroutine
			// is on another.
			defer runtime.UnlockOSThread()
			thread = onThread(f)
			return
		}
		f() // and no unlock: so the thread ends with the goroutine
	}()
	<-done
	return thread
}

// awaitEnd returns when a thread of this process is gone.
func awaitEnd(t *testing.T, thread int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; runtime.Gosched() {
		_, err := os.Stat(fmt.Sprintf("/proc/self/task/%d", thread))
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("thread %d is still there (%v)", thread, err)
		}
	}
}
