package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/coldstart"
)

// A stage that reads nothing does not say that it read no bytes.
func TestStagesInTheLog(t *testing.T) {
	var log bytes.Buffer
	p := newProgress(&log, slog.New(slog.NewTextHandler(&log, nil)))
	begin := time.Now()
	p.stage(coldstart.Stage{Name: "fetch", Start: begin, End: begin.Add(7 * time.Millisecond), Bytes: 45})
	p.stage(coldstart.Stage{Name: "load", Start: begin, End: begin.Add(60 * time.Millisecond)})
	fetch, load, _ := strings.Cut(log.String(), "\n")
	if !strings.HasSuffix(fetch, "stage=fetch ms=7 bytes=45") || !strings.HasSuffix(load, "stage=load ms=60\n") {
		t.Errorf("the log is\n%s", &log)
	}
}
