package batch

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
)

// What the seal task does, by what is there. 40 rows, two of which fail.
func TestSealByWhatIsThere(t *testing.T) {
	server := startServer(t)
	for _, tt := range []struct {
		name    string
		before  func(st *stage)
		missing string // in the error, ErrUnsealed; empty: it seals
	}{
		{name: "all shards are finished",
			before: func(st *stage) { st.shards(0, 1, 2, 3); st.remove(successName) }},
		{name: "the job is sealed",
			before: func(st *stage) { st.shards(0, 1, 2, 3) }},
		{name: "a shard of two hops",
			before: func(st *stage) { st.beginShard(1); st.drain(st.scorer()); st.shards(0, 2, 3); st.remove(successName) }},
		{name: "nothing is scored", missing: "4 of 4: part-00000-of-00004.jsonl, part-00001-of-00004.jsonl, part-00002-of-00004.jsonl, part-00003-of-00004.jsonl",
			before: func(*stage) {}},
		{name: "a shard is missing", missing: "1 of 4: part-00002-of-00004.jsonl",
			before: func(st *stage) { st.shards(0, 1, 3) }},
		{name: "a rest is missing", missing: "1 of 4: part-00001.01-of-00004.jsonl",
			before: func(st *stage) { st.beginShard(1); st.shards(0, 2, 3) }},
		{name: "a part is missing", missing: "1 of 4: part-00002-of-00004.jsonl",
			before: func(st *stage) { st.shards(0, 1, 2); st.remove("part-00002-of-00004.jsonl"); st.shards(3) }},
		{name: "a receipt is missing", missing: "1 of 4: part-00002-of-00004.jsonl",
			before: func(st *stage) { st.shards(0, 1, 2); st.remove("_part-00002-of-00004.json"); st.shards(3) }},
		{name: "a part of nobody", missing: "1 of 4: part-00002-of-00004.jsonl",
			before: func(st *stage) {
				st.shards(0, 1, 2)
				data, _ := st.read("part-00002-of-00004.jsonl")
				st.writeMeta("part-00002-of-00004.jsonl", data, nil)
				st.shards(3)
			}},
		{name: "a receipt that ends behind its shard", missing: "1 of 4: part-00002-of-00004.jsonl",
			before: func(st *stage) {
				st.shards(0, 1, 2)
				text, meta := st.read("_part-00002-of-00004.json")
				st.writeMeta("_part-00002-of-00004.json", replaceOne(t, text, `"next":null`, `"next":{"offset":121}`), meta)
				st.shards(3)
			}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			st := newStage(t, server)
			st.put(mixed())
			st.deliver(st.scorer(), 1)
			st.queue.all()
			tt.before(st)
			reply, err := st.scorer().Task(t.Context(), asJSON(t, Task{Task: "seal", Plan: st.planURI().String()}), false)
			if tt.missing != "" {
				if !errors.Is(err, ErrUnsealed) || Permanent(err) || !contains(err, tt.missing) {
					t.Errorf("error %v, want %q, and not for good", err, tt.missing)
				}
				if st.has(successName) {
					t.Error("it was sealed")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := fmt.Sprintf(`{"rows":40,"errors":2,"success":"%s"}`, st.out.Join(inputKey+".parts/_SUCCESS"))
			if got := string(asJSON(t, reply)); got != want {
				t.Errorf("reply %s, want %s", got, want)
			}
			st.exact(mixed())
		})
	}
}

// _SUCCESS is read by other programs.
func TestSealSaysWhatItSeals(t *testing.T) {
	st := newStage(t, startServer(t))
	st.put([]string{"100", "bad", "102", "103", "104", "105", "106", "107", "108", "109", "110", "111"})
	st.deliver(st.scorer(), 1)
	st.drain(st.scorer())
	_, meta := st.read("part-00000-of-00002.jsonl")
	want := `{
 "input": "` + st.in.String() + `",
 "inputVersion": "` + meta[metaVersion] + `",
 "model": {
  "name": "half",
  "version": "1",
  "sha256": "abcd"
 },
 "parts": [
  {
   "key": "answers/day/rows.jsonl.parts/part-00000-of-00002.jsonl",
   "rows": 6,
   "errors": 1
  },
  {
   "key": "answers/day/rows.jsonl.parts/part-00001-of-00002.jsonl",
   "rows": 6,
   "errors": 0
  }
 ],
 "rows": 12,
 "errors": 1
}`
	if got, _ := st.read(successName); string(got) != want {
		t.Errorf("seal is %s, want %s", got, want)
	}
	if len(meta[metaVersion]) != 32 || meta[metaInput] != st.in.String() {
		t.Errorf("a part has the metadata %v, want the ETag and the URI of the input", meta)
	}
}

// A job without an answer is sealed, and fails for good: whoever seals it says so,
// and so does the seal task whenever it is asked. Another delivery finds it done.
func TestJobWhoseRowsAllFail(t *testing.T) {
	st := newStage(t, startServer(t))
	values := slices.Repeat([]string{"bad"}, 40)
	st.put(values)
	st.deliver(st.scorer(), 1)
	st.queue.all()
	st.shards(0, 1, 2)
	reply, err := st.scorer().Task(t.Context(), asJSON(t, st.task(3, 0)), true)
	if !errors.Is(err, ErrAllRowsFailed) || !Permanent(err) || reply == nil {
		t.Errorf("the last shard: %v, %v; want its reply and ErrAllRowsFailed", reply, err)
	}
	st.exact(values)
	reply, err = st.scorer().Task(t.Context(), asJSON(t, Task{Task: "seal", Plan: st.planURI().String()}), false)
	if !errors.Is(err, ErrAllRowsFailed) || reply == nil {
		t.Errorf("seal: %v, %v; want its reply and ErrAllRowsFailed", reply, err)
	}
	if err := st.do(st.scorer(), st.task(3, 0)); err != nil {
		t.Errorf("the last shard again: %v", err)
	}
	if r := st.deliver(st.scorer(), 1); r.Skipped != Done || r.Errors != 40 {
		t.Errorf("the event again: %+v", r)
	}
}

// The rests of older plans go before the seal comes; what else lies there is not
// this program's.
func TestSealRemovesWhatOlderPlansLeft(t *testing.T) {
	st := newStage(t, startServer(t))
	st.put(numbers(200, 90))
	st.deliver(st.scorer(), 1)
	st.beginShard(1)
	st.drain(st.scorer())
	st.put(mixed())
	st.deliver(st.scorer(), 2)
	st.write(st.out.Join(inputKey+".parts/notes.txt"), []byte("mine"))
	st.write(st.out.Join(inputKey+".parts/part-of-the-docs.md"), []byte("mine"))
	st.drain(st.scorer())
	want := []string{
		planName, successName,
		"_part-00000-of-00004.json", "_part-00001-of-00004.json", "_part-00002-of-00004.json", "_part-00003-of-00004.json",
		"notes.txt",
		"part-00000-of-00004.jsonl", "part-00001-of-00004.jsonl", "part-00002-of-00004.jsonl", "part-00003-of-00004.jsonl",
		"part-of-the-docs.md",
	}
	if got := st.keys(); !slices.Equal(got, want) {
		t.Errorf("there are %q, want %q", got, want)
	}
}

// Two that seal at once write one seal.
func TestTwoSealAtOnce(t *testing.T) {
	st := newStage(t, startServer(t))
	st.put(mixed())
	st.deliver(st.scorer(), 1)
	st.queue.all()
	st.shards(0, 1, 2)
	seal := asJSON(t, Task{Task: "seal", Plan: st.planURI().String()})
	st.gate.on(rule{method: http.MethodPut, suffix: "/" + successName, before: func() {
		if _, err := st.scorer().Task(t.Context(), seal, false); err != nil {
			t.Errorf("the other: %v", err)
		}
	}})
	st.shards(3)
	if !st.gate.used() {
		t.Fatal("they did not meet")
	}
	st.exact(mixed())
}
