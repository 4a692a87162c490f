package coldstart_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/coldstart"
	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// stubRunner is a runner that counts how often it was closed.
type stubRunner struct{ closed int }

func (*stubRunner) Catalog() *infer.Catalog { return &infer.Catalog{} }
func (*stubRunner) Run(context.Context, []infer.Feed, []infer.TensorInfo) ([]*infer.Tensor, error) {
	return nil, nil
}
func (r *stubRunner) Close() error { r.closed++; return nil }

// prepared is a model that was read: load makes it, closed counts.
type prepared struct {
	load   func() (*infer.Model, error)
	closed int
}

func (p *prepared) Load(context.Context, *coldstart.Timeline) (*infer.Model, error) { return p.load() }
func (p *prepared) Close() error                                                    { p.closed++; return nil }

// steps are a start that succeeds at once; cases replace single steps.
func steps(model *infer.Model) coldstart.Options {
	return coldstart.Options{
		Open: func(context.Context, *coldstart.Timeline) error { return nil },
		Read: func(context.Context, *coldstart.Timeline) (coldstart.Prepared, error) {
			return &prepared{load: func() (*infer.Model, error) { return model, nil }}, nil
		},
	}
}

var digits = &infer.Model{Name: "digits", Runner: &stubRunner{}}

func begin(t *testing.T, opts coldstart.Options) *coldstart.Pipeline {
	t.Helper()
	p := coldstart.New(opts)
	t.Cleanup(func() { p.Close() })
	return p
}

func TestModelIsLoadedOnceForAllCallers(t *testing.T) {
	opts, loads := steps(digits), 0
	opts.Read = func(context.Context, *coldstart.Timeline) (coldstart.Prepared, error) {
		return &prepared{load: func() (*infer.Model, error) { loads++; return digits, nil }}, nil
	}
	p := begin(t, opts)
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			if m, err := p.Model(t.Context()); m != digits || err != nil {
				t.Errorf("got %v, %v", m, err)
			}
		})
	}
	callers.Wait()
	if loads != 1 {
		t.Errorf("loaded %d times", loads)
	}
}

