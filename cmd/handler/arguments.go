package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

// parseFlags parses flags and arguments in any order (the flag package stops at the
// first argument that is no flag) and returns the arguments.
func parseFlags(flags *flag.FlagSet, args []string) ([]string, error) {
	flags.SetOutput(io.Discard) // the error says it all, and there is one usage for all
	var others []string
	for {
		if err := flags.Parse(args); err != nil { // flag.ErrHelp where help is asked for
			return nil, usageError{err}
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
