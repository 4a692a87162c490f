package savedmodel_test

import (
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tensorlambda/tensorlambda/internal/savedmodel"
)

// The functions here write protobuf messages field by field, for models that no
// exporter would write.

type message []byte

func (m message) bytes(num protowire.Number, b []byte) message {
	return protowire.AppendBytes(protowire.AppendTag(m, num, protowire.BytesType), b)
}

func (m message) string(num protowire.Number, s string) message { return m.bytes(num, []byte(s)) }

func (m message) varint(num protowire.Number, v uint64) message {
	return protowire.AppendVarint(protowire.AppendTag(m, num, protowire.VarintType), v)
}

func (m message) entry(num protowire.Number, key string, value message) message {
	return m.bytes(num, message{}.string(1, key).bytes(2, value))
}

// node is a NodeDef without attributes.
func node(name, op string, inputs ...string) message {
	m := message{}.string(1, name).string(2, op)
	for _, in := range inputs {
		m = m.string(3, in)
	}
	return m
}

func (m message) attr(name string, value message) message { return m.entry(5, name, value) }

func attrString(s string) message { return message{}.string(2, s) }

func attrStrings(s string) message { return message{}.bytes(1, message{}.string(2, s)) }

func attrType(t uint64) message { return message{}.varint(6, t) }

func attrFunc(name string) message { return message{}.bytes(10, message{}.string(1, name)) }

// attrEmptyString is a tensor of one empty string.
func attrEmptyString() message { return message{}.bytes(8, message{}.varint(1, 7).string(8, "")) }

// graph is a GraphDef of these nodes and, after them, functions and gradients.
func graph(parts ...part) message {
	var m message
	for _, p := range parts {
		m = m.bytes(p.field, p.message)
	}
	return m
}

type part struct {
	field protowire.Number
	message
}

func nodes(messages ...message) []part {
	var parts []part
	for _, m := range messages {
		parts = append(parts, part{1, m})
	}
	return parts
}

// function is a library with one function.
func function(name string, args []string, body ...message) part {
	return library(functionDef(name, args, body...))
}

func library(def message) part { return part{2, message{}.bytes(1, def)} }

// functionDef is a FunctionDef with string arguments.
func functionDef(name string, args []string, body ...message) message {
	signature := message{}.string(1, name)
	for _, a := range args {
		signature = signature.bytes(2, message{}.string(1, a).varint(3, 7))
	}
	def := message{}.bytes(1, signature)
	for _, n := range body {
		def = def.bytes(3, n)
	}
	return def
}

// signature is an entry of signature_def with one output and no inputs.
func signature(name, tensor string) message {
	out := message{}.entry(2, "out", message{}.string(1, tensor))
	return message{}.string(1, name).bytes(2, out)
}

// savedModel is a SavedModel with one meta graph that holds these fields.
func savedModel(metaGraph message) message {
	return message{}.varint(1, 1).bytes(2, metaGraph)
}

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readGraph(t testing.TB, b []byte) *savedmodel.Graph {
	t.Helper()
	g, err := savedmodel.ReadGraph(b)
	if err != nil {
		t.Fatalf("ReadGraph: %v", err)
	}
	return g
}

func readMetaGraph(t testing.TB, b []byte) *savedmodel.MetaGraph {
	t.Helper()
	s, err := savedmodel.ReadSavedModel(b)
	if err != nil {
		t.Fatalf("ReadSavedModel: %v", err)
	}
	return s.MetaGraphs[0]
}
