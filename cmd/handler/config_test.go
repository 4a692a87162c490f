package main

import (
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/event"
	"github.com/tensorlambda/tensorlambda/internal/infer/tensorflow"
	"github.com/tensorlambda/tensorlambda/internal/rows"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel"
)

func environmentOf(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
}

func TestDefaults(t *testing.T) {
	c, err := readConfig(environmentOf(nil))
	if err != nil {
		t.Fatal(err)
	}
	if c.MaxBodyBytes != 10<<20 || c.MaxModelBytes != 8<<30 || c.MaxArchiveFiles != 100_000 || c.MaxJSONDepth != 64 || c.MaxInflateRatio != 1000 {
		t.Errorf("limits %+v", c)
	}
	if c.MemoryBudget <= 0 || c.MaxTensorBytes != c.MemoryBudget/8 {
		t.Errorf("tensors may have %d bytes of a budget of %d", c.MaxTensorBytes, c.MemoryBudget)
	}
	if c.Output != (blob.URI{}) || c.Format != rows.JSONLines || c.Join || c.BatchRows != 256 || c.ShardBytes != 256<<20 || c.Queue != (queueAddress{}) || c.MaxLineBytes != 64<<20 || c.ImageScale.String() != "0..1" {
		t.Errorf("batch scoring: %+v", c)
	}
	if !reflect.DeepEqual(c.Tags, []string{"serve"}) || c.InterOpThreads != 1 || c.IntraOpThreads < 1 || c.AnyTensor || c.AllowUnsafe || c.Sources != nil || c.ResponseStream {
		t.Errorf("%+v", c)
	}
	if !strings.HasSuffix(c.LibraryDir, "/layer/lib") && c.LibraryDir != "/opt/lib" {
		t.Errorf("library in %s", c.LibraryDir)
	}
}

// The page is for trying out: a function shows it to those who ask for it only.
func TestPlaygroundIsOffInLambdaUnlessAskedFor(t *testing.T) {
	for _, tt := range []struct {
		api, setting string
		want         bool
	}{
		{"", "", true}, {"", "false", false}, {"", "true", true},
		{"127.0.0.1:9001", "", false}, {"127.0.0.1:9001", "true", true}, {"127.0.0.1:9001", "0", false},
	} {
		c, err := readConfig(environmentOf(map[string]string{"AWS_LAMBDA_RUNTIME_API": tt.api, "PLAYGROUND": tt.setting}))
		if err != nil || c.Playground != tt.want {
			t.Errorf("Runtime API %q, PLAYGROUND %q: %v, %v; want %v", tt.api, tt.setting, c.Playground, err, tt.want)
		}
	}
}

