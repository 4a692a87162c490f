package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/runtimeapi"
	"github.com/tensorlambda/tensorlambda/internal/versitygw"
)

const (
	bucket    = "models"
	modelKey  = "digits.tar.gz"
	modelURI  = "s3://" + bucket + "/" + modelKey
	eventFile = "events/apigateway-v2.json"
)

// contender is a way to answer one event from a standing start. It returns the
// time from process start to the answer, and the answer.
type contender struct {
	name string
	run  func(ctx context.Context, env []string) (time.Duration, []byte, error)
}

// benchColdStart measures process start to first answer, with the model in a
// local S3 server and a warm page cache.
func benchColdStart(ctx context.Context, rounds int) error {
	dir, err := os.MkdirTemp("", "tensorlambda-bench-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	server, err := versitygw.Start(ctx, versitygw.Options{Dir: filepath.Join(dir, "s3")})
	if err != nil {
		return err
	}
	defer server.Close()
	if err := upload(ctx, server); err != nil {
		return err
	}
	contenders := []contender{{"tensorlambda", runOurs}, {"Python (boto3, tarfile, tf.saved_model.load)", runPython}}
	times := make([][]time.Duration, len(contenders))
	for round := range rounds + 1 {
		for i, c := range contenders {
			// Each start finds an empty /tmp, as a new environment does.
			temp := filepath.Join(dir, fmt.Sprintf("tmp-%d-%d", round, i))
			if err := os.Mkdir(temp, 0o700); err != nil {
				return err
			}
			took, answer, err := c.run(ctx, append(server.Env(), "TMPDIR="+temp))
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			if err := checkAnswer(answer); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			if round > 0 { // the first round warms the page cache
				times[i] = append(times[i], took)
			}
			if err := os.RemoveAll(temp); err != nil {
				return err
			}
		}
	}
	fmt.Printf("| cold start, demo model, %d alternating rounds | median | fastest | slowest |\n|---|---|---|---|\n", rounds)
	medians := make([]time.Duration, len(contenders))
	for i, c := range contenders {
		medians[i] = median(times[i])
		fmt.Printf("| %s | %.0f ms | %.0f ms | %.0f ms |\n", c.name, ms(medians[i]), ms(times[i][0]), ms(times[i][rounds-1]))
	}
	fmt.Printf("| ratio | **%.2f×** | | |\n\n", float64(medians[1])/float64(medians[0]))
	return nil
}

func upload(ctx context.Context, server *versitygw.Server) error {
	model, err := os.ReadFile(filepath.Join("models", "digits", modelKey))
	if err != nil {
		return fmt.Errorf("the demo model: %w", err)
	}
	return server.Put(ctx, bucket, modelKey, model)
}

func runOurs(ctx context.Context, env []string) (time.Duration, []byte, error) {
	event, err := os.ReadFile(eventFile)
	if err != nil {
		return 0, nil, err
	}
	var log bytes.Buffer
	function, err := runtimeapi.StartProcess(ctx, "build/bootstrap", append(env, "MODEL_URI="+modelURI), &log)
	if err != nil {
		return 0, nil, err
	}
	defer function.Close()
	result, err := function.Invoke(ctx, event, runtimeapi.Options{})
	took := time.Since(function.Started)
	if err != nil {
		return 0, nil, err
	}
	return took, result.Body, function.Close()
}

func runPython(ctx context.Context, env []string) (time.Duration, []byte, error) {
	cmd := exec.CommandContext(ctx, "build/venv/bin/python", "bench/python/handler.py", modelURI, eventFile)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, nil, err
	}
	started := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, nil, err
	}
	// The answer is the first line; what comes after is TensorFlow's end.
	answer, err := bufio.NewReader(out).ReadBytes('\n')
	took := time.Since(started)
	if err != nil {
		return 0, nil, fmt.Errorf("no answer: %w", err)
	}
	if _, err := io.Copy(io.Discard, out); err != nil {
		return 0, nil, err
	}
	return took, answer, cmd.Wait()
}

// checkAnswer makes sure that a fast answer is an answer.
func checkAnswer(reply []byte) error {
	var decoded struct {
		StatusCode int
		Body       string
	}
	if err := json.Unmarshal(reply, &decoded); err != nil {
		return fmt.Errorf("reply %.200q: %w", reply, err)
	}
	var body struct{ Predictions [][]float64 }
	if err := json.Unmarshal([]byte(decoded.Body), &body); err != nil || decoded.StatusCode != http.StatusOK || len(body.Predictions) == 0 || len(body.Predictions[0]) != 10 {
		return fmt.Errorf("answered %d with %.200q", decoded.StatusCode, decoded.Body)
	}
	return nil
}
