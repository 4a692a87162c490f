package test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	handling "github.com/tensorlambda/tensorlambda/internal/function"
	"github.com/tensorlambda/tensorlambda/internal/runtimeapi"
	"github.com/tensorlambda/tensorlambda/internal/telemetry/xray"
)

// The trace of an invocation, as Lambda hands it over.
const (
	traceID   = "1-5759e988-bd862e3fe1be46a994272793"
	parentID  = "53995c3f42cd8ad8"
	sampled   = "Root=" + traceID + ";Parent=" + parentID + ";Sampled=1;Lineage=a87bd80c:1|68fd508a:5|c512fbe3:2"
	unsampled = "Root=" + traceID + ";Parent=" + parentID + ";Sampled=0"
)

// xrayDaemon listens where X-Ray's daemon would. That one is not to be had here: it is
// neither in a registry nor of use without an account. What it takes is documented
// (https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html).
type xrayDaemon struct {
	t    *testing.T
	conn *net.UDPConn
}

func newXRayDaemon(t *testing.T) *xrayDaemon {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &xrayDaemon{t, conn}
}

func (d *xrayDaemon) setting() string {
	return "AWS_XRAY_DAEMON_ADDRESS=" + d.conn.LocalAddr().String()
}

// document is a segment document as X-Ray reads it.
type document struct {
	Name, Type, Namespace string
	ID                    string
	TraceID               string  `json:"trace_id"`
	ParentID              string  `json:"parent_id"`
	StartTime             float64 `json:"start_time"`
	EndTime               float64 `json:"end_time"`
	Error, Fault          bool
	Annotations           map[string]any
	AWS                   map[string]any
	Subsegments           []document
	Cause                 struct{ Exceptions []struct{ Message string } }
}

func (d document) parts() (names []string) {
	for _, s := range d.Subsegments {
		names = append(names, s.Name)
	}
	return names
}

// next is the next document, which must be one that X-Ray takes, beneath the invocation's
// segment.
func (d *xrayDaemon) next() document {
	d.t.Helper()
	if err := d.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		d.t.Fatal(err)
	}
	datagram := make([]byte, 64<<10)
	n, err := d.conn.Read(datagram)
	if err != nil {
		d.t.Fatalf("the daemon waits for a document: %v", err)
	}
	text, ok := bytes.CutPrefix(datagram[:n], []byte("{\"format\": \"json\", \"version\": 1}\n"))
	var doc document
	if err := json.Unmarshal(text, &doc); err != nil || !ok {
		d.t.Fatalf("datagram %q: %v", datagram[:n], err)
	}
	if doc.TraceID != traceID || doc.ParentID != parentID || doc.Type != "subsegment" {
		d.t.Errorf("the document is not beneath the invocation's segment: %s", text)
	}
	d.check(doc)
	return doc
}

var (
	segmentID  = regexp.MustCompile(`^[0-9a-f]{16}$`)
	segment    = regexp.MustCompile(`^[\p{L}\p{N}\s_.:/%&#=+\\@-]{1,200}$`)
	annotation = regexp.MustCompile(`^[A-Za-z0-9_]+$`)
)

func (d *xrayDaemon) check(doc document) {
	d.t.Helper()
	if age := time.Since(time.UnixMicro(int64(doc.EndTime * 1e6))); age < -time.Second || age > patience {
		d.t.Errorf("%s ended %v ago", doc.Name, age)
	}
	if !segmentID.MatchString(doc.ID) || !segment.MatchString(doc.Name) || doc.StartTime > doc.EndTime {
		d.t.Errorf("X-Ray would drop %+v", doc)
	}
	for name, value := range doc.Annotations {
		switch value.(type) {
		case string, float64, bool:
		default:
			d.t.Errorf("annotation %s is %v", name, value)
		}
		if !annotation.MatchString(name) {
			d.t.Errorf("X-Ray takes no annotation called %s", name)
		}
	}
	for _, s := range doc.Subsegments {
		d.check(s)
		if s.StartTime < doc.StartTime-1e-3 || s.EndTime > doc.EndTime+1e-3 {
			d.t.Errorf("%s is not within %s: %+v", s.Name, doc.Name, doc)
		}
	}
}

