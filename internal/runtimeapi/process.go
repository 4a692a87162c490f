package runtimeapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// ErrExited is returned when a function's process ended before it was ready.
var ErrExited = errors.New("function process exited")

// stopGrace is how long a process may take to end by itself once its Runtime API
// is gone; then it is killed, as Lambda does without asking.
const stopGrace = 3 * time.Second

// Process is a function: a program under a Runtime API of its own, as in one
// Lambda environment.
type Process struct {
	*Server
	Started time.Time

	cmd    *exec.Cmd
	exited chan struct{}
	err    error // of cmd.Wait; set before exited is closed
	stop   sync.Once
}

// StartProcess runs the program at path. Its environment is env and what Lambda
// sets for every function, and nothing of ours; where both set a variable, env
// wins. Its output goes to log as it comes, by one Write at a time. The process
// is killed when ctx ends, and dies with this one. Each of prepare may change the
// command before it is started, such as to put the process into a control group;
// whatever runs before the program then counts as its start, too.
func StartProcess(ctx context.Context, path string, env []string, log io.Writer, prepare ...func(*exec.Cmd)) (*Process, error) {
	server, err := Start()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path)
	cmd.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + server.Addr(),
		"AWS_LAMBDA_FUNCTION_NAME=local",
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=3008",
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_LAMBDA_LOG_FORMAT=JSON",
		"AWS_REGION=us-east-1",
		"LAMBDA_TASK_ROOT=/var/task",
		"_HANDLER=bootstrap",
	}, env...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	for _, change := range prepare {
		change(cmd)
	}
	p := &Process{Server: server, Started: time.Now(), cmd: cmd, exited: make(chan struct{})}
	if err := p.start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start function: %w", err), server.Close())
	}
	return p, nil
}

// start starts the process and has a goroutine wait for its end.
func (p *Process) start() error {
	started := make(chan error)
	go func() {
		defer close(p.exited)
		// The kernel sends Pdeathsig when the starting thread ends, not the
		// process: keep that thread for as long as the function lives.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
		}
	}()
	return <-started
}

// AwaitReady waits for the end of the function's init phase. The error is an
// *InitError where the function reported one, else ErrExited or that of ctx.
func (p *Process) AwaitReady(ctx context.Context) error {
	select {
	case <-p.Ready():
		return nil
	case <-p.exited:
		if err := p.InitError(); err != nil {
			return err
		}
		return fmt.Errorf("%w: %w", ErrExited, p.exitError())
	case <-ctx.Done():
		return fmt.Errorf("init of the function: %w", context.Cause(ctx))
	}
}

func (p *Process) exitError() error {
	if p.err == nil {
		return errors.New("status 0")
	}
	return p.err
}

// Exited is closed when the process has ended. ExitCode is then its status.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// ExitCode is the exit status of a process that has ended, -1 where a signal
// ended it.
func (p *Process) ExitCode() int { return p.cmd.ProcessState.ExitCode() }

// PID is the process's number, to look at its memory or to kill it.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Close ends the process and its Runtime API and waits for both.
func (p *Process) Close() error {
	var err error
	p.stop.Do(func() {
		err = p.Server.Close() // the runtime loop sees that and exits
		select {
		case <-p.exited:
		case <-time.After(stopGrace):
			err = errors.Join(err, p.cmd.Process.Kill())
			<-p.exited
		}
	})
	return err
}