func TestSettingsAreRead(t *testing.T) {
	c, err := readConfig(environmentOf(map[string]string{
		"MODEL_URI": "s3://models/digits.tar.gz", "MODEL_OBJECT_VERSION": "v7",
		"MODEL_SHA256": strings.Repeat("AB", 32), "MODEL_NAME": "digits", "MODEL_VERSION": "012",
		"MODEL_TAGS": "serve, train", "MODEL_SIGNATURE": "predict",
		"MODEL_INPUTS": "image=input_1:0", "MODEL_OUTPUTS": "dense/Softmax",
		"MODEL_ANY_TENSOR": "true", "MODEL_ALLOW_UNSAFE_OPS": "false",
		"TENSORFLOW_LIB": "/srv/lib", "TF_INTRA_OP_THREADS": "3", "TF_INTER_OP_THREADS": "2",
		"EVENT_SOURCES": "http,direct", "RESPONSE_STREAM": "true", "PLAYGROUND": "false", "MAX_BODY_BYTES": "1", "MAX_TENSOR_BYTES": "2", "MAX_JSON_DEPTH": "3",
		"MAX_MODEL_BYTES": "4", "MAX_ARCHIVE_FILES": "5", "MAX_INFLATE_RATIO": "6", "METRICS_NAMESPACE": "shop", "AWS_ENDPOINT_URL_S3": "http://localhost:9",
		"OUTPUT_URI": "s3://outbox/answers", "OUTPUT_FORMAT": "csv", "OUTPUT_JOIN": "true", "BATCH_ROWS": "7", "BATCH_SHARD_BYTES": "8",
		"BATCH_QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/123456789012/shards", "MAX_LINE_BYTES": "9", "IMAGE_SCALE": "-1..1",
		"AWS_ENDPOINT_URL_SQS": "http://localhost:10",
	}))
	if err != nil {
		t.Fatal(err)
	}
	scale, err := tensorflow.ParseImageScale("-1..1")
	if err != nil {
		t.Fatal(err)
	}
	want := config{
		ModelURI: "s3://models/digits.tar.gz", ObjectVersion: "v7", SHA256: strings.Repeat("ab", 32), ModelName: "digits", ModelVersion: "12",
		Tags: []string{"serve", "train"}, Signature: "predict",
		Inputs:    []savedmodel.Binding{{Name: "image", Tensor: "input_1:0"}},
		Outputs:   []savedmodel.Binding{{Name: "dense/Softmax", Tensor: "dense/Softmax:0"}},
		AnyTensor: true, LibraryDir: "/srv/lib", IntraOpThreads: 3, InterOpThreads: 2,
		Sources: []event.Class{event.ClassHTTP, event.ClassDirect}, ResponseStream: true,
		MaxBodyBytes: 1, MaxTensorBytes: 2, MaxJSONDepth: 3, MaxModelBytes: 4, MaxArchiveFiles: 5, MaxInflateRatio: 6, MetricsNamespace: "shop",
		Output: blob.URI{Scheme: "s3", Bucket: "outbox", Key: "answers/"}, Format: rows.CSV, Join: true, ImageScale: scale,
		BatchRows: 7, ShardBytes: 8, MaxLineBytes: 9,
		Queue:        queueAddress{url: "https://sqs.eu-central-1.amazonaws.com/123456789012/shards", region: "eu-central-1"},
		MemoryBudget: c.MemoryBudget, S3Endpoint: "http://localhost:9", SQSEndpoint: "http://localhost:10",
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
}

func TestEveryFaultIsNamedAtOnce(t *testing.T) {
	wrong := map[string]string{
		"MODEL_URI":                       "ftp://host/model",
		"MODEL_SHA256":                    "abc",
		"MODEL_NAME":                      "a/b",
		"MODEL_VERSION":                   "latest",
		"MODEL_TAGS":                      "serve,,train",
		"MODEL_INPUTS":                    "x=",
		"MODEL_OUTPUTS":                   "y:one",
		"MODEL_ANY_TENSOR":                "yes",
		"MODEL_ALLOW_UNSAFE_OPS":          "TRUE?",
		"TF_INTRA_OP_THREADS":             "0",
		"TF_INTER_OP_THREADS":             "two",
		"EVENT_SOURCES":                   "http,kafka",
		"RESPONSE_STREAM":                 "on",
		"PLAYGROUND":                      "maybe",
		"MAX_BODY_BYTES":                  "10MB",
		"MAX_TENSOR_BYTES":                "-1",
		"MAX_MODEL_BYTES":                 "9223372036854775808",
		"MAX_ARCHIVE_FILES":               "0",
		"MAX_JSON_DEPTH":                  "1e3",
		"MAX_INFLATE_RATIO":               " 1",
		"MAX_LINE_BYTES":                  "64M",
		"OUTPUT_URI":                      "file:///outbox/",
		"OUTPUT_FORMAT":                   "xml",
		"OUTPUT_JOIN":                     "both",
		"BATCH_ROWS":                      "many",
		"BATCH_SHARD_BYTES":               "0",
		"BATCH_QUEUE_URL":                 "shards",
		"IMAGE_SCALE":                     "0..2",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "much",
		"AWS_ENDPOINT_URL_S3":             "127.0.0.1:9000",
		"AWS_ENDPOINT_URL_SQS":            "localhost:9324",
	}
	_, err := readConfig(environmentOf(wrong))
	if err == nil {
		t.Fatal("no error")
	}
	for name := range wrong {
		if !strings.Contains(err.Error(), name+": ") {
			t.Errorf("the error does not name %s:\n%v", name, err)
		}
	}
}

func TestEndpointsAreURLs(t *testing.T) {
	for value, good := range map[string]bool{
		"http://127.0.0.1:9000": true, "https://s3.example.com/": true, "": true,
		"127.0.0.1:18999": false, "localhost:9000": false, "s3.example.com": false, "ftp://host": false, "http://": false, "http:9000": false, "http://a b": false,
	} {
		_, err := readConfig(environmentOf(map[string]string{"AWS_ENDPOINT_URL_S3": value}))
		if (err == nil) != good || err != nil && !strings.Contains(err.Error(), "AWS_ENDPOINT_URL_S3: ") || err != nil && !strings.Contains(err.Error(), "http:// or https://") {
			t.Errorf("%q: error is %v", value, err)
		}
	}
}

// A format that has no place for instances is wrong with OUTPUT_JOIN, and right
// without.
func TestSettingsThatContradictEachOther(t *testing.T) {
	for _, c := range []struct{ format, join, fault string }{
		{"npy", "true", "OUTPUT_JOIN: "},
		{"npy", "false", ""},
		{"parquet", "true", ""},
	} {
		_, err := readConfig(environmentOf(map[string]string{"OUTPUT_FORMAT": c.format, "OUTPUT_JOIN": c.join}))
		if (err == nil) != (c.fault == "") || err != nil && !strings.HasPrefix(err.Error(), c.fault) {
			t.Errorf("%s with OUTPUT_JOIN=%s: error is %v, want %q", c.format, c.join, err, c.fault)
		}
	}
}

func TestMemoryBudgetIsTheLeastThatIsKnown(t *testing.T) {
	file := func(content string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(content)} }
	const v2, v1, meminfo = "sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory/memory.limit_in_bytes", "proc/meminfo"
	available := "MemTotal:       24000000 kB\nMemFree:  1 kB\nMemAvailable:   1000 kB\n"
	cases := []struct {
		name     string
		root     fstest.MapFS
		function int64
		want     int64
	}{
		{"nothing is known", fstest.MapFS{}, 0, 0},
		{"function", fstest.MapFS{}, 128 << 20, 128 << 20},
		{"available", fstest.MapFS{meminfo: file(available)}, 128 << 20, 1000 << 10},
		{"control group 2", fstest.MapFS{v2: file("5000\n"), meminfo: file(available)}, 0, 5000},
		{"control group 2 without a limit", fstest.MapFS{v2: file("max\n"), meminfo: file(available)}, 0, 1000 << 10},
		{"control group 1", fstest.MapFS{v1: file("4096\n")}, 1 << 30, 4096},
		{"control group 1 without a limit", fstest.MapFS{v1: file("9223372036854771712\n")}, 1 << 30, 1 << 30},
	}
	for _, c := range cases {
		if got := memoryBudget(c.root, c.function); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestThreadsFollowTheMemorySize(t *testing.T) {
	cases := []struct {
		memoryMB      int64
		visible, want int
	}{
		{0, 8, 8}, {128, 2, 1}, {1769, 2, 1}, {2653, 2, 1}, {2654, 2, 2}, {3008, 2, 2}, {10240, 6, 6}, {10240, 2, 2},
	}
	for _, c := range cases {
		if got := vCPUs(c.memoryMB<<20, c.visible); got != c.want {
			t.Errorf("%d MB with %d processors: %d threads, want %d", c.memoryMB, c.visible, got, c.want)
		}
	}
}