// traced invokes with a trace and gives back the reply.
func (f *function) traced(payload []byte, trace string) runtimeapi.Result {
	f.t.Helper()
	result, err := f.Invoke(f.t.Context(), payload, runtimeapi.Options{TraceID: trace})
	if err != nil {
		f.t.Fatal(err)
	}
	return result
}

func TestTheFirstTracedInvocationHasTheColdStart(t *testing.T) {
	t.Parallel()
	d, x := sample(t), newXRayDaemon(t)
	f := readyFunction(t, "MODEL_URI="+uri(t, digitsInStore), x.setting())
	report := f.report()
	event := gatewayV2(post, "/v1/models/digits:predict", d.Request)

	f.traced(event, sampled)
	start := x.next()
	var stages []string
	for _, s := range report.Stages {
		stages = append(stages, s.Name)
		key := strings.NewReplacer("dlopen framework", "dlopenFramework", "constructors framework", "constructorsFramework", "warm-up", "warmUp").Replace(s.Name) + "Ms"
		if got, ok := start.Annotations[key].(float64); !ok || got < s.EndMs-s.StartMs-1 || got > s.EndMs-s.StartMs+1 {
			t.Errorf("%s is %v, the report has %.1f", key, start.Annotations[key], s.EndMs-s.StartMs)
		}
	}
	if start.Name != "cold start" || start.Annotations["coldStart"] != true || !slices.Equal(start.parts(), stages) {
		t.Errorf("the cold start is %+v, want the stages %q", start, stages)
	}
	for _, name := range []string{"fetch", "load"} {
		if !slices.Contains(stages, name) {
			t.Errorf("no stage is called %s: %q", name, stages)
		}
	}

	first := x.next()
	want := map[string]any{
		"source": "apigateway-v2", "model": "digits", "version": "1", "signature": "serving_default",
		"status": 200.0, "rows": 3.0,
	}
	if first.Name != "inference" || !maps.Equal(first.Annotations, want) || first.Error || first.Fault ||
		!slices.Equal(first.parts(), []string{"wait", "decode", "run", "encode"}) {
		t.Errorf("the first invocation is %+v", first)
	}

	// What is not sampled, and what has no trace or a broken one, sends nothing: the next
	// document is of the last of these.
	for _, trace := range []string{unsampled, "", "Sampled=1", "Root=;Parent=;Sampled=1", "garbage"} {
		if r := f.traced(event, trace); r.ErrorType != "" {
			t.Errorf("trace %q: %s", trace, r.ErrorMessage)
		}
	}
	f.traced(gatewayV2(post, "/v1/models/digits:predict", `{"instances":["x"]}`), sampled)
	if last := x.next(); last.Name != "inference" || !last.Error || last.Fault || last.Annotations["status"] != 400.0 {
		t.Errorf("the client's fault is %+v", last)
	}
}

// Calls of S3 are segments of their own, with what the SDK's instrumentation notes.
func TestBatchWorkIsTracedWithItsCallsOfS3(t *testing.T) {
	t.Parallel()
	x := newXRayDaemon(t)
	f := scorer(t, x.setting())
	in := drop(t, "rows.jsonl", fourRows)
	f.traced([]byte(s3Event(in)), sampled)
	checkFour(t, in)
	calls := map[string]int{}
	for {
		doc := x.next()
		switch doc.Name {
		case "S3":
			operation, _ := doc.AWS["operation"].(string)
			calls[operation]++
			if doc.Namespace != "aws" {
				t.Errorf("%+v", doc)
			}
			continue
		case "cold start":
			continue
		}
		if doc.Name != "batch" || doc.Fault || doc.Annotations["rows"] != 4.0 || doc.Annotations["source"] != "s3" || doc.Annotations["scoreMs"] == nil {
			t.Errorf("the batch work is %+v", doc)
		}
		break // it is the last
	}
	if calls["GetObject"] == 0 || calls["PutObject"] == 0 {
		t.Errorf("calls of S3: %v", calls)
	}

	missing := object{key: in.key + ".gone"}
	if r := f.traced([]byte(s3Event(missing)), sampled); r.ErrorType == "" {
		t.Fatal("an object that is not there was scored")
	}
	for doc := x.next(); ; doc = x.next() {
		if doc.Name == "batch" {
			if !doc.Fault || len(doc.Cause.Exceptions) != 1 || doc.Annotations["errorType"] != "NotFound" {
				t.Errorf("the failure is %+v", doc)
			}
			return
		}
	}
}

