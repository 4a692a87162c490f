package test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// call is what a policy would be asked: may this be done to that?
type call struct{ action, resource, prefix string }

// witness stands between a function and the S3 server and writes down the calls.
type witness struct {
	*httptest.Server
	mu    sync.Mutex
	calls map[call]bool
}

func newWitness(t *testing.T) *witness {
	t.Helper()
	pass := toStore(t)
	w := &witness{calls: make(map[call]bool)}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		calls, err := callsOf(r)
		if err != nil {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
		w.mu.Lock()
		for _, c := range calls {
			w.calls[c] = true
		}
		w.mu.Unlock()
		pass.ServeHTTP(rw, r)
	}))
	t.Cleanup(w.Close)
	return w
}

// callsOf is what IAM checks for a request, by S3's table of actions and permissions:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
func callsOf(r *http.Request) ([]call, error) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	query := r.URL.Query()
	object := "arn:aws:s3:::" + bucket + "/" + key
	switch {
	case key == "" && r.Method == http.MethodGet:
		return []call{{"s3:ListBucket", "arn:aws:s3:::" + bucket, query.Get("prefix")}}, nil
	case key == "" && r.Method == http.MethodPost && query.Has("delete"):
		return deletions(r, bucket)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		if query.Get("versionId") != "" {
			return []call{{"s3:GetObjectVersion", object, ""}}, nil
		}
		return []call{{"s3:GetObject", object, ""}}, nil
	case r.Method == http.MethodPut || r.Method == http.MethodPost:
		return []call{{"s3:PutObject", object, ""}}, nil
	case r.Method == http.MethodDelete && query.Get("uploadId") != "":
		return []call{{"s3:AbortMultipartUpload", object, ""}}, nil
	}
	return nil, fmt.Errorf("nobody knows what it needs")
}

// deletions are the objects in the body of a DeleteObjects.
func deletions(r *http.Request, bucket string) ([]call, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var list struct {
		Object []struct{ Key string }
	}
	if err := xml.Unmarshal(body, &list); err != nil {
		return nil, err
	}
	var calls []call
	for _, o := range list.Object {
		calls = append(calls, call{"s3:DeleteObject", "arn:aws:s3:::" + bucket + "/" + o.Key, ""})
	}
	return calls, nil
}

// statement is one of a role's policies.
type statement struct {
	Effect           string
	Action, Resource []string
	Condition        map[string]map[string]string
}

func (s statement) allows(c call) bool {
	if s.Effect != "Allow" || !slices.Contains(s.Action, c.action) {
		return false
	}
	if prefix, ok := s.Condition["StringLike"]["s3:prefix"]; ok && !like(prefix, c.prefix) {
		return false
	}
	return slices.ContainsFunc(s.Resource, func(pattern string) bool { return like(pattern, c.resource) })
}

// like is IAM's comparison for patterns that have stars at their ends only.
func like(pattern, value string) bool {
	if start, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(value, start)
	}
	return pattern == value
}

// role is the statements of a role of the template.
func role(t *testing.T, name string, parameters ...string) []statement {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), samPython(t), append([]string{"sam/template.py", "../template.yaml", "--role", name}, parameters...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	var all []statement
	if err := json.Unmarshal(out, &all); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return all
}

// check compares the calls with what a role may do: each must be allowed, and each action
// that is allowed in S3 must be there for a reason, but for those that are named.
func (w *witness) check(t *testing.T, statements []statement, unseen ...string) {
	t.Helper()
	used := make(map[string]bool)
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.calls {
		used[c.action] = true
		if !slices.ContainsFunc(statements, func(s statement) bool { return s.allows(c) }) {
			t.Errorf("the function called %s on %s %s, which its role may not", c.action, c.resource, c.prefix)
		}
	}
	for _, s := range statements {
		for _, action := range s.Action {
			if strings.HasPrefix(action, "s3:") && !used[action] && !slices.Contains(unseen, action) {
				t.Errorf("the role may %s, which the function never called", action)
			}
		}
	}
}

