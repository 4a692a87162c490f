package telemetry_test

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/telemetry"
)

var (
	family = regexp.MustCompile(`^# HELP ([a-z_]+) [^\n\\]+\n# TYPE ([a-z_]+) (counter|histogram)$`)
	sample = regexp.MustCompile(`^([a-z_]+)\{((?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)+)\} (\S+)$`)
	label  = regexp.MustCompile(`([a-z]+)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)`)
)

// samples reads a page as strictly as the format is written down, and returns values by
// name and labels as they stand there.
func samples(t *testing.T, page string) map[string]float64 {
	t.Helper()
	if !strings.HasSuffix(page, "\n") {
		t.Fatalf("the page does not end with a line: %q", page)
	}
	found := make(map[string]float64)
	for block := range strings.SplitSeq(page[len("# HELP "):], "# HELP ") {
		lines := strings.Split(strings.TrimSuffix("# HELP "+block, "\n"), "\n")
		head := family.FindStringSubmatch(strings.Join(lines[:2], "\n"))
		if head == nil || head[1] != head[2] {
			t.Fatalf("no HELP and TYPE of one family: %q", lines[:2])
		}
		var buckets bucketed
		for _, line := range lines[2:] {
			m := sample.FindStringSubmatch(line)
			if m == nil {
				t.Fatalf("%q is no sample", line)
			}
			value, err := strconv.ParseFloat(m[3], 64)
			if err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			key := m[1] + "{" + m[2] + "}"
			if _, twice := found[key]; twice {
				t.Errorf("%s is there twice", key)
			}
			found[key] = value
			switch suffix := strings.TrimPrefix(m[1], head[1]); {
			case head[3] == "counter" && suffix == "":
			case head[3] == "histogram":
				buckets.next(t, line, suffix, m[2], value)
			default:
				t.Errorf("%q is not of the %s %s", line, head[3], head[1])
			}
		}
		if buckets.last != 0 && !buckets.whole {
			t.Errorf("the last histogram of %s is not whole", head[1])
		}
	}
	return found
}

// bucketed is how far a histogram has been read: buckets that rise and end with +Inf,
// then the sum, then the count, which is that of +Inf.
type bucketed struct {
	labels      string
	bound, last float64
	sum, whole  bool
}

func (b *bucketed) next(t *testing.T, line, suffix, labels string, value float64) {
	t.Helper()
	switch suffix {
	case "_bucket":
		found := label.FindAllStringSubmatch(labels, -1)
		le := found[len(found)-1]
		bound, err := strconv.ParseFloat(le[2], 64)
		if le[1] != "le" || err != nil {
			t.Fatalf("%q: no bound", line)
		}
		rest := strings.TrimSuffix(labels, `,le="`+le[2]+`"`)
		if rest != b.labels || b.whole {
			*b = bucketed{labels: rest, bound: math.Inf(-1)}
		}
		if bound <= b.bound || value < b.last {
			t.Errorf("%q: buckets fall", line)
		}
		b.bound, b.last = bound, value
	case "_sum":
		b.sum = labels == b.labels && math.IsInf(b.bound, 1)
	case "_count":
		b.whole = b.sum && labels == b.labels && value == b.last
		if !b.whole {
			t.Errorf("%q: not the count of the buckets before", line)
		}
	default:
		t.Errorf("%q: %q is no part of a histogram", line, suffix)
	}
}

func page(r *telemetry.Requests) string { return string(r.Append(nil)) }

func TestRequestsAreCountedByLabels(t *testing.T) {
	var r telemetry.Requests
	answered := &telemetry.Call{
		Model: "digits", Version: "7", Signature: "serving_default",
		Wait: time.Microsecond, Decode: 2 * time.Millisecond, Run: 40 * time.Millisecond, Encode: time.Millisecond, Runs: 1, Rows: 3,
	}
	r.Add(answered, 200, 50*time.Millisecond)
	r.Add(answered, 200, 50*time.Millisecond)
	r.Add(&telemetry.Call{Model: "digits", Version: "7", Wait: time.Microsecond, Decode: time.Millisecond}, 400, time.Millisecond)
	r.Add(&telemetry.Call{Wait: time.Minute}, 503, time.Minute)
	got := samples(t, page(&r))
	const ok = `model="digits",version="7",signature="serving_default",status="2xx"`
	const wrong = `model="digits",version="7",signature="",status="4xx"`
	const absent = `model="",version="",signature="",status="5xx"`
	for key, want := range map[string]float64{
		`tensorlambda_requests_total{` + ok + `}`:                                    2,
		`tensorlambda_requests_total{` + wrong + `}`:                                 1,
		`tensorlambda_requests_total{` + absent + `}`:                                1,
		`tensorlambda_request_seconds_sum{` + ok + `}`:                               0.1,
		`tensorlambda_request_seconds_bucket{` + ok + `,le="0.025"}`:                 0,
		`tensorlambda_request_seconds_bucket{` + ok + `,le="0.05"}`:                  2, // a bound is in its bucket
		`tensorlambda_request_seconds_bucket{` + absent + `,le="30"}`:                0,
		`tensorlambda_request_seconds_bucket{` + absent + `,le="+Inf"}`:              1,
		`tensorlambda_stage_seconds_sum{` + ok + `,stage="run"}`:                     0.08,
		`tensorlambda_stage_seconds_count{` + ok + `,stage="encode"}`:                2,
		`tensorlambda_stage_seconds_bucket{` + wrong + `,stage="decode",le="0.001"}`: 1,
		`tensorlambda_request_rows_sum{` + ok + `}`:                                  6,
		`tensorlambda_request_rows_bucket{` + ok + `,le="4"}`:                        2,
	} {
		if value, there := got[key]; !there || value != want {
			t.Errorf("%s is %g, want %g", key, value, want)
		}
	}
	for _, key := range []string{`tensorlambda_stage_seconds_count{` + wrong + `,stage="run"}`, `tensorlambda_request_rows_count{` + wrong + `}`} {
		if _, there := got[key]; there {
			t.Errorf("%s is there, of a request that did not come so far", key)
		}
	}
}

func TestNamesOfModelsAreEscaped(t *testing.T) {
	var r telemetry.Requests
	r.Add(&telemetry.Call{Model: "a\"b\\c\nd é", Version: "1"}, 200, time.Second)
	if _, there := samples(t, page(&r))[`tensorlambda_requests_total{model="a\"b\\c\nd é",version="1",signature="",status="2xx"}`]; !there {
		t.Errorf("not escaped in\n%s", page(&r))
	}
}

func TestBeforeTheFirstRequestThePageHasNoSeries(t *testing.T) {
	if got := samples(t, page(new(telemetry.Requests))); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

func TestRequestsMayBeCountedAtOnce(t *testing.T) {
	var r telemetry.Requests
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 100 {
				r.Add(&telemetry.Call{Model: "m", Version: "1"}, 200, time.Millisecond)
				_ = r.Append(nil)
			}
		})
	}
	wait.Wait()
	if got := samples(t, page(&r))[`tensorlambda_requests_total{model="m",version="1",signature="",status="2xx"}`]; got != 800 {
		t.Errorf("%g requests of 800", got)
	}
}
