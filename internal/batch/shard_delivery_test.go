package batch

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/blob"
)

// Messages of SQS come twice and in any order.
func TestAnyOrderAndTwice(t *testing.T) {
	st := newStage(t, startServer(t))
	st.put(mixed())
	st.deliver(st.scorer(), 1)
	st.queue.all()
	st.beginShard(2)
	rest, ok := st.queue.take()
	if !ok || rest.Hop != 1 || rest.Index != 2 {
		t.Fatalf("the rest is %+v", rest)
	}
	st.queue.all()
	for _, task := range []Task{st.task(3, 0), rest, st.task(0, 0), st.task(2, 0), rest, st.task(1, 0), st.task(1, 0), st.task(2, 0)} {
		st.queue.back(task)
	}
	st.drain(st.scorer())
	st.exact(mixed())
}

// A message that comes again does not cost another scoring; what should have come
// after the first is done all the same.
func TestFinishedHopIsNotScoredAgain(t *testing.T) {
	server := startServer(t)
	never := &scalar{before: func() error { return errors.New("the model was asked") }}
	for _, tt := range []struct {
		name   string
		before func(st *stage)
		task   Task
		sends  string
		seals  bool
	}{
		{"a shard", func(st *stage) { st.shards(1) }, Task{Index: 1}, "", false},
		{"a hop whose rest was not sent", func(st *stage) { st.beginShard(1); st.queue.all() }, Task{Index: 1}, "1.1", false},
		{"a hop whose rest is done", func(st *stage) { st.beginShard(1); st.drain(st.scorer()) }, Task{Index: 1}, "", false},
		{"the last shard of a job that was not sealed", func(st *stage) { st.shards(0, 1, 2, 3); st.remove(successName) }, Task{Index: 1}, "", true},
		{"a shard of a sealed job", func(st *stage) { st.shards(0, 1, 2, 3) }, Task{Index: 1}, "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			st := newStage(t, server)
			st.put(mixed())
			st.deliver(st.scorer(), 1)
			st.queue.all()
			tt.before(st)
			if err := st.do(New(st.options(never)), st.task(tt.task.Index, tt.task.Hop)); err != nil {
				t.Fatal(err)
			}
			if sent := st.queue.all(); sent != tt.sends {
				t.Errorf("sent %q, want %q", sent, tt.sends)
			}
			if st.has(successName) != tt.seals {
				t.Errorf("sealed: %t, want %t", !tt.seals, tt.seals)
			}
		})
	}
}

// Who drives the shards without a queue is told what is left, until nothing is.
func TestShardTasksOfACaller(t *testing.T) {
	st := newStage(t, startServer(t))
	st.put(mixed())
	st.deliver(st.scorer(), 1)
	st.queue.all()
	st.beginShard(1)
	st.queue.all()

	ask := func(task Task) string {
		reply, err := st.scorer().Task(t.Context(), asJSON(t, task), false)
		if err != nil {
			t.Fatal(err)
		}
		return string(asJSON(t, reply))
	}
	prefix := st.out.Join(inputKey + ".parts/").String()
	first := st.receipt("_part-00001-of-00004.json")
	want := fmt.Sprintf(`{"rows":%d,"errors":%d,"part":"%spart-00001-of-00004.jsonl","next":{"task":"shard","plan":"%s_PLAN.json","index":1,"hop":1}}`, first.Rows, first.Errors, prefix, prefix)
	if got := ask(st.task(1, 0)); got != want {
		t.Errorf("the first hop answers %s, want %s", got, want)
	}
	want = fmt.Sprintf(`{"rows":%d,"errors":%d,"part":"%spart-00001.01-of-00004.jsonl"}`, 10-first.Rows, 1-first.Errors, prefix)
	if got := ask(st.task(1, 1)); got != want {
		t.Errorf("the rest answers %s, want %s", got, want)
	}
	if sent := st.queue.all(); sent != "" {
		t.Errorf("sent %s, and there was a caller", sent)
	}
}

// What ends a shard task, and whether it comes again.
func TestShardsThatFail(t *testing.T) {
	server := startServer(t)
	for _, tt := range []struct {
		name      string
		act       func(st *stage) error
		kind      error
		permanent bool
	}{
		{"another model is loaded", func(st *stage) error {
			return st.do(New(st.options(&scalar{name: "third"})), st.task(1, 0))
		}, ErrOtherModel, false},
		{"other settings", func(st *stage) error {
			o := st.options(&scalar{})
			o.Join = true
			return st.do(New(o), st.task(1, 0))
		}, errOtherSettings, false},
		{"the input was replaced", func(st *stage) error {
			st.put(numbers(500, 40))
			return st.doAs(st.Context(), st.task(1, 0))
		}, blob.ErrChanged, true},
		{"the input was deleted", func(st *stage) error {
			st.removeInput()
			return st.doAs(st.Context(), st.task(1, 0))
		}, blob.ErrNotFound, true},
		{"a hop before its time", func(st *stage) error {
			return st.doAs(st.Context(), st.task(1, 1))
		}, errEarly, false},
		{"a hop behind the last", func(st *stage) error {
			st.shards(1)
			return st.doAs(st.Context(), st.task(1, 1))
		}, ErrTask, true},
		{"too many hops", func(st *stage) error {
			until := time.Now().Add(time.Second)
			o := st.options(&scalar{before: func() error { time.Sleep(time.Until(until)); return nil }})
			o.MaxHops = 1
			st.beginShard(1)
			_, err := New(o).shard(st.Context(), st.task(1, 1), true, until)
			return err
		}, ErrTooSlow, true},
		{"no time left", func(st *stage) error {
			_, err := st.scorer().shard(st.Context(), st.task(1, 0), true, time.Now())
			return err
		}, errNoTime, false},
		{"no queue for the rest", func(st *stage) error {
			st.beginShard(1)
			o := st.options(&scalar{})
			o.Queue = nil
			return st.do(New(o), st.task(1, 0))
		}, errNoQueue, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			st := newStage(t, server)
			st.put(mixed())
			st.deliver(st.scorer(), 1)
			err := tt.act(st)
			if !errors.Is(err, tt.kind) || Permanent(err) != tt.permanent {
				t.Errorf("error %v, for good: %t; want %v, %t", err, Permanent(err), tt.kind, tt.permanent)
			}
		})
	}
}
