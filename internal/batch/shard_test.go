package batch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
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
				// On a slow machine a short time is too short for what a receipt promises:
				// then the message comes back.
				if err := tt.other(st); err != nil && Permanent(err) {
					t.Errorf("the other: %v", err)
				} else if err != nil {
					st.queue.back(st.task(1, 0))
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
