package batch

import (
	"errors"
	"net/http"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/blob"
)

// What the delivery of an event for a large object does, by what is in the bucket.
func TestPlanByWhatIsThere(t *testing.T) {
	server := startServer(t)
	const all = "0.0 1.0 2.0 3.0"
	other := func(st *stage) *Scorer { return New(st.options(&scalar{name: "third"})) }
	joined := func(st *stage) *Scorer {
		o := st.options(&scalar{})
		o.Join = true
		return New(o)
	}
	// finish delivers version n and does all of it.
	finish := func(st *stage, s *Scorer, n int) {
		st.deliver(s, n)
		st.drain(s)
	}
	// meanwhile lets others act when the plan is about to be written.
	meanwhile := func(st *stage, act func()) {
		st.gate.on(rule{method: http.MethodPut, suffix: planName, before: func() { act(); st.queue.all() }})
	}
	for _, tt := range []struct {
		name   string
		before func(st *stage) // what has happened
		// What delivering version 2 does: sends tasks, or skips; whether the plan that
		// was there when it began is another one then, and whether there is a seal.
		tasks    string
		skipped  string
		replaced bool
		sealed   bool
	}{
		{name: "nothing", tasks: all, replaced: true,
			before: func(*stage) {}},
		{name: "the same plan, nothing scored", tasks: all,
			before: func(st *stage) { st.deliver(st.scorer(), 2) }},
		{name: "two shards are finished", tasks: "0.0 3.0",
			before: func(st *stage) { st.deliver(st.scorer(), 2); st.shards(1, 2) }},
		{name: "a receipt without its part", tasks: "0.0 1.0 2.0 3.0",
			before: func(st *stage) { st.deliver(st.scorer(), 2); st.shards(1); st.remove("part-00001-of-00004.jsonl") }},
		{name: "a part without its receipt", tasks: "0.0 1.0 2.0 3.0",
			before: func(st *stage) { st.deliver(st.scorer(), 2); st.shards(1); st.remove("_part-00001-of-00004.json") }},
		{name: "a shard that was handed on", tasks: "0.0 1.1 2.0 3.0",
			before: func(st *stage) { st.deliver(st.scorer(), 2); st.beginShard(1) }},
		{name: "finished and not sealed", sealed: true,
			before: func(st *stage) { finish(st, st.scorer(), 2); st.remove(successName) }},
		{name: "sealed", skipped: Done, sealed: true,
			before: func(st *stage) { finish(st, st.scorer(), 2) }},
		{name: "an older version, being scored", tasks: all, replaced: true,
			before: func(st *stage) {
				st.put(numbers(200, 40))
				st.deliver(st.scorer(), 1)
				st.shards(1)
				st.put(numbers(100, 40))
			}},
		{name: "an older version, sealed", tasks: all, replaced: true,
			before: func(st *stage) { st.put(numbers(200, 40)); finish(st, st.scorer(), 1); st.put(numbers(100, 40)) }},
		{name: "a newer version, being scored", skipped: Superseded,
			before: func(st *stage) { st.put(numbers(200, 40)); st.deliver(st.scorer(), 3); st.put(numbers(100, 40)) }},
		{name: "a newer version, sealed", skipped: Superseded, sealed: true,
			before: func(st *stage) { st.put(numbers(200, 40)); finish(st, st.scorer(), 3); st.put(numbers(100, 40)) }},
		{name: "another model, sealed", tasks: all, replaced: true,
			before: func(st *stage) { finish(st, other(st), 2) }},
		{name: "other settings, sealed", tasks: all, replaced: true,
			before: func(st *stage) { finish(st, joined(st), 2) }},
		{name: "412, another delivery has planned meanwhile", tasks: all, replaced: true,
			before: func(st *stage) { meanwhile(st, func() { st.deliver(st.scorer(), 2) }) }},
		{name: "412, and that has finished", skipped: Done, replaced: true, sealed: true,
			before: func(st *stage) { meanwhile(st, func() { finish(st, st.scorer(), 2) }) }},
		{name: "412, a newer version was planned meanwhile", skipped: Superseded, replaced: true,
			before: func(st *stage) {
				meanwhile(st, func() { st.put(numbers(200, 40)); st.deliver(st.scorer(), 3) })
			}},
		{name: "412, another model has planned meanwhile", tasks: all, replaced: true,
			before: func(st *stage) { meanwhile(st, func() { st.deliver(other(st), 2) }) }},
		{name: "412, the older plan was replaced by a newer version that is sealed", skipped: Superseded, replaced: true, sealed: true,
			before: func(st *stage) {
				st.put(numbers(200, 40))
				finish(st, st.scorer(), 1)
				st.put(numbers(100, 40))
				meanwhile(st, func() { st.put(numbers(300, 40)); finish(st, st.scorer(), 3) })
			}},
		{name: "412, and the seal there is that of the newer version", skipped: Superseded, replaced: true, sealed: true,
			before: func(st *stage) {
				st.put(numbers(200, 40))
				finish(st, st.scorer(), 1)
				st.put(numbers(100, 40))
				st.gate.on(rule{method: http.MethodHead, suffix: successName, before: func() { st.put(numbers(300, 40)); finish(st, st.scorer(), 3) }})
			}},
		{name: "409 once", tasks: all, replaced: true,
			before: func(st *stage) { st.gate.on(conflict(planName)) }},
		{name: "the answer to the write is lost", tasks: all, replaced: true,
			before: func(st *stage) {
				st.gate.on(rule{method: http.MethodPut, suffix: planName, lose: true, after: func() {}})
			}},
		{name: "an older version is sealed while it is replaced", tasks: all, replaced: true,
			before: func(st *stage) {
				st.put(numbers(200, 40))
				finish(st, st.scorer(), 1)
				seal, meta := st.read(successName)
				st.put(numbers(100, 40))
				meanwhile(st, func() { st.writeMeta(successName, seal, meta) })
			}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			st := newStage(t, server)
			st.put(numbers(100, 40))
			tt.before(st)
			st.queue.all()
			planBefore := st.planID()

			r := st.deliver(st.scorer(), 2)

			if tasks := st.queue.all(); tasks != tt.tasks || r.Skipped != tt.skipped {
				t.Errorf("sent %q, skipped %q; want %q and %q", tasks, r.Skipped, tt.tasks, tt.skipped)
			}
			if replaced := st.planID() != planBefore; replaced != tt.replaced {
				t.Errorf("plan is another: %t, want %t", replaced, tt.replaced)
			}
			if st.has(successName) != tt.sealed {
				t.Errorf("sealed: %t, want %t", !tt.sealed, tt.sealed)
			}
			if tt.skipped == Superseded {
				return
			}
			if tt.tasks != "" && (r.Plan != st.planURI().String() || r.Shards != 4) {
				t.Errorf("report %+v, want the plan and 4 shards", r)
			}
			if tt.tasks == "" && (r.Rows != 40 || r.Errors != 0) {
				t.Errorf("report %+v, want 40 rows", r)
			}
			finish(st, st.scorer(), 2)
			st.exact(numbers(100, 40))
			if again := st.deliver(st.scorer(), 2); again.Skipped != Done || again.Rows != 40 {
				t.Errorf("once more: %+v, want done", again)
			}
		})
	}
}

