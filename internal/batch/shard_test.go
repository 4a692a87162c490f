package batch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/blob"
)

// mixed is the values of an input of four shards, with two rows that fail.
func mixed() []string {
	values := numbers(100, 40)
	values[13], values[39] = "bad", "bad"
	return values
}

// An invocation may die at any of its writes, before it is done or behind it. What
// is delivered again then, the message or the event, ends in the exact rows.
func TestEveryCrashIsRecovered(t *testing.T) {
	server := startServer(t)
	for _, tt := range []struct {
		name   string
		before func(st *stage)
		// act is the invocation that dies.
		act  func(st *stage, ctx context.Context) error
		task Task // what is delivered again; the zero Task: the event
	}{
		{
			name:   "planning",
			before: func(*stage) {},
			act:    func(st *stage, ctx context.Context) error { return st.event1(ctx) },
		}, {
			name: "planning over a job that was sealed",
			before: func(st *stage) {
				st.put(numbers(200, 60))
				st.deliver(st.scorer(), 0)
				st.drain(st.scorer())
				st.put(mixed())
			},
			act: func(st *stage, ctx context.Context) error { return st.event1(ctx) },
		}, {
			name:   "a hop that hands on",
			before: func(st *stage) { st.deliver(st.scorer(), 1); st.queue.takeShard(1) },
			act:    func(st *stage, ctx context.Context) error { return st.hurry(ctx, st.task(1, 0)) },
			task:   Task{Index: 1},
		}, {
			name: "the last hop of a shard",
			before: func(st *stage) {
				st.deliver(st.scorer(), 1)
				st.queue.takeShard(1)
				st.beginShard(1)
				st.queue.takeShard(1)
			},
			act:  func(st *stage, ctx context.Context) error { return st.doAs(ctx, st.task(1, 1)) },
			task: Task{Index: 1, Hop: 1},
		}, {
			name: "the last shard of a job, over the rests of an older one",
			before: func(st *stage) {
				st.put(numbers(200, 60))
				st.deliver(st.scorer(), 0)
				st.drain(st.scorer())
				st.put(mixed())
				st.deliver(st.scorer(), 1)
				st.queue.all()
				st.shards(0, 1, 3)
			},
			act:  func(st *stage, ctx context.Context) error { return st.doAs(ctx, st.task(2, 0)) },
			task: Task{Index: 2},
		},
	} {
		for _, lose := range []bool{false, true} {
			for _, byEvent := range []bool{false, true} {
				if byEvent && tt.task == (Task{}) {
					continue // that is the same
				}
				name := fmt.Sprintf("%s/answer lost %t/event again %t", tt.name, lose, byEvent)
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					for n, reached := 0, true; reached && !t.Failed(); n++ {
						t.Run(fmt.Sprint("write ", n), func(t *testing.T) {
							st := newStage(t, server)
							st.put(mixed())
							tt.before(st)
							ctx, crash := st.crashing(n, lose)
							err := tt.act(st, ctx)
							st.over()
							reached = crash.at != ""
							behind := lose && err == nil // the last write, whose answer nobody waits for
							if reached && !behind && !errors.Is(err, context.Canceled) {
								t.Fatalf("at %s: error %v, want that of the crash", crash.at, err)
							}
							switch {
							case byEvent:
								st.queue.all()
								st.deliver(st.scorer(), 1)
							case tt.task == Task{}:
								st.deliver(st.scorer(), 1)
							default:
								st.queue.back(st.task(tt.task.Index, tt.task.Hop))
							}
							st.drain(st.scorer())
							st.exact(mixed())
						})
					}
				})
			}
		}
	}
}

// Two invocations that score the same hop end with one part, whoever is quicker.
func TestTwoScoreTheSameHop(t *testing.T) {
	server := startServer(t)
	whole := func(st *stage) error { return st.doAs(st.Context(), st.task(1, 0)) }
	short := func(st *stage) error { return st.hurry(st.Context(), st.task(1, 0)) }
	dying := func(how func(st *stage, ctx context.Context) error) func(st *stage) error {
		return func(st *stage) error { // between receipt and part
			ctx, _ := st.crashing(1, false)
			defer st.over()
			if err := how(st, ctx); !errors.Is(err, context.Canceled) {
				return fmt.Errorf("error %w, want that of the crash", err)
			}
			return nil
		}
	}
	const receipt, part = "_part-00001-of-00004.json", "part-00001-of-00004.jsonl"
	for _, tt := range []struct {
		name  string
		at    string // what the first is about to write when the second comes
		other func(st *stage) error
		first func(st *stage) error
	}{
		{"412 on the receipt, the other ended at the same row", receipt, whole, whole},
		{"412 on the receipt, the other ended earlier", receipt, short, whole},
		{"412 on the receipt, the other ended later", receipt, whole, short},
		{"412 on the receipt, the other ended earlier and died", receipt, dying(func(st *stage, ctx context.Context) error { return st.hurry(ctx, st.task(1, 0)) }), whole},
		{"412 on the receipt, the other ended later and died", receipt, dying(func(st *stage, ctx context.Context) error { return st.doAs(ctx, st.task(1, 0)) }), short},
		{"412 on the receipt, the other ended at the same row and died", receipt, dying(func(st *stage, ctx context.Context) error { return st.doAs(ctx, st.task(1, 0)) }), whole},
		{"412 on the part, the other wrote it after the same receipt", part, whole, whole},
		{"412 on the part, that of the first's own rows", part, short, short},
	} {
		t.Run(tt.name, func(t *testing.T) {
			st := newStage(t, server)
			st.put(mixed())
			st.deliver(st.scorer(), 1)
			st.queue.takeShard(1)
			st.gate.on(rule{method: http.MethodPut, suffix: "/" + tt.at, before: func() {
				if err := tt.other(st); err != nil {
					t.Errorf("the other: %v", err)
				}
			}})
			if err := tt.first(st); err != nil && Permanent(err) {
				t.Fatal(err)
			} else if err != nil {
				st.queue.back(st.task(1, 0))
			}
			if !st.gate.used() {
				t.Fatal("they did not meet")
			}
			st.drain(st.scorer())
			st.exact(mixed())
		})
	}
}

