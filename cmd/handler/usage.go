package main

import (
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

const usage = `tensorlambda serves a TensorFlow model as a Lambda function.

  bootstrap serve [URI] [--addr 127.0.0.1:8080]   serve the model over HTTP
  bootstrap score INPUT OUTPUT [--model URI]      score the rows of an object or file, as the S3 event would
            [--format jsonl|csv|parquet|npy] [--header present|absent] [--join] [--force]
  bootstrap pack INPUT OUTPUT [--signature NAME]  write a SavedModel that starts faster and answers the same
  bootstrap inspect [URI] [--ops] [--json]        say what a model is: signatures, shapes, operations
  bootstrap version                               versions of this program and of TensorFlow
  bootstrap help [COMMAND]                        this text, or what a command takes

URI is s3://bucket/key, s3://bucket/prefix/, file:///path or a path; it defaults
to MODEL_URI. A model is a SavedModel (folder, or .tar.gz .tgz .tar .tar.zst .zip)
or a frozen graph (.pb). INPUT is one object (s3://bucket/key, file:///path or a
path) of JSON Lines, JSON, CSV, TFRecord, Parquet, NumPy, JPEG or PNG; OUTPUT is
another, or a prefix that ends in /. Inside Lambda, where AWS_LAMBDA_RUNTIME_API is set, the
program takes no arguments.

Everything else is set by environment variables: MODEL_SIGNATURE, MODEL_LABELS,
MAX_BODY_BYTES and others. The README lists them under "Settings".
`

// synopsis is what help says of a subcommand beside its flags.
type synopsis struct {
	call string // after the program's name
	does string
	more string // about the arguments, whole lines
}

const modelArgument = `  URI  the model: s3://bucket/key, s3://bucket/prefix/, file:///path or a path.
       A SavedModel (folder, or .tar.gz .tgz .tar .tar.zst .zip) or a frozen
       graph (.pb). MODEL_URI if it is not given
`

var synopses = map[string]synopsis{
	"serve": {"serve [URI] [flags]", "Serves the model over HTTP until it is stopped, with the page to try it on at /.", modelArgument},
	"score": {"score INPUT OUTPUT [flags]", "Scores the rows of one object or file into another, exactly as the S3 event would.",
		`  INPUT   s3://bucket/key, file:///path or a path: .jsonl .ndjson .json .csv
          .tfrecord .parquet .npy .npz .jpg .jpeg .png, each also .gz or .zst
  OUTPUT  another, in the format that its name ends in; or a prefix or folder
          that ends in /, below which it gets the input's name
`},
	"pack": {"pack INPUT OUTPUT [flags]", "Writes a SavedModel that starts faster and answers the same, which it verifies.",
		`  INPUT   a SavedModel, as a folder, a prefix or an archive, in S3 or here
  OUTPUT  another folder or prefix, or a .tar.gz
`},
	"inspect": {"inspect [URI] [flags]", "Says what a model is. It needs no TensorFlow library, and shows models that would be refused.", modelArgument},
	"version": {"version", "Prints the versions of this program and of TensorFlow, with the checksums of its libraries.", ""},
}

// helpRequest is the error of a call that asks what a subcommand takes.
type helpRequest struct{ flags *flag.FlagSet }

func (helpRequest) Error() string { return flag.ErrHelp.Error() }

func isHelp(argument string) bool {
	return argument == "-h" || strings.HasPrefix(argument, "-") && strings.TrimLeft(argument, "-") == "help"
}

// writeHelp explains a subcommand by its flags, whose set has its name.
func writeHelp(w io.Writer, flags *flag.FlagSet) {
	s := synopses[flags.Name()]
	fmt.Fprintf(w, "bootstrap %s\n\n%s\n", s.call, s.does)
	if s.more != "" {
		fmt.Fprintf(w, "\n%s", s.more)
	}
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	defer table.Flush() // a terminal that is gone needs no help
	lines := 0
	flags.VisitAll(func(f *flag.Flag) {
		name, use := flag.UnquoteUsage(f)
		if name != "" {
			name = " " + name
		}
		if lines++; lines == 1 {
			fmt.Fprintln(table)
		}
		fmt.Fprintf(table, "  --%s%s\t%s", f.Name, name, use)
		if f.DefValue != "" && f.DefValue != "false" {
			fmt.Fprintf(table, " (%s)", f.DefValue)
		}
		fmt.Fprintln(table)
	})
	fmt.Fprint(table, "\nEnvironment variables set the rest; the README lists them under \"Settings\".\n")
}

// flagsOf says which flags a subcommand has.
func flagsOf(flags *flag.FlagSet) string {
	var names []string
	flags.VisitAll(func(f *flag.Flag) { names = append(names, "--"+f.Name) })
	if names == nil {
		return fmt.Sprintf("%s has no flags", flags.Name())
	}
	return fmt.Sprintf("%s has %s: see `bootstrap help %s`", flags.Name(), strings.Join(names, ", "), flags.Name())
}
