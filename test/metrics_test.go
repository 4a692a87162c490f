package test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/runtimeapi"
)

// Each invocation is one line of metrics, of the model that it asked and of where it
// came from, and of nothing that a client wrote.
func TestEveryInvocationIsOneLineOfMetrics(t *testing.T) {
	t.Parallel()
	d := sample(t)
	f := readyFunction(t, "MODEL_URI="+uri(t, digitsInStore), "METRICS_NAMESPACE=shop", raw(t))
	const secret = "fef1f0fum"
	d.check(t, f.ask(post, "/v1/models/digits:predict", d.Request), 0, 3)
	refused(t, f.ask(post, "/v1/models/digits:predict", `{"instances":["`+secret+`"]}`), 400, secret)
	for _, payload := range []string{d.Request, `{"who":"` + secret + `"}`} {
		if _, err := f.Invoke(t.Context(), []byte(payload), runtimeapi.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil { // now the log is whole
		t.Fatal(err)
	}

	if strings.Contains(f.log.String(), secret) {
		t.Errorf("what was sent is in\n%s", f.log)
	}
	var lines []metricLine
	for _, l := range f.log.metrics(t) {
		if _, start := l.values["ColdStart"]; !start {
			lines = append(lines, l)
		}
	}
	digits := func(source string) map[string]string {
		return map[string]string{"model": "digits", "version": "1", "source": source}
	}
	stages := []string{"Latency", "ModelWait", "Decode", "Run", "Encode"}
	want := []struct {
		dimensions map[string]string
		times      []string
		counts     map[string]float64
	}{
		{digits("apigateway-v2"), stages, map[string]float64{"Errors": 0, "ClientErrors": 0, "Rows": 3, "BatchSize": 3}},
		{digits("apigateway-v2"), stages[:3], map[string]float64{"Errors": 0, "ClientErrors": 1}},
		{digits("direct"), stages, map[string]float64{"Errors": 0, "Rows": 3, "BatchSize": 3}},
		{map[string]string{"source": "unknown"}, stages[:1], map[string]float64{"Errors": 1}},
	}
	if len(lines) != len(want) {
		t.Fatalf("%d lines for %d invocations", len(lines), len(want))
	}
	for i, l := range lines {
		counts := map[string]float64{}
		for name, unit := range l.units {
			if unit == "Count" {
				counts[name] = l.values[name]
			} else if unit != "Milliseconds" || !slices.Contains(want[i].times, name) {
				t.Errorf("invocation %d: %s in %s", i, name, unit)
			}
		}
		if l.namespace != "shop" || !maps.Equal(l.dimensions, want[i].dimensions) || !maps.Equal(counts, want[i].counts) ||
			len(l.units) != len(counts)+len(want[i].times) {
			t.Errorf("invocation %d: %+v, want %+v", i, l, want[i])
		}
		if sum := l.values["ModelWait"] + l.values["Decode"] + l.values["Run"] + l.values["Encode"]; sum > l.values["Latency"] {
			t.Errorf("invocation %d: stages of %g ms in %g ms", i, sum, l.values["Latency"])
		}
	}
}

// Batch work measures what the real pipeline does.
func TestBatchWorkIsOneLineOfMetrics(t *testing.T) {
	t.Parallel()
	f := scorer(t)
	in := drop(t, "rows.jsonl", fourRows)
	if result := f.send(s3Event(in)); result.ErrorType != "" {
		t.Fatal(result.ErrorMessage)
	}
	checkFour(t, in)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for _, l := range f.log.metrics(t) {
		if l.dimensions["source"] != "s3" {
			continue
		}
		for _, stage := range []string{"BatchRead", "BatchScore", "BatchWrite", "ModelWait", "Latency"} {
			if l.units[stage] != "Milliseconds" || l.values[stage] == 0 && stage != "ModelWait" { // the model is there
				t.Errorf("no %s in %+v", stage, l)
			}
		}
		if l.values["Rows"] != 4 || l.values["RowErrors"] != 1 || l.values["WorkFailed"] != 0 || l.values["Errors"] != 0 || l.values["BatchSize"] != 3 || l.dimensions["model"] == "" {
			t.Errorf("%+v", l)
		}
		return
	}
	t.Errorf("no metrics of the object in\n%s", f.log)
}

// serve has the same numbers at the path at which TensorFlow Serving has its own.
func TestServeHasAPageForPrometheus(t *testing.T) {
	t.Parallel()
	d := sample(t)
	s := startServer(t, absolute(t, digitsFolder+"/digits.tar.gz"), raw(t))
	d.check(t, s.predict(d.Request), 0, 3)
	d.check(t, s.predict(d.Request), 0, 3)
	refused(t, s.predict(`{"signature_name":"made up","instances":[1]}`), 400, "made up")
	page := s.request(get, s.base+"/monitoring/prometheus/metrics", "")
	if got := page.MultiValueHeaders["Content-Type"]; page.StatusCode != http.StatusOK || len(got) != 1 || got[0] != "text/plain; version=0.0.4; charset=utf-8" {
		t.Fatalf("%d %q", page.StatusCode, got)
	}
	const model = `model="digits",version="1",`
	for _, line := range []string{
		"# TYPE tensorlambda_requests_total counter",
		`tensorlambda_requests_total{` + model + `signature="serving_default",status="2xx"} 2`,
		`tensorlambda_requests_total{` + model + `signature="",status="4xx"} 1`,
		"# TYPE tensorlambda_request_seconds histogram",
		`tensorlambda_request_seconds_bucket{` + model + `signature="serving_default",status="2xx",le="+Inf"} 2`,
		`tensorlambda_stage_seconds_count{` + model + `signature="serving_default",status="2xx",stage="run"} 2`,
		`tensorlambda_request_rows_sum{` + model + `signature="serving_default",status="2xx"} 6`,
	} {
		if !strings.Contains(page.Body, "\n"+line+"\n") {
			t.Errorf("no line %s in\n%s", line, page.Body)
		}
	}
}
