package savedmodel_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/savedmodel"
)

// withDefaults is a model whose signature "s" has these entries of defaults.
func withDefaults(entries ...message) message {
	def := message{}.entry(2, "out", message{}.string(1, "a:0"))
	for _, e := range entries {
		def = def.bytes(4, e)
	}
	return savedModel(message{}.bytes(2, graph(nodes(node("a", "Const"))...)).entry(5, "s", def))
}

func TestDefaultsAreKeptAsTheyAre(t *testing.T) {
	float := message{}.varint(1, 1).bytes(5, []byte{0, 0, 0x80, 0x3f})
	key := func(name string, values ...message) message {
		entry := message{}.string(1, name)
		for _, v := range values {
			entry = entry.bytes(2, v)
		}
		return entry
	}
	model := withDefaults(key("x", float), key("empty", message{}), key("twice", float), key("twice", nil), key("merged", message{}.varint(1, 1), message{}.varint(3, 2)))
	got := readMetaGraph(t, model).Signatures["s"].Defaults
	want := map[string]message{"x": float, "empty": {}, "twice": {}, "merged": message{}.varint(1, 1).varint(3, 2)}
	if len(got) != len(want) {
		t.Errorf("%d defaults, want %d", len(got), len(want))
	}
	for alias, value := range want {
		if b, ok := got[alias]; !ok || !bytes.Equal(b, value) {
			t.Errorf("%s is %x (there: %t), want %x", alias, b, ok, value)
		}
	}
	if defaults := readMetaGraph(t, withDefaults()).Signatures["s"].Defaults; defaults != nil {
		t.Errorf("a signature without defaults has %v", defaults)
	}
}

func TestDefaultsThatAreNoTensorsAreRefused(t *testing.T) {
	for name, entry := range map[string]message{
		"no message as the value": message{}.string(1, "x").bytes(2, []byte{0x2a, 0xff}),
		"no message as the entry": {0x0a, 0xff},
	} {
		if _, err := savedmodel.ReadSavedModel(withDefaults(entry)); !errors.Is(err, savedmodel.ErrNotModel) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