// While a write is under way S3 answers 409 to another one: it is done again.
func TestConflictingWritesAreDoneAgain(t *testing.T) {
	server := startServer(t)
	for _, name := range []string{"/_part-00001-of-00004.json", "/part-00001-of-00004.jsonl", "/" + successName} {
		t.Run(name, func(t *testing.T) {
			st := newStage(t, server)
			st.put(mixed())
			st.deliver(st.scorer(), 1)
			st.gate.on(conflict(name))
			st.drain(st.scorer())
			if !st.gate.used() {
				t.Fatal("there was no conflict")
			}
			st.exact(mixed())
		})
	}
}

// A newer version of the input comes while the older one is being scored: whatever
// the older invocation was about to write, the job ends with the newer rows.
func TestPlanIsReplacedWhileAShardIsScored(t *testing.T) {
	server := startServer(t)
	newer := numbers(300, 60) // other shards
	similar := mixed()        // the same shards, and the same rows in all but the last
	similar[38] = "777"
	for _, values := range [][]string{newer, similar} {
		for _, about := range []struct {
			hop  int
			name string // what the older invocation is about to write
		}{
			{0, "_part-00003-of-00004.json"}, {0, "part-00003-of-00004.jsonl"}, {0, successName},
			{1, "_part-00003.01-of-00004.json"}, {1, "part-00003.01-of-00004.jsonl"}, {1, successName},
		} {
			for _, far := range []string{"planned", "scored in part", "sealed"} {
				t.Run(fmt.Sprintf("%d rows are %s before %s of hop %d", len(values), far, about.name, about.hop), func(t *testing.T) {
					t.Parallel()
					st := newStage(t, server)
					st.put(mixed())
					st.deliver(st.scorer(), 1)
					st.queue.all()
					st.shards(0, 1, 2)
					if about.hop == 1 {
						st.beginShard(3)
						st.queue.all()
					}
					st.gate.on(rule{method: http.MethodPut, suffix: "/" + about.name, before: func() {
						st.put(values)
						st.deliver(st.scorer(), 2)
						switch far {
						case "scored in part":
							st.queue.takeShard(0)
							st.queue.takeShard(3)
							st.shards(0, 3)
						case "sealed":
							st.drain(st.scorer())
						}
					}})
					if err := st.doAs(t.Context(), st.task(3, about.hop)); err != nil && Permanent(err) {
						t.Errorf("error %v, want one that is tried again", err)
					}
					if !st.gate.used() {
						t.Fatal("they did not meet")
					}
					st.drain(st.scorer())
					st.exact(values)
				})
			}
		}
	}
}

// Where the older plan's input is gone, because the newer version took its place, its
// shard has not failed for good: the same message stands for the newer plan's.
func TestPlanIsReplacedBeforeAShardIsRead(t *testing.T) {
	st := newStage(t, startServer(t))
	st.put(mixed())
	st.deliver(st.scorer(), 1)
	st.queue.all()
	newer := numbers(300, 40)
	st.gate.on(rule{method: http.MethodGet, suffix: inputKey, before: func() { st.put(newer); st.deliver(st.scorer(), 2) }})
	if err := st.do(st.scorer(), st.task(3, 0)); !errors.Is(err, ErrConflict) || Permanent(err) {
		t.Errorf("error %v, want ErrConflict", err)
	}
	st.drain(st.scorer())
	st.exact(newer)
}

// In a bucket with versions the shards read the version of the event, whatever has
// come since.
func TestShardsReadTheVersionOfTheEvent(t *testing.T) {
	st := newStage(t, startServer(t))
	st.version()
	old := st.put(mixed())
	newest := st.put(numbers(500, 60))
	o := st.event(1)
	o.VersionID = old
	if _, err := st.scorer().Object(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	st.drain(st.scorer())
	st.exact(mixed())
	if text, _ := st.read(successName); !strings.Contains(string(text), `"inputVersion": "`+old+`"`) {
		t.Errorf("the seal says %s, want version %s", text, old)
	}
	o = st.event(2)
	o.VersionID = newest
	if _, err := st.scorer().Object(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	st.drain(st.scorer())
	st.exact(numbers(500, 60))
}

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
