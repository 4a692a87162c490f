package test

import (
	"sync"
	"testing"
	"time"
)

// On managed instances one process handles several invocations at once. Each
// gets the answer to its own question.
func TestParallelInvocationsGetTheirOwnAnswers(t *testing.T) {
	t.Parallel()
	d := sample(t)
	f := readyFunction(t, "MODEL_URI="+uri(t, digitsInStore), raw(t), "AWS_LAMBDA_MAX_CONCURRENCY=4")
	inParallel(4, func(worker int) {
		for round := range 25 {
			i := (worker + round) % len(d.Images)
			d.checkOne(t, f, i)
		}
	})
}

// Invocations that wait for the model share one start and do not keep others
// from being answered.
func TestParallelInvocationsWaitForOneStart(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.lock(true) // so that init ends at once, without a model
	d := sample(t)
	f := readyFunction(t, "MODEL_URI="+uri(t, digitsInStore), raw(t), g.setting(), "AWS_LAMBDA_MAX_CONCURRENCY=4")
	g.lock(false)
	var waiting sync.WaitGroup
	waiting.Go(func() { inParallel(3, func(i int) { d.checkOne(t, f, i) }) })
	defer waiting.Wait()
	defer g.unlock()
	select {
	case <-g.first:
	case <-time.After(patience):
		t.Fatal("the invocations did not start again")
	}
	if live, err := f.tryInvoke(gatewayV2(get, "/v2/health/live", ""), time.Time{}); err != nil || live.Body != `{"live":true}` {
		t.Errorf("live while others wait: %+v, %v", live, err)
	}
	g.unlock()
	waiting.Wait()
	if n := g.count(get); n != 1 {
		t.Errorf("the model was downloaded %d times for one start", n)
	}
}

// checkOne asks for one image, on any goroutine.
func (d *digits) checkOne(t *testing.T, f *function, image int) {
	r, err := f.tryInvoke(gatewayV2(post, "/v1/models/digits:predict", d.image(image)), time.Time{})
	if err != nil {
		t.Error(err)
		return
	}
	d.check(t, r, image, 1)
}

// inParallel runs n functions at once and waits for them.
func inParallel(n int, run func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { run(i) })
	}
	all.Wait()
}
