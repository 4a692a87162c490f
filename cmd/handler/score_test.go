package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/batch"
	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/coldstart"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
	"github.com/tensorlambda/tensorlambda/internal/versitygw"
)

func TestScoreArguments(t *testing.T) {
	in, out := blob.URI{Scheme: "s3", Bucket: "inbox", Key: "a.jsonl"}, blob.URI{Scheme: "file", Key: "out/"}
	const input, output = "s3://inbox/a.jsonl", "out/"
	for _, c := range []struct {
		args  string
		want  scoreCall
		model string
		join  bool
	}{
		{input + " " + output, scoreCall{input: in, output: out}, "digits.pb", false},
		{input + " " + output + " --force --join --format csv --model m.pb", scoreCall{in, out, rows.CSV, true, ""}, "m.pb", true},
		{"--force --join --format=csv --model=m.pb " + input + " " + output, scoreCall{in, out, rows.CSV, true, ""}, "m.pb", true},
		{"-format npy " + input + " -force " + output, scoreCall{in, out, rows.NPY, true, ""}, "digits.pb", false},
		{"--header present " + input + " " + output, scoreCall{input: in, output: out, header: "present"}, "digits.pb", false},
		{input + " " + output + " --header=absent", scoreCall{input: in, output: out, header: "absent"}, "digits.pb", false},
	} {
		cfg := config{ModelURI: "digits.pb", Format: rows.JSONLines}
		got, err := parseScore(&cfg, strings.Fields(c.args))
		if err != nil || !reflect.DeepEqual(got, c.want) || cfg.ModelURI != c.model || cfg.Join != c.join {
			t.Errorf("%s: got %+v, model %s, join %v (%v), want %+v, %s, %v", c.args, got, cfg.ModelURI, cfg.Join, err, c.want, c.model, c.join)
		}
	}
}

// The format is in the name of the output, or chosen; other names leave it to the setting.
func TestScoreTakesOutputsWhoseFormatIsKnown(t *testing.T) {
	for _, args := range []string{
		"out.jsonl", "OUT.CSV", "out.parquet", "a.b/out.npy", "out.ndjson", "out/", "s3://outbox/day/", "s3://outbox/day/out.csv", "out.txt", "out",
		"out --format csv", "out.xlsx --format jsonl", "out.csv --format parquet",
	} {
		cfg := config{ModelURI: "m.pb", Format: rows.JSONLines}
		if _, err := parseScore(&cfg, append([]string{"in.csv"}, strings.Fields(args)...)); err != nil {
			t.Errorf("%s: %v", args, err)
		}
	}
}

// A wrong call ends with status 2 before anything is loaded, and names all faults.
func TestWrongCallsOfScore(t *testing.T) {
	for _, c := range []struct {
		args  string
		parts []string
	}{
		{"", []string{"want INPUT and OUTPUT"}},
		{"--model m.pb in.jsonl", []string{"want INPUT and OUTPUT", "in.jsonl"}},
		{"--model m.pb a b c", []string{"want INPUT and OUTPUT"}},
		{"--model m.pb a b --twice", []string{"twice"}},
		{"--model m.pb a b --format xml", []string{`"xml"`, "parquet"}},
		{"--model m.pb a b.csv --header maybe", []string{`"maybe"`, "present", "absent"}},
		{"--model m.pb a.csv out.csv.gz", []string{`"out.csv.gz"`, "not compressed"}},
		{"--model m.pb a.csv out.csv.zst --format csv", []string{`"out.csv.zst"`, "not compressed"}},
		{"--model m.pb a.csv -", []string{"standard output"}},
		{"--model m.pb a.csv - --format csv", []string{"standard output"}},
		{"--model m.pb a b --join --format npy", []string{"--join", "npy"}},
		{"gs://b/in day/in.jsonl", []string{"INPUT", "gs", "MODEL_URI"}},
		{"day/ http://b/out", []string{"INPUT", "prefix", "OUTPUT", "http", "MODEL_URI"}},
		{"--model gs://models/m gs://b/a b", []string{"--model", "INPUT"}},
		{"--model s3://models/m a b.csv", []string{"AWS_REGION", "s3://models/m"}},
		{"--model m.pb s3://inbox/a b.csv", []string{"AWS_REGION", "s3://inbox/a"}},
		{"--model m.pb a s3://outbox/", []string{"AWS_REGION", "s3://outbox/"}},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Setenv("AWS_REGION", "")
			t.Setenv("AWS_DEFAULT_REGION", "")
			t.Setenv("AWS_CONFIG_FILE", os.DevNull)
			var stdout, stderr bytes.Buffer
			status := run(t.Context(), append([]string{"score"}, strings.Fields(c.args)...), environmentOf(map[string]string{"GOMAXPROCS": "kept"}), &stdout, &stderr)
			if status != exitUsage || stdout.Len() > 0 {
				t.Errorf("status %d and %q on stdout, want %d", status, &stdout, exitUsage)
			}
			for _, part := range c.parts {
				if !strings.Contains(stderr.String(), part) {
					t.Errorf("stderr is %q, want %q in it", &stderr, part)
				}
			}
		})
	}
}

