package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/tensorlambda/tensorlambda/internal/coldstart"
	"github.com/tensorlambda/tensorlambda/internal/function"
)

// initWait is how long the init phase waits for the model. Lambda kills an init
// after 10 s and starts over; one that ends early goes on loading while the
// first invocation waits.
const initWait = 8 * time.Second

// runLambda is the Lambda function: it starts the model, waits for it as long as
// the init phase allows, and hands invocations to the function package until the
// environment ends.
func runLambda(ctx context.Context, getenv func(string) string) int {
	log := newLogger()
	slog.SetDefault(log) // aws-lambda-go writes what goes wrong by the log package, which is no JSON
	cfg, err := readConfig(getenv)
	if err == nil && cfg.ModelURI == "" {
		err = errors.New("MODEL_URI: not set: it says where the model is (s3://bucket/key, s3://bucket/prefix/)")
	}
	if err != nil {
		return failInit(ctx, log, getenv("AWS_LAMBDA_RUNTIME_API"), "Settings.Invalid", err, exitUsage)
	}
	opts, err := startOptions(ctx, cfg, nil)
	if err != nil {
		return failInit(ctx, log, getenv("AWS_LAMBDA_RUNTIME_API"), "Settings.Invalid", err, exitUsage)
	}
	coldstart.Start(opts)
	wait, cancel := ctx, context.CancelFunc(func() {})
	if getenv("AWS_LAMBDA_INITIALIZATION_TYPE") == "on-demand" { // the others have minutes
		wait, cancel = context.WithTimeout(ctx, initWait)
	}
	_, err = coldstart.Model(wait)
	cancel()
	if err != nil {
		if _, ended := coldstart.LatestReport(); ended && !coldstart.IsTransient(err) {
			status := exitFailed
			if errors.Is(err, coldstart.ErrPin) {
				status = exitUsage
			}
			return failInit(ctx, log, getenv("AWS_LAMBDA_RUNTIME_API"), reason(err), err, status)
		}
		log.Warn("model is not there at the end of the init phase; invocations wait for it", "error", err)
	}
	logColdStart(log)
	handler := function.New(function.Options{Serve: router(cfg, log, nil), Sources: cfg.Sources, Logger: log})
	lambda.StartWithOptions(handler, lambda.WithContext(ctx))
	return exitOK
}

// newLogger writes lines as Lambda's logging settings want them, with the
// request id of the invocation.
func newLogger() *slog.Logger { return slog.New(lambdacontext.NewLogHandler()) }

func logColdStart(log *slog.Logger) {
	report, ok := coldstart.LatestReport()
	if !ok {
		return
	}
	encoded, err := json.Marshal(report)
	if err != nil {
		log.Error("report of the cold start", "error", err)
		return
	}
	log.Info("cold start", "report", json.RawMessage(encoded))
}

// initErrorTimeout bounds telling Lambda: the exit tells it too, only less.
const initErrorTimeout = 2 * time.Second

// failInit reports why the function cannot start, in the log and to the Runtime
// API (which aws-lambda-go has no call for), and returns the exit status.
func failInit(ctx context.Context, log *slog.Logger, api, errorType string, cause error, status int) int {
	log.Error("init failed", "errorType", errorType, "error", cause)
	if err := postInitError(ctx, api, errorType, cause); err != nil {
		log.Error("report init error", "error", err)
	}
	return status
}

// postInitError is https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html,
// initialization error.
func postInitError(ctx context.Context, api, errorType string, cause error) error {
	body, err := json.Marshal(map[string]any{"errorMessage": cause.Error(), "errorType": errorType, "stackTrace": []string{}})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, initErrorTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+api+"/2018-06-01/runtime/init/error", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Lambda-Runtime-Function-Error-Type", errorType)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusAccepted {
		return fmt.Errorf("init error: the Runtime API answered %s", response.Status)
	}
	return nil
}
