package samlocal

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"syscall"
)

// noEngine is the status with which engine.sh says that there can be no engine here.
const noEngine = 3

//go:embed engine.sh
var engineScript string

//go:embed image.sh
var imageScript string

// Engine is a Docker engine that answers, with AWS's base image in it. One that was
// there before is used as it is, so there may be several at a time, as long as the one
// that was started first is closed last.
type Engine struct {
	// Host is the address of this machine that containers reach.
	Host string

	// The script keeps the engine answering until its input is closed, which happens
	// however this process ends.
	script *exec.Cmd
	input  io.Closer
	said   bytes.Buffer // on standard error; read after Wait
}

// StartEngine returns when there is an engine, which Close ends if it was started here.
// It may install one, which takes a minute. dir is for what the engine writes, log for
// what is to be known of the base image.
func StartEngine(ctx context.Context, dir string, log io.Writer) (*Engine, error) {
	e, err := startEngine(ctx, dir)
	if err != nil {
		return nil, err
	}
	if err = makeImage(ctx, log); err == nil {
		e.Host, err = bridge(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// startEngine returns when an engine answers.
func startEngine(ctx context.Context, dir string) (*Engine, error) {
	e := &Engine{script: exec.CommandContext(context.WithoutCancel(ctx), "sh", "-c", engineScript, "engine.sh", dir)}
	e.script.Stderr = &e.said
	// Its own process group: an interrupt typed at the terminal must reach us first, who
	// end the engine last.
	e.script.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	input, err := e.script.StdinPipe()
	if err != nil {
		return nil, err
	}
	e.input = input
	output, err := e.script.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := e.script.Start(); err != nil {
		return nil, err
	}
	if line, err := bufio.NewReader(output).ReadString('\n'); err != nil || line != "ready\n" {
		err = e.Close()
		text := bytes.TrimSpace(e.said.Bytes())
		if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == noEngine {
			return nil, fmt.Errorf("%w: %s", ErrNoEngine, text)
		}
		return nil, fmt.Errorf("start a Docker engine: %w: %s", err, text)
	}
	return e, nil
}

// Close ends the engine if it was started here, which takes a few seconds.
func (e *Engine) Close() error {
	e.input.Close()
	return e.script.Wait()
}

// makeImage sees to it that there is the image that functions run on.
func makeImage(ctx context.Context, log io.Writer) error {
	cmd := exec.CommandContext(ctx, "sh", "-c", imageScript, "image.sh")
	cmd.Stderr = log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("make the base image of the functions: %w", err)
	}
	return nil
}

// bridge is the address of this machine that containers reach. The engine is asked for
// the interface only: until its second start it does not know the address itself.
func bridge(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "docker", "network", "inspect", "bridge",
		"-f", `{{index .Options "com.docker.network.bridge.name"}}`).Output()
	if err != nil {
		return "", fmt.Errorf("ask the Docker engine for its bridge: %w", err)
	}
	name := string(bytes.TrimSpace(out))
	device, err := net.InterfaceByName(name)
	if err != nil {
		return "", fmt.Errorf("%w whose containers reach this machine: the bridge %q of the one that answers is elsewhere, as with rootless engines and those in virtual machines: %w", ErrNoEngine, name, err)
	}
	addresses, err := device.Addrs()
	if err != nil {
		return "", err
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil {
			return n.IP.String(), nil
		}
	}
	return "", fmt.Errorf("the Docker engine's bridge %s has no IPv4 address", name)
}