// Whatever the tracing is set to, the function starts and answers, and its log stays
// JSON. RUNTIME_ERROR would have the SDK panic outside a trace, and a cold start is.
func TestTracingThatCannotWorkCostsNothing(t *testing.T) {
	t.Parallel()
	d := sample(t)
	nobody := newXRayDaemon(t)
	nobody.conn.Close()
	for _, tt := range []struct{ name, setting, warning string }{
		{"not an address", "AWS_XRAY_DAEMON_ADDRESS=bad", `"bad" is no IPv4 address and port`},
		{"a name that is not looked up", "AWS_XRAY_DAEMON_ADDRESS=nosuchhost.invalid:2000", "nosuchhost.invalid"},
		{"what the emulator of Lambda says", "AWS_XRAY_DAEMON_ADDRESS=0.0.0.0:0", "0.0.0.0:0"},
		{"half of two", "AWS_XRAY_DAEMON_ADDRESS=udp:127.0.0.1:2000 udp:127.0.0.1:2000", "udp:127.0.0.1:2000"},
		{"three", "AWS_XRAY_DAEMON_ADDRESS=a b c", "a b c"},
		{"nobody there", nobody.setting(), "X-Ray: what cannot be sent is lost"},
		{"none", "AWS_XRAY_DAEMON_ADDRESS=", ""},
		{"switched off", nobody.setting() + "\x00AWS_XRAY_SDK_DISABLED=true", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			settings := append(strings.Split(tt.setting, "\x00"), "MODEL_URI="+uri(t, digitsInStore), "AWS_XRAY_CONTEXT_MISSING=RUNTIME_ERROR", raw(t))
			f := readyFunction(t, settings...)
			for range 3 {
				result := f.traced(gatewayV2(post, "/v1/models/digits:predict", d.Request), sampled)
				var r reply
				if err := json.Unmarshal(result.Body, &r); err != nil {
					t.Fatalf("%q: %v", result.Body, err)
				}
				d.check(t, r, 0, 3)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			var warnings []string
			for _, l := range f.log.lines(t) {
				if l.Level == "WARN" || l.Level == "ERROR" {
					text, _ := l.fields["error"].(string)
					warnings = append(warnings, l.Message+": "+text)
				}
			}
			if want := min(len(tt.warning), 1); len(warnings) != want || want == 1 && !strings.Contains(warnings[0], tt.warning) {
				t.Errorf("warnings %q, want %q", warnings, tt.warning)
			}
		})
	}
}

// panicVariable has this program be a function that panics at each request, instead of
// the tests.
const panicVariable = "TENSORLAMBDA_TEST_PANIC"

func runPanicking() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	lambda.Start(handling.New(handling.Options{
		Serve:  http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(errors.New("boom")) }),
		Logger: log, Trace: xray.New(log).Trace,
	}))
}

// A panic of ours within an invocation that is traced, and one that is not, is answered,
// traced as a failure, and leaves the process as it was. No request is known to make the
// program itself panic, so its packages are put together anew.
func TestAPanicIsTracedAndAnswered(t *testing.T) {
	t.Parallel()
	x := newXRayDaemon(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := runtimeapi.StartProcess(context.WithoutCancel(t.Context()), self, []string{panicVariable + "=1", x.setting()}, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, trace := range []string{"", sampled, unsampled, sampled} {
		result, err := p.Invoke(t.Context(), gatewayV2(get, "/v2", ""), runtimeapi.Options{TraceID: trace})
		if err != nil || result.ErrorType != "" || !bytes.Contains(result.Body, []byte(`"statusCode":500`)) {
			t.Fatalf("trace %q: %s %s (%v)", trace, result.Body, result.ErrorMessage, err)
		}
		if trace != sampled {
			continue
		}
		if doc := x.next(); doc.Name != "inference" || !doc.Fault || doc.Annotations["status"] != 500.0 || len(doc.Subsegments) != 0 {
			t.Errorf("the panic is %+v", doc)
		}
	}
}
