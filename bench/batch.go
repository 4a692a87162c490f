package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/runtimeapi"
	"github.com/tensorlambda/tensorlambda/internal/versitygw"
)

const (
	batchRounds = 3
	batchRows   = 1_000_000
	inbox       = "inbox"
	outbox      = "outbox"
)

// batchBench is what the parts about batch scoring need: a store with the demo model
// and buckets for inputs and outputs.
type batchBench struct {
	dir    string
	server *versitygw.Server
	stores blob.Stores
}

func newBatchBench(ctx context.Context) (b *batchBench, err error) {
	b = new(batchBench)
	if b.dir, err = os.MkdirTemp("", "tensorlambda-bench-*"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	if b.server, err = versitygw.Start(ctx, versitygw.Options{Dir: filepath.Join(b.dir, "s3")}); err != nil {
		return nil, err
	}
	if err := upload(ctx, b.server); err != nil {
		return nil, err
	}
	for _, bucket := range []string{inbox, outbox} {
		if err := b.server.Put(ctx, bucket, "made", nil); err != nil {
			return nil, err
		}
	}
	root := b.server.Root()
	client, err := blob.NewClient(ctx, blob.ClientOptions{
		Region: versitygw.Region, Endpoint: b.server.Endpoint(), AccessKeyID: root.AccessKeyID, SecretAccessKey: root.SecretAccessKey,
	})
	if err != nil {
		return nil, err
	}
	b.stores.S3 = blob.NewS3(client, blob.S3Options{})
	return b, nil
}

func (b *batchBench) close() error {
	var err error
	if b.server != nil {
		err = b.server.Close()
	}
	return errors.Join(err, os.RemoveAll(b.dir))
}

// put makes an object of the inbox by what write writes.
func (b *batchBench) put(ctx context.Context, key string, write func(io.Writer) error) error {
	uri := blob.URI{Scheme: blob.S3Scheme, Bucket: inbox, Key: key}
	upload, err := b.stores.Create(ctx, uri, blob.CreateOptions{})
	if err != nil {
		return err
	}
	if err := write(upload); err != nil {
		return errors.Join(err, upload.Abort())
	}
	_, err = upload.Commit(ctx)
	return err
}

// function starts the program as a Lambda function that has loaded the demo model.
func (b *batchBench) function(ctx context.Context, log io.Writer, settings ...string) (*runtimeapi.Process, error) {
	env := append(b.server.Env(), "MODEL_URI="+modelURI, "OUTPUT_URI=s3://"+outbox+"/", "TMPDIR="+b.dir)
	f, err := runtimeapi.StartProcess(ctx, "build/bootstrap", append(env, settings...), log)
	if err != nil {
		return nil, err
	}
	if err := f.AwaitReady(ctx); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// scored is what a task says that it did.
type scored struct {
	Output       string
	Rows, Errors int64
}

// score has a function score an object of the inbox.
func score(ctx context.Context, f *runtimeapi.Process, key string) (time.Duration, scored, error) {
	task := fmt.Sprintf(`{"task":"score","input":"s3://%s/%s"}`, inbox, key)
	start := time.Now()
	result, err := f.Invoke(ctx, []byte(task), runtimeapi.Options{Deadline: start.Add(15 * time.Minute)})
	took := time.Since(start)
	if err != nil {
		return 0, scored{}, err
	}
	var done scored
	if err := json.Unmarshal(result.Body, &done); err != nil || result.ErrorType != "" {
		return 0, scored{}, fmt.Errorf("task answered %.500q %s %s", result.Body, result.ErrorType, result.ErrorMessage)
	}
	return took, done, nil
}

// withStore measures by f, with a store of its own and the demo model's samples.
func withStore(f func(context.Context, *batchBench, []digitSample) error) func(context.Context) error {
	return func(ctx context.Context) (err error) {
		b, err := newBatchBench(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, b.close()) }()
		samples, err := digitSamples()
		if err != nil {
			return err
		}
		return f(ctx, b, samples)
	}
}

// benchBatch measures a million rows of JSON lines from S3 to S3 beside the bare
// work, parsing and Session.Run, and beside a Python script.
func benchBatch(ctx context.Context, b *batchBench, samples []digitSample) error {
	var text bytes.Buffer
	if err := writeJSONLines(&text, samples, batchRows); err != nil {
		return err
	}
	if err := b.put(ctx, "rows.jsonl", func(w io.Writer) error { _, err := w.Write(text.Bytes()); return err }); err != nil {
		return err
	}
	digits, root, err := digitsFolder()
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	bare, err := newBareBatch(digits, text.Bytes())
	if err != nil {
		return err
	}
	times := make(map[string][]time.Duration)
	add := func(name string, d time.Duration) { times[name] = append(times[name], d) }
	for range batchRounds {
		parse, run, err := bare.measure()
		if err != nil {
			return err
		}
		add("parse", parse)
		add("run", run)
		add("bare", parse+run)
		ours, err := b.oneJob(ctx)
		if err != nil {
			return err
		}
		add("ours", ours)
		python, err := b.python(ctx, digits)
		if err != nil {
			return err
		}
		add("python", python)
	}
	seconds := func(name string) float64 { return median(times[name]).Seconds() }
	fmt.Printf("| %d digit rows of JSON lines (%d MB), S3 to S3, medians of %d alternating rounds | time | rows a second |\n|---|---|---|\n", batchRows, text.Len()/1e6, batchRounds)
	for _, row := range []struct{ key, name string }{
		{"ours", "tensorlambda"}, {"python", "Python (boto3, json, NumPy, TensorFlow, batches of 1024)"},
		{"bare", "bare: parsing, then `Session.Run`, in memory"}, {"parse", "— of it parsing"}, {"run", "— of it `Session.Run`"},
	} {
		fmt.Printf("| %s | %.1f s | %.0f |\n", row.name, seconds(row.key), batchRows/seconds(row.key))
	}
	fmt.Printf("| beside the bare work (at least 0.85) | **%.2f** | |\n| beside Python | **%.1f×** | |\n\n", seconds("bare")/seconds("ours"), seconds("python")/seconds("ours"))
	return nil
}

// oneJob times a job in a function of its own, which has loaded its model.
func (b *batchBench) oneJob(ctx context.Context) (time.Duration, error) {
	var log bytes.Buffer
	f, err := b.function(ctx, &log)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	took, done, err := score(ctx, f, "rows.jsonl")
	if err == nil && (done.Rows != batchRows || done.Errors != 0) {
		err = fmt.Errorf("%d rows and %d errors", done.Rows, done.Errors)
	}
	if err != nil {
		return 0, fmt.Errorf("%w\n%s", err, &log)
	}
	output, err := blob.ParseURI(done.Output)
	if err != nil {
		return 0, err
	}
	// Otherwise the next round would find it and have nothing to do.
	return took, errors.Join(b.stores.Delete(ctx, []blob.URI{output}), f.Close())
}

// python runs the yardstick and returns the time that it measured itself.
func (b *batchBench) python(ctx context.Context, folder string) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, "build/venv/bin/python", "bench/python/score.py", folder,
		"s3://"+inbox+"/rows.jsonl", "s3://"+outbox+"/python.jsonl")
	cmd.Env = append(os.Environ(), b.server.Env()...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("score.py: %w", err)
	}
	var said struct {
		Rows    int64
		Seconds float64
	}
	if err := json.Unmarshal(out, &said); err != nil || said.Rows != batchRows {
		return 0, fmt.Errorf("score.py said %.200q: %w", out, err)
	}
	return time.Duration(said.Seconds * float64(time.Second)), nil
}