// versioned is the demo model in a bucket that keeps versions, and its version.
func versioned(t *testing.T) (struct{ bucket, key string }, string) {
	t.Helper()
	at := struct{ bucket, key string }{"versioned" + newPrefix(), "digits.tar.gz"}
	_, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &at.bucket})
	if err == nil {
		_, err = client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
			Bucket: &at.bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &at.bucket, Key: &at.key, Body: bytes.NewReader(read(t, digitsFolder+"/digits.tar.gz"))})
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(out.VersionId) == "" {
		t.Fatal("the S3 server keeps no versions")
	}
	return at, *out.VersionId
}

// The API function may read its model, an object or a prefix, and does nothing else.
func TestTheApiRoleIsWhatTheFunctionNeeds(t *testing.T) {
	t.Parallel()
	w := newWitness(t)
	const sources = "EVENT_SOURCES=http,direct"
	object, version := versioned(t)
	readyFunction(t, "MODEL_URI=s3://"+object.bucket+"/"+object.key, "MODEL_OBJECT_VERSION="+version, sources, "TMPDIR="+t.TempDir(), "AWS_ENDPOINT_URL_S3="+w.URL)
	// An object that is there needs no list, and one of which the version is known is not
	// asked for without.
	w.check(t, role(t, "ApiRole", "ModelBucketName="+object.bucket, "ModelKey="+object.key), "s3:GetObject", "s3:ListBucket")

	w = newWitness(t)
	prefix := putAll(t, "digits", model(t))
	readyFunction(t, "MODEL_URI="+prefix, sources, "TMPDIR="+t.TempDir(), "AWS_ENDPOINT_URL_S3="+w.URL)
	w.check(t, role(t, "ApiRole", "ModelBucketName="+bucket, "ModelKey="+strings.TrimPrefix(prefix, "s3://"+bucket+"/")), "s3:GetObjectVersion")
}

// The batch function scores an object, a large one in steps, and that again when it has
// changed, which removes what the older one left.
func TestTheBatchRoleIsWhatTheFunctionNeeds(t *testing.T) {
	t.Parallel()
	if err := makeBuckets(); err != nil {
		t.Fatal(err)
	}
	w := newWitness(t)
	model := uri(t, digitsInStore)
	below := newPrefix() + "/"
	f := readyFunction(t, "MODEL_URI="+model, "EVENT_SOURCES=s3,sqs,eventbridge,tasks", "OUTPUT_URI=s3://"+outbox+"/"+below, "BATCH_SHARD_BYTES=3000",
		"TMPDIR="+t.TempDir(), "AWS_ENDPOINT_URL_S3="+w.URL)
	var image struct{ Instances []json.RawMessage }
	if err := json.Unmarshal(read(t, "../models/digits/samples.json"), &image); err != nil {
		t.Fatal(err)
	}
	row := string(image.Instances[0]) + "\n"
	small := dropAt(t, below+"small.jsonl", row)
	if result := f.send(s3Event(small)); result.ErrorType != "" {
		t.Fatalf("%s: %s", result.ErrorType, result.ErrorMessage)
	}
	for _, rows := range []int{40, 30} { // the second is another version, with fewer shards
		dropAt(t, below+"large.jsonl", strings.Repeat(row, rows))
		var plan planReply
		task(t, f, fmt.Sprintf(`{"task":"plan","input":"s3://inbox/%slarge.jsonl"}`, below), &plan)
		for i := range plan.Shards {
			var shard shardReply
			task(t, f, fmt.Sprintf(`{"task":"shard","plan":%q,"index":%d,"hop":0}`, plan.Plan, i), &shard)
		}
		var seal sealReply
		task(t, f, fmt.Sprintf(`{"task":"seal","plan":%q}`, plan.Plan), &seal)
		if seal.Rows != int64(rows) {
			t.Errorf("%d rows are sealed, want %d", seal.Rows, rows)
		}
	}
	w.check(t, role(t, "BatchRole", "ModelBucketName="+bucket, "ModelKey="+path.Base(model),
		"InputBucketName="+inbox, "InputPrefix="+below, "OutputBucketName="+outbox, "OutputPrefix="+below),
		"s3:GetObjectVersion", "s3:AbortMultipartUpload")
}
