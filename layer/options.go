package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
)

// options is what one call asks for.
type options struct {
	wheel       wheel
	out         string // folder of the packed library
	include     string // folder of the C headers
	cache       string // wheels and packed libraries of earlier runs
	raw         string // folder of the unpacked libraries; empty for none
	python      string // the Python 3 whose pip fetches the wheel
	headersOnly bool
}

// parse reads the command line. The error names every fault at once; the usage
// goes to stderr.
func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("layer", flag.ContinueOnError)
	flags.SetOutput(stderr)
	version := flags.String("version", "2.21.0", "TensorFlow `version`; without a patch number, its newest")
	arch := flags.String("arch", runtime.GOARCH, "`architecture` of the function: amd64 or arm64")
	flags.StringVar(&o.out, "out", filepath.Join("build", "layer", "lib"), "`folder` of the packed library; its contents are replaced")
	flags.StringVar(&o.include, "include", filepath.Join("build", "include"), "`folder` of the C headers; its contents are replaced")
	flags.StringVar(&o.cache, "cache", filepath.Join("build", "cache"), "`folder` of downloads and packed libraries, on the same file system as the others")
	flags.StringVar(&o.raw, "raw", "", "also write the unpacked libraries to this `folder`")
	flags.StringVar(&o.python, "python", "python3", "`command` of the Python 3 whose pip fetches the wheel")
	flags.BoolVar(&o.headersOnly, "headers-only", false, "only the C headers; prints the CGO_CFLAGS line that the Go binding needs")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	var faults []error
	if flags.NArg() > 0 {
		faults = append(faults, fmt.Errorf("unexpected argument %q", flags.Arg(0)))
	}
	for _, f := range []struct {
		name   string
		folder *string
	}{{"out", &o.out}, {"include", &o.include}, {"cache", &o.cache}, {"raw", &o.raw}} {
		switch {
		case *f.folder != "":
			*f.folder = filepath.Clean(*f.folder) // Dir of a name with a slash at its end is not the parent
		case f.name != "raw":
			faults = append(faults, fmt.Errorf("-%s is empty", f.name))
		}
	}
	if o.python == "" {
		faults = append(faults, errors.New("-python is empty"))
	}
	if o.headersOnly && o.raw != "" {
		faults = append(faults, errors.New("-headers-only and -raw exclude each other"))
	}
	var err error
	if o.wheel, err = findWheel(*version, *arch); err != nil {
		faults = append(faults, err)
	}
	return o, errors.Join(faults...)
}
