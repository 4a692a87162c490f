package tensorflow_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/infer/tensorflow"
	"github.com/tensorlambda/tensorlambda/internal/libtensorflow"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel"
)

// models is the folder of small models; its README says what each is for. What
// they must compute, expected.json, comes from Python TensorFlow.
const models = "../../../test/models"

func TestMain(m *testing.M) {
	_, err := libtensorflow.Open(context.Background(), libtensorflow.Options{Dir: "../../../build/layer/lib"})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func read(path string, opts tensorflow.Options) (*tensorflow.Definition, error) {
	if !strings.HasSuffix(path, ".pb") {
		return tensorflow.ReadSavedModel(path, opts)
	}
	graph, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return tensorflow.ReadGraph(graph, opts)
}

func load(t *testing.T, model string) infer.Runner {
	t.Helper()
	runner := loadFor(t, model, tensorflow.Options{})
	t.Cleanup(func() { runner.Close() })
	return runner
}

func TestRunnersAgreeWithPythonTensorFlow(t *testing.T) {
	runners := make(map[string]infer.Runner)
	for i, c := range expectations(t) {
		t.Run(fmt.Sprintf("%d %s %s", i, c.Model, c.Signature), func(t *testing.T) {
			runner := runners[c.Model]
			if runner == nil {
				opts := tensorflow.Options{}
				if c.Model == "two_meta_graphs" {
					opts.Tags = []string{"serve"}
				}
				if c.Model == "no_placeholder.pb" {
					opts.Inputs = []savedmodel.Binding{{Name: "one", Tensor: "one:0"}}
				}
				runner = loadFor(t, c.Model, opts)
				runners[c.Model] = runner
			}
			check(t, runner, c)
		})
	}
	for _, runner := range runners {
		if err := errors.Join(runner.Close(), runner.Close()); err != nil {
			t.Error("close twice:", err)
		}
	}
}

// loadFor loads a model that outlives the subtest that needed it first.
func loadFor(t *testing.T, model string, opts tensorflow.Options) infer.Runner {
	t.Helper()
	definition, err := read(filepath.Join(models, model), opts)
	if err != nil {
		t.Fatal(err)
	}
	runner, err := definition.Load()
	if err != nil {
		t.Fatal(err)
	}
	return runner
}

func check(t *testing.T, runner infer.Runner, c expectation) {
	t.Helper()
	signature, err := runner.Catalog().Signature(c.Signature)
	if err != nil {
		t.Fatal(err)
	}
	var feeds []infer.Feed
	for name, v := range c.Inputs {
		info, ok := signature.Input(name)
		if !ok {
			t.Fatalf("signature %q has no input %q, only %v", signature.Name, name, signature.Inputs)
		}
		feeds = append(feeds, infer.Feed{TensorInfo: info, Value: v.tensor(t)})
	}
	results, err := runner.Run(t.Context(), feeds, signature.Outputs)
	if c.Error != "" {
		if !errors.Is(err, kinds[c.Error]) || kinds[c.Error] == nil {
			t.Errorf("got error %v, want %s", err, c.Error)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != len(c.Outputs) {
		t.Fatalf("%d outputs, want %d", len(results), len(c.Outputs))
	}
	for i, got := range results {
		want, ok := c.Outputs[signature.Outputs[i].Name]
		if !ok {
			t.Fatalf("output %q is not expected", signature.Outputs[i].Name)
		}
		same(t, signature.Outputs[i].Name, got, want.tensor(t))
	}
}

// same compares bits; NaN is NaN whatever its payload.
func same(t *testing.T, name string, got, want *infer.Tensor) {
	t.Helper()
	if got.DType != want.DType || !slices.Equal(got.Shape, want.Shape) || got.Len() != want.Len() {
		t.Fatalf("%s is %s%v, want %s%v", name, got.DType, got.Shape, want.DType, want.Shape)
	}
	for i := range got.Len() {
		a, b := element(got, i), element(want, i)
		bothNaN := isNaN(got.DType, a) && isNaN(want.DType, b)
		if !bytes.Equal(a, b) && !bothNaN {
			t.Errorf("%s[%d] is %x, want %x", name, i, a, b)
		}
	}
}

func element(tensor *infer.Tensor, i int) []byte {
	if tensor.DType == infer.String {
		return tensor.Element(i)
	}
	size := tensor.DType.Size()
	return tensor.Data[i*size : (i+1)*size]
}

func isNaN(d infer.DType, b []byte) bool {
	switch d {
	case infer.Float:
		return math.IsNaN(float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
	case infer.Double:
		return math.IsNaN(math.Float64frombits(binary.LittleEndian.Uint64(b)))
	case infer.Half:
		bits := binary.LittleEndian.Uint16(b)
		return bits&0x7c00 == 0x7c00 && bits&0x3ff != 0
	case infer.Bfloat16:
		return math.IsNaN(float64(math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16)))
	}
	return false
}

func feed(t *testing.T, c *infer.Catalog, name string, v value) infer.Feed {
	t.Helper()
	signature, err := c.Signature("")
	if err != nil {
		t.Fatal(err)
	}
	info, ok := c.Input(signature, name)
	if !ok {
		t.Fatalf("no input %q", name)
	}
	return infer.Feed{TensorInfo: info, Value: v.tensor(t)}
}

func TestShapesThatWouldAbortTheProcessAreRefused(t *testing.T) {
	// Only oneDNN's kernels end the process over a wrong shape, and they are not
	// the default on every CPU: a process of its own has them.
	const oneDNN = "TF_ENABLE_ONEDNN_OPTS"
	if os.Getenv(oneDNN) != "1" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), oneDNN+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	runner := load(t, "conv_crash")
	signature, _ := runner.Catalog().Signature("")
	for _, shape := range [][]int64{{}, {1}, {0}, {4, 4, 1}, {1, 5, 4, 1}} {
		n, _ := infer.Elements(shape)
		v := value{DType: "float", Shape: shape, Values: slices.Repeat([]any{json.Number("1")}, int(n))}
		_, err := runner.Run(t.Context(), []infer.Feed{feed(t, runner.Catalog(), "image", v)}, signature.Outputs)
		if !errors.Is(err, infer.ErrInvalidArgument) || !strings.Contains(err.Error(), "[?,4,4,1]") {
			t.Errorf("shape %v: got %v", shape, err)
		}
	}
}

func TestMoreDimensionsThanTensorFlowHasAreRefused(t *testing.T) {
	runner := load(t, "unknown_rank")
	signature, _ := runner.Catalog().Signature("")
	for rank, fits := range map[int]bool{254: true, 255: false, 300: false} {
		v := value{DType: "float", Shape: slices.Repeat([]int64{1}, rank), Values: []any{json.Number("1")}}
		_, err := runner.Run(t.Context(), []infer.Feed{feed(t, runner.Catalog(), "x", v)}, signature.Outputs)
		if (err == nil) != fits || err != nil && !errors.Is(err, infer.ErrInvalidArgument) {
			t.Errorf("rank %d: got %v", rank, err)
		}
	}
}

// A result is made flat and a feed given its shape by Reshape, which stops one
// short of TensorFlow's limit.
func TestStringsHaveOneDimensionLess(t *testing.T) {
	runner := load(t, "dtypes")
	signature, err := runner.Catalog().Signature("string")
	if err != nil {
		t.Fatal(err)
	}
	for rank, fits := range map[int]bool{253: true, 254: false, 255: false} {
		v := value{DType: "string", Shape: slices.Repeat([]int64{1}, rank), Values: []any{"YQ=="}}
		_, err := runner.Run(t.Context(), []infer.Feed{{TensorInfo: signature.Inputs[0], Value: v.tensor(t)}}, signature.Outputs)
		if (err == nil) != fits || err != nil && !errors.Is(err, infer.ErrInvalidArgument) {
			t.Errorf("rank %d: got %v", rank, err)
		}
	}
}

func TestTensorsThatPassThroughAreTheirOwnResult(t *testing.T) {
	runner := load(t, "aliases")
	signature, err := runner.Catalog().Signature("through")
	if err != nil {
		t.Fatal(err)
	}
	v := value{DType: "float", Shape: []int64{2}, Values: []any{json.Number("1.5"), json.Number("-2")}}
	f := infer.Feed{TensorInfo: signature.Inputs[0], Value: v.tensor(t)}
	results, err := runner.Run(t.Context(), []infer.Feed{f}, signature.Outputs)
	if err != nil {
		t.Fatal(err)
	}
	for i, info := range signature.Outputs {
		if info.Tensor == f.Tensor {
			same(t, info.Name, results[i], f.Value)
			return
		}
	}
	t.Errorf("the model has no output that is an input: %+v", signature)
}

func TestRunsInParallelGiveTheSameAnswers(t *testing.T) {
	runner := load(t, "half_plus_two/00000123")
	signature, _ := runner.Catalog().Signature("")
	var callers sync.WaitGroup
	for i := range 8 {
		callers.Go(func() {
			x := float64(i)
			f := feed(t, runner.Catalog(), "x", value{DType: "float", Shape: []int64{1}, Values: []any{x}})
			for range 50 {
				results, err := runner.Run(t.Context(), []infer.Feed{f}, signature.Outputs)
				if err != nil {
					t.Error(err)
					return
				}
				got := math.Float32frombits(binary.LittleEndian.Uint32(results[0].Data))
				if results[0].KeepAlive(); float64(got) != x/2+2 {
					t.Errorf("%v/2+2 = %v", x, got)
				}
			}
		})
	}
	callers.Wait()
}

func TestResultsOutliveManyCollections(t *testing.T) {
	runner := load(t, "dtypes")
	signature, err := runner.Catalog().Signature("uint8")
	if err != nil {
		t.Fatal(err)
	}
	// Each run leaves 2 × 16 MiB of C memory to finalizers; 200 of them would
	// be 6 GiB without the pacer.
	const size = 16 << 20
	big, err := infer.NewTensor(infer.Uint8, []int64{size}, bytes.Repeat([]byte{7}, size))
	if err != nil {
		t.Fatal(err)
	}
	before := resident(t)
	for range 200 {
		results, err := runner.Run(t.Context(), []infer.Feed{{TensorInfo: signature.Inputs[0], Value: big}}, signature.Outputs)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(results[0].Data, big.Data) {
			t.Fatal("a result was freed while it was in use")
		}
		results[0].KeepAlive()
	}
	if grown := resident(t) - before; grown > 1<<30 {
		t.Errorf("resident memory grew by %d MB", grown>>20)
	}
}

// resident is the memory of this process in bytes.
func resident(t *testing.T) int64 {
	t.Helper()
	content, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var size, pages int64
	if _, err := fmt.Sscan(string(content), &size, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

func TestEndedContextIsNotRun(t *testing.T) {
	runner := load(t, "half_plus_two/00000123")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithTimeout(t.Context(), -time.Second)
	defer cancel()
	for ctx, want := range map[context.Context]error{gone: context.Canceled, late: infer.ErrDeadlineExceeded} {
		if _, err := runner.Run(ctx, nil, nil); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}
