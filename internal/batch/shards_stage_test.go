package batch

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
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

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/rows"
	"github.com/tensorlambda/tensorlambda/internal/versitygw"
)

// stage is an input in S3, a place for its answers, and a gate that all requests
// pass on their way.
type stage struct {
	*testing.T
	gate   *gate
	client *s3.Client // round the gate
	in     blob.URI
	out    blob.URI
	queue  *queue
}

// startServer starts an S3 server for a test and its subtests.
func startServer(t *testing.T) *versitygw.Server {
	t.Helper()
	server, err := versitygw.Start(t.Context(), versitygw.Options{Dir: t.TempDir(), Versioning: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

var stages atomic.Int64

const inputKey = "day/rows.jsonl"

func newStage(t *testing.T, server *versitygw.Server) *stage {
	t.Helper()
	n := stages.Add(1)
	st := &stage{T: t, gate: newGate(t, server.Endpoint()), queue: &queue{}}
	st.client = newTestClient(t, server, server.Endpoint())
	for _, bucket := range []string{fmt.Sprint("inbox-", n), fmt.Sprint("outbox-", n)} {
		if _, err := st.client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
			t.Fatal(err)
		}
	}
	st.in = blob.URI{Scheme: blob.S3Scheme, Bucket: fmt.Sprint("inbox-", n), Key: inputKey}
	st.out = blob.URI{Scheme: blob.S3Scheme, Bucket: fmt.Sprint("outbox-", n), Key: "answers/"}
	st.gate.client = newTestClient(t, server, st.gate.endpoint)
	return st
}

func newTestClient(t *testing.T, server *versitygw.Server, endpoint string) *s3.Client {
	t.Helper()
	client, err := blob.NewClient(t.Context(), blob.ClientOptions{
		Region: versitygw.Region, Endpoint: endpoint,
		AccessKeyID: server.Root().AccessKeyID, SecretAccessKey: server.Root().SecretAccessKey,
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// put writes the input: a row for each value, which is 100 and more.
func (st *stage) put(values []string) {
	st.Helper()
	st.write(st.in, []byte(strings.Join(values, "\n")+"\n"))
}

// write puts an object into a bucket, round the gate.
func (st *stage) write(at blob.URI, data []byte) {
	st.Helper()
	_, err := st.client.PutObject(st.Context(), &s3.PutObjectInput{Bucket: &at.Bucket, Key: &at.Key, Body: bytes.NewReader(data)})
	if err != nil {
		st.Fatal(err)
	}
}

// numbers are n values from from on.
func numbers(from, n int) []string {
	var v []string
	for i := range n {
		v = append(v, fmt.Sprint(from+i))
	}
	return v
}

// options are those of a function with one worker and blocks of one row, whose shards
// have ten rows of three digits and a line feed.
func (st *stage) options(m *scalar) Options {
	return Options{
		Store:  blob.Stores{S3: blob.NewS3(st.gate.client, blob.S3Options{})},
		Model:  func(context.Context) (*infer.Model, error) { return m.model(), nil },
		Output: st.out, ShardBytes: 40, Queue: st.queue, Workers: 1,
		Limits: rows.Limits{BlockRows: 1}, Logger: slog.New(slog.DiscardHandler),
	}
}

func (st *stage) scorer() *Scorer { return New(st.options(&scalar{})) }

// event is what S3 tells of the input, as version n of it.
func (st *stage) event(n int) Object {
	return Object{URI: st.in, Sequencer: fmt.Sprintf("%04X", n)}
}

// deliver delivers an event that must be taken.
func (st *stage) deliver(s *Scorer, n int) Report {
	st.Helper()
	r, err := s.Object(st.Context(), st.event(n))
	if err != nil {
		st.Fatal(err)
	}
	return r
}

// planURI is where the plan for the input belongs.
func (st *stage) planURI() blob.URI { return st.out.Join(inputKey + ".parts/_PLAN.json") }

// drain does the tasks of the queue until there are none. Tasks that fail come
// again, a few times.
func (st *stage) drain(s *Scorer) {
	st.Helper()
	for failures := 0; ; {
		task, ok := st.queue.take()
		if !ok {
			return
		}
		if err := st.do(s, task); err != nil {
			if failures++; Permanent(err) || failures == 5 {
				st.Fatalf("task %+v: %v", task, err)
			}
			st.queue.back(task)
		}
	}
}

// do does one task from the queue.
func (st *stage) do(s *Scorer, task Task) error {
	_, err := s.Task(st.Context(), asJSON(st.T, task), true)
	return err
}

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// keys are the objects of the job, by the ends of their names.
func (st *stage) keys() []string {
	st.Helper()
	store := blob.NewS3(st.client, blob.S3Options{})
	prefix := st.out.Join(inputKey + ".parts/")
	objects, err := store.List(st.Context(), prefix)
	if err != nil {
		st.Fatal(err)
	}
	var names []string
	for _, o := range objects {
		names = append(names, strings.TrimPrefix(o.URI.Key, prefix.Key))
	}
	return names
}

func (st *stage) has(name string) bool { return slices.Contains(st.keys(), name) }

// read is the content and the metadata of one of the job's objects.
func (st *stage) read(name string) ([]byte, map[string]string) {
	st.Helper()
	key := st.out.Join(inputKey + ".parts/" + name).Key
	o, err := st.client.GetObject(st.Context(), &s3.GetObjectInput{Bucket: &st.out.Bucket, Key: &key})
	if err != nil {
		st.Fatalf("%s: %v", name, err)
	}
	defer o.Body.Close()
	data, err := io.ReadAll(o.Body)
	if err != nil {
		st.Fatal(err)
	}
	return data, o.Metadata
}

// exact checks that the job is sealed, and that its parts, in order, answer values:
// no row missing, none twice, and nothing there of another plan.
func (st *stage) exact(values []string) {
	st.Helper()
	var seal struct {
		Parts []struct {
			Key          string
			Rows, Errors int
		}
		Rows, Errors int
	}
	if !st.has("_SUCCESS") {
		st.Fatalf("the job is not sealed: %q", st.keys())
	}
	text, meta := st.read("_SUCCESS")
	if err := json.Unmarshal(text, &seal); err != nil {
		st.Fatal(err)
	}
	var got []string
	failed := 0
	for _, part := range seal.Parts {
		lines, bad := st.answers(part.Key)
		if len(lines) != part.Rows || bad != part.Errors {
			st.Errorf("%s: %d rows with %d errors, and the seal says %d with %d", part.Key, len(lines), bad, part.Rows, part.Errors)
		}
		got = append(got, lines...)
		failed += bad
	}
	if want := answersTo(values); !slices.Equal(got, want) {
		st.Errorf("rows are %q, want %q", got, want)
	}
	if seal.Rows != len(got) || seal.Errors != failed {
		st.Errorf("seal: %d rows, %d errors; the parts have %d and %d", seal.Rows, seal.Errors, len(got), failed)
	}
	for _, name := range st.keys() {
		if _, m := st.read(name); m[metaPlan] != meta[metaPlan] {
			st.Errorf("%s is of plan %q, the seal of %q", name, m[metaPlan], meta[metaPlan])
		}
	}
}

// answers are the rows of a part, "error" for those that failed.
func (st *stage) answers(key string) (lines []string, failed int) {
	st.Helper()
	data, _ := st.read(strings.TrimPrefix(key, st.out.Join(inputKey+".parts/").Key))
	decoder := json.NewDecoder(bytes.NewReader(data))
	for {
		var row struct {
			Prediction float64
			Error      string
		}
		if err := decoder.Decode(&row); errors.Is(err, io.EOF) {
			return lines, failed
		} else if err != nil {
			st.Fatalf("%s: %v", key, err)
		}
		if row.Error != "" {
			lines = append(lines, "error")
			failed++
		} else {
			lines = append(lines, fmt.Sprint(row.Prediction))
		}
	}
}

// answersTo is x/2 + 2 for each value, and "error" for what is no number.
func answersTo(values []string) []string {
	var want []string
	for _, v := range values {
		var x float64
		if _, err := fmt.Sscan(v, &x); err != nil {
			want = append(want, "error")
		} else {
			want = append(want, fmt.Sprint(x/2+2))
		}
	}
	return want
}

// scalar is the model y = x/2 + 2 over single numbers.
type scalar struct {
	name   string       // "half" if empty
	before func() error // before each run, where set
}

func (m *scalar) model() *infer.Model {
	name := m.name
	if name == "" {
		name = "half"
	}
	return &infer.Model{Name: name, Version: "1", Identity: name, SHA256: "abcd", Runner: m}
}

func (m *scalar) Catalog() *infer.Catalog {
	tensor := func(name string) []infer.TensorInfo {
		return []infer.TensorInfo{{Name: name, Tensor: name + ":0", DType: infer.Float, Shape: infer.Shape{-1}}}
	}
	return &infer.Catalog{Default: "serving_default", Signatures: map[string]*infer.Signature{"serving_default": {
		Name: "serving_default", Method: "tensorflow/serving/predict", Inputs: tensor("x"), Outputs: tensor("y"),
	}}}
}

func (m *scalar) Run(_ context.Context, feeds []infer.Feed, _ []infer.TensorInfo) ([]*infer.Tensor, error) {
	if m.before != nil {
		if err := m.before(); err != nil {
			return nil, err
		}
	}
	x := feeds[0].Value
	var y []byte
	for i := 0; i < len(x.Data); i += 4 {
		v := math.Float32frombits(binary.LittleEndian.Uint32(x.Data[i:]))
		y = binary.LittleEndian.AppendUint32(y, math.Float32bits(v/2+2))
	}
	t, err := infer.NewTensor(infer.Float, x.Shape, y)
	return []*infer.Tensor{t}, err
}

func (m *scalar) Close() error { return nil }

// queue is what was sent and not done yet.
type queue struct {
	crash *crash // nil, or what may happen to a Send too

	mu    sync.Mutex
	tasks []Task
}

func (q *queue) Send(ctx context.Context, tasks []Task) error {
	crashes := q.crash.hit("send")
	if crashes && !q.crash.lose {
		q.crash.die()
		return ctx.Err()
	}
	for _, t := range tasks {
		q.back(t)
	}
	if crashes {
		q.crash.die()
	}
	return ctx.Err()
}

func (q *queue) take() (Task, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.tasks) == 0 {
		return Task{}, false
	}
	t := q.tasks[0]
	q.tasks = q.tasks[1:]
	return t, true
}

func (q *queue) back(t Task) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tasks = append(q.tasks, t)
}

// all takes everything, as index.hop.
func (q *queue) all() string {
	var list []string
	for {
		t, ok := q.take()
		if !ok {
			return strings.Join(list, " ")
		}
		list = append(list, fmt.Sprint(t.Index, ".", t.Hop))
	}
}

// gate is an HTTP proxy before the S3 server. Requests that a rule is about are
// stopped there while something else happens.
type gate struct {
	endpoint string
	client   *s3.Client // through the gate
	proxy    *httputil.ReverseProxy

	crash *crash // nil, or what may happen to a write

	mu    sync.Mutex
	rules []*rule
}

// rule is what happens to the next request with a method and an end of the path.
type rule struct {
	method, suffix string
	// before happens while the request waits, after when it was done.
	before, after func()
	// drop cuts the connection instead of passing the request on, lose instead of
	// passing the answer on, and refuse answers with a status and a code of S3.
	drop, lose bool
	refuse     int
	code       string
}

// crash ends an invocation at one of its writes: with it, so that it is never done,
// or behind it, so that its answer is lost.
type crash struct {
	n    int // the write, from 0
	lose bool
	die  func()

	mu   sync.Mutex
	seen int
	at   string // which write that was, empty if there were not as many
}

// hit counts a write and reports whether it is the one.
func (c *crash) hit(write string) bool {
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen++
	if c.seen-1 != c.n {
		return false
	}
	c.at = write
	return true
}

// crashing returns a context that ends at write n, and what says whether it has.
func (st *stage) crashing(n int, lose bool) (context.Context, *crash) {
	ctx, die := context.WithCancel(st.Context())
	st.Cleanup(die)
	c := &crash{n: n, lose: lose, die: die}
	st.gate.crash, st.queue.crash = c, c
	return ctx, c
}

// over ends the time of crashes.
func (st *stage) over() { st.gate.crash, st.queue.crash = nil, nil }

func newGate(t *testing.T, upstream string) *gate {
	target, err := url.Parse(upstream)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{proxy: &httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host }, // the host is signed
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}}
	server := httptest.NewUnstartedServer(g)
	server.Config.ErrorLog = g.proxy.ErrorLog
	server.Start()
	t.Cleanup(server.Close)
	g.endpoint = server.URL
	return g
}

// on adds a rule for one request.
func (g *gate) on(r rule) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rules = append(g.rules, &r)
}