// Nobody sees the seal of an older version beside a newer plan.
func TestSealGoesBeforeThePlan(t *testing.T) {
	st := newStage(t, startServer(t))
	st.put(numbers(200, 40))
	st.deliver(st.scorer(), 1)
	st.drain(st.scorer())
	st.put(numbers(100, 40))
	st.gate.on(rule{method: http.MethodPut, suffix: planName, before: func() {
		if st.has(successName) {
			t.Error("the seal is there when the plan is written")
		}
	}})
	st.deliver(st.scorer(), 2)
	if !st.gate.used() {
		t.Error("no plan was written")
	}
}

// A plan that others keep writing is left to them, and to another try.
func TestPlanThatOthersKeepWriting(t *testing.T) {
	st := newStage(t, startServer(t))
	st.put(numbers(100, 40))
	for range attempts {
		st.gate.on(conflict(planName))
	}
	_, err := st.scorer().Object(t.Context(), st.event(1))
	if !errors.Is(err, ErrConflict) || Permanent(err) {
		t.Errorf("error %v, want ErrConflict, and not for good", err)
	}
	if keys := st.keys(); len(keys) != 0 {
		t.Errorf("left %q", keys)
	}
}

// conflict is S3's answer to a conditional write while another write is under way.
func conflict(suffix string) rule {
	return rule{method: http.MethodPut, suffix: suffix, refuse: http.StatusConflict, code: "ConditionalRequestConflict"}
}

