package test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// jobRows is a large input: numbers, and words at places that are known.
const jobRows = 60_000

func isWord(i int) bool { return i%7919 == 3 }

// largeInput drops rows as JSON lines, half a megabyte.
func largeInput(t *testing.T) object {
	t.Helper()
	var text strings.Builder
	for i := range jobRows {
		if isWord(i) {
			fmt.Fprintf(&text, "\"word %d\"\n", i)
		} else {
			fmt.Fprintf(&text, "%d\n", 2*i)
		}
	}
	return drop(t, "rows.jsonl", text.String())
}

// success is the seal of a job.
type success struct {
	Input, InputVersion string
	Model               struct{ Name, Version string }
	Parts               []struct {
		Key          string
		Rows, Errors int64
	}
	Rows, Errors int64
}

// sealed is the seal of the job for an input, nil as long as there is none.
func sealed(t *testing.T, in object) *success {
	t.Helper()
	text, ok := readKey(t, outbox, in.key+".parts/_SUCCESS")
	if !ok {
		return nil
	}
	s := new(success)
	if err := json.Unmarshal([]byte(text), s); err != nil {
		t.Errorf("_SUCCESS %q: %v", text, err)
	}
	return s
}

// checkJob holds the parts of a job to the exact rows: none missing, none twice, each
// in its place.
func checkJob(t *testing.T, in object) *success {
	t.Helper()
	s := sealed(t, in)
	if s == nil {
		t.Fatal("the job is not sealed")
	}
	row, words := 0, 0
	for _, part := range s.Parts {
		text, ok := readKey(t, outbox, part.Key)
		got := lines(text)
		if !ok || int64(len(got)) != part.Rows {
			t.Fatalf("part %s has %d rows, its seal says %d", part.Key, len(got), part.Rows)
		}
		for _, line := range got {
			want := fmt.Sprintf(`{"prediction":%d.0}`, row+2)
			if isWord(row) {
				want = `{"error":"`
				words++
			}
			if !strings.HasPrefix(line, want) {
				t.Fatalf("row %d in %s is %s, want %s", row, part.Key, line, want)
			}
			row++
		}
	}
	if row != jobRows || s.Rows != jobRows || s.Errors != int64(words) {
		t.Errorf("%d rows, of which %d are errors; the seal says %d and %d; want %d rows", row, words, s.Rows, s.Errors, jobRows)
	}
	checkFolder(t, in, s)
	return s
}

// checkFolder looks for what does not belong to a job: parts that the seal does not
// name, and uploads that nobody will end.
func checkFolder(t *testing.T, in object, s *success) {
	t.Helper()
	var parts []string
	for _, p := range s.Parts {
		parts = append(parts, path.Base(p.Key))
	}
	if !slices.IsSorted(parts) {
		t.Errorf("parts are not in the order of their names: %v", parts)
	}
	prefix := in.key + ".parts/"
	list, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(outbox), Prefix: &prefix})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range list.Contents {
		name := path.Base(*o.Key)
		if !strings.HasPrefix(name, "_") && !slices.Contains(parts, name) {
			t.Errorf("%s is not part of the job", name)
		}
	}
}

// uploads are the multipart uploads under way below an input's outputs.
func uploads(t *testing.T, in object) int {
	t.Helper()
	list, err := client.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String(outbox), Prefix: &in.key})
	if err != nil {
		t.Fatal(err)
	}
	return len(list.Uploads)
}

// A large object is cut up by one function and scored by several, whatever the queue
// does to the messages.
func TestJobAcrossProcesses(t *testing.T) {
	t.Parallel()
	q := newQueue(t)
	in := largeInput(t)
	q.start(3, "BATCH_SHARD_BYTES=65536")
	q.send(s3Event(in))
	q.poll(func() bool { return sealed(t, in) != nil })
	s := checkJob(t, in)
	if len(s.Parts) < 6 {
		t.Errorf("%d parts of 64 KiB each, from %d rows", len(s.Parts), jobRows)
	}
	if n := q.deadLetters(); n > 0 {
		t.Errorf("%d messages were given up", n)
	}
	if n := uploads(t, in); n > 0 {
		t.Errorf("%d uploads are left", n)
	}
	// The event comes once more: the job is done, and stays as it is.
	q.send(s3Event(in))
	before, _ := readKey(t, outbox, in.key+".parts/_SUCCESS")
	var delivered atomic.Bool
	q.poll(func() bool { return delivered.Swap(true) })
	if after, _ := readKey(t, outbox, in.key+".parts/_SUCCESS"); after != before {
		t.Errorf("sealed again:\n%s\n%s", before, after)
	}
}

// Functions are killed at the worst moments: when a part, a receipt or the seal is
// about to be written, and when it has been and nobody has been told. Every row is
// there once all the same.
func TestKilledShardsAreTakenUp(t *testing.T) {
	t.Parallel()
	q := newQueue(t)
	in := largeInput(t)
	killer := newKiller(t, in)
	q.start(2, "BATCH_SHARD_BYTES=131072", "AWS_ENDPOINT_URL_S3="+killer.URL)
	killer.kill = func() {
		for i := range q.functions {
			q.kill(i)
		}
	}
	q.send(s3Event(in))
	q.poll(func() bool { return sealed(t, in) != nil && killer.left() == 0 })
	checkJob(t, in)
	if n := killer.left(); n > 0 {
		t.Errorf("%d of the deaths did not happen", n)
	}
}

// killer is a proxy before the S3 server that has functions killed when they write
// certain objects of a job.
type killer struct {
	*httptest.Server
	kill func()

	mu     sync.Mutex
	deaths []death
}

