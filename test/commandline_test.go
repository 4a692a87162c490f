package test

import (
	"fmt"
	"strings"
	"testing"
)

// The command line is what design and README promise: exit status 0, 1 for work
// that failed, 2 for a wrong call.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	m := manifest(t)
	for _, c := range []struct {
		args           []string
		status         int
		stdout, stderr string // parts
	}{
		{nil, 2, "", "bootstrap serve [URI]"},
		{[]string{"help"}, 0, "bootstrap serve [URI]", ""},
		{[]string{"--help"}, 0, "bootstrap inspect [URI] [--ops] [--json]", ""},
		{[]string{"train"}, 2, "", "train"},
		{[]string{"version"}, 0, m.TensorFlow, ""},
		{[]string{"version"}, 0, "sha256 " + m.Libraries[0].SHA256, ""},
		{[]string{"version", "please"}, 2, "", "please"},
		{[]string{"inspect"}, 2, "", "MODEL_URI"},
		{[]string{"inspect", "a", "b"}, 2, "", "one model at a time"},
		{[]string{"inspect", "--yaml", "a"}, 2, "", "yaml"},
		{[]string{"inspect", "s3://" + bucket + "/nowhere.pb"}, 1, "", "nowhere.pb"},
		{[]string{"inspect", "gs://bucket/model"}, 2, "", `unknown scheme "gs"`},
	} {
		t.Run(fmt.Sprint(c.args), func(t *testing.T) {
			t.Parallel()
			o := command(t, nil, c.args...)
			if o.status != c.status || !strings.Contains(o.stdout, c.stdout) || !strings.Contains(o.stderr, c.stderr) {
				t.Errorf("exit status %d, want %d with %q on stdout and %q on stderr:\n%s%s", o.status, c.status, c.stdout, c.stderr, o.stdout, o.stderr)
			}
			if (o.stdout == "") != (c.stdout == "") || (o.stderr == "") != (c.stderr == "") {
				t.Errorf("text went to the wrong stream:\nstdout %q\nstderr %q", o.stdout, o.stderr)
			}
		})
	}
}

// The library is found beside the program, as `make layer` leaves it, and its
// absence is no failure of version.
func TestVersionSaysWhereTheLibraryIs(t *testing.T) {
	t.Parallel()
	o := command(t, []string{"TENSORFLOW_LIB=/nowhere"}, "version")
	if o.status != 0 || !strings.Contains(o.stdout, "/nowhere") || !strings.Contains(o.stdout, "make layer") {
		t.Errorf("exit status %d:\n%s%s", o.status, o.stdout, o.stderr)
	}
}