// used reports whether all rules were.
func (g *gate) used() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.rules) == 0
}

func (g *gate) match(r *http.Request) *rule {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, rule := range g.rules {
		if rule.method == r.Method && strings.HasSuffix(r.URL.Path, rule.suffix) {
			g.rules = slices.Delete(g.rules, i, i+1)
			return rule
		}
	}
	return nil
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rule := g.match(r)
	if write := r.Method != http.MethodGet && r.Method != http.MethodHead; write && g.crash.hit(r.Method+" "+path.Base(r.URL.Path)) {
		g.crashed(r)
	}
	if rule == nil {
		g.proxy.ServeHTTP(w, r)
		return
	}
	if rule.before != nil {
		rule.before()
	}
	switch {
	case rule.drop:
		panic(http.ErrAbortHandler)
	case rule.refuse != 0:
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(rule.refuse)
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>as the test wants</Message></Error>", rule.code)
	case rule.lose:
		g.proxy.ServeHTTP(httptest.NewRecorder(), r)
		rule.after()
		panic(http.ErrAbortHandler)
	default:
		g.proxy.ServeHTTP(w, r)
	}
}

// shards does the tasks of whole shards.
func (st *stage) shards(list ...int) {
	st.Helper()
	for _, i := range list {
		if err := st.do(st.scorer(), st.task(i, 0)); err != nil {
			st.Fatal(err)
		}
	}
}

