package main

import (
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/tensorlambda/tensorlambda/internal/blob"
)

// parseFlags parses flags and arguments in any order (the flag package stops at the
// first argument that is no flag) and returns the arguments. The error is a helpRequest
// where help is asked for, else a usageError that says which flags there are.
func parseFlags(flags *flag.FlagSet, args []string) ([]string, error) {
	flags.SetOutput(io.Discard) // the error says it all
	var others []string
	for {
		switch err := flags.Parse(args); {
		case errors.Is(err, flag.ErrHelp):
			return nil, helpRequest{flags}
		case err != nil:
			return nil, usageError{fmt.Errorf("%w; %s", err, flagsOf(flags))}
		}
		if flags.NArg() == 0 {
			return others, nil
		}
		others = append(others, flags.Arg(0))
		args = flags.Args()[1:]
	}
}

var errNoModel = errors.New("no model: give its URI, or set MODEL_URI (s3://bucket/key, s3://bucket/prefix/, file:///path or a path)")

// parseURI parses the arguments of a subcommand that takes flags and at most one
// URI. It returns the URI, or the default where none is given.
func parseURI(flags *flag.FlagSet, args []string, unset string) (string, error) {
	uris, err := parseFlags(flags, args)
	if err != nil {
		return "", err
	}
	switch {
	case len(uris) > 1:
		return "", usageError{fmt.Errorf("one model at a time, not %q", uris)}
	case len(uris) == 1:
		return uris[0], nil
	case unset == "":
		return "", usageError{errNoModel}
	}
	return unset, nil
}

// parseInputOutput parses the arguments of a subcommand that takes flags, an INPUT and an
// OUTPUT. A URI with a fault is empty. The error is that of parseFlags, after which
// nothing is known of the arguments; faults are all that is wrong with these.
func parseInputOutput(flags *flag.FlagSet, args []string) (input, output blob.URI, faults []error, err error) {
	uris, err := parseFlags(flags, args)
	if err != nil {
		return input, output, nil, err
	}
	if len(uris) != 2 {
		return input, output, []error{fmt.Errorf("want INPUT and OUTPUT, not %d arguments %q", len(uris), uris)}, nil
	}
	if input, err = blob.ParseURI(uris[0]); err != nil {
		faults = append(faults, fmt.Errorf("INPUT: %w", err))
	}
	if output, err = blob.ParseURI(uris[1]); err != nil {
		faults = append(faults, fmt.Errorf("OUTPUT: %w", err))
	}
	return input, output, faults, nil
}
