package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
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

// startRound is one start of one contender.
type startRound struct {
	took    time.Duration // from process start to the answer
	working time.Duration // of it load and first run; 0 where nobody says
}

// contender is a way to answer one event from a standing start.
type contender struct {
	name string
	run  func(ctx context.Context, env []string, s *subject) (startRound, [][]float64, error)
}

// benchColdStart measures process start to first answer for several models, with the
// model in a local S3 server and a warm page cache.
func benchColdStart(ctx context.Context, rounds int) (err error) {
	dir, err := os.MkdirTemp("", "tensorlambda-bench-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	server, err := versitygw.Start(ctx, versitygw.Options{Dir: filepath.Join(dir, "s3")})
	if err != nil {
		return err
	}
	defer server.Close()
	subjects, err := makeSubjects(ctx, server, dir)
	if err != nil {
		return err
	}
	floor := filepath.Join(dir, "floor")
	if err := compileFloor(ctx, floor); err != nil {
		return err
	}
	contenders := []contender{
		{"tensorlambda", runOurs},
		{"Python", runPython},
		{"C", func(ctx context.Context, _ []string, s *subject) (startRound, [][]float64, error) {
			return runFloor(ctx, floor, s)
		}},
	}
	times := make(map[string][]startRound)
	for round := range rounds + 1 {
		for _, s := range subjects {
			var want [][]float64
			for _, c := range contenders {
				if s.packedFrom != "" && c.name != "tensorlambda" {
					continue // they are measured with the model as it was exported
				}
				result, answer, err := inNewEnvironment(ctx, dir, server, s, c)
				if err == nil {
					err = s.check(answer, &want)
				}
				if err != nil {
					return fmt.Errorf("%s: %s: %w", s.name, c.name, err)
				}
				if round > 0 { // the first round warms the page cache
					times[s.name+c.name] = append(times[s.name+c.name], result)
				}
			}
		}
		fmt.Fprintf(os.Stderr, "cold starts: round %d of %d\n", round, rounds)
	}
	printStarts(os.Stdout, subjects, times, rounds)
	return nil
}

// inNewEnvironment runs a contender with an empty /tmp, as a new environment has.
func inNewEnvironment(ctx context.Context, dir string, server *versitygw.Server, s *subject, c contender) (r startRound, answer [][]float64, err error) {
	temp, err := os.MkdirTemp(dir, "tmp-")
	if err != nil {
		return r, nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	return c.run(ctx, append(server.Env(), "TMPDIR="+temp), s)
}

func printStarts(w io.Writer, subjects []*subject, times map[string][]startRound, rounds int) {
	middle := func(key string, of func(startRound) time.Duration) float64 {
		var all []time.Duration
		for _, r := range times[key] {
			all = append(all, of(r))
		}
		return ms(median(all))
	}
	took := func(r startRound) time.Duration { return r.took }
	working := func(r startRound) time.Duration { return r.working }
	fmt.Fprintf(w, "| cold start, medians of %d alternating rounds | tensorlambda | of it load and first run | Python | ratio | C, libraries on disk | ratio |\n|---|---|---|---|---|---|---|\n", rounds)
	for _, s := range subjects {
		beside := cmp.Or(s.packedFrom, s.name)
		ours, python, floor := middle(s.name+"tensorlambda", took), middle(beside+"Python", took), middle(beside+"C", took)
		fmt.Fprintf(w, "| %s | %.0f ms | %.0f ms | %.0f ms | **%.2f×** | %.0f ms | **%.2f** |\n",
			s.name, ours, middle(s.name+"tensorlambda", working), python, python/ours, floor, ours/floor)
	}
	fmt.Fprintln(w)
}

func upload(ctx context.Context, server *versitygw.Server) error {
	return put(ctx, server, modelKey, filepath.Join("models", "digits", modelKey))
}

func put(ctx context.Context, server *versitygw.Server, key, path string) error {
	model, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("model %s: %w", key, err)
	}
	return server.Put(ctx, bucket, key, model)
}

func runOurs(ctx context.Context, env []string, s *subject) (r startRound, answer [][]float64, err error) {
	var log bytes.Buffer
	function, err := runtimeapi.StartProcess(ctx, "build/bootstrap", append(env, "MODEL_URI="+s.uri(), "MODEL_NAME=digits"), &log)
	if err != nil {
		return r, nil, err
	}
	defer function.Close()
	result, err := function.Invoke(ctx, s.event, runtimeapi.Options{})
	r.took = time.Since(function.Started)
	if err == nil {
		err = function.Close()
	}
	if err != nil {
		return r, nil, fmt.Errorf("%w: %s", err, &log)
	}
	if r.working, err = working(log.Bytes()); err != nil {
		return r, nil, err
	}
	answer, err = predictions(result.Body)
	return r, answer, err
}

// working is how long load and first run took, by the report in the log.
func working(log []byte) (time.Duration, error) {
	for line := range bytes.Lines(log) {
		var entry struct {
			Report struct {
				Stages []struct {
					Name           string
					StartMs, EndMs float64
				}
			}
		}
		if json.Unmarshal(line, &entry) != nil || len(entry.Report.Stages) == 0 {
			continue
		}
		var sum float64
		for _, stage := range entry.Report.Stages {
			if stage.Name == "load" || stage.Name == "warm-up" {
				sum += stage.EndMs - stage.StartMs
			}
		}
		return time.Duration(sum * float64(time.Millisecond)), nil
	}
	return 0, errors.New("no report of the cold start in the log")
}

func runPython(ctx context.Context, env []string, s *subject) (r startRound, answer [][]float64, err error) {
	cmd := exec.CommandContext(ctx, "build/venv/bin/python", "bench/python/handler.py", s.uri(), s.eventFile)
	cmd.Env = append(os.Environ(), env...)
	line, took, err := firstLine(cmd)
	if err != nil {
		return r, nil, err
	}
	answer, err = predictions(line)
	return startRound{took: took}, answer, err
}

func runFloor(ctx context.Context, program string, s *subject) (startRound, [][]float64, error) {
	_, took, err := firstLine(exec.CommandContext(ctx, program, append([]string{"build/raw", s.folder, s.input, s.output}, s.shape...)...))
	return startRound{took: took}, nil, err
}

// firstLine runs a program and is its first line, and the time until that was there.
func firstLine(cmd *exec.Cmd) ([]byte, time.Duration, error) {
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, 0, err
	}
	started := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, 0, err
	}
	// What comes after is TensorFlow's end.
	line, err := bufio.NewReader(out).ReadBytes('\n')
	took := time.Since(started)
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("no answer: %w", err), cmd.Wait())
	}
	if _, err := io.Copy(io.Discard, out); err != nil {
		return nil, 0, err
	}
	return line, took, cmd.Wait()
}

// predictions are what a reply to an API Gateway event says.
func predictions(reply []byte) ([][]float64, error) {
	var decoded struct {
		StatusCode int
		Body       string
	}
	if err := json.Unmarshal(reply, &decoded); err != nil {
		return nil, fmt.Errorf("reply %.200q: %w", reply, err)
	}
	var body struct{ Predictions [][]float64 }
	if err := json.Unmarshal([]byte(decoded.Body), &body); err != nil || decoded.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answered %d with %.200q", decoded.StatusCode, decoded.Body)
	}
	return body.Predictions, nil
}

// checkAnswer makes sure that a fast answer of the demo model is an answer.
func checkAnswer(reply []byte) error {
	answer, err := predictions(reply)
	if err == nil && (len(answer) == 0 || len(answer[0]) != 10) {
		err = fmt.Errorf("answered %v", answer)
	}
	return err
}