// task is the task for a hop of a shard.
func (st *stage) task(shard, hop int) Task {
	return Task{Task: "shard", Plan: st.planURI().String(), Index: shard, Hop: hop}
}

// beginShard does the first hop of a shard and leaves a rest.
func (st *stage) beginShard(shard int) {
	st.Helper()
	if err := st.hurry(st.Context(), st.task(shard, 0)); err != nil {
		st.Fatal(err)
	}
}

// hurry does a task in an invocation whose time is over when some rows have been read:
// the model does not answer before. On a machine that did not even come to the first
// row, it is given more time; nothing has been written then.
func (st *stage) hurry(ctx context.Context, task Task) error {
	for spell := 50 * time.Millisecond; ; spell *= 2 {
		until := time.Now().Add(spell)
		s := New(st.options(&scalar{before: func() error { time.Sleep(time.Until(until)); return nil }}))
		_, err := s.shard(ctx, task, true, until)
		if !errors.Is(err, errNoTime) {
			return err
		}
	}
}

func (st *stage) remove(name string) {
	st.Helper()
	key := st.out.Join(inputKey + ".parts/" + name).Key
	if _, err := st.client.DeleteObject(st.Context(), &s3.DeleteObjectInput{Bucket: &st.out.Bucket, Key: &key}); err != nil {
		st.Fatal(err)
	}
}

