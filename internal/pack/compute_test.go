package pack_test

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	graphpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/pack"
)

// constants are a and b, and what is added up from them, before x is.
const constants = placeholder + `
	node { name: "a" op: "Const" attr { key: "dtype" value { type: DT_FLOAT } } }
	node { name: "b" op: "Const" input: "^a" attr { key: "dtype" value { type: DT_FLOAT } } }
	node { name: "sum" op: "AddV2" input: "a" input: "b" attr { key: "T" value { type: DT_FLOAT } } }
	node { name: "twice" op: "AddV2" input: "sum" input: "sum" attr { key: "T" value { type: DT_FLOAT } } }
	node { name: "after" op: "NoOp" input: "^twice" }
	node { name: "y" op: "AddV2" input: "x" input: "twice" input: "^after" attr { key: "T" value { type: DT_FLOAT } } }`

func TestWhatDependsOnConstantsIsComputed(t *testing.T) {
	var asked []string
	evaluate := func(graph []byte, tensors []string) (map[string]*infer.Tensor, error) {
		var def graphpb.GraphDef
		if err := proto.Unmarshal(graph, &def); err != nil {
			t.Fatal(err)
		}
		if got, want := text(&def), "a = Const()\nb = Const()\nsum = AddV2(a, b)\ntwice = AddV2(sum, sum)"; got != want {
			t.Errorf("the graph to evaluate is\n%s\nwant\n%s", got, want)
		}
		asked = tensors
		return map[string]*infer.Tensor{"twice:0": {DType: infer.Float, Shape: infer.Shape{}, Data: []byte{0, 0, 0x40, 0x40}}}, nil
	}
	meta, packed, err := packWith(t, constants, "y:0", evaluate)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(asked, []string{"twice:0"}) {
		t.Errorf("asked for %v, want what x is added to", asked)
	}
	if got, want := text(meta.GetGraphDef()), "twice = Const()\nx = Placeholder()\ny = AddV2(x, twice)"; got != want {
		t.Errorf("graph:\n%s\nwant:\n%s", got, want)
	}
	for _, n := range meta.GetGraphDef().GetNode() {
		if value := n.GetAttr()["value"].GetTensor().GetTensorContent(); n.GetName() == "twice" && !slices.Equal(value, []byte{0, 0, 0x40, 0x40}) {
			t.Errorf("twice has the value % x", value)
		}
	}
	if packed.Report.Computed != 1 {
		t.Errorf("%d tensors are reported", packed.Report.Computed)
	}
}

