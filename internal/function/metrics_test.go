package function_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/batch"
	"github.com/tensorlambda/tensorlambda/internal/function"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/serve"
	"github.com/tensorlambda/tensorlambda/internal/telemetry"
)

// emf is a line of metrics as CloudWatch reads it.
type emf struct {
	dimensions map[string]string
	counts     map[string]float64 // of the unit Count
	times      []string           // of the unit Milliseconds, in order of their names
}

// measured has options' handler answer a payload and reads the one line of metrics.
func measured(t *testing.T, opts function.Options, payload string) emf {
	t.Helper()
	var out bytes.Buffer
	opts.Metrics, opts.Namespace = &out, "shop"
	if opts.Serve == nil {
		opts.Serve = http.NotFoundHandler()
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	_, _ = function.New(opts).Invoke(t.Context(), []byte(payload)) // its reply is tested elsewhere
	if bytes.Count(out.Bytes(), []byte("\n")) != 1 {
		t.Fatalf("not one line: %q", &out)
	}
	var line struct {
		AWS struct {
			Timestamp         int64
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name, Unit string }
			}
		} `json:"_aws"`
	}
	var values map[string]any
	if err := errors.Join(json.Unmarshal(out.Bytes(), &line), json.Unmarshal(out.Bytes(), &values)); err != nil {
		t.Fatalf("%s: %v", &out, err)
	}
	if at := time.UnixMilli(line.AWS.Timestamp); time.Since(at) > time.Minute || time.Since(at) < 0 {
		t.Errorf("the line is of %v", at)
	}
	directive := line.AWS.CloudWatchMetrics[0]
	if len(line.AWS.CloudWatchMetrics) != 1 || directive.Namespace != "shop" || len(directive.Dimensions) != 1 {
		t.Errorf("%s", &out)
	}
	got := emf{dimensions: map[string]string{}, counts: map[string]float64{}}
	for _, name := range directive.Dimensions[0] {
		got.dimensions[name], _ = values[name].(string)
	}
	for _, m := range directive.Metrics {
		value, ok := values[m.Name].(float64)
		switch {
		case !ok || value < 0:
			t.Errorf("%s is %v", m.Name, values[m.Name])
		case m.Unit == "Count":
			got.counts[m.Name] = value
		case m.Unit == "Milliseconds":
			got.times = append(got.times, m.Name)
		default:
			t.Errorf("%s is in %q", m.Name, m.Unit)
		}
	}
	if members := 1 + len(got.dimensions) + len(directive.Metrics); len(values) != members {
		t.Errorf("%d members that are no metric: %s", len(values)-members, &out)
	}
	slices.Sort(got.times)
	return got
}

func (e emf) check(t *testing.T, dimensions map[string]string, counts map[string]float64, times ...string) {
	t.Helper()
	if !maps.Equal(e.dimensions, dimensions) {
		t.Errorf("dimensions %v, want %v", e.dimensions, dimensions)
	}
	if !maps.Equal(e.counts, counts) {
		t.Errorf("counts %v, want %v", e.counts, counts)
	}
	if !slices.Equal(e.times, times) {
		t.Errorf("times %q, want %q", e.times, times)
	}
}

// posting is an event of an HTTP API with this body.
func posting(body string) string {
	encoded, _ := json.Marshal(body)
	return fmt.Sprintf(`{"version":"2.0","rawPath":"/v1/models/half_plus_two:predict","requestContext":{"stage":"$default","http":{"method":"POST"}},"body":%s}`, encoded)
}

// broken is a server whose model is not there, for a reason that names an object.
func broken() *serve.Server {
	return serve.New(serve.Options{
		Model:  func(context.Context) (*infer.Model, error) { return nil, errors.New("no s3://models/secret") },
		Logger: slog.New(slog.DiscardHandler),
	})
}

func TestARequestIsMeasuredByStage(t *testing.T) {
	of := func(source string) map[string]string {
		return map[string]string{"model": "half_plus_two", "version": "123", "source": source}
	}
	none := func(source string) map[string]string { return map[string]string{"source": source} }
	served := function.Options{Serve: halfPlusTwo()}
	t.Run("answered", func(t *testing.T) {
		measured(t, served, posting(`{"instances":[1.0,2.0,5.0]}`)).check(t, of("apigateway-v2"),
			map[string]float64{"Errors": 0, "ClientErrors": 0, "Rows": 3, "BatchSize": 3},
			"Decode", "Encode", "Latency", "ModelWait", "Run")
	})
	t.Run("a scalar is one row", func(t *testing.T) {
		got := measured(t, served, posting(`{"inputs":1.0}`))
		if got.counts["Rows"] != 1 {
			t.Errorf("%v", got.counts)
		}
	})
	t.Run("what the client has to mend", func(t *testing.T) {
		measured(t, served, posting(`{"instances":["secret"]}`)).check(t, of("apigateway-v2"),
			map[string]float64{"Errors": 0, "ClientErrors": 1}, "Decode", "Latency", "ModelWait")
	})
	t.Run("without a model", func(t *testing.T) {
		measured(t, function.Options{Serve: broken()}, posting(`{"instances":[1.0]}`)).check(t, none("apigateway-v2"),
			map[string]float64{"Errors": 1, "ClientErrors": 0}, "Latency", "ModelWait")
	})
	t.Run("a page that asks no model", func(t *testing.T) {
		measured(t, served, loadBalancer).check(t, none("alb"), map[string]float64{"Errors": 0, "ClientErrors": 0}, "Latency")
	})
	t.Run("direct", func(t *testing.T) {
		measured(t, function.Options{Direct: halfPlusTwo()}, `{"instances":[1.0,2.0]}`).check(t, of("direct"),
			map[string]float64{"Errors": 0, "Rows": 2, "BatchSize": 2}, "Decode", "Encode", "Latency", "ModelWait", "Run")
	})
}