// writeMeta puts one of the job's objects, with metadata.
func (st *stage) writeMeta(name string, data []byte, meta map[string]string) {
	st.Helper()
	key := st.out.Join(inputKey + ".parts/" + name).Key
	_, err := st.client.PutObject(st.Context(), &s3.PutObjectInput{Bucket: &st.out.Bucket, Key: &key, Body: bytes.NewReader(data), Metadata: meta})
	if err != nil {
		st.Error(err) // it may be another goroutine's
	}
}

// planID is the ID of the plan that is there, empty where there is none.
func (st *stage) planID() string {
	st.Helper()
	if !st.has(planName) {
		return ""
	}
	text, meta := st.read(planName)
	var p plan
	if err := json.Unmarshal(text, &p); err != nil {
		st.Fatal(err)
	}
	if p.ID != meta[metaPlan] {
		st.Errorf("plan %s has the metadata of %s", p.ID, meta[metaPlan])
	}
	return p.ID
}

func replaceOne(t *testing.T, text []byte, old, replacement string) []byte {
	t.Helper()
	if !bytes.Contains(text, []byte(old)) {
		t.Fatalf("%q is not in %s", old, text)
	}
	return bytes.Replace(text, []byte(old), []byte(replacement), 1)
}

func contains(err error, text string) bool { return err != nil && strings.Contains(err.Error(), text) }

// crashed does a request that an invocation dies at, or does not.
func (g *gate) crashed(r *http.Request) {
	if g.crash.lose {
		g.proxy.ServeHTTP(httptest.NewRecorder(), r)
	}
	g.crash.die()
	panic(http.ErrAbortHandler)
}

// event1 delivers version 1 of the event in an invocation that may end.
func (st *stage) event1(ctx context.Context) error {
	_, err := st.scorer().Object(ctx, st.event(1))
	return err
}

// doAs does one task in an invocation that may end.
func (st *stage) doAs(ctx context.Context, task Task) error {
	_, err := st.scorer().Task(ctx, asJSON(st.T, task), true)
	return err
}

// takeShard takes the tasks of a shard out of the queue.
func (q *queue) takeShard(shard int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tasks = slices.DeleteFunc(q.tasks, func(t Task) bool { return t.Index == shard })
}

func (st *stage) removeInput() {
	st.Helper()
	if _, err := st.client.DeleteObject(st.Context(), &s3.DeleteObjectInput{Bucket: &st.in.Bucket, Key: &st.in.Key}); err != nil {
		st.Fatal(err)
	}
}

func (st *stage) receipt(name string) (r receipt) {
	st.Helper()
	text, _ := st.read(name)
	if err := json.Unmarshal(text, &r); err != nil {
		st.Fatal(err)
	}
	return r
}
