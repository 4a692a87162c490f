package optable_test

import (
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel/optable"
)

// The expected outputs are those of TensorFlow's documentation of its raw
// operations.
func TestLookup(t *testing.T) {
	for _, want := range []optable.Op{
		{Name: "NoOp"},
		{Name: "ReadFile", Outputs: []optable.Arg{{Type: infer.String}}},
		{Name: "MatMul", Outputs: []optable.Arg{{TypeAttr: "T"}}},
		{Name: "Unpack", Outputs: []optable.Arg{{TypeAttr: "T", NumberAttr: "num"}}},
		{Name: "PyFunc", Stateful: true, Outputs: []optable.Arg{{TypeListAttr: "Tout"}}},
		{Name: "ArgMax", Outputs: []optable.Arg{{TypeAttr: "output_type"}}, Defaults: map[string][]int64{"output_type": {9}}},
		{Name: "VarHandleOp", Stateful: true, Outputs: []optable.Arg{{Type: infer.Resource}}},
	} {
		got, ok := optable.Lookup(want.Name)
		if !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("Lookup(%q) = %+v, %v, want %+v", want.Name, got, ok, want)
		}
	}
	if _, ok := optable.Lookup("FrobnicateFast"); ok || optable.Known("FrobnicateFast") {
		t.Error("FrobnicateFast is known")
	}
	if stateful, known := optable.Stateful("FrobnicateFast"); stateful || known {
		t.Errorf("Stateful(FrobnicateFast) = %v, %v", stateful, known)
	}
}

func TestEveryLineOfTheTableReadsBackAsItself(t *testing.T) {
	names := optable.Names()
	if len(names) < 1500 {
		t.Errorf("%d operations: the table is incomplete", len(names))
	}
	for _, name := range names {
		op, ok := optable.Lookup(name)
		if !ok || op.Name != name {
			t.Errorf("Lookup(%q) = %+v, %v", name, op, ok)
		}
		if stateful, known := optable.Stateful(name); stateful != op.Stateful || !known {
			t.Errorf("Stateful(%q) = %v, %v, want %v", name, stateful, known, op.Stateful)
		}
		if again, err := optable.Parse(op.String()); err != nil || !reflect.DeepEqual(again, op) {
			t.Errorf("Parse(%q) = %+v, %v, want %+v", op.String(), again, err, op)
		}
	}
}

func TestReadListOfOpDefs(t *testing.T) {
	field := func(b []byte, num protowire.Number, value []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), value)
	}
	number := func(b []byte, num protowire.Number, value uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), value)
	}
	text := func(num protowire.Number, s string) []byte { return field(nil, num, []byte(s)) }

	op := text(1, "Mine")
	op = field(op, 2, text(1, "x"))
	op = field(op, 3, number(text(1, "reference"), 3, 101))
	op = field(op, 3, append(text(4, "T"), text(5, "N")...))
	op = field(op, 3, text(6, "Tout"))
	op = field(op, 4, field(text(1, "T"), 3, number(nil, 6, 9)))
	op = field(op, 4, field(text(1, "Tout"), 3, field(nil, 1, field(nil, 6, []byte{1, 7}))))
	op = field(op, 4, field(text(1, "unused"), 3, number(nil, 3, 5)))
	op = number(op, 17, 1)

	ops, err := optable.ReadList(field(nil, 1, op))
	if err != nil || len(ops) != 1 {
		t.Fatalf("ReadList = %v, %v", ops, err)
	}
	if got, want := ops[0].String(), "Mine! 1 N*T Tout... T=9 Tout=1,7"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if len(ops[0].Inputs) != 1 || ops[0].Inputs[0].Name != "x" {
		t.Errorf("inputs %+v, want one named x", ops[0].Inputs)
	}
}

func TestReadListRefusesDamage(t *testing.T) {
	for _, c := range []struct{ name, b, want string }{
		{"cut short", "\x0a\x05\x0a", "truncated"},
		{"no name", "\x0a\x02\x88\x01", "truncated"},
		{"nameless", "\x0a\x00", "operation without a name"},
	} {
		if _, err := optable.ReadList([]byte(c.b)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

func FuzzReadList(f *testing.F) {
	f.Add([]byte("\x0a\x06\x0a\x04Mine"))
	f.Fuzz(func(t *testing.T, b []byte) {
		ops, err := optable.ReadList(b)
		if err != nil && ops != nil {
			t.Errorf("%d operations and error %v", len(ops), err)
		}
	})
}
