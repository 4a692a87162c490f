package test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	attrpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/attr_value_go_proto"
	graphpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	nodepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
	tensorpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_go_proto"
	shapepb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_shape_go_proto"
	typespb "github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"
)

// The requests that travel in a model are replayed before anybody asks, and the report
// says how many they were.
func TestRequestsThatTravelInTheModelAreReplayed(t *testing.T) {
	t.Parallel()
	s := startServer(t, absolute(t, "models/warmup"))
	page := s.request(get, s.base+"/debug/coldstart", "")
	var r struct {
		Stages []struct {
			Name     string
			Requests int
		}
		Warnings []string
	}
	if err := json.Unmarshal([]byte(page.Body), &r); err != nil {
		t.Fatal(err)
	}
	if last := r.Stages[len(r.Stages)-1]; last.Name != "warm-up" || last.Requests != 3 || len(r.Warnings) > 0 {
		t.Errorf("%s ends with %+v, want the warm-up with 3 requests and no warnings", page.Body, last)
	}
	if chart := s.stderr.String(); !strings.Contains(chart, "3 requests") {
		t.Errorf("the chart does not say how many requests were replayed:\n%s", chart)
	}
	exchange{"an answer", 200, `{"predictions":[[3.0]]}`}.check(t, s.predict(`{"instances":[[2.0]]}`))
}

// TensorFlow Serving does not load such a model either.
func TestAModelWhoseOwnWarmUpFailsIsNotLoaded(t *testing.T) {
	broken{"a request that fails", local("warmup_failing"), "Model.WarmUpFailed", 1,
		[]string{"record 1 (regress_log)", "assets.extra/tf_serving_warmup_requests", "Feature: x"}}.check(t)
}

// A warm-up that does not outlive its process is left out by the next start in the same
// environment, which then serves.
func TestAWarmUpThatEndedTheProcessIsLeftOutNextTime(t *testing.T) {
	t.Parallel()
	tmp := t.TempDir()
	models := filepath.Join(tmp, "models")
	if err := os.Mkdir(models, 0o700); err != nil {
		t.Fatal(err)
	}
	settings := []string{"MODEL_URI=" + endless(t), "TMPDIR=" + tmp}
	writes := watch(t, models)
	first := startFunction(t, settings...)
	writes.await(t)
	if err := syscall.Kill(first.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-first.Exited()

	r := readyFunction(t, settings...).report()
	if _, warmed := r.stage("warm-up"); warmed || len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], `the process ended while signature "serving_default"`) {
		t.Errorf("report %+v", r)
	}
}

// endless is a frozen graph that never answers: a loop whose condition is true.
func endless(t *testing.T) string {
	t.Helper()
	node := func(name, op string, attrs map[string]*attrpb.AttrValue, inputs ...string) *nodepb.NodeDef {
		return &nodepb.NodeDef{Name: name, Op: op, Attr: attrs, Input: inputs}
	}
	typed := func(name string, d typespb.DataType) map[string]*attrpb.AttrValue {
		return map[string]*attrpb.AttrValue{name: {Value: &attrpb.AttrValue_Type{Type: d}}}
	}
	float := func() map[string]*attrpb.AttrValue { return typed("T", typespb.DataType_DT_FLOAT) }
	placeholder, enter, merge := typed("dtype", typespb.DataType_DT_FLOAT), float(), float()
	placeholder["shape"] = &attrpb.AttrValue{Value: &attrpb.AttrValue_Shape{Shape: &shapepb.TensorShapeProto{
		Dim: []*shapepb.TensorShapeProto_Dim{{Size: 1}},
	}}}
	enter["frame_name"] = &attrpb.AttrValue{Value: &attrpb.AttrValue_S{S: []byte("loop")}}
	merge["N"] = &attrpb.AttrValue{Value: &attrpb.AttrValue_I{I: 2}}
	yes := typed("dtype", typespb.DataType_DT_BOOL)
	yes["value"] = &attrpb.AttrValue{Value: &attrpb.AttrValue_Tensor{Tensor: &tensorpb.TensorProto{
		Dtype: typespb.DataType_DT_BOOL, TensorShape: &shapepb.TensorShapeProto{}, BoolVal: []bool{true},
	}}}
	graph, err := proto.Marshal(&graphpb.GraphDef{Node: []*nodepb.NodeDef{
		node("x", "Placeholder", placeholder),
		node("enter", "Enter", enter, "x"),
		node("merge", "Merge", merge, "enter", "next"),
		node("yes", "Const", yes, "^merge"),
		node("again", "LoopCond", nil, "yes"),
		node("switch", "Switch", float(), "merge", "again"),
		node("next", "NextIteration", float(), "switch:1"),
		node("y", "Exit", float(), "switch"),
	}})
	path := filepath.Join(t.TempDir(), "endless.pb")
	if err := errors.Join(err, os.WriteFile(path, graph, 0o600)); err != nil {
		t.Fatal(err)
	}
	return path
}

// watched is a folder of which the kernel tells when a file in it is written to.
type watched struct{ events *os.File }

func watch(t *testing.T, dir string) watched {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	w := watched{os.NewFile(uintptr(fd), "inotify")}
	t.Cleanup(func() { w.events.Close() })
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_MODIFY); err != nil {
		t.Fatal(err)
	}
	return w
}

// await waits for a write.
func (w watched) await(t *testing.T) {
	t.Helper()
	if err := w.events.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.events.Read(make([]byte, 4096)); err != nil {
		t.Fatalf("nothing was written: %v", err)
	}
}
