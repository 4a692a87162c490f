package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/batch"
	"github.com/tensorlambda/tensorlambda/internal/codec"
	"github.com/tensorlambda/tensorlambda/internal/coldstart"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/openapi"
	"github.com/tensorlambda/tensorlambda/internal/rows"
	"github.com/tensorlambda/tensorlambda/internal/serve"
	"github.com/tensorlambda/tensorlambda/internal/telemetry"
)

// router is the one handler for everything over HTTP: Lambda's events and the
// port of `serve` share it. report, requests and page, where set, have pages of their own.
func router(cfg config, log *slog.Logger, report func() any, requests *telemetry.Requests, page *serve.Playground) *serve.Server {
	return serve.New(serve.Options{
		Model:        coldstart.Model,
		Version:      version,
		MaxBodyBytes: cfg.MaxBodyBytes,
		Limits:       codec.Limits{MaxTensorBytes: cfg.MaxTensorBytes, MaxDepth: cfg.MaxJSONDepth},
		ColdStart:    report,
		Requests:     requests,
		Playground:   page,
		Logger:       log,
	})
}

// shutdownGrace is how long requests under way may take when serve is told to
// stop.
const shutdownGrace = 10 * time.Second

// serveCommand serves the model on a port until ctx ends.
func serveCommand(ctx context.Context, cfg config, args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:8080", "the `address` to listen on, host:port; 0 as the port takes a free one, no host all of this machine")
	uri, err := parseURI(flags, args, cfg.ModelURI)
	if err != nil {
		return err
	}
	if _, _, err := net.SplitHostPort(*addr); err != nil {
		return usageError{fmt.Errorf("--addr: %q is no address to listen on: give host:port, such as 127.0.0.1:8080, or :8080 for all of this machine's addresses", *addr)}
	}
	cfg.ModelURI = uri
	log := slog.New(slog.NewTextHandler(stderr, nil))
	progress := newProgress(stderr, log)
	stores, err := openStores(ctx, cfg)
	if err != nil {
		return usageError{err}
	}
	opts, err := startOptions(cfg, stores, progress)
	if err != nil {
		return usageError{err}
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", *addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	coldstart.Start(opts)
	defer coldstart.Close()
	scoring := batchOptions(cfg, stores)
	scoring.Logger = log
	server := &http.Server{
		Handler:           router(cfg, log, latestReport, new(telemetry.Requests), playground(cfg, batch.New(scoring), listener.Addr())),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       2 * time.Minute, // of a body, too
		IdleTimeout:       2 * time.Minute,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	model, err := coldstart.Model(ctx)
	progress.done()
	if errors.Is(err, coldstart.ErrPin) {
		err = usageError{err}
	}
	if err == nil {
		announce(stderr, opened(listener.Addr()), model, cfg.Playground)
		select {
		case <-ctx.Done():
		case err = <-served:
			return err
		}
	}
	if ctx.Err() != nil { // told to stop, which is no failure
		err = nil
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	err = errors.Join(err, server.Shutdown(stop))
	if end := <-served; !errors.Is(end, http.ErrServerClosed) {
		err = errors.Join(err, end)
	}
	return err
}

func latestReport() any {
	report, _ := coldstart.LatestReport()
	return report
}

// playground is the page at /, nil where PLAYGROUND turns it off. address is where this
// process listens, nil where it does not.
func playground(cfg config, scorer *batch.Scorer, address net.Addr) *serve.Playground {
	if !cfg.Playground {
		return nil
	}
	black, white := cfg.ImageScale.Range()
	return &serve.Playground{
		Address: address,
		Pixels:  serve.PixelRange{Black: black, White: white},
		TensorFlow: func() string {
			report, _ := coldstart.LatestReport()
			return report.TensorFlow
		},
		Score: func(ctx context.Context, in serve.Rows, out io.Writer) error {
			format := map[bool]rows.Format{false: rows.JSONLines, true: rows.CSV}
			return scorer.Stream(ctx, batch.Rows{
				Data: in.Data, Format: format[in.CSV], Output: format[in.OutputCSV], Signature: in.Signature, Name: in.Name,
			}, out)
		},
	}
}

// announce shows the start and how to ask the model something.
func announce(w io.Writer, address string, model *infer.Model, playground bool) {
	if report, ok := coldstart.LatestReport(); ok {
		_ = report.WriteChart(w) // a terminal that is gone needs no chart
	}
	fmt.Fprintf(w, "\nserving %s, version %s: http://%s/v1/models/%s\n", model.Name, model.Version, address, openapi.PathName(model.Name))
	if playground {
		fmt.Fprintf(w, "see:  http://%s/\n", address)
	}
	fmt.Fprintf(w, "try:  %s\n", curl(address, model))
}