// A plan is read by people and by Step Functions: what it says is what was asked for.
func TestPlanTask(t *testing.T) {
	st := newStage(t, startServer(t))
	st.put(numbers(100, 40))
	reply, err := st.scorer().Task(t.Context(), asJSON(t, map[string]string{"task": "plan", "input": st.in.String()}), false)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(asJSON(t, reply)), `{"plan":"`+st.planURI().String()+`","shards":4}`; got != want {
		t.Errorf("reply %s, want %s", got, want)
	}
	if got := st.queue.all(); got != "" {
		t.Errorf("sent %s, and whoever calls drives the shards", got)
	}
}

func TestPlansThatCannotBe(t *testing.T) {
	st := newStage(t, startServer(t))
	st.put(numbers(100, 40))
	s := st.scorer()
	st.deliver(s, 1)
	good, _ := st.read(planName)
	for _, tt := range []struct{ name, old, new, err string }{
		{"another scheme", `"input": "s3://`, `"input": "/`, "no object in S3"},
		{"no identity", `"id": "`, `"id": "", "_": "`, "of what it is the plan"},
		{"a gap", `"offset": 80`, `"offset": 81`, "does not begin where the one before ends"},
		{"backwards", `"offset": 80`, `"offset": 20`, "does not begin where the one before ends"},
		{"no format", `"outputFormat": "jsonl"`, `"outputFormat": "../x"`, "no format of outputs"},
		{"no JSON", `{`, `<`, "invalid character"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			st.write(st.planURI(), replaceOne(t, good, tt.old, tt.new))
			for _, task := range []string{"shard", "seal"} {
				_, err := s.Task(t.Context(), asJSON(t, Task{Task: task, Plan: st.planURI().String()}), true)
				if !errors.Is(err, ErrTask) || !contains(err, tt.err) {
					t.Errorf("%s: error %v, want ErrTask and %q", task, err, tt.err)
				}
			}
		})
	}
}

func TestTasksThatCannotBe(t *testing.T) {
	st := newStage(t, startServer(t))
	st.put(numbers(100, 40))
	s := st.scorer()
	st.deliver(s, 1)
	plan := st.planURI().String()
	elsewhere := blob.URI{Scheme: blob.S3Scheme, Bucket: st.in.Bucket, Key: "day/x.parts/_PLAN.json"}
	for _, tt := range []struct {
		name string
		task Task
		kind error
	}{
		{"no plan", Task{Task: "shard"}, ErrTask},
		{"a plan in another bucket", Task{Task: "shard", Plan: elsewhere.String()}, ErrTask},
		{"a plan beside the outputs", Task{Task: "seal", Plan: "s3://" + st.out.Bucket + "/answers2/x.parts/_PLAN.json"}, ErrTask},
		{"a plan in a file", Task{Task: "seal", Plan: "file:///etc/passwd"}, ErrTask},
		{"no name of a plan", Task{Task: "seal", Plan: st.out.Join("x.json").String()}, ErrTask},
		{"a plan that is not there", Task{Task: "shard", Plan: st.out.Join("x.parts/_PLAN.json").String()}, blob.ErrNotFound},
		{"a shard too far", Task{Task: "shard", Plan: plan, Index: 4}, ErrTask},
		{"a shard before the first", Task{Task: "shard", Plan: plan, Index: -1}, ErrTask},
		{"a hop too far", Task{Task: "shard", Plan: plan, Hop: 100}, ErrTask},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := s.Task(t.Context(), asJSON(t, tt.task), true)
			if !errors.Is(err, tt.kind) || !Permanent(err) {
				t.Errorf("error %v, want %v, for good", err, tt.kind)
			}
		})
	}
	if keys := st.keys(); len(keys) != 1 {
		t.Errorf("wrong tasks left %q", keys)
	}
}
