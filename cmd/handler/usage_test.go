package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// called runs the program with settings, and is its exit status and what it said.
func called(t *testing.T, settings map[string]string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	status = run(t.Context(), args, func(name string) string { return settings[name] }, &out, &err)
	return status, out.String(), err.String()
}

// Each subcommand explains itself, in three ways, whatever the settings are.
func TestHelpExplainsEachSubcommand(t *testing.T) {
	for name, parts := range map[string][]string{
		"serve":   {"bootstrap serve [URI] [flags]", "over HTTP", "--addr address", "127.0.0.1:8080"},
		"score":   {"bootstrap score INPUT OUTPUT [flags]", ".tfrecord", "--format format", "--join ", "--force ", "--model URI"},
		"pack":    {"bootstrap pack INPUT OUTPUT [flags]", "--signature name"},
		"inspect": {"bootstrap inspect [URI] [flags]", "--json ", "--ops "},
		"version": {"bootstrap version\n", "checksums"},
	} {
		for _, args := range [][]string{{"help", name}, {name, "--help"}, {name, "-h"}, {"--help", name}} {
			status, stdout, stderr := called(t, map[string]string{"IMAGE_SCALE": "wrong"}, args...)
			if status != exitOK || stderr != "" {
				t.Errorf("%q: exit status %d, %q", args, status, stderr)
			}
			for _, part := range append(parts, "Settings") {
				if !strings.Contains(stdout, part) {
					t.Errorf("%q does not say %q:\n%s", args, part, stdout)
				}
			}
		}
	}
	if status, stdout, _ := called(t, nil, "help"); status != exitOK || !strings.Contains(stdout, "Settings") {
		t.Errorf("help: exit status %d:\n%s", status, stdout)
	}
}

// A wrong call says what is wrong with it, what would be right, and nothing that does
// not follow.
func TestWrongCalls(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "b.csv")
	if err := os.WriteFile(file, []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, filepath.Join(dir, "link.csv")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"train"}, `train: no such command "train"; ` + "`bootstrap help` lists them\n"},
		{[]string{"help", "train"}, `help: no such command "train"; ` + "`bootstrap help` lists them\n"},
		{[]string{"serve", "--port", "1"}, "serve: flag provided but not defined: -port; serve has --addr: see `bootstrap help serve`\n"},
		{[]string{"serve", "m.pb", "--addr", "18060"}, `serve: --addr: "18060" is no address to listen on: give host:port, such as 127.0.0.1:8080, or :8080 for all of this machine's addresses` + "\n"},
		{[]string{"version", "--all"}, "version: flag provided but not defined: -all; version has no flags\n"},
		{
			[]string{"score", file, "o.csv", "--format", "jsn", "--model", "house"},
			`score: invalid value "jsn" for flag -format: "jsn" is none of jsonl, csv, parquet and npy; score has --force, --format, --header, --join, --model: see ` + "`bootstrap help score`\n",
		},
		{[]string{"pack", "--sig", "x", "a", "b"}, "pack: flag provided but not defined: -sig; pack has --signature: see `bootstrap help pack`\n"},
		{[]string{"score", dir, "o.csv", "--model", "m"}, `score: INPUT: "` + "file://" + dir + `" is a folder: INPUT is one file` + "\n"},
		{[]string{"score", dir + "/", "o.csv", "--model", "m"}, `score: INPUT: "` + "file://" + dir + `/" is a folder: INPUT is one file` + "\n"},
		{[]string{"score", "s3://lake/day/", "o.csv", "--model", "m"}, `score: INPUT: "s3://lake/day/" is a prefix: one object at a time` + "\n"},
		{[]string{"score", file, dir + "/./b.csv", "--model", "m"}, `score: OUTPUT: "` + "file://" + file + `" is INPUT: the answers need a place of their own` + "\n"},
		{[]string{"score", file, dir + "/link.csv", "--model", "m"}, `score: OUTPUT: "` + "file://" + dir + `/link.csv" is INPUT: the answers need a place of their own` + "\n"},
		{[]string{"score", "s3://lake/b.csv", "s3://lake/b.csv", "--model", "m"}, `score: OUTPUT: "s3://lake/b.csv" is INPUT: the answers need a place of their own` + "\n"},
	} {
		if status, stdout, stderr := called(t, nil, c.args...); status != exitUsage || stdout != "" || stderr != c.want {
			t.Errorf("%q: exit status %d, said %q, want %q", c.args, status, stdout+stderr, c.want)
		}
	}
}