func TestWhatCannotBeComputedStays(t *testing.T) {
	large := make([]byte, 65<<10)
	for name, c := range map[string]struct {
		value *infer.Tensor
		err   error
	}{
		"its computation fails":                  {err: errors.New("integer division by zero")},
		"it is larger than what it is made from": {value: &infer.Tensor{DType: infer.Float, Shape: infer.Shape{int64(len(large) / 4)}, Data: large}},
	} {
		t.Run(name, func(t *testing.T) {
			meta, packed, err := packWith(t, constants, "y:0", func([]byte, []string) (map[string]*infer.Tensor, error) {
				return map[string]*infer.Tensor{"twice:0": c.value}, c.err
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := text(meta.GetGraphDef()); !strings.Contains(got, "twice = AddV2(sum, sum)") {
				t.Errorf("graph:\n%s", got)
			}
			if packed.Report.Computed != 0 || (c.err != nil) != (packed.Report.NotComputed != "") {
				t.Errorf("report %+v", packed.Report)
			}
		})
	}
}

// TestPathsOfAssetsAreNoConstants holds since loading feeds them where the model then is.
func TestPathsOfAssetsAreNoConstants(t *testing.T) {
	meta, _, err := packMeta(t, constants, "y:0", `asset_file_def { tensor_info { name: "a:0" } filename: "words.txt" }`, pack.Options{
		Values: ones,
		Evaluate: func([]byte, []string) (map[string]*infer.Tensor, error) {
			return map[string]*infer.Tensor{
				"twice:0": {DType: infer.Float, Shape: infer.Shape{}, Data: []byte{0, 0, 0x40, 0x40}},
				"sum:0":   {DType: infer.Float, Shape: infer.Shape{}, Data: []byte{0, 0, 0x40, 0x40}},
			}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := text(meta.GetGraphDef()); !strings.Contains(got, "sum = AddV2(a, b)") || !strings.Contains(got, "twice = AddV2(sum, sum)") {
		t.Errorf("graph:\n%s", got)
	}
	if files := meta.GetAssetFileDef(); len(files) != 1 {
		t.Errorf("assets %v", files)
	}
}

func TestConstantsThatHaveNoRoomAreNotComputed(t *testing.T) {
	for limit, computed := range map[int64]int{4: 1, 3: 0} { // a and b have no bytes here
		meta, packed, err := packOf(t, constants, "y:0", pack.Options{
			Values: ones, MaxConstants: limit,
			Evaluate: func([]byte, []string) (map[string]*infer.Tensor, error) {
				return map[string]*infer.Tensor{"twice:0": {DType: infer.Float, Shape: infer.Shape{}, Data: []byte{0, 0, 0x40, 0x40}}}, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if packed.Report.Computed != computed {
			t.Errorf("with room for %d bytes %d tensors are computed, want %d:\n%s", limit, packed.Report.Computed, computed, text(meta.GetGraphDef()))
		}
	}
}

// TestRequestsCanStillFeedConstants holds where a signature's input is an operation
// that has a value of its own.
func TestRequestsCanStillFeedConstants(t *testing.T) {
	graph := strings.Replace(constants, `name: "x" op: "Placeholder"`, `name: "x" op: "Const"`, 1)
	meta, _, err := packWith(t, graph, "y:0", func([]byte, []string) (map[string]*infer.Tensor, error) {
		return map[string]*infer.Tensor{"twice:0": {DType: infer.Float, Shape: infer.Shape{}, Data: []byte{0, 0, 0x40, 0x40}}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := text(meta.GetGraphDef()), "twice = Const()\nx = Const()\ny = AddV2(x, twice)"; got != want {
		t.Errorf("graph:\n%s\nwant:\n%s", got, want)
	}
}

// memory is what owns the bytes of a tensor, as TensorFlow's C memory does.
type memory struct{ bytes []byte }

// TestBytesOfVariablesOutliveThePacking lets go of the tensors as early as it may, in
// the middle of packing, and of the memory with them.
func TestBytesOfVariablesOutliveThePacking(t *testing.T) {
	graph := constants + `
	node { name: "v" op: "VarHandleOp" attr { key: "dtype" value { type: DT_FLOAT } } }
	node { name: "read" op: "ReadVariableOp" input: "v" attr { key: "dtype" value { type: DT_FLOAT } } }
	node { name: "z" op: "AddV2" input: "y" input: "read" attr { key: "T" value { type: DT_FLOAT } } }`
	one := []byte{0, 0, 0x80, 0x3f}
	owned := func() *infer.Tensor {
		m := &memory{bytes: slices.Clone(one)}
		runtime.SetFinalizer(m, func(m *memory) { clear(m.bytes) })
		return (&infer.Tensor{DType: infer.Float, Shape: infer.Shape{}, Data: m.bytes}).OwnedBy(m)
	}
	meta, _, err := packOf(t, graph, "z:0", pack.Options{
		Values: func([]string) (map[string]*infer.Tensor, error) { return map[string]*infer.Tensor{"v": owned()}, nil },
		Evaluate: func([]byte, []string) (map[string]*infer.Tensor, error) {
			runtime.GC() // finds what nobody holds
			runtime.GC() // and waits for nobody: finalizers run beside
			done := make(chan struct{})
			runtime.SetFinalizer(new(memory), func(*memory) { close(done) })
			runtime.GC()
			<-done // finalizers run in one goroutine, in their order
			return map[string]*infer.Tensor{"twice:0": owned()}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, n := range meta.GetGraphDef().GetNode() {
		if n.GetName() != "v" && n.GetName() != "twice" {
			continue
		}
		found++
		if value := n.GetAttr()["value"].GetTensor().GetTensorContent(); !slices.Equal(value, one) {
			t.Errorf("%s has the bytes % x, want % x", n.GetName(), value, one)
		}
	}
	if found != 2 {
		t.Errorf("graph:\n%s", text(meta.GetGraphDef()))
	}
}
