package serve_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/serve"
	"github.com/tensorlambda/tensorlambda/internal/telemetry"
)

const metricsPath = "/monitoring/prometheus/metrics"

// Requests that ask the model are counted by how they end; pages are not.
func TestRequestsAreCounted(t *testing.T) {
	const v2Body = `{"inputs":[{"name":"x","datatype":"FP32","shape":[2],"data":[1.0,2.0]}]}`
	broken := errors.New("disk full")
	for _, tt := range []struct {
		name       string
		model      func(context.Context) (*infer.Model, error)
		path, body string
		want       string // the labels of the one request, "" for none
	}{
		{"answered", nil, predictPath, `{"instances":[1.0]}`, `model="half_plus_two",version="3",signature="serving_default",status="2xx"`},
		{"v2", nil, "/v2/models/half_plus_two/infer", v2Body, `model="half_plus_two",version="3",signature="serving_default",status="2xx"`},
		{"refused", nil, predictPath, `{"signature_name":"made up","instances":[1.0]}`, `model="half_plus_two",version="3",signature="",status="4xx"`},
		{"another model", nil, "/v1/models/made_up:predict", `{"instances":[1.0]}`, `model="half_plus_two",version="3",signature="",status="4xx"`},
		{"failed", having(failing(broken)), predictPath, `{"instances":[1.0]}`, `signature="serving_default",status="5xx"`},
		{"panic", having(&infer.Model{Name: "m", Version: "1", Runner: runner{halfPlusTwoCatalog(), func(context.Context, []infer.Feed) ([]*infer.Tensor, error) {
			panic("boom")
		}}}), "/v1/models/m:predict", `{"instances":[1.0]}`, `model="m",version="1",signature="serving_default",status="5xx"`},
		{"no model", func(context.Context) (*infer.Model, error) { return nil, broken }, predictPath, `{"instances":[1.0]}`, `model="",version="",signature="",status="5xx"`},
		{"a page", nil, "/v1/models/half_plus_two/metadata", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := handler(serve.Options{Model: tt.model, Requests: new(telemetry.Requests)})
			do(h, http.MethodPost, tt.path, tt.body)
			page := do(h, http.MethodGet, metricsPath, "")
			if got := page.Header().Get("Content-Type"); page.Code != http.StatusOK || !strings.HasPrefix(got, "text/plain; version=0.0.4") {
				t.Fatalf("%d %s", page.Code, got)
			}
			total := ""
			for line := range strings.Lines(page.Body.String()) {
				if strings.HasPrefix(line, "tensorlambda_requests_total{") {
					total += line
				}
			}
			if tt.want == "" && total != "" || !strings.HasSuffix(total, "\n") && tt.want != "" || !strings.Contains(total, tt.want) || strings.Count(total, "\n") > 1 {
				t.Errorf("counted %q, want one with %s", total, tt.want)
			}
		})
	}
}

func TestThePageOfMetricsIsReadOnlyAndNotEverywhere(t *testing.T) {
	h := handler(serve.Options{Requests: new(telemetry.Requests)})
	if w := do(h, http.MethodPost, metricsPath, ""); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
	if w := do(handler(serve.Options{}), http.MethodGet, metricsPath, ""); w.Code != http.StatusNotFound {
		t.Errorf("where nothing is counted: %d", w.Code)
	}
}
