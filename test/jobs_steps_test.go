package test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// planReply, shardReply and sealReply are what the steps of a job answer.
type (
	planReply struct {
		Plan   string
		Shards int
	}
	shardReply struct {
		Rows, Errors int64
		Part         string
		Next         json.RawMessage
	}
	sealReply struct {
		Rows, Errors int64
		Success      string
	}
)

// stepRows is how many rows an input has whose job is done step by step.
const stepRows = 4000

// Every format that can be split is, where its records end. A state machine takes the
// steps, in its own order; each says what it did, and repeating one changes nothing.
func TestStepsByHandForEveryFormat(t *testing.T) {
	t.Parallel()
	f := scorer(t, raw(t), "BATCH_SHARD_BYTES=6000")
	for _, c := range []struct {
		name    string
		content func() (string, []string)
	}{
		{"rows.jsonl", func() (string, []string) { return numberedRows(stepRows) }},
		{"rows.csv", csvRows},
		{"rows.npy", func() (string, []string) { return npyRows(), listed() }},
		{"rows.tfrecord", func() (string, []string) { return recordRows(), listed() }},
		{"rows.parquet", func() (string, []string) { return parquetRows(t), listed() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			content, want := c.content()
			in := drop(t, c.name, content)
			folder := "s3://outbox/" + in.key + ".parts/"
			var plan, again planReply
			planTask := fmt.Sprintf(`{"task":"plan","input":"s3://inbox/%s"}`, in.key)
			task(t, f, planTask, &plan)
			if plan.Plan != folder+"_PLAN.json" || plan.Shards < 3 {
				t.Fatalf("plan %+v, want several shards in %s", plan, folder)
			}
			seal := fmt.Sprintf(`{"task":"seal","plan":%q}`, plan.Plan)
			var rows, failed int64
			for i := plan.Shards - 1; i >= 0; i-- {
				// A seal before the last shard is refused, and says what is missing.
				name := fmt.Sprintf("part-%05d-of-%05d.jsonl", i, plan.Shards)
				if r := f.send(seal); r.ErrorType != "Unsealed" || !strings.Contains(r.ErrorMessage, "part-00000-of-") {
					t.Fatalf("seal before %s: %s %s %s", name, r.Body, r.ErrorType, r.ErrorMessage)
				}
				var shard, repeated shardReply
				shardTask := fmt.Sprintf(`{"task":"shard","plan":%q,"index":%d,"hop":0}`, plan.Plan, i)
				task(t, f, shardTask, &shard)
				if shard.Part != folder+name || shard.Next != nil || shard.Rows == 0 {
					t.Fatalf("shard %d: %+v, want rows in %s", i, shard, name)
				}
				task(t, f, shardTask, &repeated)
				if repeated.Part != shard.Part || repeated.Rows != shard.Rows || repeated.Errors != shard.Errors {
					t.Errorf("shard %d again: %+v, want %+v", i, repeated, shard)
				}
				rows, failed = rows+shard.Rows, failed+shard.Errors
			}
			for range 2 {
				var end sealReply
				task(t, f, seal, &end)
				if end != (sealReply{rows, failed, folder + "_SUCCESS"}) {
					t.Errorf("seal %+v, want %d rows, %d errors", end, rows, failed)
				}
			}
			task(t, f, planTask, &again)
			if again != plan {
				t.Errorf("plan again: %+v, want %+v", again, plan)
			}
			if s := exactJob(t, in, want); len(s.Parts) != plan.Shards {
				t.Errorf("%d parts of %d shards", len(s.Parts), plan.Shards)
			}
		})
	}
}

// What has no safe place to be cut at is refused, before anything is written; an event
// about it has it scored as a whole.
func TestPlanRefusesWhatCannotBeSplit(t *testing.T) {
	t.Parallel()
	// Nobody listens at the queue, so an event that asked for it would fail.
	f := scorer(t, raw(t), "BATCH_SHARD_BYTES=6", "BATCH_QUEUE_URL=http://127.0.0.1:1/queue/none")
	for name, content := range map[string]string{
		"rows.csv":      "x\n1\n\"2\n3\"\n4\n5\n6\n7\n8\n9\n",
		"rows.json":     `[1,2,3,4,5,6,7,8]`,
		"rows.jsonl.gz": string(gzipped(t, []byte("1\n2\n3\n4\n5\n6\n"))),
	} {
		in := drop(t, name, content)
		if r := f.send(fmt.Sprintf(`{"task":"plan","input":"s3://inbox/%s"}`, in.key)); r.ErrorType != "NoSplit" || !strings.Contains(r.ErrorMessage, in.key) {
			t.Errorf("plan of %s: %s %s %s, want NoSplit", name, r.Body, r.ErrorType, r.ErrorMessage)
		}
		if text, ok := readKey(t, outbox, in.key+".parts/_PLAN.json"); ok {
			t.Errorf("%s has a plan: %s", name, text)
		}
		if r := f.send(s3Event(in)); r.ErrorType != "" {
			t.Errorf("%s as a whole: %s %s", name, r.ErrorType, r.ErrorMessage)
		}
		if _, ok := outputOf(t, in); !ok {
			t.Errorf("%s has no output", name)
		}
	}
}
