package main

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/coldstart"
)

func TestStartMetricsAreOneAStage(t *testing.T) {
	start := time.UnixMilli(1795521600000)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	var out bytes.Buffer
	err := writeStartMetrics(&out, "tensorlambda", coldstart.Report{
		Start: start, End: at(500), Model: "digits", Version: "7",
		Stages: []coldstart.Stage{{Name: "fetch", Start: at(1), End: at(31)}, {Name: "dlopen framework", Start: at(20), End: at(25)}, {Name: "warm-up", Start: at(480), End: at(500)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"ColdStart": 500.0, "ColdStartFetch": 30.0, "ColdStartDlopenFramework": 5.0, "ColdStartWarmUp": 20.0, "model": "digits", "version": "7",
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
}