func TestOpenAndReadRunSideBySide(t *testing.T) {
	opts := steps(digits)
	opening, reading := make(chan struct{}), make(chan struct{})
	meet := func(ctx context.Context, here, there chan struct{}) error {
		close(here)
		select {
		case <-there:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	load, _ := opts.Read(t.Context(), nil)
	opts.Open = func(ctx context.Context, _ *coldstart.Timeline) error { return meet(ctx, opening, reading) }
	opts.Read = func(ctx context.Context, _ *coldstart.Timeline) (coldstart.Prepared, error) {
		return load, meet(ctx, reading, opening)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := begin(t, opts).Model(ctx); err != nil {
		t.Error("one step waited for the other:", err)
	}
}

func TestAFailedOpenEndsTheRead(t *testing.T) {
	opts, refused := steps(digits), errors.New("refused")
	opts.Open = func(context.Context, *coldstart.Timeline) error { return refused }
	opts.Read = func(ctx context.Context, _ *coldstart.Timeline) (coldstart.Prepared, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if _, err := begin(t, opts).Model(t.Context()); !errors.Is(err, refused) {
		t.Errorf("got %v", err)
	}
}

func TestAFailedReadLetsTheOpenFinish(t *testing.T) {
	// Half of the library may be mapped by then, for good.
	opts, refused := steps(digits), errors.New("refused")
	reading := make(chan context.Context, 1)
	opts.Read = func(ctx context.Context, _ *coldstart.Timeline) (coldstart.Prepared, error) {
		reading <- ctx
		return nil, refused
	}
	var cancelled error
	opts.Open = func(ctx context.Context, _ *coldstart.Timeline) error {
		<-(<-reading).Done() // the attempt has failed
		cancelled = ctx.Err()
		return nil
	}
	if _, err := begin(t, opts).Model(t.Context()); !errors.Is(err, refused) || cancelled != nil {
		t.Errorf("got %v, open was cancelled: %v", err, cancelled)
	}
}

func TestWhatWasPreparedIsClosedOnce(t *testing.T) {
	failed := errors.New("failed")
	cases := map[string]struct{ open, load error }{
		"loaded": {}, "the library failed": {open: failed}, "the load failed": {load: failed},
	}
	for name, c := range cases {
		opts, made := steps(digits), &prepared{load: func() (*infer.Model, error) { return digits, c.load }}
		read := make(chan struct{})
		opts.Open = func(context.Context, *coldstart.Timeline) error { <-read; return c.open }
		opts.Read = func(context.Context, *coldstart.Timeline) (coldstart.Prepared, error) { close(read); return made, nil }
		_, err := begin(t, opts).Model(t.Context())
		if made.closed != 1 || (err != nil) != (c != struct{ open, load error }{}) {
			t.Errorf("%s: closed %d times, %v", name, made.closed, err)
		}
	}
}

func TestCallerGivesUpWithoutEndingTheStart(t *testing.T) {
	opts, release := steps(digits), make(chan struct{})
	opts.Open = func(context.Context, *coldstart.Timeline) error { <-release; return nil }
	p := begin(t, opts)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Model(ctx); !errors.Is(err, infer.ErrUnavailable) {
		t.Errorf("impatient caller got %v", err)
	}
	if _, ok := p.Report(); ok {
		t.Error("there is a report before the end")
	}
	close(release)
	if m, err := p.Model(t.Context()); m != digits || err != nil {
		t.Errorf("patient caller got %v, %v", m, err)
	}
}

func TestTransientFailureIsTriedAgainByTheNextCall(t *testing.T) {
	opts, flaky, opens := steps(digits), errors.New("connection reset"), 0
	opts.Open = func(context.Context, *coldstart.Timeline) error {
		if opens++; opens == 1 {
			return flaky
		}
		return nil
	}
	opts.Transient = func(err error) bool { return errors.Is(err, flaky) }
	p := begin(t, opts)
	// The first call may come before or after the failure; the last of three
	// comes after it.
	for range 2 {
		p.Model(t.Context())
	}
	if m, err := p.Model(t.Context()); m != digits || err != nil || opens != 2 {
		t.Errorf("got %v, %v after %d attempts", m, err, opens)
	}
}

func TestDefiniteFailureStays(t *testing.T) {
	opts, reads := steps(digits), 0
	bad := errors.New("not a model")
	opts.Read = func(context.Context, *coldstart.Timeline) (coldstart.Prepared, error) { reads++; return nil, bad }
	opts.Transient = func(error) bool { return false }
	p := begin(t, opts)
	for range 3 {
		if _, err := p.Model(t.Context()); !errors.Is(err, bad) {
			t.Errorf("got %v", err)
		}
	}
	if reads != 1 {
		t.Errorf("read %d times", reads)
	}
}

func TestPanicInAStepIsAnError(t *testing.T) {
	opts := steps(digits)
	opts.Open = func(context.Context, *coldstart.Timeline) error { panic("no such kernel") }
	if _, err := begin(t, opts).Model(t.Context()); err == nil || !strings.Contains(err.Error(), "open: panic: no such kernel") {
		t.Errorf("got %v", err)
	}
}

func TestCloseEndsTheStartAndFreesTheModel(t *testing.T) {
	t.Run("under way", func(t *testing.T) {
		opts := steps(digits)
		opts.Open = func(ctx context.Context, _ *coldstart.Timeline) error { <-ctx.Done(); return ctx.Err() }
		if err := coldstart.New(opts).Close(); err != nil {
			t.Error(err)
		}
	})
	t.Run("loaded", func(t *testing.T) {
		runner := &stubRunner{}
		p := coldstart.New(steps(&infer.Model{Runner: runner}))
		if _, err := p.Model(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := p.Close(); err != nil || runner.closed != 1 {
			t.Errorf("closed %d times, %v", runner.closed, err)
		}
	})
}

func TestReportAsJSON(t *testing.T) {
	zero := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	at := func(ms float64) time.Time { return zero.Add(time.Duration(ms * float64(time.Millisecond))) }
	report := coldstart.Report{
		Start: zero, End: at(512.3), TensorFlow: "2.21.0", Model: "digits", LibraryFrom: "memfd", ModelFrom: "s3",
		Stages: []coldstart.Stage{{Name: "inflate", Start: at(1.24), End: at(361), Bytes: 634426608}, {Name: "fetch", Start: at(0), End: at(40.06)}},
	}
	got, err := json.Marshal(report)
	want := `{"tensorflow":"2.21.0","model":"digits","totalMs":512.3,"stages":[` +
		`{"name":"inflate","startMs":1.2,"endMs":361,"bytes":634426608,"overlaps":["fetch"]},{"name":"fetch","startMs":0,"endMs":40.1,"overlaps":["inflate"]}],` +
		`"libraryFrom":"memfd","modelFrom":"s3"}`
	if err != nil || string(got) != want {
		t.Errorf("got  %s (%v)\nwant %s", got, err, want)
	}
}

func TestChartShowsWhatOverlaps(t *testing.T) {
	var report coldstart.Report
	err := json.Unmarshal([]byte(`{"tensorflow":"2.21.0","model":"digits","totalMs":480,"libraryFrom":"memfd","modelFrom":"s3","warnings":["version 2 is not complete"],
		"stages":[{"name":"inflate","startMs":0,"endMs":240,"bytes":634426608},{"name":"fetch","startMs":10,"endMs":20,"bytes":50000},{"name":"load","startMs":240,"endMs":480}]}`), &report)
	if err != nil {
		t.Fatal(err)
	}
	var chart strings.Builder
	if err := report.WriteChart(&chart); err != nil {
		t.Fatal(err)
	}
	gap := func(n int) string { return strings.Repeat(" ", n) }
	bar := func(n int) string { return strings.Repeat("█", n) }
	want := "cold start of \"digits\" in 480 ms: TensorFlow 2.21.0 (library from memfd), model from s3\n" +
		"  inflate │" + bar(24) + gap(24) + "│     0.0 –  240.0 ms   634.4 MB\n" +
		"  fetch   │" + gap(1) + bar(1) + gap(46) + "│    10.0 –   20.0 ms    50.0 kB\n" +
		"  load    │" + gap(24) + bar(24) + "│   240.0 –  480.0 ms\n" +
		"  note: version 2 is not complete\n"
	if chart.String() != want {
		t.Errorf("got\n%swant\n%s", chart.String(), want)
	}
}