// half is the model y = x/2. Before each run it calls before, where that is set.
type half struct{ before func() }

func (h half) Catalog() *infer.Catalog {
	tensor := func(name string) []infer.TensorInfo {
		return []infer.TensorInfo{{Name: name, Tensor: name + ":0", DType: infer.Float, Shape: infer.Shape{-1}}}
	}
	return &infer.Catalog{Default: "s", Signatures: map[string]*infer.Signature{"s": {Name: "s", Inputs: tensor("x"), Outputs: tensor("y")}}}
}

func (h half) Run(_ context.Context, feeds []infer.Feed, _ []infer.TensorInfo) ([]*infer.Tensor, error) {
	if h.before != nil {
		h.before()
	}
	x := feeds[0].Value
	y := make([]byte, len(x.Data))
	for i := 0; i < len(y); i += 4 {
		f := math.Float32frombits(binary.LittleEndian.Uint32(x.Data[i:]))
		binary.LittleEndian.PutUint32(y[i:], math.Float32bits(f/2))
	}
	out, err := infer.NewTensor(infer.Float, slices.Clone(x.Shape), y)
	return []*infer.Tensor{out}, err
}

func (h half) Close() error { return nil }

// halving are the options of a scorer with the model half.
func halving(stores blob.Stores, runner half) batch.Options {
	options := batchOptions(config{}, stores)
	options.Model = func(context.Context) (*infer.Model, error) {
		return &infer.Model{Name: "half", Version: "1", Identity: "i", Runner: runner}, nil
	}
	return options
}

// scored runs a call and returns what it says and its error.
func scored(ctx context.Context, options batch.Options, call scoreCall) (string, error) {
	var stdout bytes.Buffer
	shown := newScoring(new(bytes.Buffer), slog.New(slog.DiscardHandler))
	err := call.run(ctx, batch.New(options), shown, &stdout)
	return stdout.String(), err
}

func fileURI(path string) blob.URI { return blob.URI{Scheme: blob.FileScheme, Key: path} }

