// Command handler is tensorlambda: built as bootstrap it is the Lambda function,
// and with a subcommand it is the same model server on a laptop's port and the
// tools around it. It reads the settings and wires the packages together;
// nothing below it knows the environment.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// started is when this process started to run Go code: the zero of the cold
// start's timeline.
var started = time.Now()

// Exit statuses.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := context.Background(), context.CancelFunc(func() {})
	if !inLambda(os.Args[1:], os.Getenv) { // there a signal just ends the process: nothing needs tidying up
		ctx, stop = signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
		context.AfterFunc(ctx, stop) // a second signal ends the process at once
	}
	status := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// inLambda reports whether the process is to be the Lambda function.
func inLambda(args []string, getenv func(string) string) bool {
	return len(args) == 0 && getenv("AWS_LAMBDA_RUNTIME_API") != ""
}

// usageError is a wrong call: exit status 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// run is main with its surroundings passed in.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	if inLambda(args, getenv) {
		return runLambda(ctx, getenv)
	}
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return exitUsage
	}
	err := subcommand(ctx, args[0], args[1:], getenv, stdout, stderr)
	var wrong usageError
	var help helpRequest
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &help):
		writeHelp(stdout, help.flags)
		return exitOK
	case errors.As(err, &wrong):
		fmt.Fprintf(stderr, "%s: %v\n", args[0], err)
		return exitUsage
	default:
		fmt.Fprintf(stderr, "%s: %v\n", args[0], err)
		return exitFailed
	}
}

func subcommand(ctx context.Context, name string, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	if isHelp(name) || name == "help" {
		if len(args) == 0 || isHelp(args[0]) {
			fmt.Fprint(stdout, usage)
			return nil
		}
		name, args = args[0], []string{"--help"}
	}
	if strings.TrimLeft(name, "-") == "version" {
		name = "version"
	}
	if _, ok := synopses[name]; !ok {
		return usageError{fmt.Errorf("no such command %q; `bootstrap help` lists them", name)}
	}
	if slices.ContainsFunc(args, isHelp) { // whatever the settings are
		args, getenv = []string{"--help"}, func(string) string { return "" }
	}
	cfg, warnings, err := readSettings(getenv)
	for _, warning := range warnings {
		fmt.Fprintf(stderr, "%s: warning: %s\n", name, warning)
	}
	if err != nil {
		return usageError{err}
	}
	switch name {
	case "serve":
		makeRoomForRuns(getenv)
		return serveCommand(ctx, cfg, args, stderr)
	case "score":
		makeRoomForRuns(getenv)
		return scoreCommand(ctx, cfg, args, stdout, stderr)
	case "pack":
		return packCommand(ctx, cfg, args, stdout, stderr)
	case "inspect":
		return inspectCommand(ctx, cfg, args, stdout)
	default:
		return versionCommand(ctx, cfg, args, stdout)
	}
}
