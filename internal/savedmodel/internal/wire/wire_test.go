package wire_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tensorlambda/tensorlambda/internal/savedmodel/internal/wire"
)

func TestFieldsOfEachWireType(t *testing.T) {
	long := strings.Repeat("x", 300)
	var b []byte
	b = protowire.AppendVarint(protowire.AppendTag(b, 1, protowire.VarintType), 1<<40)
	b = protowire.AppendString(protowire.AppendTag(b, 2, protowire.BytesType), "short")
	b = protowire.AppendString(protowire.AppendTag(b, 2, protowire.BytesType), long)
	b = protowire.AppendString(protowire.AppendTag(b, 2, protowire.BytesType), "")
	b = protowire.AppendFixed32(protowire.AppendTag(b, 3, protowire.Fixed32Type), 7)
	b = protowire.AppendTag(b, 4, protowire.StartGroupType) // groups are skipped
	b = protowire.AppendVarint(protowire.AppendTag(b, 9, protowire.VarintType), 1)
	b = protowire.AppendTag(b, 4, protowire.EndGroupType)
	b = protowire.AppendFixed64(protowire.AppendTag(b, 1000, protowire.Fixed64Type), 8)

	want := []wire.Field{
		{Tag: 1<<3 | wire.Varint, Value: 1 << 40},
		{Tag: 2<<3 | wire.Bytes, Bytes: []byte("short")},
		{Tag: 2<<3 | wire.Bytes, Bytes: []byte(long)},
		{Tag: 2<<3 | wire.Bytes, Bytes: []byte{}},
		{Tag: 3<<3 | wire.Fixed32, Value: 7},
		{Tag: 1000<<3 | wire.Fixed64, Value: 8},
	}
	var got []wire.Field
	for f, err := range wire.Fields(b) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, f)
	}
	if !slices.EqualFunc(got, want, func(a, b wire.Field) bool {
		return a.Tag == b.Tag && a.Value == b.Value && bytes.Equal(a.Bytes, b.Bytes)
	}) {
		t.Errorf("fields\n%v, want\n%v", got, want)
	}
}

func TestFieldsEndAtDamage(t *testing.T) {
	for _, c := range []struct {
		name string
		b    []byte
		want error
	}{
		{"bytes cut short", []byte{0x0a, 5, 'x'}, wire.ErrTruncated},
		{"long bytes cut short", []byte{0x0a, 0xff, 0x01, 'x'}, wire.ErrTruncated},
		{"no length", []byte{0x0a}, wire.ErrTruncated},
		{"varint cut short", []byte{0x08, 0x80}, wire.ErrTruncated},
		{"a length beyond all bounds", []byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, wire.ErrTruncated},
		{"field number 0", []byte{0x02, 0}, wire.ErrMalformed},
		{"an unknown wire type", []byte{0x0f}, wire.ErrMalformed},
		{"the end of no group", []byte{0x0c}, wire.ErrMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			steps := 0
			for f, err := range wire.Fields(c.b) {
				steps++
				if !errors.Is(err, c.want) {
					t.Errorf("field %v, error %v, want %v", f, err, c.want)
				}
			}
			if steps != 1 {
				t.Errorf("%d steps, want 1", steps)
			}
		})
	}
}

func TestVarintsPackedOrNot(t *testing.T) {
	for _, c := range []struct {
		field wire.Field
		want  []uint64
	}{
		{wire.Field{Tag: 6<<3 | wire.Varint, Value: 5}, []uint64{5}},
		{wire.Field{Tag: 6<<3 | wire.Bytes, Bytes: []byte{1, 0x80, 1, 3}}, []uint64{1, 128, 3}},
		{wire.Field{Tag: 6<<3 | wire.Bytes}, nil},
		{wire.Field{Tag: 6<<3 | wire.Bytes, Bytes: []byte{1, 0x80}}, []uint64{1}},
	} {
		if got := slices.Collect(wire.Varints(c.field)); !slices.Equal(got, c.want) {
			t.Errorf("Varints(%v) = %v, want %v", c.field, got, c.want)
		}
	}
}

// Fields must agree with protowire, whose work it takes a short cut around.
func FuzzFields(f *testing.F) {
	f.Add([]byte{0x0a, 1, 'x', 0x10, 1})
	f.Add([]byte{0x02, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		rest := b
		for field, err := range wire.Fields(b) {
			num, typ, n := protowire.ConsumeField(rest)
			for n > 0 && typ == protowire.StartGroupType {
				rest = rest[n:]
				num, typ, n = protowire.ConsumeField(rest)
			}
			if (err != nil) != (n < 0) {
				t.Fatalf("error %v, protowire's %v", err, protowire.ParseError(n))
			}
			if err != nil {
				return
			}
			if field.Tag != wire.Tag(num)<<3|wire.Tag(typ) {
				t.Fatalf("tag %d, want number %d and type %d", field.Tag, num, typ)
			}
			rest = rest[n:]
		}
	})
}