func TestScoreSaysWhatItDid(t *testing.T) {
	for _, c := range []struct {
		name, input, output string
		said                string // between the output and the seconds
		err                 error
	}{
		{"all rows are right", "2\n4\n", "{\"prediction\":1.0}\n{\"prediction\":2.0}\n", "2 rows, 0 errors", nil},
		{"one is wrong: that is no failure", "2\n\"x\"\n", "{\"prediction\":1.0}\n{\"error\":", "2 rows, 1 errors", nil},
		{"all are wrong: the output is there, and the work has failed", "\"x\"\n", "{\"error\":", "1 rows, 1 errors", batch.ErrAllRowsFailed},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			in, out := filepath.Join(dir, "in.jsonl"), filepath.Join(dir, "out.jsonl")
			if err := os.WriteFile(in, []byte(c.input), 0o600); err != nil {
				t.Fatal(err)
			}
			said, err := scored(t.Context(), halving(blob.Stores{Files: &blob.Files{}}, half{}), scoreCall{input: fileURI(in), output: fileURI(out)})
			if !errors.Is(err, c.err) || !strings.Contains(said, c.said) || !strings.Contains(said, "out.jsonl: ") || strings.Count(said, "\n") != 1 {
				t.Errorf("said %q (%v), want one line with %q (%v)", said, err, c.said, c.err)
			}
			if got, err := os.ReadFile(out); err != nil || !strings.HasPrefix(string(got), c.output) {
				t.Errorf("the output is %q (%v), want %q", got, err, c.output)
			}
		})
	}
}

// An interrupt in the middle leaves no output, and nothing beside it.
func TestScoreIsInterrupted(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in.jsonl")
	if err := os.WriteFile(in, []byte(strings.Repeat("1\n", 10_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	said, err := scored(ctx, halving(blob.Stores{Files: &blob.Files{}}, half{before: interrupt}), scoreCall{input: fileURI(in), output: fileURI(filepath.Join(dir, "out.jsonl"))})
	if !errors.Is(err, errInterrupted) || said != "" {
		t.Errorf("said %q (%v), want nothing but %v", said, err, errInterrupted)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v (%v), want the input only", entries, err)
	}
}

// Pins are settings: that they cannot hold is a wrong call.
func TestScoreWithAPinThatCannotHold(t *testing.T) {
	in := filepath.Join(t.TempDir(), "in.jsonl")
	if err := os.WriteFile(in, []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	options := halving(blob.Stores{Files: &blob.Files{}}, half{})
	options.Model = func(context.Context) (*infer.Model, error) { return nil, fmt.Errorf("model: %w", coldstart.ErrPin) }
	var wrong usageError
	if _, err := scored(t.Context(), options, scoreCall{input: fileURI(in), output: fileURI(in + ".out")}); !errors.As(err, &wrong) {
		t.Errorf("error is %v, want a usageError", err)
	}
}

// In S3 an output says what it is the answer to, and is not made twice.
func TestScoreFindsItsOutput(t *testing.T) {
	server, err := versitygw.Start(t.Context(), versitygw.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := server.Put(t.Context(), "lake", "in.jsonl", []byte("2\n4\n")); err != nil {
		t.Fatal(err)
	}
	for _, v := range server.Env() {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
	call := scoreCall{input: blob.URI{Scheme: "s3", Bucket: "lake", Key: "in.jsonl"}, output: blob.URI{Scheme: "s3", Bucket: "lake", Key: "answers/"}}
	cfg := config{ModelURI: "half.pb", S3Endpoint: server.Endpoint()}
	stores, err := openStores(t.Context(), cfg, call.input, call.output)
	if err != nil {
		t.Fatal(err)
	}
	runs := 0
	options := halving(stores, half{before: func() { runs++ }})
	for _, step := range []struct {
		name, settings string
		force          bool
		said           string
		runs           int
	}{
		{"first", "", false, "s3://lake/answers/in.jsonl.out.jsonl: 2 rows, 0 errors", 1},
		{"again", "", false, "s3://lake/answers/in.jsonl.out.jsonl: already done; --force scores again", 1},
		{"by force", "", true, "2 rows, 0 errors", 2},
		{"with another signature", "other", false, "2 rows, 0 errors", 3},
	} {
		options.Settings = answerSettings(config{Signature: step.settings})
		call.force = step.force
		said, err := scored(t.Context(), options, call)
		if err != nil || !strings.Contains(said, step.said) || runs != step.runs {
			t.Errorf("%s: said %q (%v) after %d runs, want %q after %d", step.name, said, err, runs, step.said, step.runs)
		}
	}
}
