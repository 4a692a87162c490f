package telemetry

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// PrometheusType is the media type of a page of Requests.
const PrometheusType = "text/plain; version=0.0.4; charset=utf-8"

// Requests counts the requests that ask the model, for Prometheus. The zero value is
// ready. It is safe for concurrent use; a request takes its lock once, when it is over,
// for less than a microsecond.
type Requests struct {
	mu     sync.Mutex
	series map[labels]*series
}

// labels tell one series from another. All have few values: there is one model, it has
// so many signatures, and there are four classes of statuses.
type labels struct{ model, version, signature, status string }

// series is what was counted under some labels.
type series struct {
	requests uint64
	seconds  histogram
	stages   [len(stages)]histogram
	rows     histogram
}

// The upper bounds of buckets. Seconds go from a small model's warm run to the 29 s
// after which API Gateway gives up.
var (
	secondBounds = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	rowBounds    = []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024}
)

var stages = [...]struct {
	name string
	of   func(*Call) time.Duration
}{
	{"wait", func(c *Call) time.Duration { return c.Wait }},
	{"decode", func(c *Call) time.Duration { return c.Decode }},
	{"run", func(c *Call) time.Duration { return c.Run }},
	{"encode", func(c *Call) time.Duration { return c.Encode }},
}

// Add counts a request that was answered with an HTTP status and took so long. A stage
// that it did not come to has no part in that stage's histogram.
func (r *Requests) Add(c *Call, status int, took time.Duration) {
	key := labels{c.Model, c.Version, c.Signature, strconv.Itoa(status/100) + "xx"}
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.series[key]
	if s == nil {
		if r.series == nil {
			r.series = make(map[labels]*series)
		}
		s = new(series)
		r.series[key] = s
	}
	s.requests++
	s.seconds.observe(secondBounds, took.Seconds())
	for i, stage := range stages {
		if d := stage.of(c); d > 0 {
			s.stages[i].observe(secondBounds, d.Seconds())
		}
	}
	if c.Runs > 0 {
		s.rows.observe(rowBounds, float64(c.Rows))
	}
}

// histogram counts values by buckets.
type histogram struct {
	counts []uint64 // by bucket, the last for what is over all bounds; nil before the first value
	total  uint64
	sum    float64
}

func (h *histogram) observe(bounds []float64, value float64) {
	if h.counts == nil {
		h.counts = make([]uint64, len(bounds)+1)
	}
	i, _ := slices.BinarySearch(bounds, value) // a bound belongs to its bucket
	h.counts[i]++
	h.total++
	h.sum += value
}

// Append appends the page in Prometheus' text format
// (https://prometheus.io/docs/instrumenting/exposition_formats/), series in the order of
// their labels.
func (r *Requests) Append(dst []byte) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	keys := slices.SortedFunc(maps.Keys(r.series), func(a, b labels) int {
		return cmp.Or(strings.Compare(a.model, b.model), strings.Compare(a.version, b.version),
			strings.Compare(a.signature, b.signature), strings.Compare(a.status, b.status))
	})
	dst = appendFamily(dst, "tensorlambda_requests_total", "counter", "Requests that asked the model.")
	for _, key := range keys {
		dst = appendSample(dst, "tensorlambda_requests_total", key.text(), float64(r.series[key].requests))
	}
	dst = appendFamily(dst, "tensorlambda_request_seconds", "histogram", "Time from a request's headers to the end of its answer.")
	for _, key := range keys {
		dst = r.series[key].seconds.append(dst, "tensorlambda_request_seconds", key.text(), secondBounds)
	}
	dst = appendFamily(dst, "tensorlambda_stage_seconds", "histogram", "Time of a stage of a request: wait for the model, decode, run, encode.")
	for _, key := range keys {
		for i, stage := range stages {
			dst = r.series[key].stages[i].append(dst, "tensorlambda_stage_seconds", key.text()+`,stage="`+stage.name+`"`, secondBounds)
		}
	}
	dst = appendFamily(dst, "tensorlambda_request_rows", "histogram", "Rows that the model was run on at once.")
	for _, key := range keys {
		dst = r.series[key].rows.append(dst, "tensorlambda_request_rows", key.text(), rowBounds)
	}
	return dst
}

func appendFamily(dst []byte, name, kind, help string) []byte {
	return append(dst, "# HELP "+name+" "+help+"\n# TYPE "+name+" "+kind+"\n"...)
}

func appendSample(dst []byte, name, labels string, value float64) []byte {
	dst = append(dst, name+"{"+labels+"} "...)
	return append(strconv.AppendFloat(dst, value, 'g', -1, 64), '\n')
}

// append writes nothing of a histogram without values.
func (h *histogram) append(dst []byte, name, labels string, bounds []float64) []byte {
	if h.total == 0 {
		return dst
	}
	var below uint64
	for i, bound := range bounds {
		below += h.counts[i]
		le := strconv.FormatFloat(bound, 'g', -1, 64)
		dst = appendSample(dst, name+"_bucket", labels+`,le="`+le+`"`, float64(below))
	}
	dst = appendSample(dst, name+"_bucket", labels+`,le="+Inf"`, float64(h.total))
	dst = appendSample(dst, name+"_sum", labels, h.sum)
	return appendSample(dst, name+"_count", labels, float64(h.total))
}

// escapes is what the format has for the characters that a label's value cannot hold.
var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func (l labels) text() string {
	return `model="` + escapes.Replace(l.model) + `",version="` + escapes.Replace(l.version) +
		`",signature="` + escapes.Replace(l.signature) + `",status="` + l.status + `"`
}
