// Command local runs a function of the template in a container, as `sam local` does,
// with the demo model in a local S3 server: one event, or the HTTP API until it is
// interrupted. `make local` and `make local-api` run it, from the root of the repository.
package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/tensorlambda/tensorlambda/internal/samlocal"
)

const (
	models = "models"
	key    = "digits.tar.gz"
	output = "scored"
)

// settings are what the functions are told instead of what the template says.
var settings = map[string]string{"MODEL_URI": "s3://" + models + "/" + key, "OUTPUT_URI": "s3://" + output + "/"}

func main() {
	function := flag.String("function", "", "logical `id` of the function in the template (default BatchFunction for an event about an object, else ApiFunction)")
	event := flag.String("event", filepath.Join("events", "apigateway-v2.json"), "`file` with the event")
	api := flag.String("api", "", "serve the HTTP API on this `address` instead")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *function, *event, *api)
	stopped := ctx.Err() != nil // by a signal, which is how serving is meant to end
	stop()
	if err != nil && !stopped {
		fmt.Fprintln(os.Stderr, "local:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, function, event, api string) (err error) {
	dir, err := os.MkdirTemp("", "tensorlambda-local-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	session, err := samlocal.Start(ctx, samlocal.Options{Dir: dir, Log: os.Stderr})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	model, err := os.ReadFile(filepath.Join("models", "digits", key))
	if err != nil {
		return fmt.Errorf("the demo model: %w", err)
	}
	if err := errors.Join(session.S3.Put(ctx, models, key, model), session.S3.MakeBucket(ctx, output)); err != nil {
		return err
	}
	if api != "" {
		host, port, err := net.SplitHostPort(api)
		if err != nil {
			return err
		}
		return session.ServeAPI(ctx, host, port, settings)
	}
	return invoke(ctx, session, function, event)
}

// invoke prints a function's answer to an event and, where that is about an object, what
// the function made of the object.
func invoke(ctx context.Context, session *samlocal.Session, function, file string) error {
	event, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("the event: %w", err)
	}
	rows, err := sampleRows()
	if err != nil {
		return err
	}
	delivered, object, err := session.Deliver(ctx, event, rows)
	aboutObject := !errors.Is(err, samlocal.ErrNotS3)
	switch {
	case !aboutObject:
		function = cmp.Or(function, "ApiFunction")
	case err != nil:
		return err
	default:
		function, event = cmp.Or(function, "BatchFunction"), delivered
	}
	answer, err := session.Invoke(ctx, function, event, settings)
	if err != nil {
		return err
	}
	fmt.Printf("%s\n", answer)
	if !aboutObject {
		return nil
	}
	scored := object.Key + ".out.jsonl"
	content, err := session.S3.Get(ctx, output, scored)
	if err != nil {
		return err
	}
	fmt.Printf("s3://%s/%s is scored to s3://%s/%s\n%s", object.Bucket, object.Key, output, scored, content)
	return nil
}

// sampleRows are the demo model's images, one a line.
func sampleRows() ([]byte, error) {
	content, err := os.ReadFile(filepath.Join("models", "digits", "samples.json"))
	if err != nil {
		return nil, fmt.Errorf("the demo model's samples: %w", err)
	}
	var samples struct{ Instances []json.RawMessage }
	if err := json.Unmarshal(content, &samples); err != nil {
		return nil, fmt.Errorf("the demo model's samples: %w", err)
	}
	var rows bytes.Buffer
	for _, image := range samples.Instances {
		if err := json.Compact(&rows, image); err != nil {
			return nil, err
		}
		rows.WriteByte('\n')
	}
	return rows.Bytes(), nil
}
