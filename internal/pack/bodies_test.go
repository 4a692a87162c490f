package pack_test

import (
	"strings"
	"testing"

	graphpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/graph_go_proto"
)

// loop is a While whose body calls h with one of two parts of what it has.
const loop = placeholder + `
	node { name: "y" op: "While" input: "x" attr { key: "T" value { list { type: DT_FLOAT } } }
		attr { key: "cond" value { func { name: "c" } } } attr { key: "body" value { func { name: "b" } } } }
	library {
	function { signature { name: "c" input_arg { name: "a" type: DT_FLOAT } output_arg { name: "more" type: DT_FLOAT } } ret { key: "more" value: "a" } }
	function { signature { name: "b" input_arg { name: "a" type: DT_FLOAT } output_arg { name: "r" type: DT_FLOAT } } ret { key: "r" value: "call:output:0" }
		node_def { name: "axis" op: "Const" attr { key: "dtype" value { type: DT_INT32 } } }
		node_def { name: "parts" op: "Split" input: "axis:output:0" input: "a" attr { key: "num_split" value { i: 2 } } attr { key: "T" value { type: DT_FLOAT } } }
		node_def { name: "call" op: "PartitionedCall" input: "parts:output:1" attr { key: "f" value { func { name: "h" } } }
			attr { key: "Tin" value { list { type: DT_FLOAT } } } attr { key: "Tout" value { list { type: DT_FLOAT } } } } }
	function { signature { name: "h" input_arg { name: "p" type: DT_FLOAT } output_arg { name: "s" type: DT_FLOAT } } ret { key: "s" value: "unique:idx:0" }
		HEAD node_def { name: "unique" op: "Unique" input: "p" attr { key: "T" value { type: DT_FLOAT } } attr { key: "out_idx" value { type: DT_FLOAT } } } } }`

func TestCallsInLoopsBecomeBodies(t *testing.T) {
	meta, packed, err := packGraph(t, strings.Replace(loop, "HEAD", "", 1), "y:0")
	if err != nil {
		t.Fatal(err)
	}
	for _, fn := range meta.GetGraphDef().GetLibrary().GetFunction() {
		if fn.GetSignature().GetName() != "b" {
			continue
		}
		want := trimmed(`
			axis = Const()
			call/unique = Unique(parts:output:1)
			parts = Split(axis:output:0, a)`)
		if got := text(&graphpb.GraphDef{Node: fn.GetNodeDef()}); got != want || fn.GetRet()["r"] != "call/unique:idx:0" {
			t.Errorf("it returns %q of\n%s\nwant call/unique:idx:0 of\n%s", fn.GetRet()["r"], got, want)
		}
	}
	if r := packed.Report; r.Inlined != 1 || len(r.Kept) != 0 {
		t.Errorf("report %+v", r)
	}
	if got := len(meta.GetGraphDef().GetLibrary().GetFunction()); got != 2 {
		t.Errorf("%d functions are left, want the loop's two", got)
	}
}

func TestCallsThatStayInLoopsAreReported(t *testing.T) {
	again := `node_def { name: "again" op: "PartitionedCall" input: "p" attr { key: "f" value { func { name: "h" } } }
		attr { key: "Tin" value { list { type: DT_FLOAT } } } attr { key: "Tout" value { list { type: DT_FLOAT } } } }`
	graph := strings.Replace(loop, "HEAD", again, 1)
	graph = strings.Replace(graph, `"unique:idx:0"`, `"again:output:0"`, 1)
	_, packed, err := packGraph(t, graph, "y:0")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, k := range packed.Report.Kept {
		lines = append(lines, k.Node+" "+k.Why)
	}
	want := "call/again calls itself (in function \"b\")\nagain is in function \"h\", which stays as it is"
	if got := strings.Join(lines, "\n"); got != want || packed.Report.Inlined != 1 {
		t.Errorf("%d inlined, kept\n%s\nwant 1 and\n%s", packed.Report.Inlined, got, want)
	}
}
