package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/smithy-go/middleware"

	"github.com/tensorlambda/tensorlambda/internal/batch"
	"github.com/tensorlambda/tensorlambda/internal/coldstart"
	"github.com/tensorlambda/tensorlambda/internal/function"
	"github.com/tensorlambda/tensorlambda/internal/telemetry/xray"
)

// initWait is how long the init phase waits for the model. Lambda kills an init
// after 10 s and starts over; one that ends early goes on loading while the
// first invocation waits.
const initWait = 8 * time.Second

// runLambda is the Lambda function: it starts the model, waits for it as long as
// the init phase allows, and hands invocations to the function package until the
// environment ends.
func runLambda(ctx context.Context, getenv func(string) string) int {
	log := slog.New(lambdacontext.NewLogHandler()) // with the request id of the invocation
	slog.SetDefault(log)                           // aws-lambda-go writes what goes wrong by the log package, which is no JSON
	api := getenv("AWS_LAMBDA_RUNTIME_API")
	tracer := tracing{xray: xray.New(log)}
	set, err := lambdaSetup(ctx, getenv, tracer.xray.Instrument()...)
	for _, warning := range set.warnings {
		log.Warn("settings", "warning", warning)
	}
	if err != nil {
		return failInit(ctx, log, api, "Settings.Invalid", err, exitUsage)
	}
	// aws-lambda-go sets this variable for each invocation, while threads of
	// TensorFlow may read the environment. A variable that exists is changed
	// by one pointer; a new one would move all of them.
	if err := os.Setenv("_X_AMZN_TRACE_ID", ""); err != nil {
		log.Warn("environment", "error", err)
	}
	if lambdacontext.MaxConcurrency() > 1 {
		makeRoomForRuns(getenv)
	}
	set.start.Ended = func(report coldstart.Report, err error) {
		if logStart(log, report, err); err == nil {
			if err := writeStartMetrics(os.Stdout, set.cfg.MetricsNamespace, report); err != nil {
				log.Error("metrics of the cold start", "error", err)
			}
			tracer.start.Store(&report)
		}
	}
	coldstart.Start(set.start)
	err = awaitModel(ctx, getenv("AWS_LAMBDA_INITIALIZATION_TYPE"))
	switch {
	case errors.Is(err, coldstart.ErrPin):
		return failInit(ctx, log, api, reason(err), err, exitUsage)
	case err != nil:
		return failInit(ctx, log, api, reason(err), err, exitFailed)
	}
	set.batch.Logger = log
	scorer := batch.New(set.batch)
	page := playground(set.cfg, scorer, nil)
	var report func() any
	if page != nil {
		report = latestReport // which the page shows
	}
	server := router(set.cfg, log, report, nil, page)
	handler := function.New(function.Options{
		Serve: server, Direct: server, Batch: scorer, Sources: set.cfg.Sources, Logger: log,
		Metrics: os.Stdout, Namespace: set.cfg.MetricsNamespace, Trace: tracer.trace,
	})
	if set.cfg.ResponseStream {
		lambda.StartWithOptions(handler.Stream, lambda.WithContext(ctx))
	} else {
		lambda.StartWithOptions(handler, lambda.WithContext(ctx))
	}
	return exitOK
}

// lambdaSettings are what a function is made of.
type lambdaSettings struct {
	cfg   config
	start coldstart.Options
	batch batch.Options

	warnings []string // also where the settings have faults
}

// lambdaSetup reads the settings of a function. Any error is a fault of them. calls is what
// its AWS clients do beside their calls.
func lambdaSetup(ctx context.Context, getenv func(string) string, calls ...func(*middleware.Stack) error) (set lambdaSettings, err error) {
	set.cfg, set.warnings, err = readSettings(getenv)
	set.cfg.Calls = calls
	if set.cfg.ModelURI == "" && getenv("MODEL_URI") == "" {
		err = errors.Join(errors.New("MODEL_URI: not set: it says where the model is (s3://bucket/key, s3://bucket/prefix/)"), err)
	}
	if err != nil {
		return lambdaSettings{warnings: set.warnings}, err
	}
	stores, err := openStores(ctx, set.cfg, set.cfg.Output)
	if err != nil {
		return lambdaSettings{warnings: set.warnings}, err
	}
	if set.start, err = startOptions(set.cfg, stores, nil); err != nil {
		return lambdaSettings{warnings: set.warnings}, err
	}
	set.batch = batchOptions(set.cfg, stores)
	// Events and tasks come from outside: the files of this machine, its
	// environment among them, are not for them.
	set.batch.Store.Files = nil
	if set.cfg.Queue != (queueAddress{}) {
		set.batch.Queue, err = newQueue(ctx, set.cfg.Queue, set.cfg.SQSEndpoint, calls...)
	}
	return set, err
}

// awaitModel waits for the model as long as the init phase allows. It returns
// only what no invocation can mend: a model that takes longer, or that could not
// be had just now, is waited for by the invocations.
func awaitModel(ctx context.Context, initialization string) error {
	if initialization == "on-demand" { // the others have minutes
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, initWait)
		defer cancel()
	}
	_, err := coldstart.Model(ctx)
	if ctx.Err() != nil || coldstart.IsTransient(err) {
		return nil
	}
	return err
}

// logStart writes how an attempt to start went, in one line. A failure that
// stays is logged by whoever asks for the model.
func logStart(log *slog.Logger, report coldstart.Report, err error) {
	if coldstart.IsTransient(err) {
		log.Warn("model is not loaded, the next invocation tries again", "errorType", reason(err), "error", err)
	}
	if err != nil {
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
const initErrorTimeout = 5 * time.Second

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