// death is one: when an object is written whose name begins so, before the server
// has it or after.
type death struct {
	name  string
	after bool
}

func newKiller(t *testing.T, in object) *killer {
	t.Helper()
	server, err := url.Parse(store.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			host := r.In.Host // signed
			r.SetURL(server)
			r.Out.Host = host
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	k := &killer{deaths: []death{
		{"_PLAN.json", true}, {"part-00001", false}, {"_part-00002", true}, {"part-00000", true}, {"_SUCCESS", false},
	}}
	folder := "/" + outbox + "/" + in.key + ".parts/"
	k.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := strings.CutPrefix(r.URL.Path, folder)
		d, fatal := death{}, false
		if ok && r.Method == http.MethodPut {
			d, fatal = k.take(name)
		}
		if fatal && !d.after {
			k.kill()
			return
		}
		if fatal {
			// The server is to have all of it, whatever becomes of the sender.
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Errorf("read what is put: %v", err)
			}
			r = r.WithContext(context.WithoutCancel(r.Context()))
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			k.kill()
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(k.Close)
	return k
}

// take takes the death that is due for an object of the given name.
func (k *killer) take(name string) (death, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i, d := range k.deaths {
		if strings.HasPrefix(name, d.name) {
			k.deaths = slices.Delete(k.deaths, i, i+1)
			return d, true
		}
	}
	return death{}, false
}

func (k *killer) left() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.deaths)
}

// A message about an object that is not there is given up after its deliveries, while
// others are done.
func TestPoisonMessageReachesTheDeadLetters(t *testing.T) {
	t.Parallel()
	q := newQueue(t)
	q.start(1)
	good := drop(t, "rows.jsonl", fourRows)
	q.send(s3Event(object{key: newPrefix() + "/gone.jsonl"}))
	q.send(s3Event(good))
	q.poll(func() bool { return q.deadLetters() > 0 })
	checkFour(t, good)
}

// The steps of a job are tasks that a state machine can take by itself.
func TestStepsByHand(t *testing.T) {
	t.Parallel()
	f := scorer(t, "BATCH_SHARD_BYTES=131072")
	in := largeInput(t)
	var plan struct {
		Plan   string
		Shards int
	}
	task(t, f, `{"task":"plan","input":"s3://inbox/`+in.key+`"}`, &plan)
	if want := "s3://outbox/" + in.key + ".parts/_PLAN.json"; plan.Plan != want || plan.Shards < 3 {
		t.Fatalf("plan %+v, want %s", plan, want)
	}
	seal := fmt.Sprintf(`{"task":"seal","plan":%q}`, plan.Plan)
	if result := f.send(seal); result.ErrorType != "Unsealed" {
		t.Errorf("a seal before the shards: %s %s %s", result.Body, result.ErrorType, result.ErrorMessage)
	}
	var rows, failed int64
	for i := plan.Shards - 1; i >= 0; i-- {
		var shard struct {
			Rows, Errors int64
			Part         string
			Next         any
		}
		task(t, f, fmt.Sprintf(`{"task":"shard","plan":%q,"index":%d,"hop":0}`, plan.Plan, i), &shard)
		if want := fmt.Sprintf("s3://outbox/%s.parts/part-%05d-of-%05d.jsonl", in.key, i, plan.Shards); shard.Part != want || shard.Next != nil {
			t.Errorf("shard %d: %+v, want %s", i, shard, want)
		}
		rows, failed = rows+shard.Rows, failed+shard.Errors
	}
	var end struct {
		Rows, Errors int64
		Success      string
	}
	task(t, f, seal, &end)
	if want := "s3://outbox/" + in.key + ".parts/_SUCCESS"; end.Rows != rows || end.Errors != failed || end.Success != want {
		t.Errorf("seal %+v after shards of %d rows and %d errors", end, rows, failed)
	}
	checkJob(t, in)
}

// task does a task and reads its reply.
func task(t *testing.T, f *function, text string, reply any) {
	t.Helper()
	result := f.send(text)
	if err := json.Unmarshal(result.Body, reply); err != nil || result.ErrorType != "" {
		t.Fatalf("%s: %s %s %s", text, result.Body, result.ErrorType, result.ErrorMessage)
	}
}

// A shard that cannot end before the deadline of its invocation hands its rest on.
func TestDeadlineHandsTheRestOn(t *testing.T) {
	t.Parallel()
	q := newQueue(t)
	// Each row counts to its number, in steps of about 5 µs.
	const n, steps = 4000, 400
	in := drop(t, "rows.jsonl", strings.Repeat(fmt.Sprintf("%d\n", steps), n))
	q.deadline = 2 * time.Second
	q.start(2, "MODEL_URI="+absolute(t, "models/slow"), "BATCH_SHARD_BYTES=12000", "BATCH_ROWS=1")
	q.send(s3Event(in))
	q.poll(func() bool { return sealed(t, in) != nil })
	s := sealed(t, in)
	if s == nil {
		t.Fatal("the job is not sealed")
	}
	hops := 0
	var all string
	for _, part := range s.Parts {
		if strings.Contains(path.Base(part.Key), ".01-of-") {
			hops++
		}
		text, _ := readKey(t, outbox, part.Key)
		all += text
	}
	if want := strings.Repeat(fmt.Sprintf("{\"prediction\":%d}\n", steps), n); all != want {
		t.Errorf("%d rows in %d parts, want %d", len(lines(all)), len(s.Parts), n)
	}
	if hops == 0 {
		t.Errorf("no shard handed a rest on: %+v", s.Parts)
	}
	checkFolder(t, in, s)
}
