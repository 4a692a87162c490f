package telemetry_test

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/telemetry"
)

func TestWriteEMF(t *testing.T) {
	var out bytes.Buffer
	at := time.UnixMilli(1795521600123)
	err := telemetry.WriteEMF(&out, "tensorlambda", at,
		[]telemetry.Dimension{{"model", "digits \"7\"\n"}, {"version", ""}, {"source", "s3"}},
		[]telemetry.Metric{{"ColdStart", telemetry.Milliseconds, 512.3}, {"ColdStartBytes", "Bytes", 45000}, {"Rows", telemetry.Count, 1e21}})
	if err != nil {
		t.Fatal(err)
	}
	// Member names, nesting and units are those of the specification.
	const want = `{"_aws": {"Timestamp": 1795521600123, "CloudWatchMetrics": [{"Namespace": "tensorlambda", "Dimensions": [["model", "source"]],
		"Metrics": [{"Name": "ColdStart", "Unit": "Milliseconds"}, {"Name": "ColdStartBytes", "Unit": "Bytes"}, {"Name": "Rows", "Unit": "Count"}]}]},
		"model": "digits \"7\"\n", "source": "s3", "ColdStart": 512.3, "ColdStartBytes": 45000, "Rows": 1e21}`
	if got, want := decoded(t, out.String()), decoded(t, want); !reflect.DeepEqual(got, want) {
		t.Errorf("%s\nwant %s", &out, want)
	}
	if bytes.Count(out.Bytes(), []byte("\n")) != 1 || out.Bytes()[out.Len()-1] != '\n' {
		t.Errorf("%q is not one line", &out)
	}
}

func decoded(t *testing.T, text string) (value any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return value
}

func TestWriteEMFRefuses(t *testing.T) {
	for name, metrics := range map[string][]telemetry.Metric{
		"more than CloudWatch takes": make([]telemetry.Metric, 101),
		"what is no number":          {{"ColdStart", telemetry.Milliseconds, math.NaN()}},
	} {
		var out bytes.Buffer
		if err := telemetry.WriteEMF(&out, "n", time.Now(), nil, metrics); err == nil || out.Len() > 0 {
			t.Errorf("%s: %v, wrote %q", name, err, &out)
		}
	}
}

// The line is made before each reply leaves.
func BenchmarkWriteEMF(b *testing.B) {
	dimensions := []telemetry.Dimension{{Name: "model", Value: "digits"}, {Name: "version", Value: "7"}, {Name: "source", Value: "apigateway-v2"}}
	var metrics []telemetry.Metric
	for _, name := range []string{"Latency", "ModelWait", "Decode", "Run", "Encode", "Rows", "BatchSize", "Errors", "ClientErrors"} {
		metrics = append(metrics, telemetry.Metric{Name: name, Unit: telemetry.Milliseconds, Value: 1.234})
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := telemetry.WriteEMF(io.Discard, "tensorlambda", time.Now(), dimensions, metrics); err != nil {
			b.Fatal(err)
		}
	}
}