// What fails counts, however it fails, and in a series that nobody outside can name.
func TestFailedInvocationsAreErrors(t *testing.T) {
	panics := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret") })
	for _, tt := range []struct {
		name, payload, source string
		opts                  function.Options
	}{
		{"direct", `{"instances":["a"]}`, "direct", function.Options{Direct: broken()}},
		{"a payload that nobody knows", `{"model":"secret"}`, "unknown", function.Options{}},
		{"work that is not served", inS3("rows.csv"), "s3", function.Options{}},
		{"a panic", get, "apigateway-v2", function.Options{Serve: panics}},
		{"an object", inS3("rows.csv"), "s3", function.Options{Batch: failing(map[string]error{"rows.csv": batch.ErrTooSlow})}},
		{"batch work without a model", shard, "task", function.Options{Batch: &scorer{
			task: func(context.Context, []byte, bool) (any, error) { return nil, batch.ErrNoModel },
		}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := measured(t, tt.opts, tt.payload)
			if got.counts["Errors"] != 1 || got.dimensions["source"] != tt.source || got.dimensions["model"] == "secret" {
				t.Errorf("counts %v, dimensions %v", got.counts, got.dimensions)
			}
		})
	}
}

func TestBatchWorkIsMeasured(t *testing.T) {
	s := &scorer{object: func(ctx context.Context, o batch.Object) (batch.Report, error) {
		c := telemetry.CallOf(ctx) // as *batch.Scorer notes it
		c.Model, c.Version, c.Wait = "digits", "7", time.Microsecond
		c.Read, c.Score, c.Write = c.Read+time.Second, c.Score+time.Second, c.Write+time.Second
		c.Runs, c.Rows = c.Runs+4, c.Rows+998
		if o.URI.Key == "bad" {
			return batch.Report{Rows: 10, Errors: 10}, batch.ErrAllRowsFailed
		}
		return scored, nil
	}}
	measured(t, function.Options{Batch: s}, inSQS(inS3("a"), inS3("bad"))).check(t,
		map[string]string{"model": "digits", "version": "7", "source": "sqs"},
		map[string]float64{"Errors": 0, "Rows": 1010, "RowErrors": 13, "WorkFailed": 1, "BatchSize": 249.5},
		"BatchRead", "BatchScore", "BatchWrite", "Latency", "ModelWait")
}

// The line of the log says what the request asked and where its time went.
func TestTheLogSaysWhereTheTimeWent(t *testing.T) {
	var log bytes.Buffer
	invoke(t, handler(halfPlusTwo(), &log), posting(`{"instances":[1.0,2.0,5.0]}`))
	var line map[string]any
	if err := json.Unmarshal(log.Bytes(), &line); err != nil {
		t.Fatalf("%q: %v", &log, err)
	}
	delete(line, "time")
	keys := slices.Sorted(maps.Keys(line))
	want := strings.Fields("bytesIn bytesOut decodeMs encodeMs level ms msg rows runMs signature source status waitMs")
	if !slices.Equal(keys, want) || line["signature"] != "serving_default" || line["rows"] != 3.0 {
		t.Errorf("got %v, want %q", line, want)
	}
}

// A signature that a client made up is in no line.
func TestOnlySignaturesOfTheModelAreLogged(t *testing.T) {
	var log bytes.Buffer
	invoke(t, handler(halfPlusTwo(), &log), posting(`{"signature_name":"secret","instances":[1.0]}`))
	if strings.Contains(log.String(), "secret") || strings.Contains(log.String(), `"signature"`) {
		t.Errorf("%s", &log)
	}
}

// full refuses every write.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestMetricsThatCannotBeWrittenCostNoAnswer(t *testing.T) {
	var log bytes.Buffer
	h := function.New(function.Options{Serve: halfPlusTwo(), Logger: slog.New(slog.NewJSONHandler(&log, nil)), Metrics: full{}})
	if r := invoke(t, h, posting(`{"instances":[1.0]}`)); r.StatusCode != http.StatusOK {
		t.Errorf("%d %s", r.StatusCode, r.Body)
	}
	lines := logged(t, log.Bytes())
	if want := (line{Msg: "metrics of the invocation", Level: "ERROR", Error: "disk full"}); len(lines) != 2 || !reflect.DeepEqual(lines[1], want) {
		t.Errorf("logged %+v, want %+v at the end", lines, want)
	}
}
