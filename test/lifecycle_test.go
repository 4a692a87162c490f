package test

import (
	"math"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A cold start reports its stages, and downloads while it inflates: the model is
// held back until a library is on its way into memory, so that a start that did
// one after the other would not end, or say so in its report.
func TestColdStartIsReportedAndItsStagesOverlap(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.lock(false)
	f := startFunction(t, "MODEL_URI="+uri(t, digitsInStore), g.setting())
	f.await("the library is being inflated", func() bool { return f.hasOpen("/memfd:libtensorflow") })
	g.unlock()
	f.awaitReady()
	sample(t).checkAll(t, f)
	r := f.report()
	if r.LibraryFrom != "memfd" || r.ModelFrom != "s3" || r.Model != "digits" || r.TensorFlow == "" || r.TotalMs <= 0 || len(r.Warnings) > 0 {
		t.Errorf("report %+v", r)
	}
	stages := map[string]coldStage{}
	for _, name := range []string{"inflate", "dlopen", "fetch", "unpack", "load", "warm-up"} {
		s, ok := r.stage(name)
		if !ok || s.EndMs < s.StartMs || s.EndMs > r.TotalMs {
			t.Errorf("stage %s: %+v (found: %v) of %v ms", name, s, ok, r.TotalMs)
		}
		stages[name] = s
	}
	if inflate, fetch := stages["inflate"], stages["fetch"]; fetch.StartMs >= inflate.EndMs || inflate.StartMs >= fetch.EndMs {
		t.Errorf("fetch %+v does not overlap with inflate %+v", fetch, inflate)
	}
	if !slices.Contains(stages["fetch"].Overlaps, "inflate") || slices.Contains(stages["load"].Overlaps, "inflate") {
		t.Errorf("the report says that fetch ran beside %q, and load beside %q", stages["fetch"].Overlaps, stages["load"].Overlaps)
	}
	metrics := f.metrics()
	for name, stage := range map[string]string{"ColdStartInflate": "inflate", "ColdStartFetch": "fetch", "ColdStartLoad": "load", "ColdStartWarmUp": "warm-up"} {
		if want := stages[stage].EndMs - stages[stage].StartMs; math.Abs(metrics[name]-want) > 0.11 { // both are rounded
			t.Errorf("metric %s is %v ms, the report says %v", name, metrics[name], want)
		}
	}
	if math.Abs(metrics["ColdStart"]-r.TotalMs) > 0.11 {
		t.Errorf("metric ColdStart is %v ms, the report says %v", metrics["ColdStart"], r.TotalMs)
	}
	if stages["load"].StartMs < stages["dlopen"].EndMs || stages["warm-up"].StartMs < stages["load"].EndMs {
		t.Errorf("the model was loaded before the library: %+v", stages)
	}
}

// An environment that is reset keeps /tmp: the model is not fetched again, and a
// library that was put there is not inflated again.
func TestWhatLiesInTmpIsUsedAgain(t *testing.T) {
	t.Parallel()
	tmp := "TMPDIR=" + t.TempDir()
	g := newGateway(t)
	settings := []string{"MODEL_URI=" + uri(t, digitsInStore), tmp, g.setting(), "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=450"}

	first := readyFunction(t, settings...)
	sample(t).checkAll(t, first)
	r := first.report()
	if _, inflated := r.stage("inflate"); r.ModelFrom != "s3" || r.LibraryFrom != "tmp" || !inflated || len(r.Warnings) == 0 {
		t.Errorf("first start: %+v", r)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if g.count(get) == 0 {
		t.Fatal("the first start did not come through the gateway")
	}

	again := newGateway(t)
	second := readyFunction(t, append(settings, again.setting())...)
	sample(t).checkAll(t, second)
	r = second.report()
	if _, inflated := r.stage("inflate"); r.ModelFrom != "tmp" || r.LibraryFrom != "tmp" || inflated {
		t.Errorf("second start: %+v", r)
	}
	if again.count(get) > 0 || again.count(http.MethodHead) == 0 {
		t.Errorf("the second start asked S3 %v, want to ask for the ETag only", again.seen)
	}
}

// A prefix is used again too, by the ETags of its objects.
func TestFoldersInTmpAreUsedAgainUntilTheyChange(t *testing.T) {
	t.Parallel()
	tmp := "TMPDIR=" + t.TempDir()
	folder := putAll(t, "digits", model(t))
	for _, c := range []struct{ from, version string }{{"s3", "1"}, {"tmp", "1"}, {"s3", "2"}} {
		if c.version == "2" {
			key := strings.TrimPrefix(folder, "s3://"+bucket+"/")
			for _, m := range only(version("2", model(t))) {
				putKey(t, key+m.name, m.content)
			}
		}
		f := readyFunction(t, "MODEL_URI="+folder, tmp, raw(t))
		sample(t).check(t, f.ask(post, "/v1/models/digits/versions/"+c.version+":predict", sample(t).Request), 0, 3)
		if r := f.report(); r.ModelFrom != c.from {
			t.Errorf("version %s: model from %q, want %q", c.version, r.ModelFrom, c.from)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A start that is killed halfway, with the library and the model half-written,
// does not stand in the way of the next one.
func TestAKilledStartLeavesNothingInTheWay(t *testing.T) {
	t.Parallel()
	tmp := t.TempDir()
	g := newGateway(t)
	g.lock(false)
	settings := []string{"MODEL_URI=" + uri(t, digitsInStore), "TMPDIR=" + tmp, g.setting(), "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=450"}
	killed := startFunction(t, settings...)
	select {
	case <-g.first:
	case <-time.After(patience):
		t.Fatal("the model was never asked for")
	}
	killed.await("the library is being inflated", func() bool { return killed.hasOpen(tmp) })
	if err := syscall.Kill(killed.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-killed.Exited()
	if left, _ := filepath.Glob(filepath.Join(tmp, "*", "*")); len(left) == 0 {
		t.Error("the start was killed before it wrote anything, so this shows nothing")
	}

	g.unlock()
	next := readyFunction(t, settings...)
	sample(t).checkAll(t, next)
	if r := next.report(); r.ModelFrom != "s3" || r.LibraryFrom != "tmp" {
		t.Errorf("report %+v", r)
	}
}

// An init that would be killed after 10 s ends before that, and the invocation
// that comes then waits for the same start.
func TestASlowStartEndsInTheFirstInvocation(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.lock(false)
	f := startFunction(t, "MODEL_URI="+uri(t, digitsInStore), g.setting(), raw(t))
	f.awaitReady()
	if took := time.Since(f.Started); took < 7*time.Second || took > 10*time.Second {
		t.Errorf("init took %v, Lambda kills it after 10 s", took)
	}
	event := gatewayV2(post, "/v1/models/digits:predict", sample(t).Request)
	early := f.invokeUntil(event, time.Now().Add(2*time.Second))
	refused(t, early, 503, "still being loaded")
	if early.Headers["Retry-After"] == "" {
		t.Errorf("no Retry-After in %v", early.Headers)
	}
	health := f.ask(get, "/v2/health/live", "")
	if health.StatusCode != http.StatusOK {
		t.Errorf("live: %d", health.StatusCode)
	}
	refused(t, f.ask(get, "/v2/health/ready", ""), 503, "still being loaded")
	g.unlock()
	sample(t).check(t, f.invoke(event), 0, 3)
}

// S3 that cannot be reached costs the invocations of that time, not the
// environment: the next invocation starts again.
func TestATransientFailureIsTriedAgain(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.lock(true)
	f := readyFunction(t, "MODEL_URI="+uri(t, digitsInStore), g.setting(), raw(t))
	if err := f.InitError(); err != nil {
		t.Errorf("a failure that may pass was reported as the end: %v", err)
	}
	predict := func() reply { return f.ask(post, "/v1/models/digits:predict", sample(t).Request) }
	if r := predict(); r.StatusCode != http.StatusServiceUnavailable || strings.Contains(r.Body, bucket) {
		t.Errorf("without S3: %d %s, want 503 and no names of buckets", r.StatusCode, r.Body)
	}
	g.unlock()
	sample(t).check(t, predict(), 0, 3)
}
